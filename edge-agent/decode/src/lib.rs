//! Reads what sensors send: MQTT messages in any of the formats that are in use in the field, anything
//! else by device profile, and Modbus registers by device profile.
//!
//! ```text
//! frame ─► profiles ─► formats ─► observations ─► readings
//!            (a file per device type)  (what the device said)  (settled: times, units, ids)
//! ```
//!
//! The crate is pure: values and the time of receipt in, values out. It reads no file, no clock and no
//! network, and every decoder in it can be fuzzed by itself. What it keeps between messages
//! (inventories, aliases, last states) is bounded and is rebuilt from the broker's retained messages
//! after a restart.
//!
//! Rules that hold for every format:
//! - an absent field says nothing, and `null`, `nan` or an unknown word is no value; nothing becomes
//!   `false` or 0 by being left out (The Things Stack alone leaves out zeros, and says so);
//! - polarity is the kind's: `door` true is open, whatever the sender calls it;
//! - a test is a test: it is marked, and raises nothing;
//! - the source's own event id is kept, so that redelivery is harmless;
//! - device times are read with or without zone, and believed only if plausible.

pub mod by_profile;
pub mod case;
pub mod decoder;
pub mod fields;
pub mod formats;
pub mod frame;
pub mod observation;
pub mod privacy;
pub mod profile;
pub mod skeleton;
pub mod time;
pub mod units;
pub mod words;

pub use decoder::{Decoded, Decoder, Refusal};
pub use frame::{Message, RegisterBlock, Registers};
pub use observation::{Announcement, Bridge, Observation, Output};
pub use privacy::Pseudonyms;

/// Larger payloads are refused before they are parsed; an inventory of 1,000 devices has about 4 MB.
pub const PAYLOAD_BYTES_MAX: usize = 8 * 1024 * 1024;
