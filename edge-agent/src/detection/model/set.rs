//! Loaded models, for those who ask directly (tools) and for the runner's thread.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use gridwatch_anomaly::features::FeatureRow;
use gridwatch_anomaly::model::{About, Fuser, ModelProblem, Models, Verdict};

use super::{Backend, Bundle, Engine, Keys, Manifest, Model, ModelError, ScoreError};

/// Scores rows of features, given one after the other.
pub(super) type ScoreFn = Box<dyn FnMut(&[f32]) -> Result<Vec<Verdict>, ScoreError> + Send>;

/// A model that is ready to score.
pub struct Loaded {
    /// Its manifest.
    pub manifest: Arc<Manifest>,
    /// How it scores.
    pub score: ScoreFn,
}

impl fmt::Debug for Loaded {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Loaded")
            .field("id", &self.manifest.id)
            .field("build", &self.manifest.build)
            .finish_non_exhaustive()
    }
}

impl Loaded {
    /// Makes a verified bundle ready and runs its self-test.
    ///
    /// # Errors
    /// As [`Model::start`], and when the bundle is for another engine.
    pub fn start(bundle: &Bundle, engine: Engine, backend: &Backend) -> Result<Self, ModelError> {
        let manifest = bundle.manifest();
        let id = engine.fuser().id();
        if manifest.id != id {
            return Err(ModelError::Unusable {
                path: bundle.directory.clone(),
                problem: format!("its id is `{}`, `{id}` is needed here", manifest.id),
            });
        }
        let found = manifest.engine;
        if found != engine {
            return Err(ModelError::Engine {
                path: bundle.directory.clone(),
                found,
                expected: engine,
            });
        }
        let mut model = Model::start(bundle, backend)?;
        Ok(Self {
            manifest: Arc::new(model.manifest().clone()),
            score: Box::new(move |flat| model.score(flat)),
        })
    }
}

/// The fusers of a folder, for a caller who waits for each answer.
#[derive(Debug, Default)]
pub struct ModelSet {
    env: Option<(Loaded, About)>,
    counts: Option<(Loaded, About)>,
}

impl ModelSet {
    /// Loads what is in `folder`, each fuser in the sub-folder of its name, and returns why the others are
    /// not there.
    #[must_use]
    pub fn load(folder: &Path, keys: &Keys, backend: &Backend) -> (Self, Vec<(Fuser, ModelError)>) {
        let mut set = Self::default();
        let mut problems = Vec::new();
        for engine in Engine::ALL {
            let fuser = engine.fuser();
            let loaded = Bundle::read(&folder.join(fuser.id()), keys)
                .and_then(|bundle| Loaded::start(&bundle, engine, backend));
            match loaded {
                Ok(loaded) => {
                    let about = loaded.manifest.about();
                    *set.slot(fuser) = Some((loaded, about));
                }
                Err(error) => problems.push((fuser, error)),
            }
        }
        (set, problems)
    }

    fn slot(&mut self, fuser: Fuser) -> &mut Option<(Loaded, About)> {
        match fuser {
            Fuser::Env => &mut self.env,
            Fuser::Counts => &mut self.counts,
        }
    }

    /// A model that fails is not asked again: what a panic left behind must not be used.
    fn ask(&mut self, fuser: Fuser, flat: &[f32]) -> Result<Vec<Verdict>, ModelProblem> {
        let slot = self.slot(fuser);
        let (loaded, _) = slot.as_mut().ok_or(ModelProblem::Absent)?;
        (loaded.score)(flat).map_err(|error| {
            if error == ScoreError::Panic {
                *slot = None;
            }
            ModelProblem::Failed(error.to_string())
        })
    }
}

impl Models for ModelSet {
    fn env(&mut self, rows: &[FeatureRow]) -> Result<Vec<Verdict>, ModelProblem> {
        self.ask(Fuser::Env, rows.as_flattened())
    }

    fn counts(&mut self, rows: &[f32]) -> Result<Vec<Verdict>, ModelProblem> {
        self.ask(Fuser::Counts, rows)
    }

    fn about(&self, fuser: Fuser) -> Option<&About> {
        let slot = match fuser {
            Fuser::Env => &self.env,
            Fuser::Counts => &self.counts,
        };
        slot.as_ref().map(|(_, about)| about)
    }
}
