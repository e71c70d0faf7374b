//! `hub user`.

use std::io::Read;

use anyhow::{Context, Result, bail};
use clap::Subcommand;

use super::{ConfigArgument, UsageError, open_store};
use crate::cases::{Actor, Role};
use crate::secrets;
use crate::store::accounts::UserRow;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add a user. Prints a password on stdout when none is given.
    #[command(after_help = "Examples:
  hub user add wang --role duty_officer --display-name 王芳 --config hub.toml
  hub user add zhao --role handler --unit xinghe-property --config hub.toml
  printf %s \"$PASSWORD\" | hub user add li --role supervisor --password-stdin --config hub.toml")]
    Add {
        /// Sign-in name: 1 to 64 letters, digits, `-`, `_`, `.` or `@`.
        name: String,
        /// duty_officer, shift_leader, dispatcher, unit, handler, checker, supervisor, leader,
        /// administrator or auditor.
        #[arg(long)]
        role: String,
        /// Code of the unit that the user belongs to (areas.toml); needed for unit and handler.
        #[arg(long)]
        unit: Option<String>,
        /// Name for people; the sign-in name when left out.
        #[arg(long)]
        display_name: Option<String>,
        /// Language of the console: zh or en; the browser's when left out.
        #[arg(long)]
        language: Option<String>,
        /// Read the password from stdin: at least 10 characters.
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        at: ConfigArgument,
    },
    /// List users.
    #[command(after_help = "Example:\n  hub user list --config hub.toml")]
    List {
        #[command(flatten)]
        at: ConfigArgument,
    },
    /// Set the e-mail address at which a user is told that they are called; none takes it away.
    #[command(after_help = "Example:\n  hub user email wang wang@example.org --config hub.toml")]
    Email {
        /// Sign-in name.
        name: String,
        /// The address.
        address: Option<String>,
        #[command(flatten)]
        at: ConfigArgument,
    },
    /// Shut a user out and end their sessions.
    #[command(after_help = "Example:\n  hub user disable wang --config hub.toml")]
    Disable {
        /// Sign-in name.
        name: String,
        #[command(flatten)]
        at: ConfigArgument,
    },
    /// Set a password and end the user's sessions. Prints one on stdout when none is given.
    #[command(after_help = "Example:\n  hub user set-password wang --config hub.toml")]
    SetPassword {
        /// Sign-in name.
        name: String,
        /// Read the password from stdin: at least 10 characters.
        #[arg(long)]
        password_stdin: bool,
        #[command(flatten)]
        at: ConfigArgument,
    },
}

pub(crate) async fn run(command: Command) -> Result<()> {
    match command {
        Command::Add {
            name,
            role,
            unit,
            display_name,
            language,
            password_stdin,
            at,
        } => {
            let role = checked_role(&role)?;
            let actor = Actor {
                display_name: display_name.unwrap_or_else(|| name.clone()),
                unit: checked_unit(role, unit)?,
                role,
                username: checked_name(name)?,
            };
            let language = language.map(checked_language).transpose()?;
            add(actor, language, password_stdin, &at).await
        }
        Command::List { at } => list(&at).await,
        Command::Email { name, address, at } => email(&name, address, &at).await,
        Command::Disable { name, at } => {
            let (_, _, mut writer) = open_store(&at).await?;
            if !writer.disable_user(&name, crate::now()).await? {
                return Err(UsageError(format!("there is no active user `{name}`")).into());
            }
            eprintln!("user {name} is shut out");
            Ok(())
        }
        Command::SetPassword {
            name,
            password_stdin,
            at,
        } => {
            let (_, store, mut writer) = open_store(&at).await?;
            if store.user(&name).await?.is_none() {
                return Err(UsageError(format!("there is no user `{name}`")).into());
            }
            let (password, made) = password(password_stdin)?;
            writer
                .set_password(&name, &secrets::password_hash(&password), crate::now())
                .await?;
            tell(&name, &password, made);
            Ok(())
        }
    }
}

async fn add(
    actor: Actor,
    language: Option<String>,
    password_stdin: bool,
    at: &ConfigArgument,
) -> Result<()> {
    let (loaded, store, mut writer) = open_store(at).await?;
    if let Some(code) = &actor.unit
        && !loaded.directory.units().is_empty()
        && loaded.directory.unit(code).is_none()
    {
        let path = loaded.config.areas.display();
        return Err(UsageError(format!("there is no unit `{code}` in {path}")).into());
    }
    let name = actor.username.clone();
    if store.user(&name).await?.is_some() {
        return Err(UsageError(format!("user `{name}` exists")).into());
    }
    let (password, made) = password(password_stdin)?;
    let user = UserRow {
        actor,
        password_hash: secrets::password_hash(&password),
        language,
        area: None,
        created_at: crate::now(),
        disabled_at: None,
    };
    writer.add_user(&user).await?;
    tell(&name, &password, made);
    Ok(())
}

async fn email(name: &str, address: Option<String>, at: &ConfigArgument) -> Result<()> {
    if let Some(address) = &address
        && (address.len() > 254 || address.parse::<lettre::Address>().is_err())
    {
        return Err(UsageError(format!("`{address}` is not an e-mail address")).into());
    }
    let (_, _, mut writer) = open_store(at).await?;
    let address = address.as_deref();
    if !writer.set_email(name, address, crate::now()).await? {
        return Err(UsageError(format!("there is no active user `{name}`")).into());
    }
    match address {
        Some(address) => eprintln!("{name} is written to at {address}"),
        None => eprintln!("{name} is no longer written to"),
    }
    Ok(())
}

async fn list(at: &ConfigArgument) -> Result<()> {
    let (_, store, _writer) = open_store(at).await?;
    for user in store.users().await? {
        let Actor {
            username,
            display_name,
            role,
            unit,
        } = user.actor;
        let unit = unit.map_or(String::new(), |unit| format!(" of {unit}"));
        let disabled = user
            .disabled_at
            .map_or(String::new(), |at| format!("  disabled {at}"));
        println!(
            "{username}  {}{unit}  {display_name}  added {}{disabled}",
            role.as_str(),
            user.created_at
        );
    }
    Ok(())
}

/// The password and whether it was made here.
fn password(from_stdin: bool) -> Result<(String, bool)> {
    if !from_stdin {
        return Ok((secrets::random_password(), true));
    }
    let mut text = String::new();
    let limit = secrets::PASSWORD_BYTES_MAX as u64 + 2;
    std::io::stdin()
        .take(limit)
        .read_to_string(&mut text)
        .context("reading the password from stdin")?;
    let password = text.trim_end_matches(['\r', '\n']).to_owned();
    secrets::check_password(&password).map_err(UsageError)?;
    Ok((password, false))
}

fn tell(name: &str, password: &str, made: bool) {
    if made {
        eprintln!("user {name} signs in with this password; it is shown only now:");
        println!("{password}");
    } else {
        eprintln!("user {name} is ready");
    }
}

fn checked_role(text: &str) -> Result<Role> {
    Role::from_name(text).ok_or_else(|| {
        let known: Vec<&str> = Role::ALL.iter().map(|role| role.as_str()).collect();
        UsageError(format!(
            "`{text}` is not a role; roles are {}",
            known.join(", ")
        ))
        .into()
    })
}

/// Who speaks or works for a unit names it; nobody else has one.
fn checked_unit(role: Role, unit: Option<String>) -> Result<Option<String>> {
    let needs = matches!(role, Role::Unit | Role::Handler);
    let ok = |c: char| c.is_ascii_alphanumeric() || c == '-';
    let problem = match &unit {
        None if needs => "needs a unit: give its code with --unit",
        Some(_) if !needs => "has no unit: leave --unit out",
        Some(code) if code.is_empty() || code.len() > 64 || !code.chars().all(ok) => {
            "needs a unit's code of 1 to 64 letters, digits and `-`"
        }
        _ => return Ok(unit),
    };
    bail!(UsageError(format!(
        "a user with the role {} {problem}",
        role.as_str()
    )))
}

fn checked_name(name: String) -> Result<String> {
    let ok = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '@');
    if name.is_empty() || name.len() > 64 || !name.chars().all(ok) || name == crate::cases::SYSTEM {
        bail!(UsageError(format!(
            "`{name}` is not a sign-in name: 1 to 64 letters, digits, `-`, `_`, `.` or `@`, and not `system`"
        )));
    }
    Ok(name)
}

fn checked_language(text: String) -> Result<String> {
    if matches!(text.as_str(), "zh" | "en") {
        return Ok(text);
    }
    bail!(UsageError(format!(
        "`{text}` is not a language of the console; it has zh and en"
    )))
}
