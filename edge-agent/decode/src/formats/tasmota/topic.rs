//! Tasmota's topics. `FullTopic` orders prefix and name as the user likes: `tele/hall/SENSOR`,
//! `hall/tele/SENSOR`, `home/hall/tele/SENSOR`; the command is always last.

/// A topic of Tasmota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Topic<'a> {
    /// The device's name: every level but prefix and command.
    pub(super) device: String,
    /// What the message is: `SENSOR`, `RESULT`, `POWER1`.
    pub(super) command: &'a str,
}

/// What a topic is to Tasmota.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Shape<'a> {
    /// Telemetry or an answer of a device.
    Device(Topic<'a>),
    /// A command to a device, sent by others.
    Command,
    /// The device's description for other programs; `true` for the one that names the device.
    Discovery(bool),
    /// Of someone else.
    Other,
}

/// Tells what a topic is.
pub(super) fn shape(topic: &str) -> Shape<'_> {
    let levels: Vec<&str> = topic.split('/').collect();
    if let ["tasmota", "discovery", _, last] = levels.as_slice() {
        return Shape::Discovery(*last == "config");
    }
    let Some((command, path)) = levels.split_last() else {
        return Shape::Other;
    };
    if path.first() == Some(&"cmnd") && path.len() > 1 {
        return Shape::Command;
    }
    let Some(prefix) = path.iter().position(|l| *l == "tele" || *l == "stat") else {
        return Shape::Other;
    };
    let device: Vec<&str> = path
        .iter()
        .enumerate()
        .filter(|(index, level)| *index != prefix && !level.is_empty())
        .map(|(_, level)| *level)
        .collect();
    if device.is_empty() || !is_command(command) {
        return Shape::Other;
    }
    Shape::Device(Topic {
        device: device.join("/"),
        command,
    })
}

/// Commands are written in capitals; `ZbReceived` alone keeps its case.
fn is_command(word: &str) -> bool {
    word == "ZbReceived"
        || word.starts_with(|c: char| c.is_ascii_uppercase())
            && word
                .chars()
                .all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}

/// The device's name in a `FullTopic` with its tokens replaced.
pub(super) fn device_of(full_topic: &str, topic: &str) -> String {
    full_topic
        .split('/')
        .filter(|level| !level.is_empty() && *level != "%prefix%")
        .map(|level| level.replace("%topic%", topic))
        .collect::<Vec<_>>()
        .join("/")
}

/// The number in a name like `Switch2`, `POWER1` or `POWER`; `None` if the name is another.
pub(super) fn numbered(name: &str, base: &str) -> Option<u8> {
    match name.strip_prefix(base)? {
        "" => Some(1),
        digits => digits.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn device(topic: &str) -> Option<(String, &str)> {
        match shape(topic) {
            Shape::Device(topic) => Some((topic.device, topic.command)),
            _ => None,
        }
    }

    #[test]
    fn prefix_and_name_come_in_any_order() {
        let hall = Some(("hall".to_owned(), "SENSOR"));
        assert_eq!(device("tele/hall/SENSOR"), hall);
        assert_eq!(device("hall/tele/SENSOR"), hall);
        assert_eq!(
            device("home/cellar/tele/pump/STATE"),
            Some(("home/cellar/pump".to_owned(), "STATE"))
        );
        for other in [
            "tele/SENSOR",
            "tele/hall/state",
            "x/y/SENSOR",
            "",
            "tele//LWT",
        ] {
            assert_eq!(device(other), None, "{other}");
        }
        assert_eq!(shape("cmnd/hall/POWER"), Shape::Command);
        assert_eq!(
            shape("tasmota/discovery/AABBCC/config"),
            Shape::Discovery(true)
        );
        assert_eq!(device_of("home/%topic%/%prefix%/", "hall"), "home/hall");
    }
}
