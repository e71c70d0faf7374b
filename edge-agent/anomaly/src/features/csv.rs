//! A recording as CSV in, feature rows as CSV out: how the trainer gets the agent's own features.
//!
//! Input: a header, then rows in time order. The column `time` holds seconds since 1970 or RFC 3339
//! times; every other column is a channel named `KIND` or `KIND:UNIT`, such as `smoke:1/m` or
//! `temperature`. An empty cell, or `NaN`, means that the channel was not read at that time.
//! Optional columns: `recording`, where its value changes, a new room begins; `utc_offset_s`, local time
//! less UTC; `episode`, 1 while an episode is held open; `door_opened`, 1 when a door was opened;
//! `occupancy_expected` and `camera_fire`, 0 to 1. They count before the row's readings; an empty cell
//! says nothing.
//!
//! Output: `recording` if given, `time`, then the features; one row per input row.

use std::io::{Read, Write};

use gridwatch_protocol::{Kind, Timestamp};

use super::{Channel, Observation, RoomFeatures, feature_names, measure};

/// Why a recording could not be turned into features.
#[derive(Debug, thiserror::Error)]
pub enum FeatureCsvError {
    /// Reading or writing CSV.
    #[error("reading the recording or writing its features")]
    Csv(#[from] csv::Error),
    /// Writing.
    #[error("writing the features")]
    Write(#[from] std::io::Error),
    /// No column `time`.
    #[error("the recording has no column `time`; its first line must name the columns")]
    NoTime,
    /// A column that is not a channel.
    #[error(
        "column `{column}` is not a channel: name it KIND or KIND:UNIT, such as `smoke:1/m`, with \
         one of smoke, pm25, carbon_monoxide, voc, temperature, humidity, co2 and a unit of that kind"
    )]
    Column {
        /// Its name.
        column: String,
    },
    /// Two columns for one channel.
    #[error("column `{column}` is a second column for the channel {channel}")]
    Twice {
        /// Its name.
        column: String,
        /// The channel.
        channel: Channel,
    },
    /// A cell that is not a number.
    #[error("line {line}, column `{column}`: `{cell}` is not {expected}")]
    Cell {
        /// Line in the file, the header is 1.
        line: u64,
        /// Name of the column.
        column: String,
        /// What stands there.
        cell: String,
        /// What should.
        expected: &'static str,
    },
}

/// What a column holds.
enum Column {
    Recording,
    Time,
    Told(Told),
    Channel { kind: Kind, unit: Option<String> },
}

/// What is known besides the channels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Told {
    UtcOffset,
    Episode,
    DoorOpened,
    Occupancy,
    Camera,
}

impl Told {
    fn from_name(name: &str) -> Option<Self> {
        Some(match name {
            "utc_offset_s" => Self::UtcOffset,
            "episode" => Self::Episode,
            "door_opened" => Self::DoorOpened,
            "occupancy_expected" => Self::Occupancy,
            "camera_fire" => Self::Camera,
            _ => return None,
        })
    }

    #[expect(
        clippy::cast_possible_truncation,
        reason = "a cast from a float saturates, and the room holds the offset to ±18 h"
    )]
    fn tell(self, room: &mut RoomFeatures, at: Timestamp, value: f64) {
        // What is not finite is refused by the room, as a reading would be.
        match self {
            Self::UtcOffset => room.set_utc_offset_s(value as i32),
            Self::Episode => room.set_episode(value > 0.0),
            Self::DoorOpened if value > 0.0 => {
                room.observe(at, Observation::DoorOpened);
            }
            Self::DoorOpened => {}
            Self::Occupancy => {
                room.observe(at, Observation::OccupancyExpected(value));
            }
            Self::Camera => {
                room.observe(at, Observation::CameraFire(value));
            }
        }
    }
}

/// Turns a recording into feature rows; returns how many.
///
/// # Errors
/// When the header or a cell is not as the module's documentation says, or on a broken stream.
pub fn features_csv(reader: impl Read, writer: impl Write) -> Result<u64, FeatureCsvError> {
    let mut reader = csv::ReaderBuilder::new()
        .trim(csv::Trim::All)
        .from_reader(reader);
    let mut writer = csv::Writer::from_writer(writer);
    let names = reader.headers()?.clone();
    let columns = columns(&names)?;
    let has_recording = columns.iter().any(|c| matches!(c, Column::Recording));
    let mut header: Vec<String> = Vec::new();
    if has_recording {
        header.push("recording".to_owned());
    }
    header.push("time".to_owned());
    header.extend(feature_names());
    writer.write_record(&header)?;

    let mut room = RoomFeatures::new();
    let mut recording = String::new();
    let mut rows = 0;
    for record in reader.records() {
        let record = record?;
        let time_cell = take_row(&mut room, &mut recording, &names, &columns, &record)?;
        if has_recording {
            writer.write_field(&recording)?;
        }
        writer.write_field(time_cell)?;
        writer.write_record(room.row().map(|feature| feature.to_string()))?;
        rows += 1;
    }
    writer.flush()?;
    Ok(rows)
}

/// Feeds one row to the room; returns the text of its time.
fn take_row<'r>(
    room: &mut RoomFeatures,
    recording: &mut String,
    names: &csv::StringRecord,
    columns: &[Column],
    record: &'r csv::StringRecord,
) -> Result<&'r str, FeatureCsvError> {
    let wrong = |index: usize, expected: &'static str| FeatureCsvError::Cell {
        line: record.position().map_or(0, csv::Position::line),
        column: names.get(index).unwrap_or_default().to_owned(),
        cell: record.get(index).unwrap_or_default().to_owned(),
        expected,
    };
    let mut at = None;
    let mut time_cell = "";
    for (index, column) in columns.iter().enumerate() {
        let cell = record.get(index).unwrap_or_default();
        match column {
            Column::Recording if cell != recording => {
                *room = RoomFeatures::new();
                cell.clone_into(recording);
            }
            Column::Recording | Column::Channel { .. } | Column::Told(_) => {}
            Column::Time => {
                time_cell = cell;
                at = parse_time(cell);
                if at.is_none() {
                    return Err(wrong(index, "a time in seconds or RFC 3339"));
                }
            }
        }
    }
    let at = at.ok_or(FeatureCsvError::NoTime)?;
    let number = |index: usize| {
        let cell = record.get(index).unwrap_or_default();
        let number = (!cell.is_empty()).then(|| cell.parse::<f64>());
        number.transpose().map_err(|_| wrong(index, "a number"))
    };
    for (index, column) in columns.iter().enumerate() {
        if let Column::Told(told) = column
            && let Some(value) = number(index)?
        {
            told.tell(room, at, value);
        }
    }
    for (index, column) in columns.iter().enumerate() {
        let Column::Channel { kind, unit } = column else {
            continue;
        };
        let Some(value) = number(index)? else {
            continue;
        };
        if let Some((channel, value)) = measure(*kind, unit.as_deref(), value) {
            room.update(channel, at, value);
        }
    }
    Ok(time_cell)
}

fn columns(names: &csv::StringRecord) -> Result<Vec<Column>, FeatureCsvError> {
    let mut seen: Vec<Channel> = Vec::new();
    let columns: Vec<Column> = names
        .iter()
        .map(|name| match name {
            "recording" => Ok(Column::Recording),
            "time" => Ok(Column::Time),
            _ => match Told::from_name(name) {
                Some(told) => Ok(Column::Told(told)),
                None => channel_column(name, &mut seen),
            },
        })
        .collect::<Result<_, _>>()?;
    if columns.iter().any(|column| matches!(column, Column::Time)) {
        Ok(columns)
    } else {
        Err(FeatureCsvError::NoTime)
    }
}

fn channel_column(name: &str, seen: &mut Vec<Channel>) -> Result<Column, FeatureCsvError> {
    let (kind_name, unit) = match name.split_once(':') {
        Some((kind, unit)) => (kind, Some(unit)),
        None => (name, None),
    };
    let refused = || FeatureCsvError::Column {
        column: name.to_owned(),
    };
    let kind = Kind::from_name(kind_name).ok_or_else(refused)?;
    let (channel, _) = measure(kind, unit, 0.0).ok_or_else(refused)?;
    if seen.contains(&channel) {
        return Err(FeatureCsvError::Twice {
            column: name.to_owned(),
            channel,
        });
    }
    seen.push(channel);
    Ok(Column::Channel {
        kind,
        unit: unit.map(str::to_owned),
    })
}

fn parse_time(cell: &str) -> Option<Timestamp> {
    if let Ok(seconds) = cell.parse::<f64>() {
        return seconds.is_finite().then(|| from_seconds(seconds));
    }
    cell.parse().ok()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "a cast from a finite float saturates, and Timestamp holds it to the years 0 to 9999"
)]
fn from_seconds(seconds: f64) -> Timestamp {
    Timestamp::from_unix_ms((seconds * 1000.0).round() as i64)
}
