//! Commissioning records as files in the state folder, and their way to the hub.
//!
//! `commissioning/<id>.json.pending` waits for the hub, `<id>.json` has been accepted. A record is
//! written whole or not at all (temporary file, sync, rename), and only renamed after the hub's answer;
//! sent twice, it is stored once. `running.json` is the record of a test that is running: when it is
//! there at the start of the agent, the test was broken off.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use gridwatch_protocol::{CommissioningRecord, GatewayId};
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

use super::walk;
use crate::clock::Clock;
use crate::health::{Health, text};
use crate::uplink::{HubClient, chain};

/// Folder of the records in the state folder.
pub const FOLDER: &str = "commissioning";
const RUNNING: &str = "running.json";
const PENDING: &str = "json.pending";
/// Pause between two tries; the second is used after the hub has refused or could not be reached.
const RETRY: Duration = Duration::from_secs(5);
const RETRY_MAX: Duration = Duration::from_secs(60);
/// Records that are looked at in one round: nobody makes more by hand.
const ROUND_MAX: usize = 100;
/// A larger file is not a record: it has at most some thousand lines.
const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Writes a whole file or nothing: a temporary file beside it, synced, renamed.
///
/// # Errors
/// When the folder cannot be made or the file cannot be written.
pub fn write_whole(path: &Path, record: &CommissioningRecord) -> std::io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    std::fs::create_dir_all(folder)?;
    write_and_rename(path, record, true)?;
    // The name is on the disk only with its folder.
    std::fs::File::open(folder)?.sync_all()
}

fn write_and_rename(path: &Path, record: &CommissioningRecord, sync: bool) -> std::io::Result<()> {
    let temporary = path.with_added_extension("new");
    let mut file = std::fs::File::create(&temporary)?;
    file.write_all(&serde_json::to_vec_pretty(record)?)?;
    file.write_all(b"\n")?;
    if sync {
        file.sync_all()?;
    }
    std::fs::rename(&temporary, path)
}

/// Notes how far a running test has come. Often, so without a sync: what a power cut takes of it is
/// only the note of a test that is over anyway.
pub(super) fn write_running(dir: &Path, record: &CommissioningRecord) -> std::io::Result<()> {
    let folder = dir.join(FOLDER);
    std::fs::create_dir_all(&folder)?;
    write_and_rename(&folder.join(RUNNING), record, false)
}

/// Keeps the record of an ended test until the hub has it.
pub(super) fn write_ended(dir: &Path, record: &CommissioningRecord) -> std::io::Result<PathBuf> {
    let folder = dir.join(FOLDER);
    let path = folder.join(format!("{}.{PENDING}", record.id));
    write_whole(&path, record)?;
    match std::fs::remove_file(folder.join(RUNNING)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        Ok(()) | Err(_) => Ok(path),
    }
}

/// The record of a test that the last stop of the agent broke off, kept for the hub.
pub(super) fn keep_interrupted(dir: &Path) -> std::io::Result<Option<CommissioningRecord>> {
    let path = dir.join(FOLDER).join(RUNNING);
    if !path.exists() {
        return Ok(None);
    }
    let record = match read(&path) {
        Ok(record) => walk::interrupted(record),
        Err(error) => {
            // What cannot be read is put aside, so that it is not tried for ever.
            std::fs::rename(&path, path.with_added_extension("broken"))?;
            return Err(error);
        }
    };
    write_ended(dir, &record)?;
    Ok(Some(record))
}

fn read(path: &Path) -> std::io::Result<CommissioningRecord> {
    let bytes = std::fs::metadata(path)?.len();
    if bytes > FILE_BYTES_MAX {
        return Err(std::io::Error::other(format!(
            "{bytes} bytes, a record has at most {FILE_BYTES_MAX}"
        )));
    }
    Ok(serde_json::from_slice(&std::fs::read(path)?)?)
}

fn pending(dir: &Path) -> std::io::Result<Vec<PathBuf>> {
    let entries = match std::fs::read_dir(dir.join(FOLDER)) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.to_string_lossy().ends_with(PENDING) {
            paths.push(path);
        }
    }
    // The ids sort by time.
    paths.sort();
    paths.truncate(ROUND_MAX);
    Ok(paths)
}

/// Sends records until the hub has them.
#[derive(Debug)]
pub struct Delivery {
    /// The state folder.
    pub dir: PathBuf,
    /// This gateway.
    pub gateway: GatewayId,
    /// The hub.
    pub client: HubClient,
    /// Shows what cannot be delivered.
    pub health: Arc<Health>,
    /// The clocks.
    pub clock: Clock,
    /// Told when there is a new record.
    pub record_made: Arc<Notify>,
}

impl Delivery {
    /// Runs until `stop`.
    pub async fn run(self, stop: CancellationToken) {
        let mut pause = RETRY;
        loop {
            pause = match self.round().await {
                Ok(()) => {
                    self.health.clear_fault("commissioning_not_delivered", "");
                    RETRY
                }
                Err(why) => {
                    let detail = text(
                        format!("巡检测试记录未能送达中心：{why}"),
                        format!("the record of a walk test is not delivered: {why}"),
                    );
                    let now = self.clock.now().wall;
                    self.health
                        .raise_fault("commissioning_not_delivered", "", now, detail);
                    (pause * 2).min(RETRY_MAX)
                }
            };
            tokio::select! {
                () = stop.cancelled() => return,
                () = self.record_made.notified() => pause = RETRY,
                () = tokio::time::sleep(pause) => {}
            }
        }
    }

    /// Tries every record once; one that cannot be delivered does not hold up the others.
    async fn round(&self) -> Result<(), String> {
        let paths = pending(&self.dir).map_err(|error| format!("reading the folder: {error}"))?;
        let mut first = Ok(());
        for path in paths {
            if let Err(why) = self.deliver(&path).await {
                let why = format!("`{}`: {why}", path.display());
                tracing::warn!("the record of a walk test is not delivered: {why}");
                first = first.and(Err(why));
            }
        }
        first
    }

    async fn deliver(&self, path: &Path) -> Result<(), String> {
        let mut record = read(path).map_err(|error| error.to_string())?;
        // A record from before this gateway joined, or from before it was renamed.
        record.gateway = Some(self.gateway.clone());
        let answer = self
            .client
            .send_commissioning(&record)
            .await
            .map_err(|error| chain(&error))?;
        if answer.id != record.id {
            return Err(format!(
                "the hub answered for another record, {}",
                answer.id
            ));
        }
        tracing::info!(record = %record.id, result = ?record.result, "the hub has the record of a walk test");
        std::fs::rename(path, path.with_extension("")).map_err(|error| error.to_string())
    }
}
