//! What registers hold before it means anything: numbers and texts. Pure bit work, no meaning.

use crate::frame::Registers;
use crate::profile::{RawValue, Register, Table};

/// A raw value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Raw {
    /// A number; bits are 0 and 1.
    Number(f64),
    /// A text without padding.
    Text(String),
}

/// What stands at a register; `Ok(None)` when it was not read.
///
/// # Errors
/// A sentence when what was read cannot be of the type.
pub(super) fn raw(register: &Register, poll: &Registers) -> Result<Option<Raw>, String> {
    let words: Option<Vec<u16>> = (0..register.count())
        .map(|offset| poll.get(register.table, register.address.checked_add(offset)?))
        .collect();
    let Some(words) = words else {
        return Ok(None);
    };
    of_words(register, &words).map(Some)
}

fn of_words(register: &Register, words: &[u16]) -> Result<Raw, String> {
    let bytes = register.order.arrange_all(words);
    let number = match register.raw {
        RawValue::String => return Ok(Raw::Text(text(&bytes))),
        RawValue::Bit => f64::from(bit(register, word(&bytes))),
        RawValue::Int8Low => f64::from(i8::from_be_bytes([low(&bytes)])),
        RawValue::Int8High => f64::from(i8::from_be_bytes([high(&bytes)])),
        RawValue::Int16 => f64::from(i16::from_be_bytes(word(&bytes).to_be_bytes())),
        RawValue::Int32 => f64::from(i32::from_be_bytes(array(&bytes))),
        RawValue::Int64 => i64::from_be_bytes(array(&bytes)) as f64,
        RawValue::Float16 => half(word(&bytes)),
        RawValue::Float32 => single(f32::from_be_bytes(array(&bytes))),
        RawValue::Float64 => f64::from_be_bytes(array(&bytes)),
        RawValue::Bcd16 | RawValue::Bcd32 => decimal(&bytes)?,
        RawValue::Uint8Low => bits(register, u64::from(low(&bytes))) as f64,
        RawValue::Uint8High => bits(register, u64::from(high(&bytes))) as f64,
        RawValue::Uint16 | RawValue::Uint32 | RawValue::Uint64 => {
            let whole = bytes
                .iter()
                .fold(0, |sum, byte| sum << 8 | u64::from(*byte));
            bits(register, whole) as f64
        }
    };
    Ok(Raw::Number(number))
}

fn word(bytes: &[u8]) -> u16 {
    u16::from_be_bytes(array(bytes))
}

fn low(bytes: &[u8]) -> u8 {
    bytes.last().copied().unwrap_or_default()
}

fn high(bytes: &[u8]) -> u8 {
    bytes.first().copied().unwrap_or_default()
}

/// The first bytes; what is missing counts as 0 (it never is: the type says how many were read).
fn array<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut array = [0; N];
    for (to, from) in array.iter_mut().zip(bytes) {
        *to = *from;
    }
    array
}

fn bit(register: &Register, word: u16) -> bool {
    match register.table {
        Table::Coil | Table::Discrete => word != 0,
        Table::Holding | Table::Input => {
            word.checked_shr(u32::from(register.bit)).unwrap_or(0) & 1 == 1
        }
    }
}

fn bits(register: &Register, whole: u64) -> u64 {
    match register.bits {
        Some(field) => {
            let ones = u64::MAX
                .checked_shr(64_u32.saturating_sub(u32::from(field.count)))
                .unwrap_or(0);
            whole.checked_shr(u32::from(field.from)).unwrap_or(0) & ones
        }
        None => {
            let kept = whole & register.mask.unwrap_or(u64::MAX);
            kept.checked_shr(u32::from(register.shift)).unwrap_or(0)
        }
    }
}

/// A single with the digits that it has: −18.4, not −18.399999618530273.
fn single(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

/// IEEE 754 half precision.
fn half(word: u16) -> f64 {
    let sign = if word & 0x8000 == 0 { 1.0 } else { -1.0 };
    let exponent = i32::from(word >> 10 & 0x1F);
    let fraction = f64::from(word & 0x3FF) / 1024.0;
    sign * match exponent {
        0 => fraction * 2.0_f64.powi(-14),
        31 if fraction == 0.0 => f64::INFINITY,
        31 => f64::NAN,
        _ => (1.0 + fraction) * 2.0_f64.powi(exponent - 15),
    }
}

fn decimal(bytes: &[u8]) -> Result<f64, String> {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 0xF])
        .try_fold(0.0, |sum, digit| {
            (digit < 10).then(|| sum * 10.0 + f64::from(digit))
        })
        .ok_or_else(|| {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
            format!("0x{hex} has digits beyond 9 and is no BCD number")
        })
}

/// Text up to the first NUL. Bytes that are no UTF-8 become the replacement character.
fn text(bytes: &[u8]) -> String {
    let end = bytes.iter().position(|byte| *byte == 0);
    let text = String::from_utf8_lossy(&bytes[..end.unwrap_or(bytes.len())]);
    text.trim()
        .chars()
        .filter(|letter| !letter.is_control())
        .collect()
}

#[cfg(test)]
mod tests {
    use gridwatch_protocol::DeviceId;

    use super::*;
    use crate::frame::RegisterBlock;

    fn read(description: &str, words: &[u16]) -> Result<Option<Raw>, String> {
        let register: Register =
            toml::from_str(&format!("table = \"holding\"\naddress = 10\n{description}"))
                .expect("a register");
        let poll = Registers {
            device: DeviceId::new("u").expect("an id"),
            profile: "p".into(),
            blocks: vec![RegisterBlock {
                table: Table::Holding,
                address: 10,
                values: words.to_vec(),
            }],
        };
        raw(&register, &poll)
    }

    #[track_caller]
    fn number(description: &str, words: &[u16], expected: f64) {
        let got = read(description, words);
        let Ok(Some(Raw::Number(number))) = got else {
            panic!("{description}: {got:?}");
        };
        assert!((number - expected).abs() < 1e-9, "{description}: {number}");
    }

    #[test]
    fn every_type_of_number_is_read() {
        number("type = \"uint8_low\"", &[0x12FE], 254.0);
        number("type = \"uint8_high\"", &[0x12FE], 18.0);
        number("type = \"int8_low\"", &[0x12FE], -2.0);
        number("type = \"int8_high\"", &[0xF012], -16.0);
        number("type = \"int16\"", &[0xFFEC], -20.0);
        number("type = \"int32\"", &[0xFFFF, 0xFFFE], -2.0);
        number("type = \"uint64\"", &[0, 0, 1, 2], 65_538.0);
        number("type = \"int64\"", &[0xFFFF, 0xFFFF, 0xFFFF, 0xFFFD], -3.0);
        number("type = \"float16\"", &[0x3C00], 1.0);
        number("type = \"float16\"", &[0xC500], -5.0);
        number("type = \"float16\"", &[0x0001], 2.0_f64.powi(-24));
        number("type = \"float32\"", &[0xC193, 0x3333], -18.4);
        number(
            "type = \"float64\"",
            &[0x4059, 0x0CCC, 0xCCCC, 0xCCCD],
            100.2,
        );
        number("type = \"bcd16\"", &[0x1234], 1234.0);
        number("type = \"bcd32\"", &[0x0012, 0x3456], 123_456.0);
        number("type = \"bit\"\nbit = 15", &[0x8000], 1.0);
    }

    #[test]
    fn every_byte_order_is_read_for_one_two_and_four_registers() {
        for (order, words) in [
            ("abcd", [0x1122, 0x3344]),
            ("cdab", [0x3344, 0x1122]),
            ("badc", [0x2211, 0x4433]),
            ("dcba", [0x4433, 0x2211]),
        ] {
            let text = format!("type = \"uint32\"\norder = \"{order}\"");
            number(&text, &words, f64::from(0x1122_3344));
        }
        for (order, words) in [
            ("abcdefgh", [0x0001, 0x2233, 0x4455, 0x6677]),
            ("cdab", [0x6677, 0x4455, 0x2233, 0x0001]),
            ("badc", [0x0100, 0x3322, 0x5544, 0x7766]),
            ("hgfedcba", [0x7766, 0x5544, 0x3322, 0x0100]),
        ] {
            let text = format!("type = \"uint64\"\norder = \"{order}\"");
            number(&text, &words, 0x0001_2233_4455_6677_u64 as f64);
        }
        number(
            "type = \"uint16\"\norder = \"ba\"",
            &[0x3412],
            f64::from(0x1234),
        );
    }

    #[test]
    fn bits_of_an_integer_are_a_number() {
        number(
            "type = \"uint16\"\nbits = { from = 8, count = 8 }",
            &[0x0C10],
            12.0,
        );
        number(
            "type = \"uint16\"\nmask = 0x3E00\nshift = 9",
            &[0x3400],
            26.0,
        );
        number(
            "type = \"uint32\"\nbits = { from = 16, count = 16 }",
            &[7, 9],
            7.0,
        );
    }

    #[test]
    fn text_ends_at_the_first_nul_and_is_trimmed() {
        let words = [0x2041, 0x4220, 0x0043, 0x4444];
        assert_eq!(
            read("type = \"string\"\nlength = 4", &words),
            Ok(Some(Raw::Text("AB".into())))
        );
        assert_eq!(
            read(
                "type = \"string\"\nlength = 2\norder = \"ba\"",
                &[0x4241, 0x0043]
            ),
            Ok(Some(Raw::Text("ABC".into())))
        );
    }

    #[test]
    fn what_was_not_read_or_is_no_bcd_gives_no_number() {
        assert_eq!(read("type = \"uint32\"", &[1]), Ok(None));
        assert!(read("type = \"bcd16\"", &[0x12AB]).is_err());
        let nan = read("type = \"float16\"", &[0x7E00]);
        assert!(matches!(nan, Ok(Some(Raw::Number(n))) if n.is_nan()));
    }
}
