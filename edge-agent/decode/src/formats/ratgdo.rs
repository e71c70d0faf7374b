//! ratgdo: garage door openers by plain topics, `<prefix>/<name>/status/door`.
//!
//! Traps: a door that is opening, closing or stopped on its way is not closed; `status/lock` locks out
//! the remote controls and says nothing of the door; the topics are of a common shape, so only the
//! opener's own words are taken.

use gridwatch_protocol::Kind;

use super::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Observation, Output};

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Ratgdo;

impl Format for Ratgdo {
    fn name(&self) -> &'static str {
        "ratgdo"
    }

    fn read(&mut self, message: &Message<'_>, output: &mut Output) -> Verdict {
        const NOT_MINE: Verdict = Verdict::NotMine("the topic is not <name>/status/door");
        let levels: Vec<&str> = message.levels().collect();
        let [prefix @ .., "status", name] = levels.as_slice() else {
            return NOT_MINE;
        };
        let Some(text) = message.text().filter(|_| !prefix.is_empty()) else {
            return NOT_MINE;
        };
        let device = format!("ratgdo/{}", prefix.join("/"));
        let state = |kind, on| Some(Observation::state(&device, kind, on));
        let observation = match (*name, text) {
            ("availability", "online") => state(Kind::Availability, true),
            ("availability", "offline") => state(Kind::Availability, false),
            ("door", "open" | "opening" | "closing" | "stopped") => state(Kind::Door, true),
            ("door", "closed") => state(Kind::Door, false),
            ("motion", "detected") => state(Kind::Motion, true),
            ("motion", "clear") => state(Kind::Motion, false),
            ("obstruction", "obstructed" | "clear") => Some(Observation::word(
                format!("{device}/obstruction"),
                Kind::Other,
                text,
            )),
            ("door", "unknown" | "")
            | ("light", "on" | "off" | "unknown")
            | ("lock", "locked" | "unlocked" | "unknown") => None,
            _ => return NOT_MINE,
        };
        match observation {
            Some(observation) => output.push(observation),
            None => output.note(|| format!("{name} {text}: nothing that is watched")),
        }
        Verdict::Taken
    }
}

#[cfg(test)]
mod tests {
    use super::super::testing::{read_by, readings};
    use super::*;

    #[test]
    fn door_is_open_until_it_is_closed_and_the_lockout_is_no_lock() {
        let mut format = Ratgdo;
        let shown = readings(
            &mut format,
            &[
                ("ratgdo/left/status/availability", "online"),
                ("ratgdo/left/status/door", "opening"),
                ("ratgdo/left/status/lock", "unlocked"),
                ("ratgdo/left/status/door", "stopped"),
                ("ratgdo/left/status/door", "unknown"),
                ("ratgdo/left/status/motion", "detected"),
                ("ratgdo/left/status/obstruction", "obstructed"),
                ("ratgdo/left/status/door", "closed"),
            ],
        );
        expect_test::expect![[r#"
            ratgdo/ratgdo/left availability true
            ratgdo/ratgdo/left door true
            ratgdo/ratgdo/left door true
            ratgdo/ratgdo/left motion true
            ratgdo/ratgdo/left/obstruction other "obstructed"
            ratgdo/ratgdo/left door false
        "#]]
        .assert_eq(&shown);
    }

    #[test]
    fn words_of_others_are_left_to_others() {
        for (topic, text) in [
            ("a/status/door", "{}"),
            ("a/status/door", "1"),
            ("status/door", "open"),
            ("a/status/online", "true"),
        ] {
            let (verdict, _) = read_by(&mut Ratgdo, topic, text.as_bytes());
            assert!(matches!(verdict, Verdict::NotMine(_)), "{topic} {text}");
        }
    }
}
