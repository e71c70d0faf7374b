//! What is made of readings: rules, models, and the output that tells when alerts do not get through.

use std::collections::BTreeSet;
use std::path::Path;

use gridwatch_anomaly::calibration::Level;

use super::super::file::{DetectionFile, FaultOutputFile, ModelFile};
use super::super::{DetectionConfig, FaultOutputConfig, ModelConfig};
use super::Checker;
use crate::detection::RuleConfig;
use crate::detection::model::{Backend, Keys, ModelSet, Source};

impl Checker<'_> {
    pub(super) fn detection(
        &mut self,
        file: DetectionFile,
        mut rules: Vec<RuleConfig>,
        more: Vec<RuleConfig>,
    ) -> Option<DetectionConfig> {
        rules.extend(more);
        let mut names = BTreeSet::new();
        for rule in &rules {
            if !names.insert(rule.name.as_str()) {
                self.problem(format!("rule `{}`: the name is taken", rule.name));
            }
            for why in rule.problems() {
                self.problem(format!("rule `{}`: {why}", rule.name));
            }
        }
        if file.chatter_raisings < 2 || file.chatter_window_s == 0 {
            self.problem(
                "[detection] chatter_raisings must be 2 or more, chatter_window_s 1 or more",
            );
        }
        let Ok(timezone) = jiff::tz::TimeZone::get(&file.timezone) else {
            self.problem(format!(
                "[detection] timezone `{}`: no such time zone; use an IANA name such as Asia/Shanghai",
                file.timezone
            ));
            return None;
        };
        Some(DetectionConfig {
            rules,
            timezone,
            chatter_raisings: file.chatter_raisings,
            chatter_window_ms: i64::from(file.chatter_window_s) * 1000,
        })
    }

    pub(super) fn fault_output(&mut self, file: &FaultOutputFile) -> FaultOutputConfig {
        if !(file.after_s.is_finite() && (0.1..=86_400.0).contains(&file.after_s)) {
            self.problem(
                "[fault_output] after_s: must be between 0.1 and 86400; EN 54-21 wants 100",
            );
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        let after_ms = (file.after_s * 1000.0) as i64;
        FaultOutputConfig {
            after_ms,
            file: self.path(&file.file),
            command: file.command.clone(),
        }
    }

    pub(super) fn model(&mut self, file: &ModelFile, state_dir: &Path) -> ModelConfig {
        if file.severity == gridwatch_protocol::Severity::P1 {
            self.problem("[model] severity: a model alone raises P2, P3 or P4");
        }
        if !(file.interval_s.is_finite() && (0.1..=3600.0).contains(&file.interval_s)) {
            self.problem("[model] interval_s: must be between 0.1 and 3600");
        }
        #[expect(clippy::cast_possible_truncation, reason = "checked above")]
        let interval_ms = (file.interval_s * 1000.0) as i64;
        if !(1..=6).contains(&file.channels_min) {
            self.problem("[model] channels_min: must be 1 to 6; the model has six channels");
        }
        let raise_at = match file.raise_at.as_str() {
            "warning" => Level::Warning,
            "alarm" => Level::Alarm,
            other => {
                self.problem(format!(
                    "[model] raise_at `{other}`: must be \"warning\" or \"alarm\""
                ));
                Level::Alarm
            }
        };
        ModelConfig {
            raise_at,
            channels_min: file.channels_min,
            source: self.model_source(file, state_dir),
            severity: file.severity,
            interval_ms,
        }
    }

    fn model_source(&mut self, file: &ModelFile, state_dir: &Path) -> Option<Source> {
        let bundles = self.path(&file.bundles)?;
        let keys = match Keys::parse(&file.public_keys) {
            Ok(keys) => keys,
            Err(why) => {
                self.problem(format!("[model] public_keys: {why}"));
                return None;
            }
        };
        let backend = self
            .path(&file.onnx_runtime)
            .map_or(Backend::BuiltIn, Backend::Library);
        let (_, problems) = ModelSet::load(&bundles, &keys, &backend);
        for (fuser, error) in problems {
            self.warnings.push(format!(
                "[model] bundles, {}: {}; the agent runs on its rules, or on the last bundle that it \
                 accepted, and reports a fault",
                fuser.id(),
                crate::uplink::chain(&error)
            ));
        }
        Some(Source {
            bundles,
            shadow: self.path(&file.shadow),
            keys,
            backend,
            state_dir: state_dir.to_owned(),
        })
    }
}
