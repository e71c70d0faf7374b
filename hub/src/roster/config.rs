//! Section `[duty]`: how long a desk may be without what it needs before it is reported.

use serde::Deserialize;

/// The section; every key is described in `configs/hub.toml`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described key by key in configs/hub.toml")]
pub struct Duty {
    pub takeover_after_s: u32,
    pub console_lost_s: u32,
}

impl Duty {
    /// What is wrong with it, one sentence each.
    pub fn check(&self, problems: &mut Vec<String>) {
        if self.takeover_after_s > 86_400 {
            problems.push(
                "`duty.takeover_after_s` must be at most 86400: a shift is at most a day"
                    .to_owned(),
            );
        }
        if self.console_lost_s != 0 && !(30..=3_600).contains(&self.console_lost_s) {
            problems.push(
                "`duty.console_lost_s` must be 0, or between 30 and 3600: consoles are heard every 20 s"
                    .to_owned(),
            );
        }
    }
}
