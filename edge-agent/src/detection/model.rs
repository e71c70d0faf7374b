//! The anomaly model: loads a bundle that it can trust, and scores rooms.
//!
//! A bundle is a directory with `manifest.toml`, `model.onnx`, `golden.csv`. It is refused unless the
//! bytes have the manifest's sha256, the features are the engine's own, the graph uses only
//! operators that were tried on both backends, no tensor lies outside the file, and the golden rows
//! come out within the manifest's tolerance. The session is built from the very bytes that were
//! checked, never from a path.
//!
//! The model may add to the rules. It must never mute, delay or lower one: it runs on its own thread
//! ([`runner`]), behind a queue that drops rather than waits, and whatever happens to it is a reported
//! [`ModelFault`]. It keeps nothing that a crash could lose; the features' state is the engine's.
//!
//! Panics of this code and of `ort` are contained. A panic inside the built-in backend's C interface
//! would end the process, as would a fault in a shared library: that is why operators and shapes are
//! checked first, and why `edge-agent check` loads the bundle before the agent runs with it.

mod backend;
mod explain;
mod fault;
mod golden;
mod manifest;
mod onnx;
pub mod runner;

pub use backend::Backend;
pub use explain::explain;
pub use fault::ModelFault;
pub use manifest::{Level, Manifest, Thresholds};
pub use onnx::OnnxError;
pub use runner::{ModelRunner, Outcome, RunnerSettings};

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use backend::Session;
use sha2::{Digest, Sha256};

use gridwatch_anomaly::features::{Channel, FEATURE_COUNT, FeatureRow};

/// A model file is refused beyond this many bytes; the shipped one has about 5 KB.
pub const MODEL_BYTES_MAX: u64 = 4 * 1024 * 1024;
/// At most this many rooms in one inference.
pub const BATCH_MAX: usize = 64;
/// The score and its explanation may differ by this much; both are computed in 32 bits.
const EXPLANATION_TOLERANCE: f32 = 1e-3;

/// Why a bundle was refused: what is wrong, where, and what to do.
#[derive(Debug, thiserror::Error)]
pub enum ModelError {
    /// A file cannot be read.
    #[error("reading `{}` of the model bundle; copy the whole bundle again", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A file is larger than any sensible one.
    #[error("`{}` has {bytes} bytes, at most {max} are accepted; is this the right file?", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// Its size.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// The manifest cannot be read as one.
    #[error("`{}` is not a manifest that this agent understands", path.display())]
    Manifest {
        /// The file.
        path: PathBuf,
        /// What is wrong and in which line.
        source: Box<toml::de::Error>,
    },
    /// The manifest is readable and not usable.
    #[error("`{}`: {problem}", path.display())]
    Unusable {
        /// The manifest.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// A file is not the one that the manifest speaks of.
    #[error(
        "`{}` has sha256 {found}, its manifest says {expected}: the file was changed or cut off; \
         copy the whole bundle again", path.display()
    )]
    Hash {
        /// The file.
        path: PathBuf,
        /// From the manifest.
        expected: String,
        /// Of the bytes read.
        found: String,
    },
    /// The ONNX file is damaged or has what is not allowed.
    #[error("`{}` is refused; use a model that models/train/train.py wrote", path.display())]
    Onnx {
        /// The file.
        path: PathBuf,
        /// What it has.
        source: OnnxError,
    },
    /// The runtime is not available.
    #[error("starting the model runtime {backend}: {problem}")]
    Runtime {
        /// Which.
        backend: String,
        /// What it says, and what to do.
        problem: String,
    },
    /// The runtime refused the graph.
    #[error("the model runtime cannot run `{}`: {problem}", path.display())]
    Session {
        /// The file.
        path: PathBuf,
        /// What it says.
        problem: String,
    },
    /// A golden row cannot be read.
    #[error("`{}`, line {line}: {problem}; copy the whole bundle again", path.display())]
    GoldenRow {
        /// The file.
        path: PathBuf,
        /// The line, the header is 1.
        line: usize,
        /// What is wrong.
        problem: String,
    },
    /// The self-test failed: on this machine the model does not compute what it was trained to.
    #[error(
        "self-test of `{}`: line {line} gives {found} for {column}, {expected} was expected; the \
         model must not be used on this machine with this runtime", path.display()
    )]
    SelfTest {
        /// The golden rows.
        path: PathBuf,
        /// The line, the header is 1.
        line: usize,
        /// Score or contribution.
        column: String,
        /// From the file.
        expected: f32,
        /// What came out.
        found: f32,
    },
    /// The self-test could not be run.
    #[error("self-test of `{}`", path.display())]
    SelfTestFailed {
        /// The golden rows.
        path: PathBuf,
        /// Why.
        source: ScoreError,
    },
    /// The runtime panicked.
    #[error("the model runtime panicked while {during}")]
    Panic {
        /// What it was doing.
        during: &'static str,
    },
}

/// Why rooms could not be scored.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum ScoreError {
    /// The runtime reported an error.
    #[error("the model runtime says: {0}")]
    Runtime(String),
    /// The runtime panicked; the session must not be used again.
    #[error("the model runtime panicked")]
    Panic,
    /// A feature is not a number, which the engine rules out.
    #[error("feature {index} of row {row} is {value}")]
    Feature {
        /// Row of the batch.
        row: usize,
        /// Place in the row.
        index: usize,
        /// Its value.
        value: f32,
    },
    /// The outputs do not have the expected shape.
    #[error("{rows} rows gave {scores} scores and {contributions} contributions")]
    Shape {
        /// Rows given.
        rows: usize,
        /// Scores that came back.
        scores: usize,
        /// Contributions that came back.
        contributions: usize,
    },
    /// A score is not a number in [0, 1], or its contributions do not add up to it.
    #[error("row {row} got score {score}, and its contributions make {explained}")]
    Score {
        /// Row of the batch.
        row: usize,
        /// The score.
        score: f32,
        /// What bias and contributions make.
        explained: f32,
    },
}

/// A room's score with its exact explanation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Scored {
    /// 0 (as always) to 1. Not a probability.
    pub score: f32,
    /// What each channel added to the logit, in the order of [`Channel::ALL`]; an absent channel
    /// adds 0. `score = 1 / (1 + exp(-(bias + sum)))`.
    pub contributions: [f32; Channel::ALL.len()],
}

/// A verified model, ready to score.
#[derive(Debug)]
pub struct Model {
    manifest: Manifest,
    session: Session,
}

impl Model {
    /// Loads and verifies the bundle in `directory`, and runs its self-test.
    ///
    /// The first call of the process decides the backend; a second one with another backend fails.
    ///
    /// # Errors
    /// Whenever anything about the bundle is not as it must be. Nothing is used in part.
    pub fn load(directory: &Path, backend: &Backend) -> Result<Self, ModelError> {
        let manifest = Manifest::read(&directory.join("manifest.toml"))?;
        let path = directory.join(&manifest.model.file);
        let bytes = read_verified(&path, &manifest.model.sha256)?;
        onnx::check(&bytes, manifest.opset).map_err(|source| ModelError::Onnx {
            path: path.clone(),
            source,
        })?;
        let golden_path = directory.join(&manifest.golden.file);
        let golden = read_verified(&golden_path, &manifest.golden.sha256)?;
        let session = contained("loading the model", || {
            Session::new(&bytes, &path, &manifest.model, backend)
        })??;
        let mut model = Self { manifest, session };
        golden::self_test(&mut model, &golden_path, &golden)?;
        Ok(model)
    }

    /// The bundle's manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Scores rooms, in batches of at most [`BATCH_MAX`].
    ///
    /// # Errors
    /// On any doubt about the result; then no score of the call may be used. After
    /// [`ScoreError::Panic`] the model must be loaded anew.
    pub fn score(&mut self, rows: &[FeatureRow]) -> Result<Vec<Scored>, ScoreError> {
        check_features(rows)?;
        let mut scored = Vec::with_capacity(rows.len());
        for batch in rows.chunks(BATCH_MAX) {
            let session = &mut self.session;
            let (scores, contributions) = catch_unwind(AssertUnwindSafe(|| session.run(batch)))
                .map_err(|_| ScoreError::Panic)??;
            collect(batch.len(), &scores, &contributions, &mut scored)?;
        }
        check_scores(self.manifest.model.bias, &scored)?;
        Ok(scored)
    }
}

fn read_verified(path: &Path, expected: &str) -> Result<Vec<u8>, ModelError> {
    let bytes = read_bounded(path)?;
    let found = hex::encode(Sha256::digest(&bytes));
    if found == expected {
        Ok(bytes)
    } else {
        Err(ModelError::Hash {
            path: path.to_owned(),
            expected: expected.to_owned(),
            found,
        })
    }
}

fn read_bounded(path: &Path) -> Result<Vec<u8>, ModelError> {
    let failed = |source| ModelError::Read {
        path: path.to_owned(),
        source,
    };
    let bytes = std::fs::metadata(path).map_err(failed)?.len();
    if bytes > MODEL_BYTES_MAX {
        return Err(ModelError::TooLarge {
            path: path.to_owned(),
            bytes,
            max: MODEL_BYTES_MAX,
        });
    }
    std::fs::read(path).map_err(failed)
}

/// Runs something of the runtime so that its panic is an error.
fn contained<T>(during: &'static str, run: impl FnOnce() -> T) -> Result<T, ModelError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| ModelError::Panic { during })
}

fn check_features(rows: &[FeatureRow]) -> Result<(), ScoreError> {
    for (row, features) in rows.iter().enumerate() {
        if let Some(index) = features.iter().position(|value| !value.is_finite()) {
            let value = features[index];
            return Err(ScoreError::Feature { row, index, value });
        }
    }
    Ok(())
}

fn collect(
    rows: usize,
    scores: &[f32],
    contributions: &[f32],
    scored: &mut Vec<Scored>,
) -> Result<(), ScoreError> {
    let (of_rows, rest) = contributions.as_chunks::<{ Channel::ALL.len() }>();
    if scores.len() != rows || of_rows.len() != rows || !rest.is_empty() {
        return Err(ScoreError::Shape {
            rows,
            scores: scores.len(),
            contributions: contributions.len(),
        });
    }
    let pairs = scores.iter().zip(of_rows);
    scored.extend(pairs.map(|(score, contributions)| Scored {
        score: *score,
        contributions: *contributions,
    }));
    Ok(())
}

fn check_scores(bias: f32, scored: &[Scored]) -> Result<(), ScoreError> {
    for (
        row,
        Scored {
            score,
            contributions,
        },
    ) in scored.iter().enumerate()
    {
        let logit = bias + contributions.iter().sum::<f32>();
        let explained = 1.0 / (1.0 + (-logit).exp());
        // Written so that NaN fails too.
        let sound =
            (0.0..=1.0).contains(score) && (score - explained).abs() <= EXPLANATION_TOLERANCE;
        if !sound {
            return Err(ScoreError::Score {
                row,
                score: *score,
                explained,
            });
        }
    }
    Ok(())
}

/// Shape of the model's input.
const INPUT_WIDTH: usize = FEATURE_COUNT;

#[cfg(test)]
mod tests;
