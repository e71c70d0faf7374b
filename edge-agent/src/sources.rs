//! Where frames come from. Each source runs as its own task and pushes into one bounded channel; when
//! the channel is full the source waits, and its sender with it: nothing is dropped here.

pub mod modbus;
pub mod mqtt;

use std::sync::Arc;

use bytes::Bytes;
use gridwatch_protocol::DeviceId;

use crate::clock::Moment;
use crate::profile::Table;

/// At most this many frames wait for the pipeline: at 200 bytes each about 1 MB, and 0.1 s of work.
pub const FRAMES_MAX: usize = 4_096;

/// Something that a source received, or has to say about itself.
#[derive(Debug)]
pub struct Frame {
    /// Name of the source in the configuration.
    pub source: Arc<str>,
    /// When it was received.
    pub received: Moment,
    /// What it is.
    pub body: Body,
}

/// What a frame is.
#[derive(Debug)]
pub enum Body {
    /// An MQTT message.
    Message(Message),
    /// Registers read from a Modbus unit.
    Registers(Registers),
    /// The source's connection was made or lost, with the reason.
    Link(Result<(), String>),
}

/// An MQTT message.
#[derive(Debug)]
pub struct Message {
    /// Its topic.
    pub topic: String,
    /// Its payload as received.
    pub payload: Bytes,
    /// Whether the broker sent it as retained state.
    pub retained: bool,
    /// To be called once everything that the message caused is on disk.
    pub ack: mqtt::Ack,
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
