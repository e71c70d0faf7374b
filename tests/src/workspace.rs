//! The temporary folder of one test or demo. When the test has not said [`Workspace::passed`], the
//! folder stays and the ends of its logs are printed: what happened can be read after a failure.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, bail};

use crate::process::log_tail;

/// Lines of each log that are printed after a failure.
const TAIL_LINES: usize = 40;

/// A folder of its own for one test.
#[derive(Debug)]
pub struct Workspace {
    path: PathBuf,
    passed: AtomicBool,
    keep: AtomicBool,
}

impl Workspace {
    /// Makes one; `name` says which test it belongs to.
    ///
    /// # Errors
    /// When the folder cannot be made.
    pub fn new(name: &str) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix(&format!("gridwatch-{name}-"))
            .tempdir()
            .context("making a temporary folder")?;
        Ok(Self::at(folder.keep()))
    }

    /// Uses a folder that is there already.
    #[must_use]
    pub fn at(path: PathBuf) -> Self {
        Self {
            path,
            passed: AtomicBool::new(false),
            keep: AtomicBool::new(false),
        }
    }

    /// Leaves the folder where it is, and prints nothing at the end.
    pub fn keep(&self) {
        self.keep.store(true, Ordering::Relaxed);
    }

    /// The folder.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A path inside.
    #[must_use]
    pub fn join(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The test has passed: looks for panics in the logs, and lets the folder go.
    ///
    /// # Errors
    /// When a program panicked.
    pub fn passed(&self) -> Result<()> {
        for log in self.logs() {
            let text = std::fs::read_to_string(&log).unwrap_or_default();
            if let Some(line) = text.lines().find(|line| line.contains("panicked at")) {
                bail!("a program panicked, see {}: {line}", log.display());
            }
        }
        self.passed.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn logs(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(&self.path).into_iter().flatten();
        let mut logs: Vec<PathBuf> = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|kind| kind == "log"))
            .collect();
        logs.sort();
        logs
    }
}

impl Drop for Workspace {
    fn drop(&mut self) {
        if self.keep.load(Ordering::Relaxed) {
            return;
        }
        if self.passed.load(Ordering::Relaxed) {
            if let Err(error) = std::fs::remove_dir_all(&self.path) {
                eprintln!("removing {}: {error}", self.path.display());
            }
            return;
        }
        for log in self.logs() {
            eprintln!("---- end of {}", log.display());
            eprintln!("{}", log_tail(&log, TAIL_LINES));
        }
        eprintln!("---- kept for inspection: {}", self.path.display());
    }
}
