//! What the tests of formats share: a message through one format, and its readings in lines.

use std::fmt::Write as _;

use gridwatch_protocol::{Timestamp, Value};

use super::{Format, Verdict};
use crate::frame::Message;
use crate::observation::{Observation, Output};

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
            shown.push_str(&line(observation));
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
pub(crate) fn line(seen: &Observation) -> String {
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
