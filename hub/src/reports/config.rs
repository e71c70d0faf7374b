//! The targets of rates: `[reports.targets]` of the configuration.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::figures::Rates;

/// The section `[reports]`; every key is described in `configs/hub.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Reports {
    /// What the rates should be.
    pub targets: Targets,
}

/// What the rates should be: at least, except where it says at most. Shares between 0 and 1.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described key by key in configs/hub.toml")]
pub struct Targets {
    pub acknowledged_in_time: f64,
    pub filing: f64,
    pub handled_in_time: f64,
    pub closing: f64,
    pub closed_in_time: f64,
    pub rework_at_most: f64,
    pub duplicate_at_most: f64,
    pub false_alarm_at_most: f64,
}

/// A rate against its target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Against {
    /// Name of the rate.
    pub rate: String,
    /// Its value; null where there is nothing to divide by.
    pub value: Option<f64>,
    /// What it should be.
    pub target: f64,
    /// Whether `target` is the most that it should be; else it is the least.
    pub at_most: bool,
    /// Whether it is; null without a value.
    pub met: Option<bool>,
}

impl Targets {
    fn named(&self) -> [(&'static str, f64); 8] {
        [
            ("acknowledged_in_time", self.acknowledged_in_time),
            ("filing", self.filing),
            ("handled_in_time", self.handled_in_time),
            ("closing", self.closing),
            ("closed_in_time", self.closed_in_time),
            ("rework_at_most", self.rework_at_most),
            ("duplicate_at_most", self.duplicate_at_most),
            ("false_alarm_at_most", self.false_alarm_at_most),
        ]
    }

    /// What is wrong with them, a sentence each.
    #[must_use]
    pub fn problems(&self) -> Vec<String> {
        let wrong = |(name, value): &(&'static str, f64)| {
            (!(0.0..=1.0).contains(value))
                .then(|| format!("`reports.targets.{name}` = {value} is not between 0.0 and 1.0"))
        };
        self.named().iter().filter_map(wrong).collect()
    }

    /// Each rate that has a target, against it.
    #[must_use]
    pub fn against(&self, rates: &Rates) -> Vec<Against> {
        let values = [
            rates.acknowledged_in_time,
            rates.filing,
            rates.handled_in_time,
            rates.closing,
            rates.closed_in_time,
            rates.rework,
            rates.duplicate,
            rates.false_alarm,
        ];
        let each = self.named().into_iter().zip(values);
        each.map(|((name, target), value)| {
            let at_most = name.ends_with("_at_most");
            Against {
                rate: name.trim_end_matches("_at_most").to_owned(),
                value,
                target,
                at_most,
                met: value.map(|value| {
                    if at_most {
                        value <= target
                    } else {
                        value >= target
                    }
                }),
            }
        })
        .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_held_against_its_target_from_the_right_side() {
        let targets = Targets {
            acknowledged_in_time: 0.9,
            filing: 0.0,
            handled_in_time: 0.95,
            closing: 0.9,
            closed_in_time: 0.9,
            rework_at_most: 0.05,
            duplicate_at_most: 0.1,
            false_alarm_at_most: 1.5,
        };
        assert_eq!(targets.problems().len(), 1);
        let rates = Rates {
            handled_in_time: Some(0.95),
            rework: Some(0.06),
            ..Rates::default()
        };
        let met: Vec<_> = targets
            .against(&rates)
            .into_iter()
            .filter_map(|one| one.met.map(|met| (one.rate, one.at_most, met)))
            .collect();
        assert_eq!(
            met,
            [
                ("handled_in_time".to_owned(), false, true),
                ("rework".to_owned(), true, false)
            ]
        );
    }
}
