//! A real fire from the recordings of the National Institute of Standards and Technology (NIST TN 1455,
//! *Performance of Home Smoke Alarms*): temperatures and smoke meters at several places of a home.
//!
//! Units, as the report gives them: `TIME` in s, thermocouples `TC…` in °C, smoke meters `SM…` as
//! optical density per metre, that is the decadic logarithm of the light lost on one metre [1/m].
//! Obscuration in percent per metre follows by the law of Beer and Lambert: 100·(1 − 10^−OD).

use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::paths::repository;

/// Where the recordings are in the repository.
const FOLDER: &str = "models/data/nist";

/// What the sensors of one place saw at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Time since ignition.
    pub at: Duration,
    /// Temperature at the ceiling, °C.
    pub temperature_c: f64,
    /// Obscuration, %/m.
    pub obscuration: f64,
}

/// One place in one recorded fire.
#[derive(Debug, Clone)]
pub struct FireReplay {
    samples: Vec<Sample>,
}

/// When the photoelectric alarm `Pho1` at place C sounded in test SDC07 (`Activation_Times.csv` beside the
/// recordings at their source).
pub const SDC07_PHO1_C: Duration = Duration::from_secs(135);

impl FireReplay {
    /// Reads a recording of the repository: `test` such as `SDC07`, and a place from `A` to `F`.
    ///
    /// # Errors
    /// When the recording or the place is not there.
    pub fn load(test: &str, place: char) -> Result<Self> {
        let table = Table::read(&repository().join(FOLDER).join(format!("{test}.csv")))?;
        let times = table.column("TIME")?;
        let temperatures = table.column(&format!("TC{place}_1"))?;
        let densities = table.column(&format!("SM{place}_1"))?;
        let mut samples = Vec::new();
        for ((seconds, temperature_c), density) in times.iter().zip(temperatures).zip(densities) {
            samples.push(Sample {
                at: seconds_after_ignition(*seconds)?,
                temperature_c,
                obscuration: obscuration(density),
            });
        }
        Ok(Self { samples })
    }

    /// What was recorded, in order of time.
    #[must_use]
    pub fn samples(&self) -> &[Sample] {
        &self.samples
    }
}

fn seconds_after_ignition(seconds: f64) -> Result<Duration> {
    Duration::try_from_secs_f64(seconds).with_context(|| format!("`{seconds}` is no time"))
}

/// Percent of light lost on one metre, from the decadic optical density per metre.
fn obscuration(optical_density: f64) -> f64 {
    100.0 * (1.0 - 10.0_f64.powf(-optical_density.max(0.0)))
}

struct Table {
    path: String,
    names: Vec<String>,
    rows: Vec<Vec<f64>>,
}

impl Table {
    fn read(path: &Path) -> Result<Self> {
        let text = std::fs::read_to_string(path)
            .with_context(|| format!("reading the recording {}", path.display()))?;
        let mut lines = text.lines();
        let names = lines.next().unwrap_or_default();
        let names = names
            .split(',')
            .map(|name| name.trim().to_owned())
            .collect();
        let rows = lines
            .filter(|line| !line.trim().is_empty())
            .map(|line| {
                line.split(',')
                    .map(|cell| cell.trim().parse().unwrap_or(f64::NAN))
            })
            .map(Iterator::collect)
            .collect();
        Ok(Self {
            path: path.display().to_string(),
            names,
            rows,
        })
    }

    fn column(&self, name: &str) -> Result<Vec<f64>> {
        let index = self.names.iter().position(|have| have == name);
        let index = index.with_context(|| format!("no column `{name}` in {}", self.path))?;
        self.rows
            .iter()
            .map(|row| match row.get(index) {
                Some(value) if value.is_finite() => Ok(*value),
                _ => bail!("a cell of column `{name}` in {} is no number", self.path),
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn obscuration_follows_beer_and_lambert() {
        assert!(obscuration(0.0).abs() < 1e-9);
        assert!((obscuration(1.0) - 90.0).abs() < 1e-9);
        // The tenability limit of TN 1455, 0.25 1/m.
        assert!((obscuration(0.25) - 43.77).abs() < 0.01);
    }
}
