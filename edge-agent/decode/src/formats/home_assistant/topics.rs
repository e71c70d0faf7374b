//! Which entities read which topic. Topics may hold the wildcards `+` and `#`.

use std::collections::HashMap;

use super::entity::Role;

/// Topics with wildcards: each is tried for each message that nobody else reads.
const WILDCARDS_MAX: usize = 256;

/// An entity's interest in a topic.
pub(super) type Interest = (usize, Role);

/// The topics that entities read.
#[derive(Debug, Default)]
pub(super) struct Topics {
    exact: HashMap<String, Vec<Interest>>,
    wild: Vec<(String, Interest)>,
}

impl Topics {
    /// Adds an interest.
    ///
    /// # Errors
    /// When there are too many with wildcards.
    pub(super) fn add(&mut self, topic: &str, interest: Interest) -> Result<(), String> {
        if topic.contains(['+', '#']) {
            if self.wild.len() >= WILDCARDS_MAX {
                return Err(format!("more than {WILDCARDS_MAX} topics with wildcards"));
            }
            self.wild.push((topic.to_owned(), interest));
            return Ok(());
        }
        self.exact
            .entry(topic.to_owned())
            .or_default()
            .push(interest);
        Ok(())
    }

    /// Forgets an entity's interest in a topic.
    pub(super) fn remove(&mut self, topic: &str, entity: usize) {
        self.wild
            .retain(|(pattern, interest)| pattern != topic || interest.0 != entity);
        if let Some(list) = self.exact.get_mut(topic) {
            list.retain(|interest| interest.0 != entity);
            if list.is_empty() {
                self.exact.remove(topic);
            }
        }
    }

    /// Who reads a topic, appended to `found`.
    pub(super) fn find(&self, topic: &str, found: &mut Vec<Interest>) {
        if let Some(list) = self.exact.get(topic) {
            found.extend_from_slice(list);
        }
        for (pattern, interest) in &self.wild {
            if matches(pattern, topic) {
                found.push(*interest);
            }
        }
    }
}

/// Whether a topic filter matches a topic.
fn matches(pattern: &str, topic: &str) -> bool {
    if topic.starts_with('$') != pattern.starts_with('$') {
        return false;
    }
    let mut levels = topic.split('/');
    for wanted in pattern.split('/') {
        if wanted == "#" {
            return true;
        }
        match levels.next() {
            Some(level) if wanted == "+" || wanted == level => {}
            _ => return false,
        }
    }
    levels.next().is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_match_levels_as_brokers_do() {
        assert!(matches("+/+/RTL/a", "home/gw/RTL/a"));
        assert!(!matches("+/RTL/a", "home/gw/RTL/a"));
        assert!(matches("home/#", "home/gw/RTL/a"));
        assert!(matches("home/#", "home"));
        assert!(!matches("#", "$SYS/broker"));
    }
}
