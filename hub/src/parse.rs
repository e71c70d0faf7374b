//! From a request's body to messages: strict about the envelope, lenient about single alerts. Pure.
//!
//! One bad alert never takes the good ones of its batch down with it, and is never dropped: it is
//! answered `rejected` with the reason, and kept for people to look at.

use gridwatch_protocol::{
    Alert, AlertId, BATCH_ALERTS_MAX, BATCH_READINGS_MAX, Batch, COMMISSIONING_MISSING_MAX,
    COMMISSIONING_PRESSES_MAX, CommissioningRecord, EVIDENCE_MAX, GapRecord, GatewayId, Reading,
    StreamId, WIRE_VERSION,
};
use serde_json::Value as Json;

/// At most this many bytes of a refused message are kept.
const KEPT_BYTES_MAX: usize = 16 * 1024;

/// An alert message of a batch, in its place.
#[derive(Debug, Clone)]
pub enum Item {
    /// Well formed.
    Good(Box<Alert>),
    /// Not an alert message.
    Refused {
        /// Its sequence number; 0 when it has none.
        sequence: u64,
        /// Its id; nil when it has none.
        id: AlertId,
        /// What is wrong with it.
        reason: String,
        /// The beginning of its text.
        body: String,
    },
}

impl Item {
    /// Its sequence number; 0 when it has none.
    #[must_use]
    pub fn sequence(&self) -> u64 {
        match self {
            Item::Good(alert) => alert.sequence.unwrap_or(0),
            Item::Refused { sequence, .. } => *sequence,
        }
    }

    /// Its alert's id; nil when it has none.
    #[must_use]
    pub fn id(&self) -> AlertId {
        match self {
            Item::Good(alert) => alert.id,
            Item::Refused { id, .. } => *id,
        }
    }
}

/// A batch, item by item.
#[derive(Debug, Clone)]
pub struct ParsedBatch {
    /// The sending gateway, as it says.
    pub gateway: GatewayId,
    /// Its outbox.
    pub stream: StreamId,
    /// Its alert messages, in order.
    pub items: Vec<Item>,
    /// Its readings.
    pub readings: Vec<Reading>,
    /// Readings that could not be read.
    pub readings_refused: u64,
    /// Its gap records.
    pub gaps: Vec<GapRecord>,
}

/// Why a body was refused as a whole.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// Another version of the wire.
    #[error("this hub speaks version {WIRE_VERSION} of the wire, the body is version {0}")]
    Version(String),
    /// Not a body of this kind.
    #[error("the body is not what this address takes: {0}")]
    Malformed(String),
    /// More items than allowed.
    #[error("the body has {count} {what}, at most {max} are allowed")]
    TooMany {
        /// Of what.
        what: &'static str,
        /// How many.
        count: usize,
        /// How many are allowed.
        max: usize,
    },
}

/// Reads a body of `POST /v1/batches`.
///
/// # Errors
/// [`BodyError`] when the envelope is wrong.
pub fn batch(body: &[u8]) -> Result<ParsedBatch, BodyError> {
    let parsed = match serde_json::from_slice::<Batch>(body) {
        Ok(batch) if batch.version == WIRE_VERSION => ParsedBatch {
            gateway: batch.gateway,
            stream: batch.stream,
            items: batch.alerts.into_iter().map(checked).collect(),
            readings: batch.readings,
            readings_refused: 0,
            gaps: batch.gaps,
        },
        _ => leniently(body)?,
    };
    bounded("alerts", parsed.items.len(), BATCH_ALERTS_MAX)?;
    bounded("readings", parsed.readings.len(), BATCH_READINGS_MAX)?;
    Ok(parsed)
}

/// Reads another body that carries a `version`.
///
/// # Errors
/// [`BodyError::Version`] and [`BodyError::Malformed`].
pub fn versioned<T: serde::de::DeserializeOwned>(body: &[u8]) -> Result<T, BodyError> {
    serde_json::from_slice(body).or_else(|error| {
        let json: Json = serde_json::from_slice(body).map_err(malformed)?;
        check_version(&json)?;
        Err(malformed(error))
    })
}

/// Reads a body of `POST /v1/commissionings`.
///
/// # Errors
/// [`BodyError`] when it is not a record, or one of more lines than a record may have.
pub fn commissioning(body: &[u8]) -> Result<CommissioningRecord, BodyError> {
    let record: CommissioningRecord = versioned(body)?;
    if record.version != WIRE_VERSION {
        return Err(BodyError::Version(record.version.to_string()));
    }
    bounded("presses", record.tested.len(), COMMISSIONING_PRESSES_MAX)?;
    bounded(
        "missing devices",
        record.missing.len(),
        COMMISSIONING_MISSING_MAX,
    )?;
    Ok(record)
}

fn leniently(body: &[u8]) -> Result<ParsedBatch, BodyError> {
    let mut json: Json = serde_json::from_slice(body).map_err(malformed)?;
    check_version(&json)?;
    let mut list = |name: &str| -> Result<Vec<Json>, BodyError> {
        match json.get_mut(name).map(Json::take) {
            None => Ok(Vec::new()),
            Some(Json::Array(items)) => Ok(items),
            Some(_) => Err(BodyError::Malformed(format!("`{name}` is not a list"))),
        }
    };
    let (alerts, readings, gaps) = (list("alerts")?, list("readings")?, list("gaps")?);
    bounded("alerts", alerts.len(), BATCH_ALERTS_MAX)?;
    bounded("readings", readings.len(), BATCH_READINGS_MAX)?;
    json["alerts"] = Json::Array(Vec::new());
    json["readings"] = Json::Array(Vec::new());
    json["gaps"] = Json::Array(Vec::new());
    let envelope: Batch = serde_json::from_value(json).map_err(malformed)?;
    let sent = readings.len();
    let readings: Vec<Reading> = readings
        .into_iter()
        .filter_map(|reading| serde_json::from_value(reading).ok())
        .collect();
    Ok(ParsedBatch {
        gateway: envelope.gateway,
        stream: envelope.stream,
        items: alerts.into_iter().map(item).collect(),
        readings_refused: (sent - readings.len()) as u64,
        readings,
        gaps: gaps
            .into_iter()
            .filter_map(|gap| serde_json::from_value(gap).ok())
            .collect(),
    })
}

fn item(json: Json) -> Item {
    match <Alert as serde::Deserialize>::deserialize(&json) {
        Ok(alert) => checked(alert),
        Err(error) => Item::Refused {
            sequence: json.get("sequence").and_then(Json::as_u64).unwrap_or(0),
            id: json
                .get("id")
                .and_then(Json::as_str)
                .and_then(|text| text.parse().ok())
                .unwrap_or(AlertId(uuid::Uuid::nil())),
            reason: error.to_string(),
            body: beginning(json.to_string()),
        },
    }
}

/// What serde does not check. Too much evidence is shortened to the newest: an alarm is worth more
/// than its context.
fn checked(mut alert: Alert) -> Item {
    if alert.evidence.len() > EVIDENCE_MAX {
        alert.evidence.drain(..alert.evidence.len() - EVIDENCE_MAX);
    }
    let limit = i64::MAX.unsigned_abs();
    match alert.sequence {
        Some(sequence) if (1..limit).contains(&sequence) => Item::Good(Box::new(alert)),
        _ => Item::Refused {
            sequence: 0,
            id: alert.id,
            reason: "`sequence` is missing; it counts from 1".to_owned(),
            body: beginning(serde_json::to_string(&alert).unwrap_or_default()),
        },
    }
}

fn beginning(mut body: String) -> String {
    let end = (0..=KEPT_BYTES_MAX.min(body.len()))
        .rev()
        .find(|end| body.is_char_boundary(*end));
    body.truncate(end.unwrap_or(0));
    body
}

fn check_version(json: &Json) -> Result<(), BodyError> {
    match json.get("version") {
        Some(version) if version.as_u64() == Some(u64::from(WIRE_VERSION)) => Ok(()),
        Some(version) => Err(BodyError::Version(
            beginning(version.to_string()).chars().take(40).collect(),
        )),
        None => Err(BodyError::Malformed("`version` is missing".to_owned())),
    }
}

fn bounded(what: &'static str, count: usize, max: usize) -> Result<(), BodyError> {
    if count > max {
        Err(BodyError::TooMany { what, count, max })
    } else {
        Ok(())
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "used as a function value of map_err"
)]
fn malformed(error: serde_json::Error) -> BodyError {
    BodyError::Malformed(error.to_string())
}
