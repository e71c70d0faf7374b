//! The two runtimes behind `ort`: tract, built in, or a shared ONNX Runtime by path.
//!
//! `ort` holds one runtime per process, so the first load decides; asking for the other one later is
//! an error and not a silent use of the wrong one.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use ort::environment::Environment;
use ort::session::builder::GraphOptimizationLevel;
use ort::value::{Outlet, TensorRef, ValueType};

use super::manifest::Manifest;
use super::{ModelError, ScoreError};

/// Which runtime computes the model.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Backend {
    /// tract, compiled into the agent.
    #[default]
    BuiltIn,
    /// ONNX Runtime in a shared library, such as `/usr/lib/libonnxruntime.so`.
    Library(PathBuf),
}

impl fmt::Display for Backend {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Backend::BuiltIn => f.write_str("built into the agent"),
            Backend::Library(path) => write!(f, "`{}`", path.display()),
        }
    }
}

/// The runtime of this process, once there is one.
static RUNTIME: Mutex<Option<(Backend, Environment)>> = Mutex::new(None);

fn environment(backend: &Backend) -> Result<Environment, ModelError> {
    let failed = |problem: String| ModelError::Runtime {
        backend: backend.to_string(),
        problem,
    };
    let mut runtime = RUNTIME.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((running, environment)) = runtime.as_ref() {
        if running == backend {
            return Ok(environment.clone());
        }
        return Err(failed(format!(
            "the process already runs the one {running}; restart the agent to change it"
        )));
    }
    let builder = match backend {
        Backend::BuiltIn => {
            // False when an API was set before, which only this function does.
            ort::set_api(ort_tract::api());
            ort::init()
        }
        Backend::Library(path) => {
            if !path.is_file() {
                return Err(failed("there is no such file; correct the path".into()));
            }
            ort::init_from(path).map_err(|error| {
                failed(format!(
                    "{error}; install ONNX Runtime 1.24 or newer for this CPU"
                ))
            })?
        }
    };
    let environment = builder.build().map_err(|error| failed(error.to_string()))?;
    *runtime = Some((backend.clone(), environment.clone()));
    Ok(environment)
}

/// A graph that is ready to run.
#[derive(Debug)]
pub(super) struct Session {
    session: ort::session::Session,
    width: usize,
    input: String,
    prob: String,
    score: String,
    contributions: String,
}

/// What a graph gives for a batch, each output flat, row after row.
pub(super) struct Outputs {
    pub(super) prob: Vec<f32>,
    pub(super) score: Vec<f32>,
    pub(super) contributions: Vec<f32>,
}

impl Session {
    /// `bytes` are the verified content of `path`.
    pub(super) fn new(
        bytes: &[u8],
        path: &Path,
        manifest: &Manifest,
        backend: &Backend,
    ) -> Result<Self, ModelError> {
        let environment = environment(backend)?;
        let failed = |problem: String| ModelError::Session {
            path: path.to_owned(),
            problem,
        };
        let session = ort::session::Session::builder(&environment)
            .map_err(|error| failed(error.to_string()))?
            // Without it tract interprets the graph node by node, 40 times slower.
            .with_optimization_level(GraphOptimizationLevel::Level3)
            .map_err(|error| failed(error.to_string()))?
            .commit_from_memory(bytes)
            .map_err(|error| failed(error.to_string()))?;
        let file = &manifest.model;
        let width = manifest.engine.width();
        let classes = manifest.classes.len();
        let contributions = manifest.groups.len() * classes;
        check_outlet(session.inputs(), &file.input, width).map_err(failed)?;
        check_outlet(session.outputs(), &file.prob, classes).map_err(failed)?;
        check_outlet(session.outputs(), &file.score, 1).map_err(failed)?;
        check_outlet(session.outputs(), &file.contributions, contributions).map_err(failed)?;
        Ok(Self {
            session,
            width,
            input: file.input.clone(),
            prob: file.prob.clone(),
            score: file.score.clone(),
            contributions: file.contributions.clone(),
        })
    }

    /// Runs `rows` rows of features, one after the other in `flat`.
    pub(super) fn run(&mut self, flat: &[f32], rows: usize) -> Result<Outputs, ScoreError> {
        let failed = |error: ort::Error| ScoreError::Runtime(error.to_string());
        let input = TensorRef::from_array_view(([rows, self.width], flat)).map_err(failed)?;
        let outputs = self
            .session
            .run(ort::inputs![self.input.as_str() => input])
            .map_err(failed)?;
        let values = |name: &str| -> Result<Vec<f32>, ScoreError> {
            let output = outputs
                .get(name)
                .ok_or_else(|| ScoreError::Runtime(format!("there is no output `{name}`")))?;
            let (_, values) = output.try_extract_tensor::<f32>().map_err(failed)?;
            Ok(values.to_vec())
        };
        Ok(Outputs {
            prob: values(&self.prob)?,
            score: values(&self.score)?,
            contributions: values(&self.contributions)?,
        })
    }
}

fn check_outlet(outlets: &[Outlet], name: &str, width: usize) -> Result<(), String> {
    let outlet = outlets
        .iter()
        .find(|outlet| outlet.name() == name)
        .ok_or_else(|| format!("it has no input or output `{name}`"))?;
    let fits = match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => {
            *ty == ort::value::TensorElementType::Float32
                && shape.len() == 2
                && i64::try_from(width) == Ok(shape[1])
        }
        _ => false,
    };
    if fits {
        Ok(())
    } else {
        Err(format!(
            "`{name}` is {:?}, a float32 tensor [N, {width}] is needed",
            outlet.dtype()
        ))
    }
}
