//! A bundle's manifest: what the model is, and what it may be run with.
//!
//! Unknown keys are errors: what this agent does not understand it must not ignore in a model. The
//! signature covers this file's bytes, and this file holds the sha256 of all that is run; so nothing in
//! it is believed before [`super::Keys`] has verified it.

use std::path::Path;

use gridwatch_anomaly::calibration::{Level, Prior};
use gridwatch_anomaly::model::About;
use serde::Deserialize;

use super::ModelError;
use super::bundle::MANIFEST_FILE;
use super::engine::Engine;

/// Version of the manifest's format that this agent reads.
const SCHEMA: u32 = 2;
/// Oldest and newest ONNX operator set that was tried on both backends.
const OPSETS: std::ops::RangeInclusive<i64> = 13..=17;
/// More classes than this no person could tell apart.
const CLASSES_MAX: usize = 16;
/// More groups than this no row of features has.
const GROUPS_MAX: usize = 32;

/// A bundle's `manifest.toml`.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Version of the format.
    pub schema: u32,
    /// The model's name.
    pub id: String,
    /// Grows with every version of the model that is handed out.
    pub build: u64,
    /// Which features it looks at.
    pub engine: Engine,
    /// Version of the feature definition it was trained with.
    pub features_version: u32,
    /// ONNX operator set.
    pub opset: i64,
    /// Oldest agent that may run it.
    pub min_agent_version: String,
    /// `advisory`: may add to the rules.
    pub role: Role,
    /// False: it is computed and shown, and raises nothing; its card says why.
    pub enabled: bool,
    /// Names of the classes; the first is `normal`.
    pub classes: Vec<String>,
    /// Names of the groups that contributions are told for.
    pub groups: Vec<String>,
    /// Groups without a recording to learn from, for people.
    #[serde(default)]
    pub untrained: Vec<String>,
    /// The graph.
    pub model: ModelFile,
    /// Rows for the self-test.
    pub golden: GoldenFile,
    /// Scores at which the levels begin before a sensor has a calibration of its own.
    pub thresholds: Thresholds,
    /// Where those come from: quantiles of the scores of quiet training rows.
    #[serde(default)]
    pub calibration: toml::Table,
    /// Held-out numbers, for people.
    #[serde(default)]
    pub evaluation: toml::Table,
    /// The features, in order.
    pub features: Vec<Feature>,
    /// What it was trained on, for people.
    pub training_data: Vec<TrainingFile>,
}

/// What a model may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Add alerts. Nothing else: there is no other role.
    Advisory,
}

/// The graph's file and names.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ModelFile {
    /// File name in the bundle.
    pub file: String,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
    /// Name of the input, float32 [N, features].
    pub input: String,
    /// Name of the output with the classes' shares, float32 [N, classes].
    pub prob: String,
    /// Name of the output with the score, float32 [N, 1].
    pub score: String,
    /// Name of the output with the contributions, float32 [N, groups · classes], group by group.
    pub contributions: String,
    /// Logits of a row that nothing is known of, one for each class.
    pub bias: Vec<f32>,
}

/// Rows for the self-test.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GoldenFile {
    /// File name in the bundle.
    pub file: String,
    /// SHA-256 of its bytes, lower-case hexadecimal.
    pub sha256: String,
    /// How far an output may be off.
    pub tolerance: f32,
}

/// Scores at which the levels begin.
#[derive(Debug, Clone, Copy, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Thresholds {
    /// From here on it is worth a note.
    pub notice: f32,
    /// From here on it is above everything in quiet training recordings.
    pub warning: f32,
    /// From here on it is far above.
    pub alarm: f32,
}

impl Thresholds {
    fn are_sound(&self) -> bool {
        0.0 < self.notice
            && self.notice < self.warning
            && self.warning < self.alarm
            && self.alarm < 1.0
    }

    /// The level of a score to the population.
    #[must_use]
    pub fn level(&self, score: f32) -> Level {
        if score >= self.alarm {
            Level::Alarm
        } else if score >= self.warning {
            Level::Warning
        } else if score >= self.notice {
            Level::Notice
        } else {
            Level::None
        }
    }

    /// What a sensor's calibration begins with. Whatever is no notice to the population is none to any
    /// sensor, however quiet it was.
    #[must_use]
    pub fn prior(&self) -> Prior {
        Prior {
            notice: f64::from(self.notice),
            warning: f64::from(self.warning),
            alarm: f64::from(self.alarm),
            floor: f64::from(self.notice),
        }
    }
}

/// One feature.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Such as `smoke.level_z`; must be the engine's own name.
    pub name: String,
    /// Unit, for people.
    pub unit: String,
    /// The time it looks back, for people.
    pub window: String,
    /// Its range.
    pub clip: [f32; 2],
    /// The group that it belongs to.
    pub group: String,
    /// 1st, 10th, 50th, 90th, 99th percentile of quiet training rows: what drift is measured against.
    pub quantiles: [f32; 5],
}

/// One file of the training data.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TrainingFile {
    /// Path under the data folder.
    pub file: String,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// Its licence.
    pub licence: String,
    /// Whether it was made and not recorded.
    #[serde(default)]
    pub synthetic: bool,
}

impl Manifest {
    /// Reads and checks the (verified) bytes of the manifest at `path`.
    pub(super) fn parse(path: &Path, bytes: &[u8]) -> Result<Self, ModelError> {
        let unusable = |problem: String| ModelError::Unusable {
            path: path.to_owned(),
            problem,
        };
        let text = str::from_utf8(bytes)
            .map_err(|_| unusable("is not UTF-8 text; copy the whole bundle again".into()))?;
        check_schema(text).map_err(unusable)?;
        let manifest: Self = toml::from_str(text).map_err(|source| ModelError::Manifest {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        manifest.check().map_err(unusable)?;
        Ok(manifest)
    }

    /// What those who use the model's verdicts need to know.
    #[must_use]
    pub fn about(&self) -> About {
        let Thresholds {
            notice,
            warning,
            alarm,
        } = self.thresholds;
        About {
            id: self.id.clone(),
            build: self.build,
            enabled: self.enabled,
            classes: self.classes.clone(),
            groups: self.groups.clone(),
            bias: self.model.bias.clone(),
            thresholds: [notice, warning, alarm],
        }
    }

    fn check(&self) -> Result<(), String> {
        if self.features_version != self.engine.version() {
            return Err(format!(
                "the model was trained on features of version {}, this agent computes version {}; use \
                 the bundle that came with the agent",
                self.features_version,
                self.engine.version()
            ));
        }
        self.check_id()?;
        self.check_features()?;
        self.check_classes()?;
        self.check_agent_version()?;
        if !OPSETS.contains(&self.opset) {
            return Err(format!(
                "opset {} is outside {} to {}; export the model again",
                self.opset,
                OPSETS.start(),
                OPSETS.end()
            ));
        }
        if !self.thresholds.are_sound() {
            return Err("thresholds must be 0 < notice < warning < alarm < 1".into());
        }
        if !(self.golden.tolerance > 0.0 && self.golden.tolerance <= 1e-3) {
            return Err("golden.tolerance must be above 0 and at most 0.001".into());
        }
        self.check_files()
    }

    fn check_files(&self) -> Result<(), String> {
        let (model, golden) = (&self.model.file, &self.golden.file);
        for file in [model, golden] {
            let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
            if file.is_empty() || file.starts_with('.') || !file.chars().all(is_plain) {
                return Err(format!(
                    "file name `{}` must be a plain name in the bundle",
                    file.escape_debug()
                ));
            }
        }
        if model == golden
            || [model, golden]
                .iter()
                .any(|file| file.starts_with(MANIFEST_FILE))
        {
            return Err("model.file, golden.file and the manifest must be different files".into());
        }
        Ok(())
    }

    /// The id becomes a folder's name and a metric's label.
    fn check_id(&self) -> Result<(), String> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        if self.id.is_empty() || self.id.len() > 64 || !self.id.chars().all(is_plain) {
            return Err(format!(
                "id `{}` must be 1 to 64 of a-z, 0-9 and -",
                self.id.escape_debug()
            ));
        }
        Ok(())
    }

    fn check_classes(&self) -> Result<(), String> {
        let (classes, groups) = (self.classes.len(), self.groups.len());
        if !(2..=CLASSES_MAX).contains(&classes) || self.classes[0] != "normal" {
            return Err(format!(
                "classes must be 2 to {CLASSES_MAX}, the first of them `normal`"
            ));
        }
        if !(1..=GROUPS_MAX).contains(&groups) {
            return Err(format!("groups must be 1 to {GROUPS_MAX}"));
        }
        if self.model.bias.len() != classes || self.model.bias.iter().any(|b| !b.is_finite()) {
            return Err(format!(
                "model.bias must be one finite number for each of the {classes} classes"
            ));
        }
        Ok(())
    }

    fn check_features(&self) -> Result<(), String> {
        let ours = self.engine.feature_names();
        for (index, feature) in self.features.iter().enumerate() {
            let expected = ours.get(index);
            if expected != Some(&feature.name) {
                return Err(format!(
                    "feature {index} is `{}`, this agent has `{}` there; use the bundle that came \
                     with the agent",
                    feature.name,
                    expected.map_or("none", String::as_str)
                ));
            }
            if !self.groups.contains(&feature.group) {
                return Err(format!(
                    "feature `{}` is of group `{}`, which is not among the groups",
                    feature.name, feature.group
                ));
            }
            if !feature.quantiles.is_sorted() {
                return Err(format!(
                    "the quantiles of feature `{}` must rise",
                    feature.name
                ));
            }
        }
        match ours.get(self.features.len()) {
            Some(missing) => Err(format!(
                "feature `{missing}` and all after it are missing; use the bundle that came with \
                 the agent"
            )),
            None => Ok(()),
        }
    }

    fn check_agent_version(&self) -> Result<(), String> {
        let this = env!("CARGO_PKG_VERSION");
        let needed = version(&self.min_agent_version).ok_or_else(|| {
            format!(
                "min_agent_version `{}` is not of the form 1.2.3",
                self.min_agent_version
            )
        })?;
        if version(this) < Some(needed) {
            return Err(format!(
                "needs agent {} or newer, this is {this}; update the agent first",
                self.min_agent_version
            ));
        }
        Ok(())
    }
}

/// Looks at the schema alone, so that a newer format is told as that and not as an unknown key.
fn check_schema(text: &str) -> Result<(), String> {
    #[derive(Deserialize)]
    struct Schema {
        schema: u32,
    }
    match toml::from_str::<Schema>(text) {
        Ok(Schema { schema }) if schema != SCHEMA => Err(format!(
            "format {schema} is not known, this agent reads format {SCHEMA}; update the agent or \
             use the bundle that came with it"
        )),
        // What is wrong otherwise is told by the full reading.
        _ => Ok(()),
    }
}

fn version(text: &str) -> Option<(u64, u64, u64)> {
    let mut parts = text.splitn(3, '.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}
