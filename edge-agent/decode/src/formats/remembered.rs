//! What a format keeps between messages, within fixed limits, and the naming of a device's parts.
//!
//! Nothing here survives a restart: it is learned again from the broker's retained messages and from
//! the devices' next messages.

use std::collections::HashMap;

use gridwatch_protocol::Kind;

/// Longer keys are not remembered: a device id has at most 256 bytes.
const KEY_BYTES_MAX: usize = 512;

/// A map that never grows beyond its limit: the entry that was longest not used makes room.
#[derive(Debug)]
pub(crate) struct Remembered<T> {
    entries: HashMap<String, (u64, T)>,
    uses: u64,
    max: usize,
}

impl<T> Remembered<T> {
    pub(crate) fn new(max: usize) -> Self {
        Self {
            entries: HashMap::new(),
            uses: 0,
            max,
        }
    }

    pub(crate) fn get(&mut self, key: &str) -> Option<&mut T> {
        self.uses = self.uses.wrapping_add(1);
        let uses = self.uses;
        self.entries.get_mut(key).map(|(used, value)| {
            *used = uses;
            value
        })
    }

    pub(crate) fn has(&mut self, key: &str) -> bool {
        self.get(key).is_some()
    }

    pub(crate) fn put(&mut self, key: &str, value: T) {
        if key.len() > KEY_BYTES_MAX {
            return;
        }
        self.uses = self.uses.wrapping_add(1);
        if self.entries.len() >= self.max && !self.entries.contains_key(key) {
            let oldest = self
                .entries
                .iter()
                .min_by_key(|(_, (used, _))| *used)
                .map(|(key, _)| key.clone());
            if let Some(oldest) = oldest {
                self.entries.remove(&oldest);
            }
        }
        self.entries.insert(key.to_owned(), (self.uses, value));
    }

    pub(crate) fn remove(&mut self, key: &str) -> Option<T> {
        self.entries.remove(key).map(|(_, value)| value)
    }

    /// Takes out every entry that `ended` says is over.
    pub(crate) fn take_if(&mut self, mut ended: impl FnMut(&T) -> bool) -> Vec<(String, T)> {
        let keys: Vec<String> = self
            .entries
            .iter()
            .filter(|(_, (_, value))| ended(value))
            .map(|(key, _)| key.clone())
            .collect();
        keys.into_iter()
            .filter_map(|key| self.remove(&key).map(|value| (key, value)))
            .collect()
    }

    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }
}

/// One node with several sensors of one kind is several devices: `node/part`. With only one sensor of
/// a kind the node itself is the device. Once a second one is heard, both have names of their own.
#[derive(Debug)]
pub(crate) struct Parts {
    owners: Remembered<Owner>,
}

#[derive(Debug)]
enum Owner {
    One(String),
    Several,
}

impl Parts {
    /// `max` is the number of pairs of node and kind that are remembered.
    pub(crate) fn new(max: usize) -> Self {
        Self {
            owners: Remembered::new(max),
        }
    }

    /// The device of a part. A part without a name is the node itself, always.
    pub(crate) fn device(&mut self, node: &str, kind: Kind, part: &str) -> String {
        if part.len() > KEY_BYTES_MAX {
            return format!("{node}/{part}");
        }
        let key = format!("{node}\n{kind}");
        let several = match self.owners.get(&key) {
            Some(Owner::Several) => true,
            Some(Owner::One(owner)) => owner != part,
            None => {
                self.owners.put(&key, Owner::One(part.to_owned()));
                false
            }
        };
        if several {
            self.owners.put(&key, Owner::Several);
        }
        if part.is_empty() || !several {
            node.to_owned()
        } else {
            format!("{node}/{part}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_never_grows_beyond_its_limit_and_forgets_the_longest_unused() {
        let mut remembered = Remembered::new(2);
        remembered.put("a", 1);
        remembered.put("b", 2);
        assert!(remembered.has("a"));
        remembered.put("c", 3);
        assert_eq!(remembered.len(), 2);
        assert!(remembered.has("a") && !remembered.has("b") && remembered.has("c"));
        remembered.put(&"k".repeat(KEY_BYTES_MAX + 1), 4);
        assert_eq!(remembered.len(), 2);
    }

    #[test]
    fn second_sensor_of_a_kind_gives_both_a_name_of_their_own() {
        let mut parts = Parts::new(8);
        let mut door = |part: &str| parts.device("esphome/hall", Kind::Door, part);
        assert_eq!(door("front_door"), "esphome/hall");
        assert_eq!(door("front_door"), "esphome/hall");
        assert_eq!(door("back_door"), "esphome/hall/back_door");
        assert_eq!(door("front_door"), "esphome/hall/front_door");
        assert_eq!(door(""), "esphome/hall");
        assert_eq!(
            parts.device("esphome/hall", Kind::Smoke, "smoke_up"),
            "esphome/hall"
        );
    }
}
