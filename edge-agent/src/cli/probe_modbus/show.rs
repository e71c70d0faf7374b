//! What a probe found, for people and as JSON.

use std::fmt::Write as _;
use std::time::Duration;

use gridwatch_decode::profile::Table;
use serde_json::json;

use super::guess::{self, Reading, readings, shown};

/// Guesses shown for one address.
const GUESSES_MAX: usize = 3;

/// What a unit gave.
#[derive(Debug)]
pub(super) struct Unit {
    pub(super) number: u8,
    pub(super) table: Table,
    pub(super) blocks: Vec<Block>,
    pub(super) troubles: Vec<String>,
    /// It said something, be it no.
    pub(super) answers: bool,
    pub(super) took: Duration,
}

/// Neighbouring values.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) address: u16,
    pub(super) values: Vec<u16>,
}

impl Unit {
    pub(super) fn new(number: u8, table: Table) -> Self {
        Self {
            number,
            table,
            blocks: Vec::new(),
            troubles: Vec::new(),
            answers: false,
            took: Duration::ZERO,
        }
    }

    pub(super) fn is_there(&self) -> bool {
        self.answers || self.gave_values()
    }

    pub(super) fn gave_values(&self) -> bool {
        !self.blocks.is_empty()
    }

    /// Adds values behind the last block, or as one of their own.
    pub(super) fn add(&mut self, address: u16, values: Vec<u16>) {
        match self.blocks.last_mut() {
            Some(block)
                if usize::from(block.address) + block.values.len() == usize::from(address) =>
            {
                block.values.extend(values);
            }
            _ => self.blocks.push(Block { address, values }),
        }
    }

    fn is_bits(&self) -> bool {
        matches!(self.table, Table::Coil | Table::Discrete)
    }

    /// The number that manuals give an address: table digit and address, counted from 1.
    fn manual(&self, address: u16, first: u32) -> String {
        let digit = match self.table {
            Table::Coil => 0,
            Table::Discrete => 1,
            Table::Input => 3,
            Table::Holding => 4,
        };
        let number = u32::from(address) + first;
        if number < 10_000 {
            format!("{digit}{number:04}")
        } else {
            format!("{digit}{number:05}")
        }
    }

    fn rows(&self) -> impl Iterator<Item = (u16, &[u16])> {
        self.blocks.iter().flat_map(|block| {
            (block.address..=u16::MAX)
                .zip(0..block.values.len())
                .filter_map(|(address, at)| Some((address, block.values.get(at..)?)))
        })
    }
}

/// A unit for people.
pub(super) fn text(unit: &Unit) -> String {
    let mut text = format!("unit {}, {:?} table", unit.number, unit.table).to_lowercase();
    writeln!(text, ", {} ms", unit.took.as_millis()).expect("writing to a string");
    for trouble in &unit.troubles {
        writeln!(text, "  {trouble}").expect("writing to a string");
    }
    if unit.gave_values() {
        text.push_str(&if unit.is_bits() {
            bits(unit)
        } else {
            registers(unit)
        });
    }
    text
}

fn bits(unit: &Unit) -> String {
    let mut text = "  address  manual  counted from 0  state\n".to_owned();
    for (address, words) in unit.rows() {
        let state = if words.first() == Some(&0) {
            "off"
        } else {
            "on"
        };
        writeln!(
            text,
            "  {address:>7}  {:>6}  {:>14}  {state}",
            unit.manual(address, 1),
            unit.manual(address, 0)
        )
        .expect("writing to a string");
    }
    text
}

fn registers(unit: &Unit) -> String {
    let mut text =
        "  address  manual  from 0     hex  uint16   int16  float32: abcd         cdab         badc         dcba  looks like\n"
            .to_owned();
    for (address, words) in unit.rows() {
        let all = readings(words);
        let word = words.first().copied().unwrap_or_default();
        let signed = i16::from_ne_bytes(word.to_ne_bytes());
        write!(
            text,
            "  {address:>7}  {:>6}  {:>6}  0x{word:04X}  {word:>6}  {signed:>6}",
            unit.manual(address, 1),
            unit.manual(address, 0)
        )
        .expect("writing to a string");
        for (order, width) in [("abcd", 15), ("cdab", 13), ("badc", 13), ("dcba", 13)] {
            let float = all
                .iter()
                .find(|r| r.kind == "float32" && r.order == Some(order));
            let cell = float.map_or_else(String::new, |float| {
                let star = if guess::weight(float) > 0 { "*" } else { " " };
                format!("{}{star}", shown(float.value))
            });
            write!(text, "{cell:>width$}").expect("writing to a string");
        }
        let best: Vec<String> = best(&all).map(in_words).take(GUESSES_MAX).collect();
        writeln!(text, "  {}", best.join("; ")).expect("writing to a string");
    }
    let text_in_it = ascii(unit);
    if !text_in_it.is_empty() {
        writeln!(text, "  as text: {text_in_it:?}").expect("writing to a string");
    }
    text.push_str("  * and `looks like`: plausible for a sensor; compare with the device's display. --json shows every type and order\n");
    text
}

/// The plausible readings, the best first.
fn best(all: &[Reading]) -> impl Iterator<Item = &Reading> {
    let mut best: Vec<&Reading> = all.iter().filter(|r| guess::weight(r) > 0).collect();
    best.sort_by_key(|reading| std::cmp::Reverse(guess::weight(reading)));
    best.into_iter()
}

fn in_words(reading: &Reading) -> String {
    let order = reading
        .order
        .map(|order| format!(" {order}"))
        .unwrap_or_default();
    let what = reading.plausible.first().map_or("", String::as_str);
    format!("{}{order}: {what}", reading.kind)
}

/// Letters and digits in the registers, if there are four in a row.
fn ascii(unit: &Unit) -> String {
    let bytes = unit
        .blocks
        .iter()
        .flat_map(|block| block.values.iter().flat_map(|word| word.to_be_bytes()));
    let text: String = bytes
        .map(|byte| {
            if (0x20..0x7f).contains(&byte) {
                char::from(byte)
            } else {
                '\0'
            }
        })
        .collect();
    text.split('\0')
        .filter(|run| run.chars().filter(char::is_ascii_alphanumeric).count() >= 4)
        .collect::<Vec<_>>()
        .join(" … ")
}

/// Which units of a range answered.
pub(super) fn summary(units: &[Unit]) -> String {
    if units.len() < 2 {
        return String::new();
    }
    let list = |there: bool| -> Vec<String> {
        units
            .iter()
            .filter(|unit| unit.is_there() == there)
            .map(|unit| unit.number.to_string())
            .collect()
    };
    let there = list(true);
    let why = units
        .iter()
        .find(|unit| !unit.is_there())
        .and_then(|unit| unit.troubles.first());
    match (there.is_empty(), why) {
        (true, why) => format!("no unit answers: {}\n", why.map_or("", String::as_str)),
        (false, _) => format!(
            "{} of {} units answer: {}\n",
            there.len(),
            units.len(),
            there.join(", ")
        ),
    }
}

/// All units with every way to read every address.
pub(super) fn json(units: &[Unit]) -> serde_json::Value {
    let unit = |unit: &Unit| {
        let registers: Vec<serde_json::Value> = unit
            .rows()
            .map(|(address, words)| {
                let raw = words.first();
                json!({
                    "address": address,
                    "manual": unit.manual(address, 1),
                    "manual_counted_from_0": unit.manual(address, 0),
                    "raw": raw,
                    "readings": if unit.is_bits() { Vec::new() } else { readings(words) },
                })
            })
            .collect();
        json!({
            "unit": unit.number,
            "table": format!("{:?}", unit.table).to_lowercase(),
            "answers": unit.is_there(),
            "took_ms": u64::try_from(unit.took.as_millis()).unwrap_or(u64::MAX),
            "problems": unit.troubles,
            "registers": registers,
        })
    };
    json!({ "units": units.iter().map(unit).collect::<Vec<_>>() })
}
