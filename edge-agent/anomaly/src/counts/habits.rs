//! What is usual of a door beyond how many come: who, how many are refused, how long it stands open, how many
//! persons a camera sees for each who is let in. Compared first, learned when the half-hour is over.

use serde::{Deserialize, Serialize};

use super::memory::{Durations, Labels, Ratio, SeenBefore, binomial_upper};
use super::{COUNT_FEATURES, SURPRISE_MAX, at, tail};

/// Distinct credentials of a bin are counted up to here.
const DISTINCT_MAX: usize = 63;
/// Attempts before a first-seen credential is unusual.
const ATTEMPTS_MIN: f64 = 50.0;
/// Persons let in, while a camera saw persons, before more of them than usual are unusual.
const LET_IN_MIN: f64 = 30.0;
/// One bin's own events.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Bin {
    pub(super) count: f64,
    pub(super) granted: f64,
    pub(super) denied: f64,
    pub(super) persons: f64,
    pub(super) credentials: Vec<u64>,
    /// The features that only events tell, by their places in a row; the largest of the bin.
    pub(super) told: [f64; COUNT_FEATURES],
}

/// What one stream's events have taught.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Habits {
    seen: SeenBefore,
    new_of_attempts: Ratio,
    denied_of_attempts: Ratio,
    persons_of_let_in: Ratio,
    pub(super) held_open: Durations,
    pub(super) stays: Durations,
    pub(super) labels: Labels,
}

impl Bin {
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    pub(super) fn tell(&mut self, feature: usize, value: f64) {
        self.told[feature] = self.told[feature].max(value);
    }

    pub(super) fn is_sound(&self) -> bool {
        self.credentials.len() <= DISTINCT_MAX
            && [self.count, self.granted, self.denied, self.persons]
                .into_iter()
                .all(|number| (0.0..=f64::MAX).contains(&number))
            && self
                .told
                .into_iter()
                .all(|feature| (0.0..=SURPRISE_MAX).contains(&feature))
    }
}

impl Habits {
    pub(super) fn new() -> Self {
        Self {
            seen: SeenBefore::new(),
            new_of_attempts: Ratio::default(),
            denied_of_attempts: Ratio::default(),
            persons_of_let_in: Ratio::default(),
            held_open: Durations::default(),
            stays: Durations::default(),
            labels: Labels::default(),
        }
    }

    /// Learns from a bin that is over.
    pub(super) fn close(&mut self, bin: &Bin) {
        self.denied_of_attempts
            .add(bin.denied, bin.denied + bin.granted);
        if bin.persons > 0.0 {
            self.persons_of_let_in.add(bin.persons, bin.granted);
        }
    }

    pub(super) fn attempt(&mut self, open: &mut Bin, credential: Option<u64>) {
        let Some(credential) = credential else { return };
        let share = self.new_of_attempts.with_prior(1.0, 2.0);
        let enough = self.new_of_attempts.of() >= ATTEMPTS_MIN;
        let is_new = !self.seen.see(credential);
        self.new_of_attempts.add(f64::from(u8::from(is_new)), 1.0);
        // Only of the newest credential, so that a known one after it takes it back.
        open.told[at::FIRST_SEEN] = if is_new && enough {
            -share.log10()
        } else {
            0.0
        };
        let credentials = &mut open.credentials;
        if credentials.len() < DISTINCT_MAX && !credentials.contains(&credential) {
            credentials.push(credential);
        }
        let distinct = f64::from(u8::try_from(credentials.len()).expect("at most 63"));
        open.tell(at::DISTINCT, (1.0 + distinct).log2());
    }

    /// Refusals of the open bin and the one before against the usual share; before any is known, one in
    /// twenty.
    pub(super) fn compare_refusals(&self, open: &mut Bin, closed: &Bin) {
        let denied = open.denied + closed.denied;
        let attempts = denied + open.granted + closed.granted;
        let share = self.denied_of_attempts.with_prior(1.0, 20.0);
        let surprise = binomial_upper(denied, attempts, share).min(SURPRISE_MAX);
        open.tell(at::DENIED, surprise);
    }

    /// Persons that a camera saw against those who were let in, in the open bin and the one before. Only the
    /// newest comparison stands: who holds the card may come second.
    pub(super) fn compare_persons(&self, open: &mut Bin, closed: &Bin) {
        if self.persons_of_let_in.of() < LET_IN_MIN {
            return;
        }
        let persons = open.persons + closed.persons;
        let let_in = open.granted + closed.granted;
        let usual = self.persons_of_let_in.with_prior(1.0, 1.0) * let_in + 0.5;
        let surprise = if persons > usual {
            tail::upper(persons, usual, 0.05)
        } else {
            0.0
        };
        open.told[at::TAILGATING] = surprise.min(SURPRISE_MAX);
    }

    pub(super) fn is_sound(&self) -> bool {
        self.seen.is_sound()
            && [
                self.new_of_attempts,
                self.denied_of_attempts,
                self.persons_of_let_in,
            ]
            .iter()
            .all(Ratio::is_sound)
            && self.held_open.is_sound()
            && self.stays.is_sound()
            && self.labels.is_sound()
    }
}
