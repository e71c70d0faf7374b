//! How urgent an alert or a case is.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Severity, most urgent first. Maps 1:1 to AlarmPriority 1 to 4 of GB/T 28181.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub enum Severity {
    /// 特急: life is at risk. Acknowledge within 60 s.
    P1,
    /// 紧急: acknowledge within 3 min.
    P2,
    /// 一般: acknowledge within 15 min.
    P3,
    /// 提示: acknowledge within 2 h.
    P4,
}

impl Severity {
    /// AlarmPriority of GB/T 28181: 1 to 4.
    #[must_use]
    pub fn alarm_priority(self) -> u8 {
        match self {
            Severity::P1 => 1,
            Severity::P2 => 2,
            Severity::P3 => 3,
            Severity::P4 => 4,
        }
    }

    /// The more urgent of two.
    #[must_use]
    pub fn most_urgent(self, other: Self) -> Self {
        self.min(other)
    }
}

impl fmt::Display for Severity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "P{}", self.alarm_priority())
    }
}
