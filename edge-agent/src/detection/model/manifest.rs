//! A bundle's manifest: what the model is, and what it may be run with.
//!
//! Unknown keys are errors: what this agent does not understand it must not ignore in a model.

use std::path::Path;

use serde::Deserialize;

use super::ModelError;
use gridwatch_anomaly::features::{FEATURES_VERSION, feature_names};

/// Version of the manifest's format that this agent reads.
const SCHEMA: u32 = 1;
/// Oldest and newest ONNX operator set that was tried on both backends.
const OPSETS: std::ops::RangeInclusive<i64> = 13..=17;

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
    /// Version of the feature definition it was trained with.
    pub features_version: u32,
    /// ONNX operator set.
    pub opset: i64,
    /// Oldest agent that may run it.
    pub min_agent_version: String,
    /// `advisory`: may add to the rules.
    pub role: Role,
    /// Channels without a recording to learn from.
    pub untrained: Vec<String>,
    /// The graph.
    pub model: ModelFile,
    /// Rows for the self-test.
    pub golden: GoldenFile,
    /// Levels of the score.
    pub thresholds: Thresholds,
    /// Held-out numbers, for people.
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
    /// Add alerts and raise their urgency. Nothing else: there is no other role.
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
    /// Name of the input, float32 [N, 48].
    pub input: String,
    /// Name of the output with the score, float32 [N, 1].
    pub score: String,
    /// Name of the output with the contributions, float32 [N, 6].
    pub contributions: String,
    /// The logit of a room that nothing is known of.
    pub bias: f32,
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
    /// From here on it is above everything in fire-free training recordings.
    pub warning: f32,
    /// From here on it is far above.
    pub alarm: f32,
}

/// How far a score stands out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// As always.
    None,
    /// Worth a note.
    Notice,
    /// Above everything in fire-free training recordings.
    Warning,
    /// Far above.
    Alarm,
}

impl Level {
    /// The name in files and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Level::None => "none",
            Level::Notice => "notice",
            Level::Warning => "warning",
            Level::Alarm => "alarm",
        }
    }
}

impl Thresholds {
    /// The level of a score.
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

    fn are_sound(&self) -> bool {
        0.0 < self.notice
            && self.notice < self.warning
            && self.warning < self.alarm
            && self.alarm < 1.0
    }
}

/// One feature, as documentation; only the name is checked.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feature {
    /// Such as `smoke.level_z`.
    pub name: String,
    /// Unit before squashing.
    pub unit: String,
    /// The channel's unit.
    pub channel_unit: String,
    /// The time it looks back.
    pub window: String,
    /// Its range.
    pub clip: [f32; 2],
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
}

impl Manifest {
    pub(super) fn read(path: &Path) -> Result<Self, ModelError> {
        let bytes = super::read_bounded(path)?;
        let unusable = |problem: String| ModelError::Unusable {
            path: path.to_owned(),
            problem,
        };
        let text = String::from_utf8(bytes)
            .map_err(|_| unusable("is not UTF-8 text; copy the whole bundle again".into()))?;
        check_schema(&text).map_err(unusable)?;
        let manifest: Self = toml::from_str(&text).map_err(|source| ModelError::Manifest {
            path: path.to_owned(),
            source: Box::new(source),
        })?;
        manifest.check().map_err(unusable)?;
        Ok(manifest)
    }

    fn check(&self) -> Result<(), String> {
        if self.features_version != FEATURES_VERSION {
            return Err(format!(
                "the model was trained on features of version {}, this agent computes version \
                 {FEATURES_VERSION}; use the bundle that came with the agent",
                self.features_version
            ));
        }
        self.check_features()?;
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
        for file in [&self.model.file, &self.golden.file] {
            if file.contains(['/', '\\']) || file.starts_with('.') || file.is_empty() {
                return Err(format!(
                    "file name `{file}` must be a plain name in the bundle"
                ));
            }
        }
        Ok(())
    }

    fn check_features(&self) -> Result<(), String> {
        let mut ours = feature_names();
        for (index, feature) in self.features.iter().enumerate() {
            let expected = ours.next();
            if expected.as_deref() != Some(&feature.name) {
                return Err(format!(
                    "feature {index} is `{}`, this agent has `{}` there; use the bundle that came \
                     with the agent",
                    feature.name,
                    expected.as_deref().unwrap_or("none")
                ));
            }
        }
        match ours.next() {
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
