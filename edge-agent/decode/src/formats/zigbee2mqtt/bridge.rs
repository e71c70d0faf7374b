//! What the bridge says: whether it is up, which devices there are, who joined and who left.

use gridwatch_protocol::Kind;
use serde_json::Value as Json;

use super::device;
use super::exposes::{self, Channel};
use super::property;
use super::{BASES_MAX, Base, Claim, DEFAULT_BASE, GROUPS_MAX, Zigbee2Mqtt};
use crate::formats::Verdict;
use crate::frame::Message;
use crate::observation::{Announcement, Bridge, Observation, Output};

/// Silence of a battery device that means it is lost: what Zigbee2MQTT itself waits for passive
/// devices, 1,500 minutes (guide/configuration/device-availability).
const PASSIVE_MS: i64 = 90_000_000;
/// Silence of a mains device that means it is lost, where the bridge does not ask it: they report at
/// least every hour by Zigbee's usual reporting, and are not cried over for less than a quarter day.
const MAINS_MS: i64 = 21_600_000;
/// Longest name of vendor and model that is kept.
const NAME_CHARS_MAX: usize = 128;

/// The base and the rest of `<base>/bridge/<rest>`.
pub(super) fn split(topic: &str) -> Option<(&str, &str)> {
    let (base, rest) = topic.split_once("/bridge/")?;
    (!base.is_empty() && !rest.is_empty() && !base.starts_with('$')).then_some((base, rest))
}

/// `online` or `offline`, as text or as `{"state": …}`.
pub(super) fn online(message: &Message<'_>) -> Option<bool> {
    let word = match message.object() {
        Some(object) => object.get("state")?.as_str()?,
        None => message.text()?.trim_matches('"'),
    };
    match word {
        "online" => Some(true),
        "offline" => Some(false),
        _ => None,
    }
}

impl Zigbee2Mqtt {
    pub(super) fn bridge_message(
        &mut self,
        base: &str,
        rest: &str,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Verdict {
        let known = base == DEFAULT_BASE || self.bases.iter().any(|b| b.topic == base);
        let read = match rest {
            "state" => self.bridge_state(base, message, output),
            "devices" => self.inventory(base, message, output),
            "groups" => self.group_list(base, known, message),
            "info" => self.settings(base, message, output),
            "event" => self.event(base, message, output),
            "log" => self.log(base, message, output),
            _ if !known => return Verdict::NotMine("a bridge topic of another format"),
            _ => {
                self.response(base, rest, message, output);
                Ok(())
            }
        };
        match read {
            Ok(()) => Verdict::Taken,
            Err(_) if !known => Verdict::NotMine("a bridge topic of another format"),
            Err(why) => Verdict::Broken(format!("{}: {why}", message.topic)),
        }
    }

    fn base(&mut self, topic: &str) -> Option<&mut Base> {
        if let Some(index) = self.bases.iter().position(|base| base.topic == topic) {
            return self.bases.get_mut(index);
        }
        if self.bases.len() >= BASES_MAX {
            return None;
        }
        self.bases.push(Base {
            topic: topic.to_owned(),
            inventory: false,
            passive_ms: PASSIVE_MS,
            availability: false,
        });
        self.bases.last_mut()
    }

    fn bridge_state(
        &mut self,
        base: &str,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Result<(), String> {
        let online = online(message).ok_or("neither online nor offline")?;
        self.base(base)
            .ok_or_else(|| format!("more than {BASES_MAX} base topics"))?;
        output.bridges.push(Bridge {
            prefix: format!("{base}/"),
            online,
        });
        Ok(())
    }

    fn inventory(
        &mut self,
        base: &str,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Result<(), String> {
        let list = message.json()?.as_array().ok_or("not a list of devices")?;
        if list.iter().any(|entry| address(entry).is_empty()) {
            return Err("an entry has no ieee_address".to_owned());
        }
        if list.is_empty() && base != DEFAULT_BASE && !self.bases.iter().any(|b| b.topic == base) {
            return Err("an empty list under an unknown base".to_owned());
        }
        self.base(base)
            .ok_or_else(|| format!("more than {BASES_MAX} base topics"))?
            .inventory = true;
        let mut here = std::collections::HashSet::new();
        for entry in list {
            if text(entry, "type") == "Coordinator"
                || entry.get("disabled") == Some(&Json::Bool(true))
            {
                continue;
            }
            let topic = format!("{base}/{}", name(entry));
            self.list(base, &topic, entry, output);
            here.insert(topic);
        }
        for topic in self.devices.gone(base, &|topic| here.contains(topic)) {
            self.removed(&topic, output);
        }
        Ok(())
    }

    /// Takes in one device of an inventory or of an interview, and announces what is new of it.
    fn list(&mut self, base: &str, topic: &str, entry: &Json, output: &mut Output) {
        let (passive_ms, availability) = self
            .bases
            .iter()
            .find(|b| b.topic == base)
            .map_or((PASSIVE_MS, false), |b| (b.passive_ms, b.availability));
        let old = self
            .devices
            .by_address(base, address(entry))
            .filter(|old| *old != topic)
            .map(str::to_owned);
        if let Some(old) = old {
            output.note(|| format!("{old} is now called {topic}"));
            self.removed(&old, output);
        }
        let Some(device) = self.devices.get_or_insert(topic) else {
            output.problem(device::full());
            return;
        };
        let definition = entry.get("definition").unwrap_or(&Json::Null);
        device.listed = true;
        address(entry).clone_into(&mut device.ieee);
        let channels = exposes::channels(definition);
        if !channels.is_empty() {
            device.channels = channels;
        }
        let announcement = Announcement {
            device: topic.to_owned(),
            name: Some(name(entry).to_owned()),
            vendor: known(text(definition, "vendor"))
                .or_else(|| known(text(entry, "manufacturer"))),
            model: known(text(definition, "model")).or_else(|| known(text(entry, "model_id"))),
            kinds: kinds(&device.channels),
            silent_after_ms: silent_after(entry, &device.channels, passive_ms, availability),
            removed: false,
        };
        if device.announced.as_ref() != Some(&announcement) {
            device.announced = Some(announcement.clone());
            output.announcements.push(announcement);
        }
    }

    fn removed(&mut self, topic: &str, output: &mut Output) {
        let mut announcement = self
            .devices
            .remove(topic)
            .and_then(|device| device.announced)
            .unwrap_or_else(|| Announcement {
                device: topic.to_owned(),
                ..Announcement::default()
            });
        announcement.removed = true;
        output.announcements.push(announcement);
    }

    fn group_list(&mut self, base: &str, known: bool, message: &Message<'_>) -> Result<(), String> {
        let list = message.json()?.as_array().ok_or("not a list of groups")?;
        if !known {
            return Err("groups of an unknown base".to_owned());
        }
        self.groups.retain(|group| !super::is_below(group, base));
        for group in list {
            let name = text(group, "friendly_name");
            if !name.is_empty() && self.groups.len() < GROUPS_MAX {
                self.groups.push(format!("{base}/{name}"));
            }
        }
        Ok(())
    }

    /// The bridge's settings: how long it waits itself before it calls a device lost.
    fn settings(
        &mut self,
        base: &str,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Result<(), String> {
        let info = message.json()?;
        if info.get("coordinator").is_none() || info.get("version").is_none() {
            return Err("not the settings of a bridge".to_owned());
        }
        let availability = info.pointer("/config/availability");
        let enabled = match availability {
            Some(Json::Object(object)) => object.get("enabled") != Some(&Json::Bool(false)),
            Some(Json::Bool(enabled)) => *enabled,
            _ => false,
        };
        let minutes = availability
            .and_then(|a| a.pointer("/passive/timeout"))
            .and_then(Json::as_i64)
            .filter(|minutes| (1..=525_600).contains(minutes));
        let Some(entry) = self.base(base) else {
            return Err(format!("more than {BASES_MAX} base topics"));
        };
        entry.availability = enabled;
        entry.passive_ms = minutes.map_or(PASSIVE_MS, |minutes| minutes.saturating_mul(60_000));
        output.note(|| {
            format!(
                "{base}: availability is {}",
                if enabled { "on" } else { "off" }
            )
        });
        Ok(())
    }

    fn event(
        &mut self,
        base: &str,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Result<(), String> {
        let event = message.json()?;
        let data = event.get("data").unwrap_or(&Json::Null);
        let kind = text(event, "type");
        if kind.is_empty() || !data.is_object() {
            return Err("not an event of a bridge".to_owned());
        }
        let topic = self.topic_of(base, data);
        match (kind, topic) {
            ("device_leave", Some(topic)) => self.left(&topic, output),
            ("device_interview", Some(topic)) if text(data, "status") == "successful" => {
                if data.get("definition").is_some_and(Json::is_object) {
                    self.list(base, &topic, data, output);
                }
            }
            _ => output.note(|| format!("{kind} says nothing about a state")),
        }
        Ok(())
    }

    /// The bridge's log before version 1.17; it told of devices that left.
    fn log(
        &mut self,
        base: &str,
        message: &Message<'_>,
        output: &mut Output,
    ) -> Result<(), String> {
        let entry = message.json()?;
        let (kind, word) = (text(entry, "type"), text(entry, "message"));
        if kind.is_empty() || entry.get("message").is_none() {
            return Err("not the log of a bridge".to_owned());
        }
        let meta = entry.get("meta").unwrap_or(&Json::Null);
        if kind == "device_removed"
            && word == "left_network"
            && let Some(topic) = self.topic_of(base, meta)
        {
            self.left(&topic, output);
        }
        Ok(())
    }

    fn left(&mut self, topic: &str, output: &mut Output) {
        output.push(Observation::state(topic, Kind::Availability, false));
        self.removed(topic, output);
    }

    /// Answers to requests of people: a device that was renamed or removed on purpose.
    fn response(&mut self, base: &str, rest: &str, message: &Message<'_>, output: &mut Output) {
        let Some(object) = message.object() else {
            return;
        };
        let data = object.get("data").unwrap_or(&Json::Null);
        if object.get("status").and_then(Json::as_str) != Some("ok") {
            return;
        }
        let id = match rest {
            "response/device/remove" => text(data, "id"),
            "response/device/rename" => text(data, "from"),
            _ => return,
        };
        let topic = match self.devices.by_address(base, id) {
            Some(topic) => topic.to_owned(),
            None => format!("{base}/{id}"),
        };
        if self.claim(&topic) == Claim::Device {
            self.removed(&topic, output);
        }
    }

    /// The topic of the device that an event is about.
    fn topic_of(&self, base: &str, data: &Json) -> Option<String> {
        let by_address = || {
            self.devices
                .by_address(base, address(data))
                .map(str::to_owned)
        };
        match text(data, "friendly_name") {
            "" => by_address().or_else(|| {
                let ieee = address(data);
                (!ieee.is_empty()).then(|| format!("{base}/{ieee}"))
            }),
            name => Some(format!("{base}/{name}")),
        }
    }
}

fn text<'j>(object: &'j Json, key: &str) -> &'j str {
    object.get(key).and_then(Json::as_str).unwrap_or_default()
}

fn address(entry: &Json) -> &str {
    text(entry, "ieee_address")
}

/// The friendly name; a device without one is called by its address.
fn name(entry: &Json) -> &str {
    match text(entry, "friendly_name") {
        "" => address(entry),
        name => name,
    }
}

fn known(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.chars().take(NAME_CHARS_MAX).collect())
}

fn kinds(channels: &[Channel]) -> Vec<Kind> {
    let mut kinds = Vec::new();
    for kind in channels
        .iter()
        .filter_map(|c| c.meaning.and_then(property::kind))
    {
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    kinds
}

/// How long a device may be silent. A device that the bridge asks itself needs no limit here: an idle
/// plug that answers its questions publishes nothing.
fn silent_after(
    entry: &Json,
    channels: &[Channel],
    passive_ms: i64,
    availability: bool,
) -> Option<i64> {
    let has_battery = || {
        channels
            .iter()
            .any(|c| c.meaning.and_then(property::kind) == Some(Kind::Battery))
    };
    match (text(entry, "type"), text(entry, "power_source")) {
        // Switches that live on the press of their button.
        ("GreenPower", _) => None,
        (_, "Battery") => Some(passive_ms),
        ("EndDevice" | "", "" | "Unknown") if has_battery() => Some(passive_ms),
        ("Unknown" | "", "" | "Unknown") => None,
        ("EndDevice", "" | "Unknown") => Some(passive_ms),
        _ if availability => None,
        _ => Some(MAINS_MS),
    }
}
