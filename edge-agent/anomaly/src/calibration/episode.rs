//! Episodes: one start for everything that belongs together.

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::Level;
use super::peaks::Surprise;

/// An episode ends when its evidence has been low for so long, and for [`REST_INTERVALS`].
const REST_MS: i64 = 15 * 60_000;
/// In usual intervals.
const REST_INTERVALS: i64 = 5;
/// What comes so soon after an end is the same episode.
const REFRACTORY_MS: i64 = 60 * 60_000;
/// An episode that lasts longer is the new normal: learning goes on while it runs.
const FROZEN_MS_MAX: i64 = 24 * 60 * 60_000;

/// What a sample did to the episode.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// Nothing.
    #[default]
    None,
    /// A new episode started.
    Started,
    /// The running episode reached a higher level than before.
    Raised,
    /// It ended.
    Ended,
}

/// What belongs together.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Episode {
    /// Time of the sample that started it.
    pub started_at: Timestamp,
    /// The highest level it reached.
    pub level: Level,
    /// The highest evidence that persisted, as surprise.
    pub peak: Surprise,
    /// When.
    pub peak_at: Timestamp,
}

/// Below these the levels no longer hold.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Exits(pub(super) [Surprise; 3]);

/// The running episode, or the last one.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Running {
    episode: Option<Episode>,
    /// What holds now; `None` between episodes.
    level: Level,
    /// Observed time with low evidence, while the episode runs or since.
    quiet_ms: i64,
    /// Observed time since the start.
    lasted_ms: i64,
    is_open: bool,
}

impl Running {
    /// Moves on by one sample; `dt` is the observed time since the last.
    pub(super) fn step(
        &mut self,
        at: Timestamp,
        dt: i64,
        interval: i64,
        evidence: Surprise,
        entries: &[Surprise; 3],
        exits: &Exits,
    ) -> Change {
        let entered = highest(evidence, entries);
        if self.is_open {
            self.lasted_ms = self.lasted_ms.saturating_add(dt);
            self.go_on(at, dt, interval, evidence, entered, exits)
        } else {
            self.quiet_ms = self.quiet_ms.saturating_add(dt);
            if entered == Level::None {
                return Change::None;
            }
            self.open_anew(at, interval, evidence, entered)
        }
    }

    fn go_on(
        &mut self,
        at: Timestamp,
        dt: i64,
        interval: i64,
        evidence: Surprise,
        entered: Level,
        exits: &Exits,
    ) -> Change {
        let held = highest(evidence, &exits.0).min(self.level).max(entered);
        if held == Level::None {
            self.quiet_ms = self.quiet_ms.saturating_add(dt);
            if self.quiet_ms >= REST_MS.max(REST_INTERVALS * interval) {
                self.is_open = false;
                self.level = Level::None;
                return Change::Ended;
            }
            return Change::None;
        }
        self.quiet_ms = 0;
        self.level = held;
        self.grow(at, evidence, entered)
    }

    /// A new episode, or the last one again when it ended only just now.
    fn open_anew(
        &mut self,
        at: Timestamp,
        interval: i64,
        evidence: Surprise,
        entered: Level,
    ) -> Change {
        self.is_open = true;
        self.level = entered;
        let is_same = self.quiet_ms <= REFRACTORY_MS.max(REST_INTERVALS * interval) + REST_MS;
        self.quiet_ms = 0;
        if is_same && self.episode.is_some() {
            return self.grow(at, evidence, entered);
        }
        self.lasted_ms = 0;
        self.episode = Some(Episode {
            started_at: at,
            level: entered,
            peak: evidence,
            peak_at: at,
        });
        Change::Started
    }

    fn grow(&mut self, at: Timestamp, evidence: Surprise, entered: Level) -> Change {
        let Some(episode) = &mut self.episode else {
            return Change::None;
        };
        if evidence > episode.peak {
            episode.peak = evidence;
            episode.peak_at = at;
        }
        if entered > episode.level {
            episode.level = entered;
            return Change::Raised;
        }
        Change::None
    }

    /// The clock was set: the episode's times move with it.
    pub(super) fn shift(&mut self, ms: i64) {
        if let Some(episode) = &mut self.episode {
            episode.started_at = episode.started_at.plus_ms(ms);
            episode.peak_at = episode.peak_at.plus_ms(ms);
        }
    }

    pub(super) fn level(&self) -> Level {
        self.level
    }

    pub(super) fn open(&self) -> Option<Episode> {
        self.episode.filter(|_| self.is_open)
    }

    pub(super) fn last(&self) -> Option<Episode> {
        self.episode
    }

    /// Whether nothing may be learned.
    pub(super) fn is_frozen(&self) -> bool {
        self.is_open && self.lasted_ms < FROZEN_MS_MAX
    }

    /// The peak of the episode that has just ended, unless its hours were learned while it ran.
    pub(super) fn unlearned_peak(&self) -> Option<Surprise> {
        self.episode
            .filter(|_| self.lasted_ms < FROZEN_MS_MAX)
            .map(|episode| episode.peak)
    }

    pub(super) fn is_sound(&self) -> bool {
        self.quiet_ms >= 0
            && self.lasted_ms >= 0
            && (!self.is_open || self.episode.is_some())
            && (self.is_open || self.level == Level::None)
    }
}

fn highest(evidence: Surprise, thresholds: &[Surprise; 3]) -> Level {
    Level::RAISED
        .into_iter()
        .zip(thresholds)
        .rev()
        .find(|(_, threshold)| evidence >= **threshold && evidence > Surprise::ZERO)
        .map_or(Level::None, |(level, _)| level)
}
