//! Every way to read a few registers, and which of them look like a sensor's value. Pure.

use gridwatch_decode::profile::ByteOrder;
use serde::Serialize;

/// Floats that are no number, as devices send them on purpose.
const NO_FLOAT: [u32; 4] = [0x7fc0_0000, 0xffc0_0000, 0x7fff_ffff, 0xffff_ffff];

/// One way to read registers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(super) struct Reading {
    /// As in a profile: `uint16`, `int16`, `uint32`, `int32`, `float32`, `uint64`, `int64`, `float64`,
    /// `float16`, `bcd16`, `bcd32`.
    #[serde(rename = "type")]
    pub(super) kind: &'static str,
    /// Order of the bytes; values of one register have none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) order: Option<&'static str>,
    /// The value.
    pub(super) value: f64,
    /// What it could be, best first; empty when it looks like nothing.
    pub(super) plausible: Vec<String>,
}

/// Byte orders with their names.
const ORDERS: [(&str, ByteOrder); 4] = [
    ("abcd", ByteOrder::Abcd),
    ("cdab", ByteOrder::Cdab),
    ("badc", ByteOrder::Badc),
    ("dcba", ByteOrder::Dcba),
];

/// Quantities of sensors: name, unit, least, most, and the smallest step in which devices send them as
/// whole numbers.
const QUANTITIES: [(&str, &str, f64, f64, f64); 5] = [
    ("temperature", "°C", -40.0, 125.0, 0.01),
    ("humidity", "%", 0.0, 100.0, 0.01),
    ("CO2", "ppm", 300.0, 5_000.0, 1.0),
    ("air pressure", "hPa", 870.0, 1_085.0, 0.1),
    ("mains voltage", "V", 190.0, 260.0, 0.1),
];

/// All ways to read the registers from the first on; those that need more than there are, are left out.
pub(super) fn readings(words: &[u16]) -> Vec<Reading> {
    let mut all = Vec::new();
    let Some(&first) = words.first() else {
        return all;
    };
    all.push(whole("uint16", None, f64::from(first), first == 0xffff));
    let signed = i16::from_ne_bytes(first.to_ne_bytes());
    if signed < 0 {
        let is_mark = first == 0x8000;
        all.push(whole("int16", None, f64::from(signed), is_mark));
    }
    all.push(float("float16", None, half(first), first == 0x7e00));
    if let Some(digits) = bcd(&first.to_be_bytes()) {
        all.push(whole("bcd16", None, digits, false));
    }
    if let Some(&[a, b]) = words.get(..2) {
        for (name, order) in ORDERS {
            all.extend(two(name, order.arrange([a, b])));
        }
    }
    if let Some(&[a, b, c, d]) = words.get(..4) {
        for (name, order) in ORDERS {
            all.extend(four(name, eight(order, [a, b, c, d])));
        }
    }
    all
}

fn two(order: &'static str, bytes: [u8; 4]) -> Vec<Reading> {
    let order = Some(order);
    let unsigned = u32::from_be_bytes(bytes);
    let mut all = vec![
        float(
            "float32",
            order,
            f64::from(f32::from_be_bytes(bytes)),
            NO_FLOAT.contains(&unsigned),
        ),
        whole("uint32", order, f64::from(unsigned), unsigned == u32::MAX),
    ];
    let signed = i32::from_be_bytes(bytes);
    if signed < 0 {
        all.push(whole("int32", order, f64::from(signed), signed == i32::MIN));
    }
    if let Some(digits) = bcd(&bytes) {
        all.push(whole("bcd32", order, digits, false));
    }
    all
}

#[expect(
    clippy::cast_precision_loss,
    reason = "shown to a person, to 15 digits"
)]
fn four(order: &'static str, bytes: [u8; 8]) -> Vec<Reading> {
    let order = Some(order);
    let (unsigned, signed) = (u64::from_be_bytes(bytes), i64::from_be_bytes(bytes));
    let mut all = vec![
        float(
            "float64",
            order,
            f64::from_be_bytes(bytes),
            unsigned == f64::NAN.to_bits(),
        ),
        whole("uint64", order, unsigned as f64, unsigned == u64::MAX),
    ];
    if signed < 0 {
        all.push(whole("int64", order, signed as f64, signed == i64::MIN));
    }
    all
}

/// Eight bytes in the orders of four: words in their order or the reverse, bytes swapped or not.
fn eight(order: ByteOrder, words: [u16; 4]) -> [u8; 8] {
    let [a, b, c, d] = match order {
        ByteOrder::Abcd | ByteOrder::Badc => words,
        ByteOrder::Cdab | ByteOrder::Dcba => {
            let [a, b, c, d] = words;
            [d, c, b, a]
        }
    };
    let swaps = matches!(order, ByteOrder::Badc | ByteOrder::Dcba);
    let bytes = |word: u16| {
        if swaps {
            word.to_le_bytes()
        } else {
            word.to_be_bytes()
        }
    };
    let ([a, b], [c, d], [e, f], [g, h]) = (bytes(a), bytes(b), bytes(c), bytes(d));
    [a, b, c, d, e, f, g, h]
}

/// IEEE 754 half precision.
fn half(word: u16) -> f64 {
    let sign = if word & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from((word >> 10) & 0x1f);
    let fraction = f64::from(word & 0x3ff) / 1024.0;
    match exponent {
        0 => sign * fraction * 2f64.powi(-14),
        31 if fraction == 0.0 => sign * f64::INFINITY,
        31 => f64::NAN,
        _ => sign * (1.0 + fraction) * 2f64.powi(exponent - 15),
    }
}

/// Binary-coded decimal, if every half byte is a digit and it is not the same as the plain number.
fn bcd(bytes: &[u8]) -> Option<f64> {
    let digits = bytes.iter().flat_map(|byte| [byte >> 4, byte & 15]);
    let value = digits.clone().try_fold(0.0, |value, digit| {
        (digit < 10).then(|| value * 10.0 + f64::from(digit))
    })?;
    (value > 9.0).then_some(value)
}

/// A whole number: it may be a value in tenths or hundredths, a counter, or a mark for "no value".
fn whole(kind: &'static str, order: Option<&'static str>, value: f64, is_mark: bool) -> Reading {
    let is_wide = order.is_some();
    let mut plausible = Vec::new();
    if is_mark {
        plausible.push("marks \"no value\"".to_owned());
    } else if value != 0.0 && !is_wide && value.abs() >= 10.0 {
        for (scale, name) in [(0.1, "× 0.1"), (0.01, "× 0.01"), (1.0, "")] {
            // Hundredths of less than a whole are noise or counts.
            if scale < 0.05 && value.abs() < 100.0 {
                continue;
            }
            plausible.extend(
                quantities(value * scale, scale)
                    .take(2)
                    .map(|(what, unit)| {
                        format!("{what} {} {unit} ({name})", shown(value * scale))
                            .replace(" ()", "")
                    }),
            );
        }
    } else if is_wide && (1.0..1e7).contains(&value) {
        plausible.push("counter".to_owned());
    }
    Reading {
        kind,
        order,
        value,
        plausible,
    }
}

/// A float: a sensor's is normal, and neither tiny nor huge.
fn float(kind: &'static str, order: Option<&'static str>, value: f64, is_mark: bool) -> Reading {
    let size = value.abs();
    let is_sane = value.is_finite() && (1e-3..1e7).contains(&size);
    let mut plausible = Vec::new();
    if is_mark {
        plausible.push("marks \"no value\"".to_owned());
    } else if is_sane && kind != "float16" {
        plausible.extend(
            quantities(value, 1.0).map(|(what, unit)| format!("{what} {} {unit}", shown(value))),
        );
        if plausible.is_empty() {
            plausible.push("a measurement".to_owned());
        }
    } else if is_sane && value.fract().abs() > 0.0 {
        plausible.extend(
            quantities(value, 1.0)
                .take(1)
                .map(|(what, unit)| format!("{what} {} {unit}", shown(value))),
        );
    }
    Reading {
        kind,
        order,
        value,
        plausible,
    }
}

/// What a value could be that is sent in steps of `step`.
fn quantities(value: f64, step: f64) -> impl Iterator<Item = (&'static str, &'static str)> {
    QUANTITIES
        .iter()
        .filter(move |(_, _, least, most, finest)| {
            step >= *finest && (*least..=*most).contains(&value)
        })
        .map(|(what, unit, ..)| (*what, *unit))
}

/// How good a guess is: a float with one sane order says more than a number that anything could be.
pub(super) fn weight(reading: &Reading) -> u8 {
    match (reading.plausible.is_empty(), reading.kind) {
        (true, _) => 0,
        (false, "float32" | "float64") => 4,
        (false, "int16" | "uint16") => 3,
        (false, "int32" | "uint32" | "bcd16") => 2,
        (false, _) => 1,
    }
}

/// A number for people: up to six digits that count.
pub(super) fn shown(value: f64) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    if !value.is_finite() {
        return if value.is_nan() {
            "NaN".to_owned()
        } else {
            value.to_string()
        };
    }
    let size = value.abs();
    if !(1e-3..1e10).contains(&size) {
        return format!("{value:.3e}");
    }
    if value.fract() == 0.0 {
        return format!("{value:.0}");
    }
    let decimals = if size >= 1e4 {
        1
    } else if size >= 100.0 {
        3
    } else {
        5
    };
    let text = format!("{value:.decimals$}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}
