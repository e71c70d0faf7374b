//! Turns counts on standard input into feature rows on standard output, for the trainer.
//!
//! `cargo run --release --example count_features < counts.csv > features.csv`
//!
//! Input: a header, then rows in time order. The column `time` holds RFC 3339 times or local times such as
//! `2005-07-24T00:30:00`, which are then taken as they stand; `recording` is optional, and where its value
//! changes a new stream begins. Then either `count` (a count per row; an empty cell is a gap), or `event`
//! with `credential`, `label`, `score` and `seconds` where the event has them. Events: `opened`, `closed`,
//! `granted`, `denied`, `seen` (a person when the label is `person`), `left`, `fire`, `fire_over`, `tick`.
//!
//! Output: `recording`, `time`, the features, and the evidence of the statistics alone; one row per input row.

use std::collections::HashMap;
use std::io::{BufReader, BufWriter, Read, Write, stdin, stdout};
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use gridwatch_anomaly::counts::{
    COUNT_FEATURE_NAMES, CountRow, CountStream, Counted, Event, EventStream, Learning, What,
    evidence, pseudonym,
};
use gridwatch_protocol::Timestamp;

fn main() -> ExitCode {
    match run(BufReader::new(stdin()), BufWriter::new(stdout())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("count_features: {error:#}");
            ExitCode::from(64)
        }
    }
}

/// A row's cells by the names of their columns.
struct Cells<'r> {
    columns: &'r HashMap<String, usize>,
    record: &'r csv::StringRecord,
}

impl Cells<'_> {
    fn get(&self, column: &str) -> Option<&str> {
        let index = *self.columns.get(column)?;
        self.record.get(index).filter(|cell| !cell.is_empty())
    }

    fn number(&self, column: &str) -> anyhow::Result<Option<f64>> {
        self.get(column)
            .map(|cell| {
                cell.parse()
                    .with_context(|| format!("column `{column}`: `{cell}` is not a number"))
            })
            .transpose()
    }
}

fn run(reader: impl Read, writer: impl Write) -> anyhow::Result<()> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(reader);
    let mut writer = csv::Writer::from_writer(writer);
    let names = reader.headers()?.clone();
    let columns: HashMap<String, usize> = names.iter().map(str::to_owned).zip(0..).collect();
    let has_counts = columns.contains_key("count");
    if !columns.contains_key("time") || has_counts == columns.contains_key("event") {
        bail!("the first line must name a column `time` and either `count` or `event`");
    }
    let mut header = vec!["recording", "time"];
    header.extend(COUNT_FEATURE_NAMES);
    header.push("evidence");
    writer.write_record(&header)?;

    let mut recording = String::new();
    let mut counts = CountStream::new();
    let mut door = EventStream::new(Counted::Entries);
    for (record, line) in reader.records().zip(2u64..) {
        let record = record?;
        let cells = Cells {
            columns: &columns,
            record: &record,
        };
        let name = cells.get("recording").unwrap_or_default();
        if name != recording {
            name.clone_into(&mut recording);
            counts = CountStream::new();
            door = EventStream::new(Counted::Entries);
        }
        let row = if has_counts {
            count(&mut counts, &cells)
        } else {
            event(&mut door, &cells)
        };
        let row = row.with_context(|| format!("line {line}"))?;
        let mut fields = vec![
            recording.clone(),
            cells.get("time").unwrap_or_default().to_owned(),
        ];
        fields.extend(row.iter().map(ToString::to_string));
        fields.push(evidence(&row).to_string());
        writer.write_record(&fields)?;
    }
    writer.flush()?;
    Ok(())
}

fn count(stream: &mut CountStream, cells: &Cells<'_>) -> anyhow::Result<CountRow> {
    let at = time(cells)?;
    if let Some(count) = cells.number("count")? {
        stream.update(at, count, 0, Learning::On);
    }
    Ok(stream.row_at(at))
}

fn event(door: &mut EventStream, cells: &Cells<'_>) -> anyhow::Result<CountRow> {
    let at = time(cells)?;
    let credential = cells.get("credential").map(pseudonym);
    let label = cells.get("label").unwrap_or("person");
    let what = match cells.get("event").unwrap_or_default() {
        "opened" => What::Opened,
        "closed" => What::Closed,
        "granted" => What::Granted { credential },
        "denied" => What::Denied { credential },
        "seen" => What::Seen {
            label: pseudonym(label),
            score: cells.number("score")?.unwrap_or(0.0),
            is_person: label == "person",
        },
        "left" => What::Left {
            stayed_s: cells.number("seconds")?.unwrap_or(0.0),
        },
        "fire" => What::Fire { active: true },
        "fire_over" => What::Fire { active: false },
        "tick" => {
            door.tick(at, 0, Learning::On);
            return Ok(door.row());
        }
        other => bail!("column `event`: `{other}` is none of the events in this program's header"),
    };
    door.take(Event { at, what }, 0, Learning::On);
    Ok(door.row())
}

fn time(cells: &Cells<'_>) -> anyhow::Result<Timestamp> {
    let cell = cells.get("time").unwrap_or_default();
    let local = || {
        let time: jiff::civil::DateTime = cell.parse()?;
        Ok::<_, jiff::Error>(Timestamp::from(
            time.to_zoned(jiff::tz::TimeZone::UTC)?.timestamp(),
        ))
    };
    cell.parse::<Timestamp>()
        .or_else(|_| local())
        .with_context(|| {
            format!("column `time`: `{cell}` is not a time such as 2005-07-24T00:30:00")
        })
}
