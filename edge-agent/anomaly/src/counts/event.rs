//! What happens at doors and in front of cameras, as it is counted.

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

/// What of a stream's events is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Counted {
    /// [`What::Opened`].
    Openings,
    /// [`What::Granted`].
    Entries,
    /// [`What::Denied`].
    Refusals,
    /// [`What::Seen`].
    Sightings,
}

/// What happened at a door or in a zone. Credentials and labels are pseudonyms, see [`pseudonym`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum What {
    /// The door opened.
    Opened,
    /// The door closed.
    Closed,
    /// Somebody was let in.
    Granted {
        /// With which credential, if it is told.
        credential: Option<u64>,
    },
    /// Somebody was refused.
    Denied {
        /// With which credential, if it is told.
        credential: Option<u64>,
    },
    /// A camera saw something, or somebody crossed its line.
    Seen {
        /// Its label.
        label: u64,
        /// The detector's own score, 0 to 1; 0 when it tells none.
        score: f64,
        /// Whether it is a person, to be compared with those who were let in.
        is_person: bool,
    },
    /// What a camera saw is gone.
    Left {
        /// It stayed for so many seconds.
        stayed_s: f64,
    },
    /// A fire or CO alarm at the site began or ended.
    Fire {
        /// It stands.
        active: bool,
    },
}

/// Something happened at a time.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Event {
    /// By a clock that the caller trusts.
    pub at: Timestamp,
    /// What.
    pub what: What,
}

/// A number for a text that is a pseudonym already, or a label (FNV-1a, 64 bits). No protection by itself.
#[must_use]
pub fn pseudonym(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl What {
    /// Tells events of one time apart.
    pub(super) fn key(self) -> u64 {
        let of = |sort: u64, detail: u64| detail.rotate_left(8) ^ sort;
        match self {
            What::Opened => of(1, 0),
            What::Closed => of(2, 0),
            What::Granted { credential } => of(3, credential.unwrap_or(0)),
            What::Denied { credential } => of(4, credential.unwrap_or(0)),
            What::Seen { label, .. } => of(5, label),
            What::Left { stayed_s } => of(6, stayed_s.to_bits()),
            What::Fire { active } => of(7, u64::from(active)),
        }
    }
}
