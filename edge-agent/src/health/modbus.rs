//! What the Modbus scheduler says of each unit: how late its polls begin, how long they take, what became
//! of them, and whether it is asked only now and then.
//!
//! Lateness is the time from when a poll was due until its first request is sent; it is what a crowded
//! or broken line costs. Quantiles are of the last minute, so that they tell how the line is, not how it
//! once was; counts and sums are of the whole run. Memory is bounded: [`SAMPLES_MAX`] per unit.

use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Write as _};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

/// Quantiles look this far back.
const WINDOW: Duration = Duration::from_secs(60);
/// At most so many polls of a unit are remembered: a minute at ten a second, in 24 bytes each.
const SAMPLES_MAX: usize = 600;

/// All units of all lines.
#[derive(Debug, Default)]
pub struct ModbusHealth(Mutex<BTreeMap<(String, u8), Arc<UnitHealth>>>);

/// One unit.
#[derive(Debug, Default)]
pub struct UnitHealth(Mutex<Inner>);

#[derive(Debug, Default)]
struct Inner {
    samples: VecDeque<Sample>,
    lateness_sum: Duration,
    duration_sum: Duration,
    answered: u64,
    failed: BTreeMap<&'static str, u64>,
    missed: u64,
    probes: u64,
    open: bool,
}

#[derive(Debug, Clone, Copy)]
struct Sample {
    at: Instant,
    lateness: Duration,
    duration: Duration,
}

/// What `/status` says of a unit. Times are of the last minute.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModbusUnitStatus {
    /// The line.
    pub source: String,
    /// The unit.
    pub unit: u8,
    /// `true` while it is asked only now and then, because it did not answer.
    pub breaker_open: bool,
    /// Polls that gave readings.
    pub polls_answered: u64,
    /// Polls that gave nothing, by reason.
    pub polls_failed: BTreeMap<String, u64>,
    /// Polls left out because the line had no time for them.
    pub polls_missed: u64,
    /// Tries to reach it while the breaker was open.
    pub probes: u64,
    /// Milliseconds from when a poll was due until it began: median.
    pub lateness_ms_p50: f64,
    /// The same, 99 of 100 polls.
    pub lateness_ms_p99: f64,
    /// The same, at most.
    pub lateness_ms_max: f64,
    /// Milliseconds that a poll took, 99 of 100 polls.
    pub duration_ms_p99: f64,
}

impl fmt::Display for ModbusUnitStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let failed: u64 = self.polls_failed.values().sum();
        write!(
            f,
            "modbus {}/{}: {}, {} polls answered, {failed} failed, {} missed, late p50 {:.1} ms, p99 {:.1} ms, max {:.1} ms, takes p99 {:.1} ms",
            self.source,
            self.unit,
            if self.breaker_open {
                "does not answer and is asked now and then"
            } else {
                "asked on time"
            },
            self.polls_answered,
            self.polls_missed,
            self.lateness_ms_p50,
            self.lateness_ms_p99,
            self.lateness_ms_max,
            self.duration_ms_p99,
        )
    }
}

impl ModbusHealth {
    /// The entry of a unit, made when it is new.
    pub fn unit(&self, source: &str, unit: u8) -> Arc<UnitHealth> {
        lock(&self.0)
            .entry((source.to_owned(), unit))
            .or_default()
            .clone()
    }

    /// Every unit, in the order of their names.
    pub fn status(&self) -> Vec<ModbusUnitStatus> {
        lock(&self.0)
            .iter()
            .map(|((source, unit), health)| health.status(source, *unit))
            .collect()
    }

    /// Prometheus text.
    pub fn metrics(&self) -> String {
        let units = lock(&self.0).clone();
        if units.is_empty() {
            return String::new();
        }
        let mut text = String::new();
        for (name, help, of) in [
            (
                "modbus_lateness_seconds",
                "time from when a poll was due until it began; quantiles of the last minute",
                Of::Lateness,
            ),
            (
                "modbus_poll_seconds",
                "time that a poll took; quantiles of the last minute",
                Of::Duration,
            ),
        ] {
            head(&mut text, name, "summary", help);
            for ((source, unit), health) in &units {
                health.summary(&mut text, name, &labels(source, *unit), of);
            }
        }
        head(
            &mut text,
            "modbus_polls_total",
            "counter",
            "polls of a unit by outcome",
        );
        for ((source, unit), health) in &units {
            health.outcomes(&mut text, &labels(source, *unit));
        }
        for (name, kind, help, get) in SIMPLE {
            head(&mut text, name, kind, help);
            for ((source, unit), health) in &units {
                let value = get(&lock(&health.0));
                line(&mut text, name, &labels(source, *unit), value);
            }
        }
        text
    }
}

/// A metric that is one number of a unit: name, type, help, value.
type Simple = (&'static str, &'static str, &'static str, fn(&Inner) -> u64);

const SIMPLE: [Simple; 3] = [
    (
        "modbus_missed_total",
        "counter",
        "polls left out because the line had no time for them",
        |inner| inner.missed,
    ),
    (
        "modbus_probes_total",
        "counter",
        "tries to reach a unit that does not answer",
        |inner| inner.probes,
    ),
    (
        "modbus_breaker_open",
        "gauge",
        "1 while a unit that does not answer is asked only now and then",
        |inner| u64::from(inner.open),
    ),
];

#[derive(Debug, Clone, Copy)]
enum Of {
    Lateness,
    Duration,
}

impl UnitHealth {
    /// A poll that gave readings.
    pub fn answered(&self, lateness: Duration, duration: Duration) {
        let mut inner = lock(&self.0);
        inner.answered = inner.answered.saturating_add(1);
        inner.sample(lateness, duration);
    }

    /// A poll that gave nothing, and why in one word.
    pub fn failed(&self, why: &'static str, lateness: Duration, duration: Duration) {
        let mut inner = lock(&self.0);
        let count = inner.failed.entry(why).or_default();
        *count = count.saturating_add(1);
        inner.sample(lateness, duration);
    }

    /// Something went wrong though the poll gave readings.
    pub fn trouble(&self, why: &'static str) {
        let mut inner = lock(&self.0);
        let count = inner.failed.entry(why).or_default();
        *count = count.saturating_add(1);
    }

    /// Polls that were left out.
    pub fn missed(&self, polls: u64) {
        let mut inner = lock(&self.0);
        inner.missed = inner.missed.saturating_add(polls);
    }

    /// A try to reach it while the breaker is open.
    pub fn probed(&self) {
        let mut inner = lock(&self.0);
        inner.probes = inner.probes.saturating_add(1);
    }

    /// Whether it is asked only now and then.
    pub fn set_open(&self, open: bool) {
        lock(&self.0).open = open;
    }

    fn status(&self, source: &str, unit: u8) -> ModbusUnitStatus {
        let inner = lock(&self.0);
        let lateness = inner.spread(Of::Lateness);
        let duration = inner.spread(Of::Duration);
        ModbusUnitStatus {
            source: source.to_owned(),
            unit,
            breaker_open: inner.open,
            polls_answered: inner.answered,
            polls_failed: inner
                .failed
                .iter()
                .map(|(why, count)| ((*why).to_owned(), *count))
                .collect(),
            polls_missed: inner.missed,
            probes: inner.probes,
            lateness_ms_p50: ms(quantile(&lateness, 50)),
            lateness_ms_p99: ms(quantile(&lateness, 99)),
            lateness_ms_max: ms(quantile(&lateness, 100)),
            duration_ms_p99: ms(quantile(&duration, 99)),
        }
    }

    fn summary(&self, text: &mut String, name: &str, labels: &str, of: Of) {
        let inner = lock(&self.0);
        let spread = inner.spread(of);
        for (label, percent) in [("0.5", 50), ("0.99", 99), ("1", 100)] {
            let labels = format!("{labels},quantile=\"{label}\"");
            line(
                text,
                name,
                &labels,
                quantile(&spread, percent).as_secs_f64(),
            );
        }
        let sum = match of {
            Of::Lateness => inner.lateness_sum,
            Of::Duration => inner.duration_sum,
        };
        let count = inner
            .failed
            .values()
            .fold(inner.answered, |sum, n| sum.saturating_add(*n));
        line(text, &format!("{name}_sum"), labels, sum.as_secs_f64());
        line(text, &format!("{name}_count"), labels, count);
    }

    fn outcomes(&self, text: &mut String, labels: &str) {
        let inner = lock(&self.0);
        let outcomes = std::iter::once((&"answered", &inner.answered)).chain(&inner.failed);
        for (outcome, count) in outcomes {
            let labels = format!("{labels},outcome=\"{outcome}\"");
            line(text, "modbus_polls_total", &labels, count);
        }
    }
}

impl Inner {
    fn sample(&mut self, lateness: Duration, duration: Duration) {
        self.lateness_sum = self.lateness_sum.saturating_add(lateness);
        self.duration_sum = self.duration_sum.saturating_add(duration);
        if self.samples.len() >= SAMPLES_MAX {
            self.samples.pop_front();
        }
        self.samples.push_back(Sample {
            at: Instant::now(),
            lateness,
            duration,
        });
    }

    /// Times of the last minute, the shortest first.
    fn spread(&self, of: Of) -> Vec<Duration> {
        let mut spread: Vec<Duration> = self
            .samples
            .iter()
            .filter(|sample| sample.at.elapsed() <= WINDOW)
            .map(|sample| match of {
                Of::Lateness => sample.lateness,
                Of::Duration => sample.duration,
            })
            .collect();
        spread.sort_unstable();
        spread
    }
}

/// The time that `percent` of all do not exceed (nearest rank); zero when there are none.
fn quantile(sorted: &[Duration], percent: usize) -> Duration {
    let rank = sorted.len().saturating_mul(percent).div_ceil(100).max(1);
    sorted.get(rank - 1).copied().unwrap_or_default()
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1000.0
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex
        .lock()
        .expect("no code panics while it holds the units")
}

/// Labels of a unit; the line's name is escaped as the text format asks.
fn labels(source: &str, unit: u8) -> String {
    let source = source
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n");
    format!("source=\"{source}\",unit=\"{unit}\"")
}

fn head(text: &mut String, name: &str, kind: &str, help: &str) {
    writeln!(
        text,
        "# HELP gridwatch_edge_{name} {help}\n# TYPE gridwatch_edge_{name} {kind}"
    )
    .expect("writing to a string");
}

fn line(text: &mut String, name: &str, labels: &str, value: impl fmt::Display) {
    writeln!(text, "gridwatch_edge_{name}{{{labels}}} {value}").expect("writing to a string");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_of_the_nearest_rank_and_outcomes_have_labels() {
        let health = ModbusHealth::default();
        let unit = health.unit("riser \"3\"", 7);
        for late in 1..=200 {
            unit.answered(Duration::from_millis(late), Duration::from_millis(2));
        }
        unit.failed("no_answer", Duration::from_millis(1), Duration::ZERO);
        unit.missed(3);
        unit.set_open(true);
        let status = health.status().remove(0);
        assert!((status.lateness_ms_p50 - 100.0).abs() < 1e-9, "{status:?}");
        assert!((status.lateness_ms_p99 - 198.0).abs() < 1e-9, "{status:?}");
        let text = health.metrics();
        for wanted in [
            "gridwatch_edge_modbus_lateness_seconds{source=\"riser \\\"3\\\"\",unit=\"7\",quantile=\"0.99\"} 0.198",
            "gridwatch_edge_modbus_lateness_seconds_count{source=\"riser \\\"3\\\"\",unit=\"7\"} 201",
            "gridwatch_edge_modbus_polls_total{source=\"riser \\\"3\\\"\",unit=\"7\",outcome=\"no_answer\"} 1",
            "gridwatch_edge_modbus_missed_total{source=\"riser \\\"3\\\"\",unit=\"7\"} 3",
            "gridwatch_edge_modbus_breaker_open{source=\"riser \\\"3\\\"\",unit=\"7\"} 1",
        ] {
            assert!(text.contains(wanted), "{wanted} not in\n{text}");
        }
    }

    #[test]
    fn memory_of_a_unit_is_bounded() {
        let unit = UnitHealth::default();
        for _ in 0..2 * SAMPLES_MAX {
            unit.answered(Duration::ZERO, Duration::ZERO);
        }
        assert_eq!(lock(&unit.0).samples.len(), SAMPLES_MAX);
    }
}
