//! The formats that are understood without any configuration. Each file knows one family: how its
//! messages are told from others, what its fields mean, and its traps of polarity, units and time.

mod chirpstack;
mod dahua;
mod esp_rfid;
mod esphome;
mod frigate;
mod hikvision;
mod home_assistant;
mod lenient;
mod lorawan;
mod onvif;
mod openmqttgateway;
mod ratgdo;
mod remembered;
mod ring_mqtt;
#[cfg(test)]
mod routing_tests;
mod rtl_433;
mod seen;
mod shelly_gen1;
mod shelly_gen2;
mod sparkplug_b;
mod tasmota;
mod the_things_stack;
mod thin_edge;
mod zigbee2mqtt;
mod zwave;

#[cfg(test)]
mod hostile_tests;
#[cfg(test)]
mod routing_tests;
#[cfg(test)]
mod testing;

use gridwatch_protocol::Timestamp;

use crate::frame::Message;
use crate::observation::Output;

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
        Box::<zigbee2mqtt::Zigbee2Mqtt>::default(),
        Box::<frigate::Frigate>::default(),
        Box::<shelly_gen2::ShellyGen2>::default(),
        Box::<shelly_gen1::ShellyGen1>::default(),
        Box::<sparkplug_b::SparkplugB>::default(),
        Box::<chirpstack::ChirpStack>::default(),
        Box::<the_things_stack::TheThingsStack>::default(),
        Box::<onvif::Onvif>::default(),
        Box::<home_assistant::HomeAssistant>::default(),
        Box::<tasmota::Tasmota>::default(),
        Box::<esphome::EspHome>::default(),
        Box::<rtl_433::Rtl433>::default(),
        Box::<openmqttgateway::OpenMqttGateway>::default(),
        Box::new(zwave::ZWave),
        Box::<thin_edge::ThinEdge>::default(),
        Box::new(ring_mqtt::RingMqtt),
        Box::new(ratgdo::Ratgdo),
        Box::<esp_rfid::EspRfid>::default(),
        Box::<hikvision::Hikvision>::default(),
        Box::<dahua::Dahua>::default(),
    ]
}
