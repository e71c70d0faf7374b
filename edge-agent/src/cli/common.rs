//! What the commands share: exit codes, output, signals, and the profiles that they read with.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;
use gridwatch_decode::by_profile::ByProfile;
use gridwatch_decode::profile::Profile;
use gridwatch_decode::{Decoder, Pseudonyms};
use gridwatch_protocol::DeviceId;
use jiff::tz::TimeZone;
use serde::Deserialize;

/// It worked, and the answer is "no" or "there are problems".
pub(super) const EXIT_PROBLEMS: u8 = 1;
/// What was asked for is wrong.
pub(super) const EXIT_USAGE: u8 = 2;
/// The configuration is wrong (`EX_USAGE` of sysexits.h; service managers know it).
pub(super) const EXIT_CONFIG: u8 = 64;
/// It failed (`EX_SOFTWARE` of sysexits.h).
pub(super) const EXIT_FAILED: u8 = 70;

/// Files read at once, at most: a case, a message, a profile.
const FILE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// 0, or 1 when something was found wrong.
pub(super) fn exit(all_well: bool) -> ExitCode {
    if all_well {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_PROBLEMS)
    }
}

/// Tells what is wrong with the command line.
pub(super) fn wrong_usage(what: impl Display) -> ExitCode {
    eprintln!("edge-agent: {what}");
    ExitCode::from(EXIT_USAGE)
}

/// Prints a line; a reader that has gone away (`| head`) ends the command instead of making it panic.
pub(super) fn say(line: impl Display) -> anyhow::Result<()> {
    writeln!(std::io::stdout().lock(), "{line}").context("printing")
}

/// Whether an error is only that nobody reads the output any more.
pub(super) fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error
        .downcast_ref::<std::io::Error>()
        .is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}

pub(super) fn runtime() -> anyhow::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("starting the runtime")
}

/// Comes when the user or the system asks to stop.
pub(super) fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

/// A whole file, if it is not absurdly large.
pub(super) fn read_file(path: &Path) -> anyhow::Result<Vec<u8>> {
    let reading = || format!("reading `{}`", path.display());
    let bytes = std::fs::metadata(path).with_context(reading)?.len();
    anyhow::ensure!(
        bytes <= FILE_BYTES_MAX,
        "`{}` has {bytes} bytes; at most {FILE_BYTES_MAX} are read",
        path.display()
    );
    std::fs::read(path).with_context(reading)
}

/// A text for one line of a terminal.
pub(super) fn shown(bytes: &[u8], chars_max: usize) -> String {
    let text = String::from_utf8_lossy(bytes);
    let mut cut: String = text
        .chars()
        .map(|c| if c.is_control() { '·' } else { c })
        .take(chars_max)
        .collect();
    if cut.len() < text.len() {
        cut.push('…');
    }
    cut
}

/// Which device profiles to read with.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct ProfileArguments {
    /// A device profile; may be given several times.
    #[arg(long = "profile", value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A folder of device profiles.
    #[arg(long = "profiles", value_name = "DIR", conflicts_with = "config")]
    folder: Option<PathBuf>,
    /// The agent's configuration: its profiles, its devices and its time zone are used.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
}

/// What messages are read with.
#[derive(Debug)]
pub(super) struct Known {
    /// The profiles that could be used.
    pub(super) profiles: Vec<Profile>,
    /// What is wrong with the others.
    pub(super) problems: Vec<String>,
    fixed: Vec<(DeviceId, String)>,
    zone: TimeZone,
}

/// The little of the agent's configuration that reading messages needs: a mistake in another place
/// must not keep an installer from finding out what a message says.
#[derive(Default, Deserialize)]
struct ConfigPart {
    #[serde(default)]
    agent: AgentPart,
    #[serde(default)]
    detection: DetectionPart,
    #[serde(default)]
    devices: Vec<DevicePart>,
}

#[derive(Default, Deserialize)]
struct AgentPart {
    profiles_dir: Option<PathBuf>,
}

#[derive(Default, Deserialize)]
struct DetectionPart {
    timezone: Option<String>,
}

#[derive(Deserialize)]
struct DevicePart {
    id: String,
    profile: Option<String>,
}

impl ProfileArguments {
    /// Reads the profiles. A broken one is a problem, and the others are used.
    pub(super) fn load(&self) -> anyhow::Result<Known> {
        let mut known = Known {
            profiles: Vec::new(),
            problems: Vec::new(),
            fixed: Vec::new(),
            zone: TimeZone::system(),
        };
        let mut ids = BTreeSet::new();
        for file in &self.files {
            known.add(file, &mut ids);
        }
        if let Some(folder) = &self.folder {
            known.add_folder(folder, &mut ids)?;
        }
        if let Some(config) = &self.config {
            let text = String::from_utf8_lossy(&read_file(config)?).into_owned();
            let part: ConfigPart = toml::from_str(&text)
                .with_context(|| format!("reading configuration `{}`", config.display()))?;
            let base = config.parent().unwrap_or(Path::new("."));
            let folder = part.agent.profiles_dir.unwrap_or_else(|| "devices".into());
            known.add_folder(&base.join(folder), &mut ids)?;
            known.fixed = part
                .devices
                .into_iter()
                .filter_map(|device| Some((DeviceId::new(device.id).ok()?, device.profile?)))
                .collect();
            let zone = part.detection.timezone;
            if let Some(zone) = zone.and_then(|name| TimeZone::get(&name).ok()) {
                known.zone = zone;
            }
        }
        Ok(known)
    }
}

impl Known {
    /// A decoder that has seen nothing yet.
    pub(super) fn decoder(&self) -> Decoder {
        Decoder::new(
            ByProfile::new(self.profiles.clone(), self.fixed.clone(), []),
            self.zone.clone(),
            // What is printed here stays here; the site's own key is the running agent's.
            Pseudonyms::new(&rand::random()),
        )
    }

    /// Prints what is wrong with profiles; true when nothing is.
    pub(super) fn report(&self) -> bool {
        for problem in &self.problems {
            eprintln!("edge-agent: {problem}");
        }
        self.problems.is_empty()
    }

    fn add_folder(&mut self, folder: &Path, ids: &mut BTreeSet<String>) -> anyhow::Result<()> {
        let paths = crate::profiles::files(folder)
            .with_context(|| format!("reading the profiles in `{}`", folder.display()))?;
        for path in paths {
            self.add(&path, ids);
        }
        Ok(())
    }

    fn add(&mut self, path: &Path, ids: &mut BTreeSet<String>) {
        let at = |why: String| format!("profile `{}`: {why}", path.display());
        let outcome = read_file(path)
            .map_err(|error| vec![format!("{error:#}")])
            .and_then(|bytes| crate::profiles::checked(&String::from_utf8_lossy(&bytes)));
        match outcome {
            Ok(profile) if ids.insert(profile.id.clone()) => self.profiles.push(profile),
            Ok(profile) => self.problems.push(at(format!(
                "id `{}` is taken by another file; give it one of its own",
                profile.id
            ))),
            Err(whys) => self.problems.extend(whys.into_iter().map(at)),
        }
    }
}
