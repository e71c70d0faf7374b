//! The section `[evidence]` of the configuration.

use std::path::PathBuf;

use serde::Deserialize;

/// Limits of files of evidence. Every key is described in `configs/hub.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described key by key in configs/hub.toml")]
pub struct EvidenceSettings {
    pub dir: PathBuf,
    pub file_mib_max: u32,
    pub total_mib_max: u32,
    pub keep_days: u32,
}

impl EvidenceSettings {
    /// Every problem, one sentence each.
    pub fn check(&self, problems: &mut Vec<String>) {
        let mut need = |ok: bool, sentence: &str| {
            if !ok {
                problems.push(sentence.to_owned());
            }
        };
        need(
            !self.dir.as_os_str().is_empty(),
            "`evidence.dir` must name a directory",
        );
        need(
            (1..=100).contains(&self.file_mib_max),
            "`evidence.file_mib_max` must be between 1 and 100: a file is held in memory while it is sent",
        );
        need(
            self.total_mib_max >= self.file_mib_max,
            "`evidence.total_mib_max` must be at least `evidence.file_mib_max`",
        );
        need(
            self.keep_days >= 1,
            "`evidence.keep_days` must be at least 1",
        );
    }

    /// The most bytes of one file.
    #[must_use]
    pub fn file_bytes_max(&self) -> u64 {
        u64::from(self.file_mib_max) * 1024 * 1024
    }

    /// The most bytes of all files.
    #[must_use]
    pub fn total_bytes_max(&self) -> i64 {
        i64::from(self.total_mib_max) * 1024 * 1024
    }
}
