//! What is kept about each device between messages. Bounded; rebuilt from the retained inventory.

use std::collections::HashMap;

use super::exposes::Channel;
use crate::observation::Announcement;

/// Devices kept, over all networks: a Zigbee network holds a few hundred at most.
pub(super) const DEVICES_MAX: usize = 4096;

/// A device.
#[derive(Debug, Default)]
pub(super) struct Device {
    /// `<base>/<friendly name>`: its topic and its id.
    pub(super) topic: String,
    /// Its address, once the inventory told it.
    pub(super) ieee: String,
    /// What it exposes; empty until the inventory told it.
    pub(super) channels: Vec<Channel>,
    /// What was last announced of it.
    pub(super) announced: Option<Announcement>,
    /// Whether it stands in an inventory.
    pub(super) listed: bool,
    /// It reports its battery in percent, so that its voltage is left alone.
    pub(super) has_percentage: bool,
    /// It said that its battery is low, and has not taken it back.
    pub(super) low_told: bool,
    /// It sends actions in its state, so that those on `<name>/action` are copies.
    pub(super) actions_in_state: bool,
    /// The last action with its time, to know it when it is delivered twice.
    pub(super) last_action: Option<String>,
}

/// The devices by topic.
#[derive(Debug, Default)]
pub(super) struct Devices(HashMap<String, Device>);

impl Devices {
    pub(super) fn get(&self, topic: &str) -> Option<&Device> {
        self.0.get(topic)
    }

    /// The device of a topic, new if it is not known; `None` when there are too many.
    pub(super) fn get_or_insert(&mut self, topic: &str) -> Option<&mut Device> {
        if !self.0.contains_key(topic) {
            if self.0.len() >= DEVICES_MAX {
                return None;
            }
            let device = Device {
                topic: topic.to_owned(),
                ..Device::default()
            };
            self.0.insert(topic.to_owned(), device);
        }
        self.0.get_mut(topic)
    }

    pub(super) fn remove(&mut self, topic: &str) -> Option<Device> {
        self.0.remove(topic)
    }

    /// The topic of the device with an address, below a base.
    pub(super) fn by_address(&self, base: &str, ieee: &str) -> Option<&str> {
        self.0
            .values()
            .find(|device| {
                !ieee.is_empty() && device.ieee == ieee && super::is_below(&device.topic, base)
            })
            .map(|device| device.topic.as_str())
    }

    /// Topics of the listed devices below a base that `keep` does not hold.
    pub(super) fn gone(&self, base: &str, keep: &dyn Fn(&str) -> bool) -> Vec<String> {
        let mut gone: Vec<String> = self
            .0
            .values()
            .filter(|d| d.listed && super::is_below(&d.topic, base) && !keep(&d.topic))
            .map(|d| d.topic.clone())
            .collect();
        gone.sort();
        gone
    }

    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }
}

/// Why a device is not taken in.
pub(super) fn full() -> String {
    format!("more than {DEVICES_MAX} devices: this one is not read")
}
