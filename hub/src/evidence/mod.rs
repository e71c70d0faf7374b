//! Files of evidence: photos, reports and texts that actions on cases name by their SHA-256.
//!
//! The bytes are kept as they came, EXIF and all: the hash that stands in a case's history is theirs. They lie
//! in one directory under their hash, whatever case they belong to; rows of the store say which cases
//! those are. With several hubs on one database the directory is one that all of them see (`[evidence] dir`).
//!
//! What survives a crash: a file is complete and on disk before its row is committed, so there is no row
//! without a file. A crash in between leaves a file without a row, which [`keeper`] takes away after a day.
//! Must never: trust a name or type that came with the bytes, or serve them as something that a browser runs.

pub mod archive;
pub mod config;
pub mod files;
pub mod keeper;
pub mod media;
pub mod reveal;
pub mod rows;

use std::path::Path;
use std::sync::Arc;

use tokio::sync::Semaphore;

pub use config::EvidenceSettings;
pub use files::Files;

/// Uploads at once: each writes one file to the disk that cases are committed to.
const UPLOADS_MAX: usize = 8;
/// Files read for answers at once: each is held in memory until it is sent.
const READINGS_MAX: usize = 8;

/// What handlers need for files of evidence.
#[derive(Debug)]
pub struct Evidence {
    /// The directory.
    pub files: Files,
    /// Limits.
    pub settings: EvidenceSettings,
    /// Uploads under way.
    pub uploads: Arc<Semaphore>,
    /// Files being read.
    pub readings: Arc<Semaphore>,
}

impl Evidence {
    /// In this directory, which is made when it is not there.
    ///
    /// # Errors
    /// When it cannot be made or written to.
    pub fn open(dir: &Path, settings: EvidenceSettings) -> anyhow::Result<Self> {
        Ok(Self {
            files: Files::open(dir)?,
            settings,
            uploads: Arc::new(Semaphore::new(UPLOADS_MAX)),
            readings: Arc::new(Semaphore::new(READINGS_MAX)),
        })
    }
}

/// SHA-256 as it names a file: 64 hexadecimal digits in lower case; nothing when it is none.
#[must_use]
pub fn plain_hash(text: &str) -> Option<String> {
    let fits = text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    fits.then(|| text.to_ascii_lowercase())
}
