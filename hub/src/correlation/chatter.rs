//! Chatter: a point that raises again and again. Pure.
//!
//! ISA-18.2 gives chattering alarms no number; three raisings in 60 s is the common rule. A point that
//! chatters is latched: its hazard stays shown once, further raisings are counted in the case and told to
//! nobody, and the maintainer gets a case of low severity. It is released when it has been quiet for its
//! category's time. Never hides the first raising, never ends a case.

use gridwatch_protocol::{DeviceId, GatewayId, Kind, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A point is released after this long without a raising, where its category says nothing else: ten
/// minutes, the window of ISA-18.2's figures.
pub const QUIET_MS: i64 = 600_000;

/// When a point chatters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// So many raisings …
    pub raisings: u32,
    /// … within so many milliseconds.
    pub window_ms: i64,
}

/// How often a point has raised since its case was opened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Raisings {
    /// Its gateway.
    pub gateway: GatewayId,
    /// The device.
    pub device: DeviceId,
    /// What it raises.
    pub kind: Kind,
    /// How often in all.
    pub count: u32,
    /// When it raised last.
    pub last_at: Timestamp,
    /// Since when it is latched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latched_at: Option<Timestamp>,
    /// The newest raisings, as many as the rule looks at.
    pub recent: Vec<Timestamp>,
}

/// What a raising is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Raised {
    /// News.
    New,
    /// One too many: the point is latched from now on.
    Latches,
    /// Of a latched point: only counted.
    Latched,
}

impl Raisings {
    /// A point that has not raised yet.
    #[must_use]
    pub fn new(gateway: GatewayId, device: DeviceId, kind: Kind, now: Timestamp) -> Self {
        Self {
            gateway,
            device,
            kind,
            count: 0,
            last_at: now,
            latched_at: None,
            recent: Vec::new(),
        }
    }

    /// Whether the point is latched at `now`: not yet quiet for so long.
    #[must_use]
    pub fn is_latched(&self, quiet_ms: i64, now: Timestamp) -> bool {
        self.latched_at.is_some() && now.ms_since(self.last_at) < quiet_ms
    }

    /// Counts a raising.
    pub fn raise(&mut self, rule: Rule, quiet_ms: i64, now: Timestamp) -> Raised {
        let latched = self.is_latched(quiet_ms, now);
        if self.latched_at.is_some() && !latched {
            self.latched_at = None;
            self.recent.clear();
        }
        self.count = self.count.saturating_add(1);
        self.last_at = self.last_at.max(now);
        if latched {
            return Raised::Latched;
        }
        self.recent.push(now);
        self.recent.retain(|at| now.ms_since(*at) < rule.window_ms);
        let enough = usize::try_from(rule.raisings).unwrap_or(usize::MAX);
        if self.recent.len() < enough {
            return Raised::New;
        }
        self.latched_at = Some(now);
        self.recent.clear();
        Raised::Latches
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const RULE: Rule = Rule {
        raisings: 3,
        window_ms: 60_000,
    };

    fn at(s: i64) -> Timestamp {
        Timestamp::from_unix_ms(1_795_316_400_000 + s * 1_000)
    }

    fn point() -> Raisings {
        Raisings::new(
            GatewayId::new("gw-1").unwrap(),
            DeviceId::new("door").unwrap(),
            Kind::DoorHeld,
            at(0),
        )
    }

    fn raised(seconds: &[i64]) -> Vec<Raised> {
        let mut point = point();
        seconds
            .iter()
            .map(|s| point.raise(RULE, QUIET_MS, at(*s)))
            .collect()
    }

    #[test]
    fn third_raising_within_a_minute_latches_until_the_point_has_been_quiet() {
        use Raised::{Latched, Latches, New};
        assert_eq!(raised(&[0, 30, 59]), [New, New, Latches]);
        assert_eq!(raised(&[0, 30, 60, 61]), [New, New, New, Latches]);
        assert_eq!(
            raised(&[0, 1, 2, 3, 602, 1_201, 1_801, 1_802]),
            [New, New, Latches, Latched, Latched, Latched, New, New],
            "600 s after the last raising, not after the latch"
        );
    }

    proptest! {
        #[test]
        fn every_raising_is_counted_and_memory_is_bounded(gaps in prop::collection::vec(0i64..900, 1..200)) {
            let mut point = point();
            let (mut now, mut latches) = (0, 0);
            for gap in &gaps {
                now += gap;
                let before = point.is_latched(QUIET_MS, at(now));
                let raised = point.raise(RULE, QUIET_MS, at(now));
                prop_assert_eq!(before, raised == Raised::Latched);
                latches += u32::from(raised == Raised::Latches);
                prop_assert!(point.recent.len() < 3);
            }
            prop_assert_eq!(usize::try_from(point.count).unwrap(), gaps.len());
            prop_assert!(latches * 3 <= point.count);
        }
    }
}
