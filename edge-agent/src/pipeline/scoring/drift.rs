//! Whether a model still sees what it was trained on, and still says what others say too. Pure.
//!
//! Measured against the quantiles of quiet training rows in the model's manifest:
//! - *population stability index* of each feature: sum of (seen − expected) · ln(seen / expected) over the
//!   ranges between the quantiles. Above 0.25 a population counts as changed (Siddiqi, "Credit Risk
//!   Scorecards", 2006); a model is taken to have drifted when half of its features have.
//! - *clip share*: values at the end of their range. Of background no more than one in a hundred is there.
//! - *missing share*: groups that are absent in rows of sensors that have had them.
//! - *alarm budget*: alerts raised per sensor and quarter, against the one that is accepted.
//! - *disagreement with the rules*: alarms of rules that the model saw nothing of.
//!
//! What was seen is halved every day, so that old days fade and a breach heals by itself. Counts are too few
//! to judge by until [`ROWS_MIN`] rows, which take about a day. Nothing here is kept over a restart.

use gridwatch_protocol::Timestamp;

use crate::detection::model::{Feature, Manifest};

/// Fewer rows than this say nothing about a population.
const ROWS_MIN: f64 = 5_000.0;
/// Above this a feature's population has changed.
const PSI_MAX: f64 = 0.25;
/// More values at the end of their range than this is not what the model knows.
const CLIP_MAX: f64 = 0.10;
/// More absent groups than this leave the model too little to look at.
const MISSING_MAX: f64 = 0.50;
/// Alerts beyond the accepted number that may be chance: the 99.9th percentile of a Poisson count is below
/// mean + 5 for means up to 2.
const ALERTS_SPARE: f64 = 5.0;
/// Alarms of rules before missing most of them means something.
const RULES_MIN: f64 = 4.0;
const MISSED_MAX: f64 = 0.50;
/// What was seen counts half after so long.
const HALF_LIFE_MS: i64 = 24 * 3_600_000;
/// How often the past fades: then the numbers are computed anew, too.
const STEP_MS: i64 = 3_600_000;
/// Accepted alerts per sensor: one in a quarter.
const QUARTER_MS: f64 = 365.25 / 4.0 * 86_400_000.0;
/// Shares between the 1st, 10th, 50th, 90th and 99th percentile.
const SHARES: [f64; 6] = [0.01, 0.09, 0.40, 0.40, 0.09, 0.01];
/// So near to the end of its range (as a share of it) a value counts as clipped; features bend towards
/// their ends and never reach them.
const NEAR_END: f32 = 0.05;

/// What a model sees.
#[derive(Debug, Default)]
pub(super) struct Drift {
    manifest: Option<(String, u64)>,
    features: Vec<Watched>,
    rows: f64,
    values: f64,
    clipped: f64,
    groups: f64,
    missing: f64,
    alerts: f64,
    sensors_ms: f64,
    rules: f64,
    missed: f64,
    stepped: Option<Timestamp>,
    numbers: Numbers,
}

/// The newest numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Numbers {
    /// Median over the features.
    pub(super) psi: f64,
    pub(super) clip_share: f64,
    pub(super) missing_share: f64,
    /// Alerts per sensor and quarter, with the spare ones taken off.
    pub(super) alerts_over_budget: f64,
    /// Share of the rules' alarms that the model saw nothing of.
    pub(super) missed_share: f64,
    pub(super) rows: f64,
    pub(super) breach: Option<Breach>,
}

/// What is beyond its limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Breach {
    Features,
    Clipped,
    Missing,
    Alerts,
    Rules,
}

#[derive(Debug)]
struct Watched {
    /// Ends of the ranges, and their expected shares; fewer where quantiles coincide.
    ends: Vec<f32>,
    expected: Vec<f64>,
    seen: Vec<f64>,
    clip: [f32; 2],
    /// It is this group's `present`, and has been 1 before.
    is_presence: bool,
    was_present: bool,
}

impl Watched {
    fn new(feature: &Feature) -> Self {
        let mut ends: Vec<f32> = Vec::new();
        let mut expected = vec![0.0];
        for (quantile, share) in feature.quantiles.iter().zip(SHARES) {
            let last = expected.last_mut().expect("never empty");
            *last += share;
            // What lies on a point where quantiles coincide is at or below it.
            if ends.last() == Some(quantile) {
                let above = expected.len() - 1;
                expected[above - 1] += expected[above];
                expected[above] = 0.0;
            } else {
                ends.push(*quantile);
                expected.push(0.0);
            }
        }
        *expected.last_mut().expect("never empty") += SHARES[5];
        Self {
            seen: vec![0.0; expected.len()],
            ends,
            expected,
            clip: feature.clip,
            is_presence: feature.name.ends_with("present"),
            was_present: false,
        }
    }

    fn observe(&mut self, value: f32) {
        let range = self.ends.iter().filter(|end| value > **end).count();
        self.seen[range] += 1.0;
    }

    fn is_clipped(&self, value: f32) -> bool {
        let [low, high] = self.clip;
        let near = (high - low) * NEAR_END;
        // A range that begins or ends at 0 has its usual place there.
        (high > 0.0 && value > high - near && high > 1.0) || (low < 0.0 && value < low + near)
    }

    /// `None` for a feature that hardly moved in training: where most of it lies on one point, shares say
    /// little.
    fn psi(&self) -> Option<f64> {
        if self.is_presence || self.ends.len() < SHARES.len() - 1 {
            return None;
        }
        let rows: f64 = self.seen.iter().sum();
        let ranges = self.seen.iter().zip(&self.expected);
        Some(
            ranges
                .map(|(seen, expected)| {
                    // Half a row where there is none, or the logarithm would end everything.
                    let seen = seen.max(0.5) / rows.max(1.0);
                    (seen - expected) * (seen / expected).ln()
                })
                .sum(),
        )
    }
}

impl Drift {
    /// Watches another model: what was seen is measured anew.
    pub(super) fn follow(&mut self, manifest: &Manifest) {
        let id = (manifest.id.clone(), manifest.build);
        if self.manifest.as_ref() == Some(&id) {
            return;
        }
        *self = Self {
            manifest: Some(id),
            features: manifest.features.iter().map(Watched::new).collect(),
            ..Self::default()
        };
    }

    /// One row that the model is given.
    pub(super) fn observe(&mut self, row: &[f32]) {
        if self.features.len() != row.len() {
            return;
        }
        self.rows += 1.0;
        for (watched, value) in self.features.iter_mut().zip(row) {
            if watched.is_presence {
                let is_present = *value >= 0.5;
                watched.was_present |= is_present;
                if watched.was_present {
                    self.groups += 1.0;
                    self.missing += f64::from(u8::from(!is_present));
                }
                continue;
            }
            // Exact zeros are what absent groups give; of those the quantiles know nothing.
            if value.abs() > 0.0 {
                watched.observe(*value);
                self.values += 1.0;
                self.clipped += f64::from(u8::from(watched.is_clipped(*value)));
            }
        }
    }

    /// The models raised an alert.
    pub(super) fn alerted(&mut self) {
        self.alerts += 1.0;
    }

    /// A rule raised an alarm that the model could have seen.
    pub(super) fn ruled(&mut self, is_seen: bool) {
        self.rules += 1.0;
        self.missed += f64::from(u8::from(!is_seen));
    }

    /// Lets time pass over so many sensors.
    pub(super) fn step(&mut self, now: Timestamp, sensors: usize) {
        let Some(before) = self.stepped else {
            self.stepped = Some(now);
            return;
        };
        let passed = now.ms_since(before);
        if (0..STEP_MS).contains(&passed) {
            return;
        }
        self.stepped = Some(now);
        #[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
        let (passed, sensors) = (passed.clamp(0, HALF_LIFE_MS) as f64, sensors as f64);
        self.sensors_ms += sensors * passed;
        self.numbers = self.compute();
        #[expect(clippy::cast_precision_loss, reason = "a day")]
        let fade = 0.5_f64.powf(passed / HALF_LIFE_MS as f64);
        self.fade(fade);
    }

    /// The numbers of the last step.
    pub(super) fn numbers(&self) -> Numbers {
        self.numbers
    }

    fn fade(&mut self, by: f64) {
        for watched in &mut self.features {
            watched.seen.iter_mut().for_each(|seen| *seen *= by);
        }
        for number in [
            &mut self.rows,
            &mut self.values,
            &mut self.clipped,
            &mut self.groups,
            &mut self.missing,
        ] {
            *number *= by;
        }
        // Alerts and alarms are rare: they fade over a quarter.
        let slowly = by.powf(1.0 / 90.0);
        for number in [
            &mut self.alerts,
            &mut self.sensors_ms,
            &mut self.rules,
            &mut self.missed,
        ] {
            *number *= slowly;
        }
    }

    fn compute(&self) -> Numbers {
        let mut indices: Vec<f64> = self
            .features
            .iter()
            .filter(|watched| watched.seen.iter().sum::<f64>() >= ROWS_MIN / 10.0)
            .filter_map(Watched::psi)
            .collect();
        indices.sort_by(f64::total_cmp);
        let psi = indices.get(indices.len() / 2).copied().unwrap_or(0.0);
        let share = |part: f64, of: f64| if of > 0.0 { part / of } else { 0.0 };
        let accepted = self.sensors_ms / QUARTER_MS;
        let mut numbers = Numbers {
            psi,
            clip_share: share(self.clipped, self.values),
            missing_share: share(self.missing, self.groups),
            alerts_over_budget: (self.alerts - accepted - ALERTS_SPARE).max(0.0),
            missed_share: share(self.missed, self.rules),
            rows: self.rows,
            breach: None,
        };
        let is_known = self.rows >= ROWS_MIN;
        numbers.breach = [
            (Breach::Features, is_known && numbers.psi > PSI_MAX),
            (Breach::Clipped, is_known && numbers.clip_share > CLIP_MAX),
            (
                Breach::Missing,
                is_known && numbers.missing_share > MISSING_MAX,
            ),
            (Breach::Alerts, numbers.alerts_over_budget > 0.0),
            (
                Breach::Rules,
                self.rules >= RULES_MIN && numbers.missed_share > MISSED_MAX,
            ),
        ]
        .into_iter()
        .find_map(|(breach, is_so)| is_so.then_some(breach));
        numbers
    }
}

impl Breach {
    /// What is wrong, in Chinese and English.
    pub(super) fn words(self, numbers: &Numbers) -> (String, String) {
        match self {
            Self::Features => (
                format!(
                    "输入数据的分布与训练时不同（PSI 中位数 {:.2}，上限 {PSI_MAX}）",
                    numbers.psi
                ),
                format!(
                    "its inputs are not what it was trained on (median PSI {:.2}, at most {PSI_MAX})",
                    numbers.psi
                ),
            ),
            Self::Clipped => (
                format!("{:.0}% 的输入值超出训练范围", numbers.clip_share * 100.0),
                format!(
                    "{:.0} % of its inputs are at the end of their range",
                    numbers.clip_share * 100.0
                ),
            ),
            Self::Missing => (
                format!("{:.0}% 的测量缺失", numbers.missing_share * 100.0),
                format!(
                    "{:.0} % of its measurements are missing",
                    numbers.missing_share * 100.0
                ),
            ),
            Self::Alerts => (
                format!("报警次数超出预算 {:.0} 次", numbers.alerts_over_budget),
                format!(
                    "it raised {:.0} alerts beyond its budget",
                    numbers.alerts_over_budget
                ),
            ),
            Self::Rules => (
                format!(
                    "规则报警中有 {:.0}% 模型没有察觉",
                    numbers.missed_share * 100.0
                ),
                format!(
                    "it saw nothing of {:.0} % of the rules' alarms",
                    numbers.missed_share * 100.0
                ),
            ),
        }
    }
}

#[cfg(test)]
mod tests;
