//! The formats that are understood without any configuration. Each file knows one family: how its
//! messages are told from others, what its fields mean, and its traps of polarity, units and time.

use gridwatch_protocol::Timestamp;

use crate::frame::Message;
use crate::observation::Output;

mod esp_rfid;
mod esphome;
#[cfg(test)]
mod hostile_tests;
mod lenient;
mod openmqttgateway;
mod ratgdo;
mod remembered;
mod ring_mqtt;
#[cfg(test)]
mod routing_tests;
mod rtl_433;
mod shelly_gen1;
mod shelly_gen2;
mod tasmota;
#[cfg(test)]
mod testing;
mod thin_edge;
mod zwave;

/// What a format says about a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// It is of this format and was read, though it may have given no reading.
    Taken,
    /// It is not of this format, and why.
    NotMine(&'static str),
    /// It is of this format and broken, and how.
    Broken(String),
}

/// A family of messages.
pub trait Format: std::fmt::Debug + Send {
    /// Its name in logs, metrics and `explain`.
    fn name(&self) -> &'static str;

    /// Reads a message, or says that it is not its own. Cheap for messages of others: the topic is
    /// looked at first, the payload parsed only when the topic fits.
    ///
    /// Called for every message in the order of receipt, so a format may keep what it learned from
    /// earlier ones (inventories, aliases, last full states), within fixed limits.
    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict;

    /// Lets time pass: for states that end by themselves.
    fn tick(&mut self, _now: Timestamp, _output: &mut Output) {}
}

/// Every format, in the order in which they are asked: those with unmistakable topics first.
#[must_use]
pub fn all() -> Vec<Box<dyn Format>> {
    vec![
        Box::new(shelly_gen2::ShellyGen2::default()),
        Box::new(shelly_gen1::ShellyGen1::default()),
        Box::new(tasmota::Tasmota::default()),
        Box::new(esphome::EspHome::default()),
        Box::new(rtl_433::Rtl433::default()),
        Box::new(openmqttgateway::OpenMqttGateway::default()),
        Box::new(zwave::ZWave),
        Box::new(thin_edge::ThinEdge::default()),
        Box::new(ring_mqtt::RingMqtt),
        Box::new(ratgdo::Ratgdo),
        Box::new(esp_rfid::EspRfid::default()),
    ]
}
