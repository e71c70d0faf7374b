//! A channel as it is written: every key of every kind.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;

use super::Security;

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Raw {
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) language: Option<String>,
    #[serde(default)]
    pub(super) severities: Vec<String>,
    #[serde(default)]
    pub(super) categories: Vec<String>,
    #[serde(default)]
    pub(super) areas: Vec<String>,
    #[serde(default)]
    pub(super) sites: Vec<String>,
    #[serde(default)]
    pub(super) changes: Vec<String>,
    #[serde(default)]
    pub(super) drills: bool,
    pub(super) quiet: Option<String>,
    pub(super) url: Option<String>,
    pub(super) url_file: Option<PathBuf>,
    pub(super) url_env: Option<String>,
    pub(super) secret_file: Option<PathBuf>,
    pub(super) secret_env: Option<String>,
    pub(super) server: Option<String>,
    pub(super) port: Option<u16>,
    pub(super) tls: Option<Security>,
    pub(super) username: Option<String>,
    pub(super) password_file: Option<PathBuf>,
    pub(super) password_env: Option<String>,
    pub(super) from: Option<String>,
    #[serde(default)]
    pub(super) to: Vec<String>,
    #[serde(default)]
    pub(super) people: bool,
    #[serde(default)]
    pub(super) audit_heads: bool,
    pub(super) method: Option<String>,
    pub(super) content_type: Option<String>,
    #[serde(default)]
    pub(super) headers: BTreeMap<String, String>,
    pub(super) body: Option<String>,
    pub(super) success_status: Option<Vec<u16>>,
    pub(super) success_pointer: Option<String>,
    pub(super) success_value: Option<String>,
}

impl Raw {
    /// Keys that were given and that nothing has taken.
    pub(super) fn left_over(&self) -> Vec<&'static str> {
        [
            ("url", self.url.is_some()),
            ("url_file", self.url_file.is_some()),
            ("url_env", self.url_env.is_some()),
            ("secret_file", self.secret_file.is_some()),
            ("secret_env", self.secret_env.is_some()),
            ("server", self.server.is_some()),
            ("port", self.port.is_some()),
            ("tls", self.tls.is_some()),
            ("username", self.username.is_some()),
            ("password_file", self.password_file.is_some()),
            ("password_env", self.password_env.is_some()),
            ("from", self.from.is_some()),
            ("to", !self.to.is_empty()),
            ("people", self.people),
            ("audit_heads", self.audit_heads),
            ("method", self.method.is_some()),
            ("content_type", self.content_type.is_some()),
            ("headers", !self.headers.is_empty()),
            ("body", self.body.is_some()),
            ("success_status", self.success_status.is_some()),
            ("success_pointer", self.success_pointer.is_some()),
            ("success_value", self.success_value.is_some()),
        ]
        .into_iter()
        .filter_map(|(key, left)| left.then_some(key))
        .collect()
    }
}
