//! What a source hands to the decoder: an MQTT message, or what was read from a Modbus unit.

use std::cell::OnceCell;

use gridwatch_protocol::{DeviceId, Timestamp};
use serde_json::Value as Json;

use crate::profile::Table;

/// An MQTT message as received. Its text and its JSON are parsed at most once, however many readers
/// look at it.
#[derive(Debug)]
pub struct Message<'a> {
    /// Topic.
    pub topic: &'a str,
    /// Payload as received.
    pub payload: &'a [u8],
    /// Whether the broker sent it as retained state.
    pub retained: bool,
    /// When it was received.
    pub received_at: Timestamp,
    json: OnceCell<Result<Json, String>>,
}

impl<'a> Message<'a> {
    /// A message.
    #[must_use]
    pub fn new(topic: &'a str, payload: &'a [u8], retained: bool, received_at: Timestamp) -> Self {
        Self {
            topic,
            payload,
            retained,
            received_at,
            json: OnceCell::new(),
        }
    }

    /// The levels of the topic.
    pub fn levels(&self) -> std::str::Split<'a, char> {
        self.topic.split('/')
    }

    /// The payload as UTF-8 text, without surrounding white space.
    #[must_use]
    pub fn text(&self) -> Option<&'a str> {
        std::str::from_utf8(self.payload).ok().map(str::trim)
    }

    /// The payload as JSON.
    ///
    /// # Errors
    /// A sentence that says where it is not JSON.
    pub fn json(&self) -> Result<&Json, &str> {
        self.json
            .get_or_init(|| {
                serde_json::from_slice(self.payload)
                    .map_err(|error| format!("the payload is not JSON: {error}"))
            })
            .as_ref()
            .map_err(String::as_str)
    }

    /// The payload as a JSON object, if it is one.
    #[must_use]
    pub fn object(&self) -> Option<&serde_json::Map<String, Json>> {
        self.json().ok()?.as_object()
    }
}

/// What was read from one Modbus unit in one poll.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Registers {
    /// The device that the configuration gives the unit.
    pub device: DeviceId,
    /// The profile that reads it.
    pub profile: String,
    /// What was read, block by block.
    pub blocks: Vec<RegisterBlock>,
}

impl Registers {
    /// The value at an address, if it was read.
    #[must_use]
    pub fn get(&self, table: Table, address: u16) -> Option<u16> {
        self.blocks
            .iter()
            .find_map(|block| block.get(table, address))
    }
}

/// Neighbouring registers or bits of one table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegisterBlock {
    /// The table.
    pub table: Table,
    /// Zero-based address of the first.
    pub address: u16,
    /// The values; bits are 0 or 1.
    pub values: Vec<u16>,
}

impl RegisterBlock {
    /// The value at an address, if the block has it.
    #[must_use]
    pub fn get(&self, table: Table, address: u16) -> Option<u16> {
        let index = address.checked_sub(self.address)?;
        (self.table == table)
            .then(|| self.values.get(usize::from(index)).copied())
            .flatten()
    }
}
