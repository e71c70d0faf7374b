//! `init`: asks what an installer knows, finds what the machine knows, writes a commented configuration
//! and checks it.
//!
//! It never writes over a file without --force, and never asks when it is told --yes or nobody is
//! there to answer.

mod find;
mod write;

use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;

use super::broker::{Address, Login};
use super::common::{runtime, say, wrong_usage};
use write::{ModbusUnit, Plan};

const EXAMPLES: &str = "Examples:
  edge-agent init
  edge-agent init --yes --config /etc/gridwatch/edge.toml --join /etc/gridwatch/join.toml
  edge-agent init --yes --broker 127.0.0.1 --subscribe 'zigbee2mqtt/#' --subscribe frigate/events
  edge-agent init --yes --no-broker --modbus 192.0.2.10:502/1=modbus-door-controller

Serial ports that are found stand in the file as comments. The join file comes from `hub gateway add`.

Exit codes: 0 written and good, 2 wrong usage (the file exists, say), 64 written and not yet good, 70 failed";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct InitArgs {
    /// File to write.
    #[arg(long, value_name = "FILE", default_value = "edge.toml")]
    config: PathBuf,
    /// Take what is given and found, and ask nothing.
    #[arg(long)]
    yes: bool,
    /// Write over a file that exists.
    #[arg(long)]
    force: bool,
    /// Name of the site, for people who read the file.
    #[arg(long)]
    site: Option<String>,
    /// Join file made by `hub gateway add`; without it the agent detects, keeps, and sends nothing.
    #[arg(long, value_name = "FILE")]
    join: Option<PathBuf>,
    /// Where the agent keeps its outbox.
    #[arg(long, value_name = "DIR", default_value = "/var/lib/gridwatch-edge")]
    state_dir: PathBuf,
    /// Folder of device profiles; without it, one that is found, else an empty one beside the file.
    #[arg(long, value_name = "DIR")]
    profiles: Option<PathBuf>,
    /// Broker; without it, the one on this machine, if there is one.
    #[arg(long, value_name = "HOST[:PORT]", conflicts_with = "no_broker")]
    broker: Option<Address>,
    /// Use no broker.
    #[arg(long)]
    no_broker: bool,
    #[command(flatten)]
    login: Login,
    /// Topic filter; may be given several times. Without it, what is heard.
    #[arg(long, value_name = "FILTER")]
    subscribe: Vec<String>,
    /// How long to listen to the broker.
    #[arg(long, value_name = "SECONDS", default_value_t = 3, value_parser = clap::value_parser!(u64).range(0..=600))]
    listen: u64,
    /// A Modbus TCP unit with its profile; may be given several times.
    #[arg(long, value_name = "HOST[:PORT]/UNIT=PROFILE")]
    modbus: Vec<ModbusUnit>,
}

pub(super) fn run(args: &InitArgs) -> anyhow::Result<ExitCode> {
    if args.config.exists() && !args.force {
        return Ok(wrong_usage(format_args!(
            "`{}` exists; name another with --config, or add --force to write over it",
            args.config.display()
        )));
    }
    let asks = !args.yes && std::io::stdin().is_terminal();
    if !args.yes && !asks {
        return Ok(wrong_usage(
            "there is nobody to ask: add --yes to take what is given and found",
        ));
    }
    let plan = plan(args, asks)?;
    for folder in plan.folders_to_make() {
        std::fs::create_dir_all(&folder)
            .with_context(|| format!("making folder `{}`", folder.display()))?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true);
    if args.force {
        options.create(true).truncate(true);
    } else {
        // Nobody may have written it meanwhile.
        options.create_new(true);
    }
    options
        .open(&args.config)
        .and_then(|mut file| file.write_all(plan.text().as_bytes()))
        .with_context(|| format!("writing `{}`", args.config.display()))?;
    say(format_args!("wrote {}", args.config.display()))?;
    let code = super::check::check(&args.config, false)?;
    if code == ExitCode::SUCCESS {
        say(format_args!(
            "next: edge-agent run --config {}",
            args.config.display()
        ))?;
    }
    Ok(code)
}

fn plan(args: &InitArgs, asks: bool) -> anyhow::Result<Plan> {
    let ask = |question: &str, usual: &str| {
        if asks {
            answer(question, usual)
        } else {
            Ok(usual.to_owned())
        }
    };
    let site = ask("Name of the site", args.site.as_deref().unwrap_or_default())?;
    let join = args
        .join
        .as_ref()
        .map(|path| path.display().to_string())
        .unwrap_or_default();
    let join = ask("Join file from `hub gateway add` (empty: none yet)", &join)?;
    let serial_ports = find::serial_ports();
    for port in &serial_ports {
        say(format_args!("serial port: {}", port.display()))?;
    }
    let broker = broker(args, asks)?;
    let mut plan = Plan {
        config: args.config.clone(),
        site,
        join,
        state_dir: args.state_dir.clone(),
        profiles: args
            .profiles
            .clone()
            .unwrap_or_else(|| find::profiles(&args.config)),
        broker: None,
        username: args.login.username.clone(),
        password_file: args.login.password_file.clone(),
        subscribe: args.subscribe.clone(),
        modbus: args.modbus.clone(),
        serial_ports,
    };
    if let Some(address) = broker {
        if plan.subscribe.is_empty() {
            let heard = runtime()?.block_on(find::prefixes(&address, &args.login, args.listen));
            let heard = heard.unwrap_or_else(|error| {
                eprintln!("edge-agent: {error:#}");
                Vec::new()
            });
            let usual = if heard.is_empty() {
                find::usual_filters()
            } else {
                heard
            };
            let chosen = ask("Topic filters, separated by blanks", &usual.join(" "))?;
            plan.subscribe = chosen.split_whitespace().map(str::to_owned).collect();
        }
        plan.broker = Some(address);
    }
    if asks && plan.modbus.is_empty() {
        plan.modbus = ask_modbus()?;
    }
    Ok(plan)
}

fn broker(args: &InitArgs, asks: bool) -> anyhow::Result<Option<Address>> {
    if args.no_broker || args.broker.is_some() {
        return Ok(args.broker.clone());
    }
    let found = find::local_broker();
    say(if found {
        "MQTT broker: found on 127.0.0.1:1883"
    } else {
        "MQTT broker: none on 127.0.0.1:1883"
    })?;
    if !asks {
        return Ok(found.then(find::local_address));
    }
    let usual = if found { "127.0.0.1:1883" } else { "" };
    loop {
        let text = answer("MQTT broker, HOST:PORT (empty: none)", usual)?;
        if text.is_empty() {
            return Ok(None);
        }
        match text.parse() {
            Ok(address) => return Ok(Some(address)),
            Err(why) => eprintln!("edge-agent: {why}"),
        }
    }
}

fn ask_modbus() -> anyhow::Result<Vec<ModbusUnit>> {
    let mut units = Vec::new();
    loop {
        let text = answer(
            "Modbus TCP unit, HOST[:PORT]/UNIT=PROFILE (empty: no more)",
            "",
        )?;
        if text.is_empty() {
            return Ok(units);
        }
        match text.parse() {
            Ok(unit) => units.push(unit),
            Err(why) => eprintln!("edge-agent: {why}"),
        }
    }
}

fn answer(question: &str, usual: &str) -> anyhow::Result<String> {
    let mut output = std::io::stdout().lock();
    if usual.is_empty() {
        write!(output, "{question}: ").context("asking")?;
    } else {
        write!(output, "{question} [{usual}]: ").context("asking")?;
    }
    output.flush().context("asking")?;
    let mut line = String::new();
    std::io::stdin()
        .lock()
        .read_line(&mut line)
        .context("reading the answer")?;
    let line = line.trim();
    Ok(if line.is_empty() {
        usual.to_owned()
    } else {
        line.to_owned()
    })
}
