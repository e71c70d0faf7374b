//! The anomaly models: loads bundles that it can trust, and scores rows of features.
//!
//! A bundle is a directory with `manifest.toml`, its signature `manifest.toml.minisig`, `model.onnx`,
//! `golden.csv`. It is refused unless a trusted key signed the manifest, the files have the manifest's
//! sha256, the build is not older than one accepted before, the features are the engine's own, the graph
//! uses only operators that were tried on both backends, no tensor lies outside the file, and the golden
//! rows come out within the manifest's tolerance. The session is built from the very bytes that were
//! checked, never from a path.
//!
//! A model may add to the rules. It must never mute, delay or lower one: it runs on its own thread
//! ([`runner`]), behind a queue that drops rather than waits; bundles are read and tried on another one
//! ([`loader`]), so that a swap holds up nobody; and whatever happens is a reported [`ModelFault`].
//!
//! A crash loses nothing but what is in the queue: which builds were accepted, and a copy of the last good
//! bundle, are in the state folder ([`store`]).
//!
//! Panics of this code and of `ort` are contained. A panic inside the built-in backend's C interface
//! would end the process, as would a fault in a shared library: that is why operators and shapes are
//! checked first, and why `edge-agent check` loads the bundles before the agent runs with them.

mod backend;
mod bundle;
mod engine;
mod fault;
mod golden;
pub mod loader;
mod manifest;
mod onnx;
pub mod runner;
mod set;
mod shadow;
mod signature;
pub mod store;

pub use backend::Backend;
pub use bundle::{Bundle, FILE_BYTES_MAX};
pub use engine::Engine;
pub use fault::ModelFault;
pub use loader::{Loader, Source};
pub use manifest::{Feature, Manifest, Thresholds};
pub use onnx::OnnxError;
pub use runner::{ModelRunner, Outcome, RunnerSettings};
pub use set::{Loaded, ModelSet};
pub use signature::{KEYS_MAX, Keys};
pub use store::{Store, install};

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use backend::Session;
use gridwatch_anomaly::model::Verdict;

/// At most this many rows in one inference.
pub const BATCH_MAX: usize = 64;
/// A share and its explanation may differ by this much; both are computed in 32 bits.
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
    #[error("`{}` has more than {max} bytes; is this the right file?", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The limit.
        max: u64,
    },
    /// Nobody whom the configuration trusts vouches for it.
    #[error("the signature `{}` {problem}", path.display())]
    Signature {
        /// The signature's file.
        path: PathBuf,
        /// What is wrong, and what to do.
        problem: String,
    },
    /// It is older than one that was accepted before.
    #[error(
        "build {found} of `{id}` is older than build {highest}, which this agent has accepted before; \
         old models are refused, hand out a new build"
    )]
    Rollback {
        /// The model's name.
        id: String,
        /// Its build.
        found: u64,
        /// The highest one that was accepted.
        highest: u64,
    },
    /// It looks at other features than those it is meant for.
    #[error("`{}` is a model for {found:?} features, {expected:?} is needed here", path.display())]
    Engine {
        /// The bundle.
        path: PathBuf,
        /// From its manifest.
        found: Engine,
        /// What is needed.
        expected: Engine,
    },
    /// What was accepted before cannot be read or written.
    #[error("{doing} `{}`, where the agent remembers its models", path.display())]
    Store {
        /// Reading or writing.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
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
    /// The rows do not have the model's width.
    #[error("{numbers} numbers are no rows of {width} features")]
    Width {
        /// Numbers given.
        numbers: usize,
        /// Features of a row.
        width: usize,
    },
    /// The outputs do not have the expected shape.
    #[error("{rows} rows gave {scores} scores, {shares} shares and {contributions} contributions")]
    Shape {
        /// Rows given.
        rows: usize,
        /// Scores that came back.
        scores: usize,
        /// Shares of classes that came back.
        shares: usize,
        /// Contributions that came back.
        contributions: usize,
    },
    /// A score or share is not a number in [0, 1], or the contributions do not add up to the shares.
    #[error("row {row} got {what} {value}, and its contributions make {explained}")]
    Verdict {
        /// Row of the batch.
        row: usize,
        /// Score, or share of a class.
        what: String,
        /// What came back.
        value: f32,
        /// What bias and contributions make of it; for the score, which they do not make, NaN.
        explained: f32,
    },
}

/// A verified model, ready to score.
#[derive(Debug)]
pub struct Model {
    manifest: Manifest,
    width: usize,
    session: Session,
}

impl Model {
    /// Makes a verified bundle ready and runs its self-test.
    ///
    /// The first call of the process decides the backend; a second one with another backend fails.
    ///
    /// # Errors
    /// When the runtime refuses the graph, or it does not compute what it was trained to.
    pub fn start(bundle: &Bundle, backend: &Backend) -> Result<Self, ModelError> {
        let manifest = bundle.manifest.clone();
        let path = bundle.directory.join(&manifest.model.file);
        let session = contained("loading the model", || {
            Session::new(&bundle.model, &path, &manifest, backend)
        })??;
        let mut model = Self {
            width: manifest.engine.width(),
            manifest,
            session,
        };
        let path = bundle.directory.join(&model.manifest.golden.file);
        golden::self_test(&mut model, &path, &bundle.golden)?;
        Ok(model)
    }

    /// The bundle's manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Scores rows, given one after the other, in batches of at most [`BATCH_MAX`].
    ///
    /// # Errors
    /// On any doubt about the result; then no verdict of the call may be used. After
    /// [`ScoreError::Panic`] the model must be loaded anew.
    pub fn score(&mut self, flat: &[f32]) -> Result<Vec<Verdict>, ScoreError> {
        check_features(flat, self.width)?;
        let mut verdicts = Vec::with_capacity(flat.len() / self.width.max(1));
        for batch in flat.chunks(BATCH_MAX * self.width.max(1)) {
            let rows = batch.len() / self.width;
            let session = &mut self.session;
            let outputs = catch_unwind(AssertUnwindSafe(|| session.run(batch, rows)))
                .map_err(|_| ScoreError::Panic)??;
            self.collect(rows, &outputs, &mut verdicts)?;
        }
        check_verdicts(&self.manifest.model.bias, &verdicts)?;
        Ok(verdicts)
    }

    fn collect(
        &self,
        rows: usize,
        outputs: &backend::Outputs,
        verdicts: &mut Vec<Verdict>,
    ) -> Result<(), ScoreError> {
        let classes = self.manifest.classes.len();
        let contributions = classes * self.manifest.groups.len();
        if outputs.score.len() != rows
            || outputs.prob.len() != rows * classes
            || outputs.contributions.len() != rows * contributions
        {
            return Err(ScoreError::Shape {
                rows,
                scores: outputs.score.len(),
                shares: outputs.prob.len(),
                contributions: outputs.contributions.len(),
            });
        }
        let of_rows = outputs
            .prob
            .chunks(classes)
            .zip(outputs.contributions.chunks(contributions));
        verdicts.extend(
            outputs
                .score
                .iter()
                .zip(of_rows)
                .map(|(score, (prob, contributions))| Verdict {
                    score: *score,
                    prob: prob.to_vec(),
                    contributions: contributions.to_vec(),
                }),
        );
        Ok(())
    }
}

/// Runs something of the runtime so that its panic is an error.
fn contained<T>(during: &'static str, run: impl FnOnce() -> T) -> Result<T, ModelError> {
    catch_unwind(AssertUnwindSafe(run)).map_err(|_| ModelError::Panic { during })
}

fn check_features(flat: &[f32], width: usize) -> Result<(), ScoreError> {
    if width == 0 || !flat.len().is_multiple_of(width) {
        return Err(ScoreError::Width {
            numbers: flat.len(),
            width,
        });
    }
    match flat.iter().position(|value| !value.is_finite()) {
        None => Ok(()),
        Some(at) => Err(ScoreError::Feature {
            row: at / width,
            index: at % width,
            value: flat[at],
        }),
    }
}

/// Shares must be the softmax of bias and contributions, so that reasons are arithmetic and no guess.
fn check_verdicts(bias: &[f32], verdicts: &[Verdict]) -> Result<(), ScoreError> {
    let mut logits = vec![0.0_f32; bias.len()];
    for (row, verdict) in verdicts.iter().enumerate() {
        let wrong = |what: String, value, explained| ScoreError::Verdict {
            row,
            what,
            value,
            explained,
        };
        // Written so that NaN fails too.
        if !(0.0..=1.0).contains(&verdict.score) {
            return Err(wrong("score".into(), verdict.score, f32::NAN));
        }
        logits.copy_from_slice(bias);
        for group in verdict.contributions.chunks(bias.len()) {
            logits
                .iter_mut()
                .zip(group)
                .for_each(|(logit, c)| *logit += c);
        }
        let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
        let sum: f32 = logits.iter().map(|logit| (logit - most).exp()).sum();
        for (class, (share, logit)) in verdict.prob.iter().zip(&logits).enumerate() {
            let explained = (logit - most).exp() / sum;
            let is_sound = (share - explained).abs() <= EXPLANATION_TOLERANCE;
            if !is_sound {
                return Err(wrong(format!("share {class}"), *share, explained));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
