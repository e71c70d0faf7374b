//! A value in Modbus registers: where it is, how wide it is, and in which order its bytes come.
//!
//! Addresses are always the zero-based ones of the protocol: what a manual calls 40001 or 30001 is
//! address 0 of its table. Nothing here reads a bus.

use schemars::JsonSchema;
use serde::Deserialize;

/// Most registers that a text may take.
pub(super) const TEXT_REGISTERS_MAX: u16 = 64;

/// A Modbus register, several that hold one value, or a bit of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Register {
    /// Which of the four tables.
    pub table: Table,
    /// Zero-based address as it is on the wire: 40001 and 30001 of a manual are address 0. Of a value
    /// of several registers it is the lowest.
    pub address: u16,
    /// Type of the raw value.
    #[serde(rename = "type")]
    pub raw: RawValue,
    /// Order of the bytes: `abcd` as the Modbus specification has it (highest byte first), `cdab` lowest
    /// word first, `badc` bytes swapped within each word, `dcba` lowest byte first. The same four hold
    /// for 64 bits and for text; of a single register only the swap matters, which is also written `ba`.
    #[serde(default)]
    pub order: ByteOrder,
    /// Bit of a 16-bit register, 0 = least significant; with type `bit` in `holding` and `input`.
    #[serde(default)]
    pub bit: u8,
    /// Some bits of an integer instead of the whole: `{ from = 8, count = 8 }` is the upper byte.
    pub bits: Option<BitField>,
    /// Bits of an integer that count; the others are taken as 0. Before `shift`.
    pub mask: Option<u64>,
    /// The integer is shifted right by so many bits, after `mask`.
    #[serde(default)]
    pub shift: u8,
    /// Number of registers of a text, two characters each: 1 to 64. With type `string` only.
    #[serde(default)]
    pub length: u16,
}

/// Some neighbouring bits of an integer, as a number.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct BitField {
    /// The least significant of them, 0 = least significant of the integer.
    pub from: u8,
    /// How many.
    pub count: u8,
}

/// The four Modbus tables.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Table {
    /// Coils, function 1.
    Coil,
    /// Discrete inputs, function 2.
    Discrete,
    /// Holding registers, function 3.
    Holding,
    /// Input registers, function 4.
    Input,
}

impl Table {
    /// Whether it holds bits and no registers.
    #[must_use]
    pub fn is_bits(self) -> bool {
        matches!(self, Table::Coil | Table::Discrete)
    }
}

/// Type of a raw Modbus value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RawValue {
    /// A coil, a discrete input, or a bit of a register.
    Bit,
    /// Low byte of a register, unsigned.
    Uint8Low,
    /// High byte of a register, unsigned.
    Uint8High,
    /// Low byte of a register, two's complement.
    Int8Low,
    /// High byte of a register, two's complement.
    Int8High,
    /// 16-bit, unsigned.
    Uint16,
    /// 16-bit, two's complement.
    Int16,
    /// 32-bit, unsigned, two registers.
    Uint32,
    /// 32-bit, two's complement, two registers.
    Int32,
    /// 64-bit, unsigned, four registers. Beyond 2^53 the last digits are rounded.
    Uint64,
    /// 64-bit, two's complement, four registers. Beyond 2^53 the last digits are rounded.
    Int64,
    /// IEEE 754 half, one register.
    Float16,
    /// IEEE 754 single, two registers.
    Float32,
    /// IEEE 754 double, four registers.
    Float64,
    /// Four decimal digits of four bits each, one register: 0x1234 is 1234.
    Bcd16,
    /// Eight decimal digits of four bits each, two registers.
    Bcd32,
    /// Text of `length` registers, up to the first NUL, without surrounding white space.
    String,
}

impl RawValue {
    /// How many registers a number takes; a text has a length of its own, see [`Register::count`].
    #[must_use]
    pub fn registers(self) -> u16 {
        match self {
            RawValue::Uint32 | RawValue::Int32 | RawValue::Float32 | RawValue::Bcd32 => 2,
            RawValue::Uint64 | RawValue::Int64 | RawValue::Float64 => 4,
            _ => 1,
        }
    }

    /// Number of bits of an integer whose bits can be looked at one by one.
    fn integer_bits(self) -> Option<u8> {
        match self {
            RawValue::Uint8Low | RawValue::Uint8High => Some(8),
            RawValue::Uint16 => Some(16),
            RawValue::Uint32 => Some(32),
            RawValue::Uint64 => Some(64),
            _ => None,
        }
    }
}

/// Order of the bytes of a value.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ByteOrder {
    /// Highest byte first, as the Modbus specification has it.
    #[default]
    #[serde(alias = "ab", alias = "abcdefgh")]
    Abcd,
    /// Lowest word first.
    #[serde(alias = "ghefcdab")]
    Cdab,
    /// Bytes swapped within words.
    #[serde(alias = "ba", alias = "badcfehg")]
    Badc,
    /// Lowest byte first.
    #[serde(alias = "hgfedcba")]
    Dcba,
}

impl ByteOrder {
    /// Names for one register and for four, and the order that each is another name of.
    pub(super) const OTHER_NAMES: &'static [(&'static str, &'static str)] = &[
        ("ab", "abcd"),
        ("ba", "badc"),
        ("abcdefgh", "abcd"),
        ("ghefcdab", "cdab"),
        ("badcfehg", "badc"),
        ("hgfedcba", "dcba"),
    ];

    /// The bytes of two registers in big-endian order.
    #[must_use]
    pub fn arrange(self, words: [u16; 2]) -> [u8; 4] {
        let [first, second] = words.map(|word| self.word(word).to_be_bytes());
        let ([a, b], [c, d]) = if self.is_low_word_first() {
            (second, first)
        } else {
            (first, second)
        };
        [a, b, c, d]
    }

    /// The bytes of any number of registers in big-endian order.
    #[must_use]
    pub fn arrange_all(self, words: &[u16]) -> Vec<u8> {
        let mut words: Vec<u16> = words.iter().map(|word| self.word(*word)).collect();
        if self.is_low_word_first() {
            words.reverse();
        }
        words.into_iter().flat_map(u16::to_be_bytes).collect()
    }

    fn word(self, word: u16) -> u16 {
        match self {
            ByteOrder::Abcd | ByteOrder::Cdab => word,
            ByteOrder::Badc | ByteOrder::Dcba => word.swap_bytes(),
        }
    }

    fn is_low_word_first(self) -> bool {
        matches!(self, ByteOrder::Cdab | ByteOrder::Dcba)
    }
}

/// Neighbouring registers or bits that have to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RegisterSpan {
    /// The table.
    pub table: Table,
    /// Zero-based address of the first.
    pub address: u16,
    /// How many, at least 1.
    pub count: u16,
}

impl Register {
    /// How many registers (or bits of a bit table) the value takes.
    #[must_use]
    pub fn count(&self) -> u16 {
        match self.raw {
            RawValue::String => self.length.max(1),
            raw => raw.registers(),
        }
    }

    /// What has to be read to know the value.
    #[must_use]
    pub fn span(&self) -> RegisterSpan {
        RegisterSpan {
            table: self.table,
            address: self.address,
            count: self.count(),
        }
    }

    /// Says what is wrong with it, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        let wrong = |why: String| Err(format!("register {}: {why}", self.address));
        if self.table.is_bits() && self.raw != RawValue::Bit {
            return wrong(
                "coils and discrete inputs are of type `bit`; for numbers take table `holding` or `input`"
                    .to_owned(),
            );
        }
        if self.bit > 15 {
            return wrong(format!(
                "bit = {}: a register has bits 0 to 15, 0 = least significant",
                self.bit
            ));
        }
        if self.bit > 0 && (self.raw != RawValue::Bit || self.table.is_bits()) {
            return wrong(
                "`bit` goes with type `bit` in table `holding` or `input`; for several bits use `bits`"
                    .to_owned(),
            );
        }
        match (self.raw, self.length) {
            (RawValue::String, 1..=TEXT_REGISTERS_MAX) | (_, 0) if self.raw_has_length() => {}
            (RawValue::String, _) => {
                return wrong(format!(
                    "type `string` needs `length`, the number of registers: 1 to {TEXT_REGISTERS_MAX}"
                ));
            }
            (_, _) => return wrong("`length` goes with type `string`".to_owned()),
        }
        self.check_bits().or_else(wrong)?;
        if self.address.checked_add(self.count() - 1).is_none() {
            return wrong("the value runs past address 65535".to_owned());
        }
        Ok(())
    }

    fn raw_has_length(&self) -> bool {
        (self.raw == RawValue::String) == (self.length > 0)
    }

    fn check_bits(&self) -> Result<(), String> {
        if self.bits.is_none() && self.mask.is_none() && self.shift == 0 {
            return Ok(());
        }
        let Some(width) = self.raw.integer_bits() else {
            return Err(
                "`bits`, `mask` and `shift` go with uint8, uint16, uint32 and uint64".to_owned(),
            );
        };
        if self.bits.is_some() && (self.mask.is_some() || self.shift > 0) {
            return Err("take either `bits` or `mask` and `shift`".to_owned());
        }
        if let Some(bits) = self.bits
            && (bits.count == 0 || bits.from.saturating_add(bits.count) > width)
        {
            return Err(format!(
                "bits = {{ from = {}, count = {} }}: the type has bits 0 to {}",
                bits.from,
                bits.count,
                width - 1
            ));
        }
        if self.shift >= width {
            return Err(format!("shift = {}: the type has {width} bits", self.shift));
        }
        Ok(())
    }

    /// The same register further on by whole registers, and by bits for what looks at bits.
    /// `None` when it would run past the end.
    pub(super) fn moved(&self, registers: u32, bits: u32) -> Option<Self> {
        let mut moved = *self;
        let mut further = registers;
        if bits > 0 {
            let first = match self.bits {
                Some(field) => u32::from(field.from),
                None => u32::from(self.bit),
            };
            let at = first.checked_add(bits)?;
            further = further.checked_add(at / 16)?;
            let bit = u8::try_from(at % 16).ok()?;
            match &mut moved.bits {
                Some(field) => field.from = bit,
                None => moved.bit = bit,
            }
        }
        moved.address = u16::try_from(u32::from(self.address).checked_add(further)?).ok()?;
        Some(moved)
    }
}
