//! Where frames come from. Each source runs as its own task and pushes into one bounded channel; when
//! the channel is full the source waits, and its sender with it: nothing is dropped here.

pub mod modbus;
pub mod mqtt;

use std::sync::Arc;

use bytes::Bytes;
use gridwatch_decode::Registers;
use gridwatch_decode::profile::Profile;

use crate::clock::Moment;

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
    /// The device profiles have changed.
    Profiles(Vec<Profile>),
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
