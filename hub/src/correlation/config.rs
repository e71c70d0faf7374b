//! The section `[correlation]` of the configuration; every key is described in `configs/hub.toml`.

use serde::Deserialize;

use super::{Settings, chatter, flood};

/// See `configs/hub.toml`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described key by key in configs/hub.toml")]
pub struct Correlation {
    pub relink_hours: u32,
    pub chatter_raisings: u32,
    pub chatter_window_s: u32,
    pub flood_begins_above: u32,
    pub flood_ends_below: u32,
    pub spread_minutes: u32,
    pub gateway_back_minutes: u32,
    pub false_alarms_per_day: u32,
}

impl Default for Correlation {
    fn default() -> Self {
        #[derive(Deserialize)]
        struct File {
            correlation: Correlation,
        }
        let file: File =
            toml::from_str(crate::config::DEFAULT).expect("the compiled-in file is right");
        file.correlation
    }
}

impl Correlation {
    /// Every problem, one sentence each.
    pub fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        let mut within = |key: &str, value: u32, least: u32, most: u32| {
            if !(least..=most).contains(&value) {
                problems.push(format!(
                    "correlation.{key} = {value} is not between {least} and {most}"
                ));
            }
        };
        within("relink_hours", self.relink_hours, 0, 24 * 30);
        within("chatter_raisings", self.chatter_raisings, 2, 20);
        within("chatter_window_s", self.chatter_window_s, 1, 3_600);
        within("flood_begins_above", self.flood_begins_above, 1, 10_000);
        within("flood_ends_below", self.flood_ends_below, 1, 10_000);
        within("spread_minutes", self.spread_minutes, 1, 24 * 60);
        within(
            "gateway_back_minutes",
            self.gateway_back_minutes,
            1,
            24 * 60,
        );
        within("false_alarms_per_day", self.false_alarms_per_day, 1, 1_000);
        if self.flood_ends_below > self.flood_begins_above {
            problems.push(
                "correlation.flood_ends_below is above flood_begins_above: a flood would end while it begins"
                    .to_owned(),
            );
        }
        problems
    }

    /// The same in the engine's units.
    #[must_use]
    pub fn settings(&self) -> Settings {
        const MINUTE: i64 = 60_000;
        Settings {
            relink_ms: i64::from(self.relink_hours) * 60 * MINUTE,
            chatter: chatter::Rule {
                raisings: self.chatter_raisings,
                window_ms: i64::from(self.chatter_window_s) * 1_000,
            },
            flood: flood::Rule {
                begins_above: self.flood_begins_above,
                ends_below: self.flood_ends_below,
            },
            spread_ms: i64::from(self.spread_minutes) * MINUTE,
            gateway_back_ms: i64::from(self.gateway_back_minutes) * MINUTE,
            false_alarms_per_day: self.false_alarms_per_day,
        }
    }
}
