//! One measured value or state of one device.

use serde::{Deserialize, Serialize};

use crate::{DeviceId, Kind, Timestamp};

/// A value as a sensor tells it. Numbers are always finite: what is not a number is refused when the
/// message is decoded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(untagged)]
pub enum Value {
    /// A state: what `true` means is fixed by the [`Kind`].
    Bool(bool),
    /// A measured number in the reading's unit.
    Number(f64),
    /// A word: a label, a lock state, a hashed credential.
    Text(String),
}

impl Value {
    /// The number, if it is one.
    #[must_use]
    pub fn as_number(&self) -> Option<f64> {
        match self {
            Value::Number(number) => Some(*number),
            Value::Bool(_) | Value::Text(_) => None,
        }
    }

    /// The state, if it is one.
    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Value::Bool(state) => Some(*state),
            Value::Number(_) | Value::Text(_) => None,
        }
    }
}

/// How far a value can be trusted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
#[serde(rename_all = "snake_case")]
pub enum Quality {
    /// As measured.
    #[default]
    Good,
    /// Usable with doubt: implausible device time, value at the end of its range.
    Uncertain,
    /// Not usable: the device itself reports a fault.
    Bad,
}

/// One value of one kind from one device at one time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "openapi", derive(utoipa::ToSchema))]
pub struct Reading {
    /// The device.
    pub device: DeviceId,
    /// What the value is about.
    pub kind: Kind,
    /// The value.
    pub value: Value,
    /// Unit as UCUM-like text (`Cel` is written `°C`): `°C`, `%`, `ppm`, `µg/m³`, `%/m`, `V`, `m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// How far the value can be trusted.
    #[serde(default)]
    pub quality: Quality,
    /// When it was so: the device's time if it has a plausible one, else `received_at`.
    pub at: Timestamp,
    /// When the gateway received it, by the gateway's clock.
    pub received_at: Timestamp,
    /// The source's own id of the event, if it has one: makes redelivery harmless.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source_event: Option<String>,
    /// Whether it was delivered as retained or replayed state: it says how things are, not that
    /// something has just happened, and never raises an alert.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retained: bool,
    /// Whether the device says that it is being tested.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_test: bool,
}
