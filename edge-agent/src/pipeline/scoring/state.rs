//! Features, calibrations and episodes on disk, so that a restart forgets nothing that took days to learn
//! and raises no alert a second time.
//!
//! One file in the state folder, one line of JSON for each room or stream, replaced atomically and synced:
//! a crash leaves the old file or the new one. Written every few minutes, soon after an alert, and when the
//! agent stops; lines are made a few at a time so that no round of the pipeline is late, and another
//! thread writes them. A line of another version, or a damaged one, is dropped with a word in the log; its
//! room learns anew.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread::JoinHandle;

use super::subject::{Kept, Subject};
use super::{Active, ROOMS_MAX, STREAMS_MAX};
use crate::clock::Moment;
use crate::health::{Health, text};

/// The file under the state folder.
const FILE: &str = "anomaly-state.jsonl";
/// Longer files are not read: ten times what a full house needs would be somebody else's.
const BYTES_MAX: u64 = 256 * 1024 * 1024;
/// Subjects turned into lines in one tick of 200 ms: about 2 ms of work.
const LINES_PER_TICK: usize = 8;
/// Time between two files …
const EVERY_MS: i64 = 5 * 60_000;
/// … but longer for a large file: SD cards wear out, and this is at most 2 GB a day.
const BYTES_PER_S: i64 = 24 * 1024;
/// Soon after an alert.
const HURRY_MS: i64 = 1_000;

/// Keeps the state.
#[derive(Debug)]
pub(super) struct Saver {
    path: PathBuf,
    /// Lines of the file at hand, and the next subject.
    lines: Option<(Vec<u8>, usize)>,
    due_ms: i64,
    last_bytes: i64,
    writing: Option<JoinHandle<io::Result<()>>>,
}

impl Saver {
    pub(super) fn new(state_dir: &Path, now: Moment) -> Self {
        Self {
            path: state_dir.join(FILE),
            lines: None,
            due_ms: now.mono_ms + EVERY_MS,
            last_bytes: 0,
            writing: None,
        }
    }

    /// Something happened that must not happen twice.
    pub(super) fn hurry(&mut self) {
        self.due_ms = 0;
    }

    /// The outcome of the last writing, once it is over.
    fn outcome(&mut self) -> Option<io::Result<()>> {
        self.writing
            .as_ref()
            .filter(|writing| writing.is_finished())?;
        let outcome = self.writing.take()?.join();
        Some(outcome.unwrap_or_else(|_| Err(io::Error::other("the writing thread panicked"))))
    }
}

impl Active {
    /// Goes on where the last run stood.
    pub(super) fn restore(&mut self, state_dir: &Path, now: Moment) {
        let path = state_dir.join(FILE);
        let (kept, dropped) = match read(&path) {
            Ok(read) => read,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return,
            Err(error) => {
                tracing::warn!(
                    "what the anomaly models had learned cannot be read from `{}`: {error}; they learn anew",
                    path.display()
                );
                return;
            }
        };
        if let Some((count, why)) = dropped {
            tracing::warn!(
                "what the anomaly models had learned of {count} room(s) or door(s) is dropped, they learn anew: {why}"
            );
        }
        for kept in kept {
            if !self.by_key.contains_key(&kept.key) {
                self.insert(Subject::restored(kept));
            }
        }
        tracing::info!(
            rooms = self.rooms,
            streams = self.streams,
            uptime_ms = now.mono_ms,
            "the anomaly models go on where they stood"
        );
    }

    /// A few lines; the file when all are there.
    pub(super) fn save_some(&mut self, health: &Health, now: Moment) {
        if let Some(outcome) = self.saver.outcome() {
            match outcome {
                Ok(()) => health.clear_fault("model_state", "models"),
                Err(error) => {
                    let detail = text(
                        format!("异常检测模型的学习状态无法保存：{error}"),
                        format!("what the anomaly models have learned cannot be kept: {error}"),
                    );
                    health.raise_fault("model_state", "models", now.wall, detail);
                }
            }
        }
        if self.saver.lines.is_none() {
            if now.mono_ms < self.saver.due_ms || self.saver.writing.is_some() {
                return;
            }
            self.saver.lines = Some((Vec::new(), 0));
            self.saver.due_ms = i64::MAX;
        }
        let Some((lines, next)) = &mut self.saver.lines else {
            return;
        };
        let end = (*next + LINES_PER_TICK).min(self.subjects.len());
        for subject in &self.subjects[*next..end] {
            push_line(lines, &subject.kept);
        }
        *next = end;
        if end < self.subjects.len() {
            return;
        }
        let Some((lines, _)) = self.saver.lines.take() else {
            return;
        };
        let pause_ms = self.saver.pause_ms(lines.len());
        // An alert in the meantime has asked for another file already.
        if self.saver.due_ms == 0 {
            self.saver.due_ms = now.mono_ms + HURRY_MS;
        } else {
            self.saver.due_ms = now.mono_ms + pause_ms;
        }
        let path = self.saver.path.clone();
        self.saver.writing = std::thread::Builder::new()
            .name("model-state".into())
            .spawn(move || write(&path, &lines))
            .ok();
    }

    /// Everything, before this returns.
    pub(super) fn save_all(&mut self, _now: Moment) {
        if let Some(writing) = self.saver.writing.take() {
            // Whatever became of it, the file that follows is newer.
            writing.join().ok();
        }
        let mut lines = Vec::new();
        for subject in &self.subjects {
            push_line(&mut lines, &subject.kept);
        }
        if let Err(error) = write(&self.saver.path, &lines) {
            tracing::warn!("what the anomaly models have learned cannot be kept: {error}");
        }
    }
}

impl Saver {
    fn pause_ms(&mut self, bytes: usize) -> i64 {
        self.last_bytes = i64::try_from(bytes).unwrap_or(i64::MAX / 1000);
        EVERY_MS.max(self.last_bytes / BYTES_PER_S * 1000)
    }
}

fn push_line(lines: &mut Vec<u8>, kept: &Kept) {
    let before = lines.len();
    match serde_json::to_writer(&mut *lines, kept) {
        Ok(()) => lines.push(b'\n'),
        Err(error) => {
            // Half a line would hide the next one.
            lines.truncate(before);
            tracing::error!("a room's state cannot be written: {error}");
        }
    }
}

fn write(path: &Path, lines: &[u8]) -> io::Result<()> {
    let staged = path.with_extension("new");
    let mut file = File::create(&staged)?;
    file.write_all(lines)?;
    file.sync_all()?;
    fs::rename(&staged, path)?;
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// What can be used, and how much could not with the first reason.
type Read = (Vec<Kept>, Option<(usize, String)>);

fn read(path: &Path) -> io::Result<Read> {
    let file = File::open(path)?;
    let mut kept = Vec::new();
    let mut dropped: Option<(usize, String)> = None;
    for line in BufReader::new(file.take(BYTES_MAX)).split(b'\n') {
        let line = line?;
        if kept.len() == ROOMS_MAX + STREAMS_MAX {
            break;
        }
        match serde_json::from_slice(&line) {
            Ok(one) => kept.push(one),
            Err(error) => {
                dropped.get_or_insert((0, error.to_string())).0 += 1;
            }
        }
    }
    Ok((kept, dropped))
}

#[cfg(test)]
mod tests;
