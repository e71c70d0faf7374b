//! The section `[parent]` of the configuration.

use std::path::{Path, PathBuf};

use gridwatch_protocol::{HubId, Severity};
use serde::Deserialize;

use crate::notify::guard::Guard;

/// Where the parent is and what goes up. Every key is described in `configs/hub.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described key by key in configs/hub.toml")]
pub struct ParentSettings {
    pub url: String,
    pub hub: String,
    pub name: String,
    pub key_file: PathBuf,
    pub ca_file: PathBuf,
    pub areas: Vec<String>,
    pub severities: Vec<Severity>,
    pub units: Vec<String>,
    pub drills: bool,
}

impl ParentSettings {
    /// Whether there is a parent.
    #[must_use]
    pub fn is_set(&self) -> bool {
        !self.url.is_empty()
    }

    /// Makes paths relative to the configuration's directory.
    pub fn resolve(&mut self, base: &Path) {
        for path in [&mut self.key_file, &mut self.ca_file] {
            if !path.as_os_str().is_empty() {
                *path = base.join(&*path);
            }
        }
    }

    /// Every problem, one sentence each. Reads nothing.
    pub fn check(&self, allow_hosts: &[String], problems: &mut Vec<String>) {
        if !self.is_set() {
            return;
        }
        if let Err(error) = Guard::new(allow_hosts).check_url(&self.url) {
            problems.push(format!("`parent.url`: {error}"));
        }
        if let Err(error) = HubId::new(self.hub.clone()) {
            problems.push(format!(
                "`parent.hub`: {error}; it is the name that `hub child add` was given at the parent"
            ));
        }
        if let Err(error) = HubId::new(self.name.clone()) {
            problems.push(format!("`parent.name`: {error}"));
        }
        if self.key_file.as_os_str().is_empty() {
            problems.push(
                "`parent.key_file` must name the file with the key that `hub child add` gave"
                    .to_owned(),
            );
        }
    }

    /// Whether the files can be read.
    pub fn check_files(&self, problems: &mut Vec<String>) {
        if !self.is_set() {
            return;
        }
        for path in [&self.key_file, &self.ca_file] {
            if !path.as_os_str().is_empty()
                && let Err(why) = std::fs::read(path)
            {
                problems.push(format!("`{}` cannot be read: {why}", path.display()));
            }
        }
    }
}
