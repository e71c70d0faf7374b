//! What the tests of formats share: messages through one format, and what came out in lines: `check`
//! compares everything with a snapshot, `readings` gives the readings alone.

use std::fmt::Write as _;

use expect_test::Expect;
use gridwatch_protocol::{Timestamp, Value};

use super::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Observation, Output};

/// What comes out of these messages.
pub(super) fn check(format: &mut dyn Format, messages: &[(&str, &str)], expect: &Expect) {
    let messages: Vec<(&str, &[u8])> = messages
        .iter()
        .map(|(topic, payload)| (*topic, payload.as_bytes()))
        .collect();
    check_bytes(format, &messages, expect);
}

/// What comes out of these messages.
pub(super) fn check_bytes(format: &mut dyn Format, messages: &[(&str, &[u8])], expect: &Expect) {
    let mut lines = String::new();
    for (topic, payload) in messages {
        let mut output = Output::default();
        let now = Timestamp::from_unix_ms(NOW_MS);
        let message = Message::new(topic, payload, false, now);
        match format.read(&message, &mut output) {
            Verdict::Taken => output.mark_tests(),
            Verdict::NotMine(why) => line(&mut lines, format_args!("not mine: {why}")),
            Verdict::Broken(why) => line(&mut lines, format_args!("broken: {why}")),
        }
        for seen in &output.observations {
            line(&mut lines, format_args!("{}", written(seen)));
        }
        for bridge in &output.bridges {
            let state = if bridge.online { "up" } else { "down" };
            line(&mut lines, format_args!("bridge {} {state}", bridge.prefix));
        }
        for told in &output.announcements {
            let name = told.name.clone().unwrap_or_default();
            line(
                &mut lines,
                format_args!("announced {} as {name}", told.device),
            );
        }
        for problem in &output.problems {
            line(&mut lines, format_args!("problem: {problem}"));
        }
    }
    if lines.is_empty() {
        lines.push_str("nothing\n");
    }
    expect.assert_eq(&lines);
}

fn line(lines: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(lines, "{text}").expect("writing to a string");
}

fn written(seen: &Observation) -> String {
    let value = match &seen.value {
        Value::Text(word) => format!("`{word}`"),
        Value::Bool(state) => state.to_string(),
        Value::Number(number) => number.to_string(),
    };
    let mut text = format!("{} {} {value}", seen.device, seen.kind);
    for part in [
        seen.unit.clone(),
        seen.time.and_then(|t| t.written()).map(|t| format!("@{t}")),
        seen.source_event.as_ref().map(|event| format!("#{event}")),
        seen.replayed.then(|| "(replayed)".to_owned()),
        seen.is_test.then(|| "(test)".to_owned()),
    ]
    .into_iter()
    .flatten()
    {
        text.push(' ');
        text.push_str(&part);
    }
    text
}

/// The time of receipt in tests: 2027-01-15T08:00:00Z.
pub(crate) const NOW_MS: i64 = 1_800_000_000_000;

/// Reads one message by one format.
pub(crate) fn read_by(format: &mut dyn Format, topic: &str, payload: &[u8]) -> (Verdict, Output) {
    let mut output = Output::default();
    let now = Timestamp::from_unix_ms(NOW_MS);
    let verdict = format.read(&Message::new(topic, payload, false, now), &mut output);
    output.mark_tests();
    (verdict, output)
}

/// Reads messages in order; one line for each reading, problem and message that is not taken.
pub(crate) fn readings(format: &mut dyn Format, messages: &[(&str, &str)]) -> String {
    let mut shown = String::new();
    for (topic, payload) in messages {
        let (verdict, output) = read_by(format, topic, payload.as_bytes());
        for observation in &output.observations {
            shown.push_str(&reading_line(observation));
        }
        for problem in &output.problems {
            writeln!(shown, "! {problem}").expect("text");
        }
        if verdict != Verdict::Taken {
            writeln!(shown, "? {topic}: {verdict:?}").expect("text");
        }
    }
    shown
}

/// A reading in one line: device, kind, value, unit, time.
fn reading_line(seen: &Observation) -> String {
    let value = match &seen.value {
        Value::Bool(on) => on.to_string(),
        Value::Number(number) => number.to_string(),
        Value::Text(text) => format!("{text:?}"),
    };
    let mut line = format!("{} {} {value}", seen.device, seen.kind);
    for part in [
        &seen.unit,
        &seen.time.map(|t| t.written().unwrap_or("no time".into())),
    ]
    .into_iter()
    .flatten()
    {
        line.push(' ');
        line.push_str(part);
    }
    if seen.is_test {
        line.push_str(" (test)");
    }
    line.push('\n');
    line
}
