//! The entities that discovery messages described. Bounded; rebuilt from the retained messages.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use gridwatch_protocol::{Kind, Timestamp};

use super::classes::Means;
use super::config::Described;
use super::entity::Entity;
use super::meaning::What;
use super::template::Templates;
use super::topics::Topics;
use crate::observation::{Announcement, Observation, Output};

/// Entities kept: a thousand devices with sixteen each.
const ENTITIES_MAX: usize = 16_384;

/// What one discovery message described.
#[derive(Debug)]
struct Known {
    /// Hash of the payload: the same one again is no news.
    hash: u64,
    entities: Vec<usize>,
}

/// The entities.
#[derive(Debug, Default)]
pub(super) struct Registry {
    pub(super) entities: Vec<Option<Entity>>,
    pub(super) topics: Topics,
    pub(super) templates: Templates,
    /// Entities whose state may end by itself.
    pub(super) ending: Vec<usize>,
    free: Vec<usize>,
    configs: HashMap<String, Known>,
    /// Entities and last announcement of each device.
    devices: HashMap<String, (Vec<usize>, Option<Announcement>)>,
}

impl Registry {
    /// Whether a topic described entities.
    pub(super) fn has(&self, topic: &str) -> bool {
        self.configs.contains_key(topic)
    }

    /// Takes in what a message describes, in place of what its topic described before.
    ///
    /// # Errors
    /// When none of it can be read.
    pub(super) fn set(
        &mut self,
        topic: &str,
        payload: &[u8],
        described: &[Described],
        output: &mut Output,
    ) -> Result<(), String> {
        let mut hash = DefaultHasher::new();
        payload.hash(&mut hash);
        let hash = hash.finish();
        if self
            .configs
            .get(topic)
            .is_some_and(|known| known.hash == hash)
        {
            output.note(|| "the same description again is no news".to_owned());
            return Ok(());
        }
        let (mut made, mut problems) = (Vec::new(), Vec::new());
        for one in described {
            match Entity::new(one, &mut self.templates) {
                Ok(entity) => made.push(entity),
                Err(why) => problems.push(format!("{} {}: {why}", one.component, one.object)),
            }
        }
        let old = self.take_out(topic);
        for entity in &mut made {
            let before = old
                .iter()
                .find(|old| old.device == entity.device && old.part == entity.part);
            if let Some(before) = before {
                entity.availability.keep(&before.availability);
            }
        }
        let mut touched: Vec<(String, bool)> = old.iter().map(touch).collect();
        let mut entities = Vec::new();
        for entity in made {
            touched.push(touch(&entity));
            match self.insert(entity) {
                Ok(index) => entities.push(index),
                Err(why) => problems.push(why),
            }
        }
        let nothing = entities.is_empty();
        self.configs
            .insert(topic.to_owned(), Known { hash, entities });
        self.announce(touched, output);
        match problems.pop() {
            Some(why) if nothing => Err(why),
            last => {
                output.problems.extend(problems.into_iter().chain(last));
                Ok(())
            }
        }
    }

    /// Forgets what a topic described.
    pub(super) fn delete(&mut self, topic: &str, output: &mut Output) {
        let touched = self.take_out(topic).iter().map(touch).collect();
        self.announce(touched, output);
    }

    fn insert(&mut self, entity: Entity) -> Result<usize, String> {
        let live = self.entities.len().saturating_sub(self.free.len());
        let index = match self.free.pop() {
            Some(index) => index,
            None if live < ENTITIES_MAX => {
                self.entities.push(None);
                self.entities.len() - 1
            }
            None => {
                entity.release(&mut self.templates);
                return Err(format!("more than {ENTITIES_MAX} entities"));
            }
        };
        for (topic, role) in entity.topics() {
            if let Err(why) = self.topics.add(topic, (index, role)) {
                for (topic, _) in entity.topics() {
                    self.topics.remove(topic, index);
                }
                entity.release(&mut self.templates);
                self.free.push(index);
                return Err(why);
            }
        }
        self.devices
            .entry(entity.device.clone())
            .or_default()
            .0
            .push(index);
        if let Some(place) = self.entities.get_mut(index) {
            *place = Some(entity);
        }
        Ok(index)
    }

    fn take_out(&mut self, topic: &str) -> Vec<Entity> {
        let Some(described) = self.configs.remove(topic) else {
            return Vec::new();
        };
        let mut out = Vec::new();
        for index in described.entities {
            let Some(entity) = self.entities.get_mut(index).and_then(Option::take) else {
                continue;
            };
            for (topic, _) in entity.topics() {
                self.topics.remove(topic, index);
            }
            entity.release(&mut self.templates);
            if let Some((list, _)) = self.devices.get_mut(&entity.device) {
                list.retain(|other| *other != index);
            }
            self.ending.retain(|other| *other != index);
            self.free.push(index);
            out.push(entity);
        }
        out
    }

    /// Says what became of devices.
    fn announce(&mut self, mut touched: Vec<(String, bool)>, output: &mut Output) {
        touched.sort();
        touched.dedup();
        for (device, zigbee) in touched {
            let Some((list, announced)) = self.devices.get_mut(&device) else {
                continue;
            };
            // A device of Zigbee2MQTT is there as long as its inventory says so, described or not.
            if list.is_empty() && zigbee {
                self.devices.remove(&device);
                continue;
            }
            if list.is_empty() {
                let mut last = announced.take().unwrap_or_default();
                last.device.clone_from(&device);
                last.removed = true;
                output.announcements.push(last);
                self.devices.remove(&device);
                continue;
            }
            name_parts(list, &mut self.entities);
            let now = announcement(&device, list, &self.entities);
            if announced.as_ref() != Some(&now) {
                *announced = Some(now.clone());
                output.announcements.push(now);
            }
        }
    }

    /// Ends the states that are over.
    pub(super) fn end_states(&mut self, now: Timestamp, output: &mut Output) {
        let entities = &mut self.entities;
        self.ending.retain(|index| {
            let Some(entity) = entities.get_mut(*index).and_then(Option::as_mut) else {
                return false;
            };
            match entity.off_at {
                None => false,
                Some(at) if at > now => true,
                Some(_) => {
                    entity.off_at = None;
                    if let What::Binary { means, .. } = entity.what {
                        output.push(ended(entity.id(), means));
                    }
                    false
                }
            }
        });
    }
}

/// The device of an entity, and whether Zigbee2MQTT has it.
fn touch(entity: &Entity) -> (String, bool) {
    (entity.device.clone(), entity.zigbee)
}

fn ended(id: String, means: Means) -> Observation {
    match means {
        Means::True(kind) => Observation::state(id, kind, false),
        Means::Low => Observation::word(id, Kind::Battery, "ok"),
        Means::Unlocked => Observation::word(id, Kind::Lock, "locked"),
    }
}

/// Entities of one device that report the same kind need names of their own: the clear of one zone of
/// a panel must not clear the alarm of another. Nobody tells `other` apart by its kind anyway.
fn name_parts(list: &[usize], entities: &mut [Option<Entity>]) {
    let mut count: HashMap<(Kind, bool), usize> = HashMap::new();
    let kind = |entity: &Entity| {
        entity
            .kind()
            .filter(|(kind, _)| !matches!(kind, Kind::Other | Kind::Availability))
    };
    for index in list {
        if let Some(key) = entities.get(*index).and_then(Option::as_ref).and_then(kind) {
            *count.entry(key).or_default() += 1;
        }
    }
    for index in list {
        if let Some(entity) = entities.get_mut(*index).and_then(Option::as_mut) {
            entity.needs_part = kind(entity).is_some_and(|key| count.get(&key) > Some(&1));
        }
    }
}

fn announcement(device: &str, list: &[usize], entities: &[Option<Entity>]) -> Announcement {
    let mut made = Announcement {
        device: device.to_owned(),
        ..Announcement::default()
    };
    for entity in list
        .iter()
        .filter_map(|index| entities.get(*index).and_then(Option::as_ref))
    {
        let [name, vendor, model] = &entity.about;
        let fill = |slot: &mut Option<String>, text: &Option<String>| {
            if slot.is_none() {
                slot.clone_from(text);
            }
        };
        fill(&mut made.name, name);
        fill(&mut made.vendor, vendor);
        fill(&mut made.model, model);
        if let Some((kind, _)) = entity.kind()
            && !made.kinds.contains(&kind)
        {
            made.kinds.push(kind);
        }
        // The shortest promise of any of its entities: whatever it sends keeps the device alive.
        made.silent_after_ms = match (made.silent_after_ms, entity.expire_after_ms) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
    }
    made.kinds.sort_unstable();
    made
}
