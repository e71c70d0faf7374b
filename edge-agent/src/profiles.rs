//! Device profiles on disk: reads the folder, and applies a change while the agent runs.
//!
//! A change is applied whole or not at all: when any file is broken, or a profile that the
//! configuration names is gone, the profiles that are in use stay, and the fault `profiles_refused`
//! says why until the folder is right again. New profiles go through the same queue as the messages,
//! so each message is read wholly by the old ones or wholly by the new ones, and none is lost.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gridwatch_decode::profile::{Profile, check_golden};
use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::health::{Health, text};
use crate::sources::{Body, Frame};

/// How often the folder is looked at.
const LOOK: Duration = Duration::from_secs(2);
/// Name that stands where a frame's source stands.
const SOURCE: &str = "profiles";

/// Reads and checks every profile (`*.toml`) of a folder, golden samples included.
///
/// # Errors
/// Every mistake in every file, each naming its file.
pub fn read(folder: &Path) -> Result<Vec<Profile>, Vec<String>> {
    let mut problems = Vec::new();
    let mut ids = BTreeSet::new();
    let mut profiles = Vec::new();
    for path in files(folder).map_err(|error| {
        vec![format!(
            "reading profiles folder `{}`: {error}",
            folder.display()
        )]
    })? {
        let outcome = std::fs::read_to_string(&path)
            .map_err(|error| vec![error.to_string()])
            .and_then(|text| checked(&text));
        match outcome {
            Ok(profile) if ids.insert(profile.id.clone()) => profiles.push(profile),
            Ok(profile) => problems.push(format!(
                "profile `{}`: id `{}` is taken by another file",
                path.display(),
                profile.id
            )),
            Err(whys) => problems.extend(
                whys.iter()
                    .map(|why| format!("profile `{}`: {why}", path.display())),
            ),
        }
    }
    if problems.is_empty() {
        Ok(profiles)
    } else {
        Err(problems)
    }
}

/// A profile that is well-formed and reads its golden samples.
///
/// # Errors
/// Every mistake in it.
pub fn checked(text: &str) -> Result<Profile, Vec<String>> {
    let profile = Profile::parse(text)?;
    check_golden(&profile)?;
    Ok(profile)
}

/// The profiles of a folder (`*.toml`), in the order of their names.
///
/// # Errors
/// When the folder cannot be read.
pub fn files(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut paths: Vec<PathBuf> = std::fs::read_dir(folder)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|ext| ext == "toml"))
        .collect();
    paths.sort();
    Ok(paths)
}

/// What the files of a folder look like from outside; a change of it is worth reading them again.
type Look = Vec<(PathBuf, Option<SystemTime>, u64)>;

fn look(folder: &Path) -> Look {
    files(folder)
        .unwrap_or_default()
        .into_iter()
        .map(|path| match path.metadata() {
            Ok(found) => (path, found.modified().ok(), found.len()),
            Err(_) => (path, None, 0),
        })
        .collect()
}

/// Watches the profiles folder and applies what changes.
#[derive(Debug)]
pub struct Watch {
    /// The folder.
    pub folder: PathBuf,
    /// Profiles that the configuration names, and that must stay.
    pub needed: BTreeSet<String>,
    /// The clocks.
    pub clock: Clock,
    /// Where the new profiles go: the queue of the messages.
    pub frames: Sender<Frame>,
    /// Where the Modbus lines see them, after the queue has them.
    pub lines: watch::Sender<Arc<[Profile]>>,
    /// Where a refusal is shown.
    pub health: Arc<Health>,
}

impl Watch {
    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut seen = look(&self.folder);
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(LOOK) => {}
            }
            let now = look(&self.folder);
            if now == seen {
                continue;
            }
            // Wait until the files have stood still, so that none is read half written.
            seen = now;
            tokio::time::sleep(LOOK / 4).await;
            if look(&self.folder) != seen {
                seen = Look::new();
                continue;
            }
            if !self.apply().await {
                return;
            }
        }
    }

    /// False when nobody takes profiles any more.
    async fn apply(&self) -> bool {
        match self.read() {
            Err(problems) => {
                for problem in &problems {
                    tracing::error!("changed profiles refused, the old ones stay: {problem}");
                }
                let first = problems.first().map_or("", String::as_str);
                let detail = text(
                    format!("设备配置文件有误，继续使用原配置：{first}"),
                    format!("changed profiles refused, the old ones stay: {first}"),
                );
                self.health
                    .raise_fault("profiles_refused", "", self.clock.now().wall, detail);
                true
            }
            Ok(profiles) => {
                self.health.clear_fault("profiles_refused", "");
                tracing::info!(profiles = profiles.len(), "profiles read again");
                let shared = profiles.as_slice().into();
                let frame = Frame {
                    source: SOURCE.into(),
                    received: self.clock.now(),
                    body: Body::Profiles(profiles),
                };
                let is_taken = self.frames.send(frame).await.is_ok();
                self.lines.send_replace(shared);
                is_taken
            }
        }
    }

    fn read(&self) -> Result<Vec<Profile>, Vec<String>> {
        let profiles = read(&self.folder)?;
        let missing: Vec<String> = self
            .needed
            .iter()
            .filter(|id| !profiles.iter().any(|profile| profile.id == **id))
            .map(|id| format!("profile `{id}` is gone, and the configuration names it"))
            .collect();
        if missing.is_empty() {
            Ok(profiles)
        } else {
            Err(missing)
        }
    }
}
