//! `hub user`.

use std::io::Read;

use anyhow::{Context, Result};
use clap::Subcommand;

use super::{ConfigArgument, UsageError, directory, open_store};
use crate::access::Scope;
use crate::cases::Role;
use crate::people::{Profile, check_username};
use crate::secrets;

/// People read from the store at once.
const PAGE: i64 = 200;

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Add a user. Prints a password on stdout when none is given.
    #[command(after_help = "Examples:
  hub user add wang --role duty_officer --display-name 王芳 --config hub.toml
  hub user add zhao --role handler --unit xinghe-property --config hub.toml
  hub user add liu --role checker --area 990101001001001 --config hub.toml
  printf %s \"$PASSWORD\" | hub user add li --role supervisor --password-stdin --config hub.toml")]
    Add {
        /// Sign-in name: 1 to 64 letters, digits, `-`, `_`, `.` or `@`.
        name: String,
        /// duty_officer, shift_leader, dispatcher, unit, handler, checker, supervisor, leader,
        /// administrator or auditor.
        #[arg(long)]
        role: String,
        /// Code of the unit that the user belongs to; needed for unit and handler.
        #[arg(long)]
        unit: Option<String>,
        /// Code of the area whose subtree the user works for; the whole tree when left out.
        #[arg(long)]
        area: Option<String>,
        /// Telephone.
        #[arg(long)]
        phone: Option<String>,
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
            area,
            phone,
            display_name,
            language,
            password_stdin,
            at,
        } => {
            check_username(&name).map_err(UsageError)?;
            let profile = Profile {
                display_name: display_name.unwrap_or_else(|| name.clone()),
                role: checked_role(&role)?,
                unit,
                area,
                phone,
                language,
            };
            add(name, profile, password_stdin, &at).await
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
    name: String,
    profile: Profile,
    password_stdin: bool,
    at: &ConfigArgument,
) -> Result<()> {
    let (loaded, store, mut writer) = open_store(at).await?;
    let directory = directory::current(&loaded, &store).await?;
    let problems = profile.problems(&directory);
    if !problems.is_empty() {
        return Err(UsageError(problems.join("\n  ")).into());
    }
    let (password, made) = password(password_stdin)?;
    let hash = secrets::password_hash(&password);
    if !writer
        .add_person(&name, &profile, &hash, crate::now())
        .await?
    {
        return Err(UsageError(format!("user `{name}` exists")).into());
    }
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
    let mut after = None;
    loop {
        let people = store
            .people(&Scope::whole(), None, None, after.as_deref(), PAGE)
            .await?;
        for person in &people {
            let Profile {
                role,
                unit,
                area,
                display_name,
                ..
            } = &person.profile;
            let of = |word: &str, code: &Option<String>| {
                code.as_ref()
                    .map_or(String::new(), |code| format!(" {word} {code}"))
            };
            let (unit, area) = (of("of", unit), of("in", area));
            let disabled = person
                .disabled_at
                .map_or(String::new(), |at| format!("  disabled {at}"));
            println!(
                "{}  {}{unit}{area}  {display_name}  added {}{disabled}",
                person.username,
                role.as_str(),
                person.created_at
            );
        }
        match people.into_iter().next_back() {
            Some(last) => after = Some(last.username),
            None => return Ok(()),
        }
    }
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
