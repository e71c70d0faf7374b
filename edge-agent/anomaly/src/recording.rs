//! Recordings: CSV files of what sensors measured, as they come from loggers, spreadsheets and data sets.
//!
//! Reads row by row with a bounded memory. The delimiter (`,` `;` or tab) is found from the header; cells
//! may be quoted; a byte order mark is skipped; short and long rows are taken as they are. A cell that
//! is not a number is a missing value and never an error: one bad cell must not cost a night of data. The
//! times are read by [`time`].
//!
//! Traps: a decimal comma is understood only where the delimiter is not a comma. Rows come out in the
//! order of the file; they are not sorted, because whoever runs the statistics over them must not see
//! what came later.

pub mod time;

use std::io::{BufRead, BufReader, Read};
use std::str::FromStr;

use gridwatch_protocol::{Kind, Timestamp};

use crate::features::measure;
use time::TimeReader;

/// A header line longer than this is no header.
const HEADER_BYTES_MAX: u64 = 1 << 20;

/// A column of a recording and what it holds: `COLUMN=KIND[:UNIT]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelSpec {
    /// Its name in the header.
    pub column: String,
    /// What it measures; `other` is any scalar.
    pub kind: Kind,
    /// Its unit; the kind's own one when there is none.
    pub unit: Option<String>,
}

/// Why a text is not a [`ChannelSpec`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChannelSpecError {
    /// No `=`, or nothing before it.
    #[error("`{0}` is not COLUMN=KIND or COLUMN=KIND:UNIT, such as `CO=carbon_monoxide:ppm`")]
    Shape(String),
    /// Not in the list.
    #[error(
        "`{kind}` of channel `{column}` is not a kind; use `other` for any number, or one of {}",
        kinds()
    )]
    Kind {
        /// The column.
        column: String,
        /// What stands there.
        kind: String,
    },
    /// The kind is known, its unit is not.
    #[error("`{unit}` of channel `{column}` is not a unit of {kind}; use {}", units(*kind))]
    Unit {
        /// The column.
        column: String,
        /// The kind.
        kind: Kind,
        /// What stands there.
        unit: String,
    },
}

impl FromStr for ChannelSpec {
    type Err = ChannelSpecError;
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (column, measured) = text
            .rsplit_once('=')
            .filter(|(column, _)| !column.is_empty())
            .ok_or_else(|| ChannelSpecError::Shape(text.to_owned()))?;
        let (kind_name, unit) = match measured.split_once(':') {
            Some((kind, unit)) => (kind, Some(unit)),
            None => (measured, None),
        };
        let kind = Kind::from_name(kind_name).ok_or_else(|| ChannelSpecError::Kind {
            column: column.to_owned(),
            kind: kind_name.to_owned(),
        })?;
        let is_known = measure(kind, None, 0.0).is_none() || measure(kind, unit, 0.0).is_some();
        if !is_known {
            return Err(ChannelSpecError::Unit {
                column: column.to_owned(),
                kind,
                unit: unit.unwrap_or_default().to_owned(),
            });
        }
        Ok(Self {
            column: column.to_owned(),
            kind,
            unit: unit.map(str::to_owned),
        })
    }
}

fn kinds() -> String {
    Kind::ALL
        .iter()
        .map(|kind| kind.as_str())
        .collect::<Vec<_>>()
        .join(", ")
}

fn units(kind: Kind) -> &'static str {
    match kind {
        Kind::Smoke => "%/m, 1/m, dB/m or %/ft",
        Kind::Pm25 => "µg/m³, ug/m3 or mg/m3",
        Kind::CarbonMonoxide | Kind::Co2 => "ppm or %",
        Kind::Voc => "ppb, ppm or index",
        Kind::Temperature => "°C, °F, K or Cel",
        Kind::Humidity => "%, %RH or 1",
        _ => "none",
    }
}

/// Why a recording cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum RecordingError {
    /// Not a byte, or nothing but white space.
    #[error(
        "the recording is empty: its first line must name the columns, each further line is one row"
    )]
    Empty,
    /// A header alone.
    #[error("the recording has a header and no rows")]
    NoRows,
    /// The header has no such column.
    #[error("the recording has no column `{column}`; its columns are {}", found.join(", "))]
    Column {
        /// The column that was asked for.
        column: String,
        /// The columns that are there.
        found: Vec<String>,
    },
    /// Nothing to look at.
    #[error("no channel was named; name at least one as COLUMN=KIND")]
    NoChannel,
    /// More than can be told apart.
    #[error("{count} channels were named, at most {most} form one point")]
    Channels {
        /// How many.
        count: usize,
        /// How many may be.
        most: usize,
    },
    /// Reading or writing CSV.
    #[error("reading the recording or writing its scores")]
    Csv(#[from] csv::Error),
    /// Reading or writing.
    #[error("reading the recording or writing its scores")]
    Io(#[from] std::io::Error),
}

/// One row of a recording.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Row {
    /// The time as it stands there.
    pub time_cell: String,
    /// The time; `None` when it cannot be read.
    pub at: Option<Timestamp>,
    /// A value per channel; `None` where there is no finite number.
    pub values: Vec<Option<f64>>,
}

/// A recording that is being read.
pub struct Recording<R: Read> {
    reader: csv::Reader<std::io::Chain<std::io::Cursor<Vec<u8>>, BufReader<R>>>,
    record: csv::ByteRecord,
    time_column: usize,
    columns: Vec<usize>,
    times: TimeReader,
    decimal_comma: bool,
}

impl<R: Read> Recording<R> {
    /// Opens a recording: reads its header and finds the columns.
    ///
    /// # Errors
    /// When it is empty, a column is missing, or the stream is broken.
    pub fn open(
        reader: R,
        time_column: &str,
        channels: &[ChannelSpec],
    ) -> Result<Self, RecordingError> {
        let mut reader = BufReader::new(reader);
        let header = read_header(&mut reader)?;
        let wanted: Vec<&str> = std::iter::once(time_column)
            .chain(channels.iter().map(|channel| channel.column.as_str()))
            .collect();
        let delimiter = delimiter(&header, &wanted);
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .flexible(true)
            .trim(csv::Trim::All)
            .from_reader(std::io::Cursor::new(header).chain(reader));
        let names = names(reader.byte_headers()?);
        let place = |column: &str| {
            names
                .iter()
                .position(|name| name == column.trim())
                .ok_or_else(|| RecordingError::Column {
                    column: column.to_owned(),
                    found: names.iter().map(|name| format!("`{name}`")).collect(),
                })
        };
        Ok(Self {
            time_column: place(time_column)?,
            columns: channels
                .iter()
                .map(|channel| place(&channel.column))
                .collect::<Result<_, _>>()?,
            reader,
            record: csv::ByteRecord::new(),
            times: TimeReader::default(),
            decimal_comma: delimiter != b',',
        })
    }

    /// The next row; `false` at the end.
    ///
    /// # Errors
    /// On a broken stream.
    pub fn read(&mut self, row: &mut Row) -> Result<bool, RecordingError> {
        if !self.reader.read_byte_record(&mut self.record)? {
            return Ok(false);
        }
        let cell =
            |index: usize| String::from_utf8_lossy(self.record.get(index).unwrap_or_default());
        row.time_cell.clear();
        row.time_cell.push_str(&cell(self.time_column));
        row.at = self.times.read(&row.time_cell);
        row.values.clear();
        for column in &self.columns {
            row.values.push(number(&cell(*column), self.decimal_comma));
        }
        Ok(true)
    }
}

/// The first line that is not blank, with its end.
fn read_header(reader: &mut impl BufRead) -> Result<Vec<u8>, RecordingError> {
    loop {
        let mut line = Vec::new();
        let read = reader
            .by_ref()
            .take(HEADER_BYTES_MAX)
            .read_until(b'\n', &mut line)?;
        if read == 0 {
            return Err(RecordingError::Empty);
        }
        if let Some(rest) = line.strip_prefix("\u{feff}".as_bytes()) {
            line = rest.to_vec();
        }
        if !line.trim_ascii().is_empty() {
            return Ok(line);
        }
    }
}

/// The delimiter with which most of the wanted columns are there; the one with most columns if several.
fn delimiter(header: &[u8], wanted: &[&str]) -> u8 {
    let rate = |delimiter: u8| {
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .trim(csv::Trim::All)
            .from_reader(header);
        let names = reader.byte_headers().map(names).unwrap_or_default();
        let found = wanted
            .iter()
            .filter(|column| names.iter().any(|name| name == column.trim()))
            .count();
        (found, names.len())
    };
    [b'\t', b';', b',']
        .into_iter()
        .max_by_key(|delimiter| rate(*delimiter))
        .unwrap_or(b',')
}

fn names(header: &csv::ByteRecord) -> Vec<String> {
    header
        .iter()
        .map(|name| String::from_utf8_lossy(name).trim().to_owned())
        .collect()
}

/// A finite number; `true` and `on` are 1, `false` and `off` are 0.
fn number(cell: &str, decimal_comma: bool) -> Option<f64> {
    let parsed = match cell.parse::<f64>() {
        Ok(number) => Some(number),
        Err(_) if decimal_comma && cell.contains(',') => cell.replacen(',', ".", 1).parse().ok(),
        Err(_) => match cell.to_ascii_lowercase().as_str() {
            "true" | "on" => Some(1.0),
            "false" | "off" => Some(0.0),
            _ => None,
        },
    };
    parsed.filter(|number| number.is_finite())
}

#[cfg(test)]
mod tests;
