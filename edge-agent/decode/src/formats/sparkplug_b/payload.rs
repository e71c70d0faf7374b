//! The protobuf messages of Sparkplug B, as far as they are read. Data sets, templates and files are not
//! declared: protobuf skips them.

use prost::Message;

/// Metrics of one message. A birth of a large PLC has some thousand; an empty metric has two bytes on the
/// wire and a hundred times that in memory.
const METRICS_MAX: usize = 10_000;
/// Bytes of one metric's property set that are looked into.
const PROPERTIES_BYTES_MAX: usize = 8 * 1024;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Payload {
    /// Milliseconds since 1970, when the message was sent.
    #[prost(uint64, optional, tag = "1")]
    pub(super) timestamp: Option<u64>,
    #[prost(message, repeated, tag = "2")]
    pub(super) metrics: Vec<Metric>,
    #[prost(uint64, optional, tag = "3")]
    pub(super) seq: Option<u64>,
    #[prost(string, optional, tag = "4")]
    pub(super) uuid: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Metric {
    #[prost(string, optional, tag = "1")]
    pub(super) name: Option<String>,
    #[prost(uint64, optional, tag = "2")]
    pub(super) alias: Option<u64>,
    /// Milliseconds since 1970, when the value was taken.
    #[prost(uint64, optional, tag = "3")]
    pub(super) timestamp: Option<u64>,
    #[prost(uint32, optional, tag = "4")]
    pub(super) datatype: Option<u32>,
    #[prost(bool, optional, tag = "5")]
    pub(super) is_historical: Option<bool>,
    #[prost(bool, optional, tag = "7")]
    pub(super) is_null: Option<bool>,
    /// A property set, looked into only when its metric is read.
    #[prost(bytes = "vec", optional, tag = "9")]
    pub(super) properties: Option<Vec<u8>>,
    #[prost(uint32, optional, tag = "10")]
    pub(super) int_value: Option<u32>,
    #[prost(uint64, optional, tag = "11")]
    pub(super) long_value: Option<u64>,
    #[prost(float, optional, tag = "12")]
    pub(super) float_value: Option<f32>,
    #[prost(double, optional, tag = "13")]
    pub(super) double_value: Option<f64>,
    #[prost(bool, optional, tag = "14")]
    pub(super) boolean_value: Option<bool>,
    #[prost(string, optional, tag = "15")]
    pub(super) string_value: Option<String>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PropertySet {
    #[prost(string, repeated, tag = "1")]
    pub(super) keys: Vec<String>,
    #[prost(message, repeated, tag = "2")]
    pub(super) values: Vec<PropertyValue>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct PropertyValue {
    #[prost(uint32, optional, tag = "3")]
    pub(super) int_value: Option<u32>,
    #[prost(string, optional, tag = "8")]
    pub(super) string_value: Option<String>,
}

/// Counts the metrics before they are decoded.
///
/// # Errors
/// When there are too many, or the fields do not follow each other as in protobuf.
pub(super) fn check(mut bytes: &[u8]) -> Result<(), String> {
    let broken = || "the payload is not Sparkplug protobuf".to_owned();
    let mut metrics: usize = 0;
    while !bytes.is_empty() {
        let key = varint(&mut bytes).ok_or_else(broken)?;
        let skip = match key & 7 {
            0 => {
                varint(&mut bytes).ok_or_else(broken)?;
                0
            }
            1 => 8,
            2 => usize::try_from(varint(&mut bytes).ok_or_else(broken)?).map_err(|_| broken())?,
            5 => 4,
            _ => return Err(broken()),
        };
        bytes = bytes.get(skip..).ok_or_else(broken)?;
        if key >> 3 == 2 {
            metrics = metrics.saturating_add(1);
        }
        if metrics > METRICS_MAX {
            return Err(format!("the message has more than {METRICS_MAX} metrics"));
        }
    }
    Ok(())
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value: u64 = 0;
    for shift in (0..64).step_by(7) {
        let (first, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(first & 0x7f) << shift;
        if first & 0x80 == 0 {
            return Some(value);
        }
    }
    None
}

/// The engineering unit of a metric's properties.
pub(super) fn unit(metric: &Metric) -> Option<String> {
    property(metric, &["engUnit", "engunit", "EngUnit", "unit", "Unit"])?.string_value
}

/// The quality code of a metric's properties: 192 is good, 0 is bad, 500 is stale.
pub(super) fn quality(metric: &Metric) -> Option<u32> {
    property(metric, &["Quality", "quality"])?.int_value
}

fn property(metric: &Metric, names: &[&str]) -> Option<PropertyValue> {
    let bytes = metric.properties.as_deref()?;
    if bytes.len() > PROPERTIES_BYTES_MAX {
        return None;
    }
    let set = PropertySet::decode(bytes).ok()?;
    let at = set
        .keys
        .iter()
        .position(|key| names.contains(&key.as_str()))?;
    set.values.into_iter().nth(at)
}
