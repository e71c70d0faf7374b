//! An agent with nothing but Modbus lines: no broker, no hub. Each unit has a profile of its own that
//! knows what each of its registers must hold, so a value from another register, unit or table is
//! counted by the agent itself as a bad reading.

use std::fmt::Write as _;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::ModbusSim;
use crate::eventually;
use crate::metrics::Metrics;
use crate::paths::{built_program, free_port};
use crate::process::{Process, Start};
use crate::workspace::Workspace;

/// Registers of a unit: three blocks that cannot be read together.
const BLOCKS: [(&str, u8, u16, u16); 3] = [
    ("input", 4, 0, 40),
    ("input", 4, 100, 30),
    ("holding", 3, 10, 30),
];

/// A line of the rig.
#[derive(Debug, Clone)]
pub struct BusLine {
    /// Its name.
    pub name: &'static str,
    /// `tcp` or `rtu_over_tcp`.
    pub transport: &'static str,
    /// `per_unit` or `shared`; serial lines have none.
    pub connection: Option<&'static str>,
    /// Where its units are.
    pub port: u16,
    /// Wait for one answer.
    pub timeout_ms: u32,
    /// Poll period.
    pub interval_ms: u32,
    /// Units 1 to this one.
    pub units: u8,
}

/// What the agent says of a unit.
#[derive(Debug, Clone, PartialEq)]
pub struct Unit {
    /// Number of the unit.
    pub number: u8,
    /// Polls that gave readings.
    pub answered: u64,
    /// Polls left out.
    pub missed: u64,
    /// Tries while the breaker was open.
    pub probes: u64,
    /// Whether it is only probed.
    pub open: bool,
    /// Lateness of the last minute, milliseconds: median, 99 of 100, most.
    pub late_ms: [f64; 3],
}

/// The agent and its folder.
#[derive(Debug)]
pub struct Bus {
    process: Process,
    port: u16,
    workspace: Workspace,
}

impl Bus {
    /// Starts an agent that polls these lines.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(name: &str, lines: &[BusLine]) -> Result<Self> {
        let workspace = Workspace::new(name)?;
        let port = free_port()?;
        let devices = workspace.join("devices");
        std::fs::create_dir(&devices).context("making the folder of profiles")?;
        let most = lines.iter().map(|line| line.units).max().unwrap_or(0);
        for unit in 1..=most {
            let path = devices.join(format!("bus-{unit}.toml"));
            std::fs::write(path, profile(unit)).context("writing a profile")?;
        }
        let path = workspace.join("edge.toml");
        std::fs::write(&path, config(lines, port)).context("writing edge.toml")?;
        let process = Process::start(Start {
            name: "agent".into(),
            program: built_program("edge-agent")?,
            arguments: vec!["run".into(), "--config".into(), path.display().to_string()],
            environment: vec![("GRIDWATCH_LOG".into(), "info".into())],
            log: workspace.join("agent.log"),
        })?;
        let mut bus = Self {
            process,
            port,
            workspace,
        };
        let up = eventually("the agent to serve", Duration::from_secs(30), async || {
            bus.page("/healthz").await.ok()
        })
        .await;
        bus.process.check_running()?;
        up.map(|_| bus)
    }

    /// What it counts.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn metrics(&self) -> Result<Metrics> {
        Ok(Metrics::parse(&self.page("/metrics").await?))
    }

    /// A page of its health address.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn page(&self, path: &str) -> Result<String> {
        // Plain HTTP on loopback; the builder asks for a provider of TLS all the same.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(5))
            .build()?;
        let url = format!("http://127.0.0.1:{}{path}", self.port);
        Ok(client
            .get(url)
            .send()
            .await?
            .error_for_status()?
            .text()
            .await?)
    }

    /// What it says of the units of a line, in the order of their numbers.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn units(&self, line: &str) -> Result<Vec<Unit>> {
        let status: Value = serde_json::from_str(&self.page("/status").await?)?;
        let units = status["modbus"]
            .as_array()
            .context("no units in the status")?;
        let number = |unit: &Value, key: &str| {
            unit[key]
                .as_u64()
                .with_context(|| format!("no {key} in {unit}"))
        };
        let ms = |unit: &Value, key: &str| {
            unit[key]
                .as_f64()
                .with_context(|| format!("no {key} in {unit}"))
        };
        units
            .iter()
            .filter(|unit| unit["source"] == line)
            .map(|unit| {
                Ok(Unit {
                    number: u8::try_from(number(unit, "unit")?)?,
                    answered: number(unit, "polls_answered")?,
                    missed: number(unit, "polls_missed")?,
                    probes: number(unit, "probes")?,
                    open: unit["breaker_open"].as_bool().context("no breaker_open")?,
                    late_ms: [
                        ms(unit, "lateness_ms_p50")?,
                        ms(unit, "lateness_ms_p99")?,
                        ms(unit, "lateness_ms_max")?,
                    ],
                })
            })
            .collect()
    }

    /// Checks that no value came from another register, and gives the number of values that came.
    ///
    /// # Errors
    /// When one did.
    pub async fn check_values(&self) -> Result<f64> {
        let metrics = self.metrics().await?;
        let bad = metrics.get("readings_bad")? + metrics.get("decode_problems")?;
        ensure!(bad == 0.0, "{bad} values came from another register");
        metrics.get("readings")
    }

    /// The agent still runs and nothing panicked.
    ///
    /// # Errors
    /// When it does not, or something did.
    pub fn passed(mut self) -> Result<()> {
        self.process.check_running()?;
        self.workspace.passed()
    }
}

fn config(lines: &[BusLine], health_port: u16) -> String {
    let mut text = format!(
        "[agent]\nstate_dir = \"state\"\nprofiles_dir = \"devices\"\n[health]\nlisten = \"127.0.0.1:{health_port}\"\n[telemetry]\ninterval_s = 3600\n"
    );
    for line in lines {
        write!(
            text,
            "[[modbus]]\nname = \"{}\"\ntransport = \"{}\"\nhost = \"127.0.0.1\"\nport = {}\ntimeout_ms = {}\n",
            line.name, line.transport, line.port, line.timeout_ms
        )
        .expect("writing to a string");
        if let Some(connection) = line.connection {
            writeln!(text, "connection = \"{connection}\"").expect("writing to a string");
        }
        if line.transport == "rtu_over_tcp" {
            writeln!(text, "baud_rate = 115200").expect("writing to a string");
        }
        for unit in 1..=line.units {
            write!(
                text,
                "[[modbus.units]]\nunit = {unit}\ndevice = \"{}/{unit}\"\nprofile = \"bus-{unit}\"\ninterval_ms = {}\n",
                line.name, line.interval_ms
            )
            .expect("writing to a string");
        }
    }
    text
}

/// 100 registers, each of which may hold only what says where it belongs.
fn profile(unit: u8) -> String {
    let mut text = format!(
        "schema = 1\nid = \"bus-{unit}\"\nname = {{ zh = \"总线\", en = \"bus\" }}\nsource = \"the simulator\"\n[match]\ntransport = \"modbus\"\n"
    );
    for (table, function, first, count) in BLOCKS {
        for address in first..first + count {
            let value = ModbusSim::encoded(unit, function, address);
            write!(
                text,
                "[[channels]]\nregister = {{ table = \"{table}\", address = {address}, type = \"uint16\" }}\nkind = \"other\"\ntype = \"number\"\nmin = {value}\nmax = {value}\n"
            )
            .expect("writing to a string");
        }
    }
    text
}
