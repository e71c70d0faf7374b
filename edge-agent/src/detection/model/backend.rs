//! The two runtimes: tract, built in, or a shared ONNX Runtime by path through `ort`.
//!
//! `ort` holds one library per process, so the first load decides; asking for another one later is an
//! error and not a silent use of the wrong one.
//!
//! tract is asked directly and not through `ort`: release candidate 14 of `ort` forgets the type of every
//! output it allocates, some hundred bytes a run that never come back. Outputs of the shared library are
//! allocated here beforehand, which that path does not forget.

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use ort::environment::Environment;
use ort::memory::Allocator;
use ort::session::builder::GraphOptimizationLevel;
use ort::session::{OutputSelector, RunOptions};
use ort::value::{Outlet, Tensor as OrtTensor, TensorRef, ValueType};
use tract_onnx::prelude::{
    Datum as _, Framework, InferenceModelExt, IntoRunnable, TDim, Tensor, TractError, TractResult,
    TypedRunnableModel, tvec,
};

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

/// The shared library of this process, once there is one.
static LIBRARY: Mutex<Option<(PathBuf, Environment)>> = Mutex::new(None);

fn environment(path: &Path) -> Result<Environment, ModelError> {
    let failed = |problem: String| ModelError::Runtime {
        backend: format!("`{}`", path.display()),
        problem,
    };
    let mut library = LIBRARY.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((running, environment)) = library.as_ref() {
        if running == path {
            return Ok(environment.clone());
        }
        return Err(failed(format!(
            "the process already runs the one in `{}`; restart the agent to change it",
            running.display()
        )));
    }
    if !path.is_file() {
        return Err(failed("there is no such file; correct the path".into()));
    }
    let builder = ort::init_from(path).map_err(|error| {
        failed(format!(
            "{error}; install ONNX Runtime 1.24 or newer for this CPU"
        ))
    })?;
    let environment = builder.build().map_err(|error| failed(error.to_string()))?;
    *library = Some((path.to_owned(), environment.clone()));
    Ok(environment)
}

/// A graph that is ready to run, with what its outputs are called and how wide they are.
#[derive(Debug)]
pub(super) struct Session {
    runtime: Runtime,
    input: Wire,
    /// prob, score, contributions.
    outputs: [Wire; 3],
}

#[derive(Debug)]
enum Runtime {
    BuiltIn(Arc<TypedRunnableModel>),
    Library(Box<ort::session::Session>),
}

#[derive(Debug)]
struct Wire {
    name: String,
    width: usize,
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
        let failed = |problem: String| ModelError::Session {
            path: path.to_owned(),
            problem,
        };
        let file = &manifest.model;
        let classes = manifest.classes.len();
        let wire = |name: &str, width| Wire {
            name: name.to_owned(),
            width,
        };
        let input = wire(&file.input, manifest.engine.width());
        let outputs = [
            wire(&file.prob, classes),
            wire(&file.score, 1),
            wire(&file.contributions, manifest.groups.len() * classes),
        ];
        let runtime = match backend {
            Backend::BuiltIn => {
                let graph = built_in(bytes, &input, &outputs)
                    .map_err(|error| failed(format!("{error:#}")))?;
                Runtime::BuiltIn(graph)
            }
            Backend::Library(library) => {
                let environment = environment(library)?;
                let session = library_session(&environment, bytes)
                    .map_err(|error| failed(error.to_string()))?;
                check_outlet(session.inputs(), &input).map_err(failed)?;
                for output in &outputs {
                    check_outlet(session.outputs(), output).map_err(failed)?;
                }
                Runtime::Library(Box::new(session))
            }
        };
        Ok(Self {
            runtime,
            input,
            outputs,
        })
    }

    /// Runs `rows` rows of features, one after the other in `flat`.
    pub(super) fn run(&mut self, flat: &[f32], rows: usize) -> Result<Outputs, ScoreError> {
        let failed = |error: &dyn fmt::Display| ScoreError::Runtime(format!("{error:#}"));
        let [prob, score, contributions] = match &mut self.runtime {
            Runtime::BuiltIn(graph) => {
                run_built_in(graph, flat, rows, self.input.width).map_err(|error| failed(&error))?
            }
            Runtime::Library(session) => {
                run_library(session, flat, rows, &self.input, &self.outputs)
                    .map_err(|error| failed(&error))?
            }
        };
        Ok(Outputs {
            prob,
            score,
            contributions,
        })
    }
}

fn built_in(
    bytes: &[u8],
    input: &Wire,
    outputs: &[Wire; 3],
) -> TractResult<Arc<TypedRunnableModel>> {
    let mut bytes = bytes;
    let graph = tract_onnx::onnx().model_for_read(&mut bytes)?;
    for wire in outputs.iter().chain([input]) {
        let known =
            graph.find_outlet_label(&wire.name).is_some() || graph.node_by_name(&wire.name).is_ok();
        if !known {
            let problem = format!("it has no input or output `{}`", wire.name);
            return Err(TractError::msg(problem));
        }
    }
    let graph = graph
        .with_input_names([&input.name])?
        .with_outputs_by_name(outputs.iter().map(|wire| &wire.name))?
        // Without it the graph is interpreted node by node, 40 times slower.
        .into_optimized()?;
    let ends = [(graph.input_fact(0)?, input)].into_iter();
    let outputs = outputs.iter().enumerate();
    let outputs: Vec<_> = outputs
        .map(|(at, wire)| Ok((graph.output_fact(at)?, wire)))
        .collect::<TractResult<_>>()?;
    for (fact, wire) in ends.chain(outputs) {
        let shape = fact.shape.dims();
        let fits = fact.datum_type == f32::datum_type()
            && shape.len() == 2
            && shape[1] == TDim::from(wire.width);
        if !fits {
            return Err(TractError::msg(format!(
                "`{}` is {fact:?}, a float32 tensor [N, {}] is needed",
                wire.name, wire.width
            )));
        }
    }
    graph.into_runnable()
}

fn run_built_in(
    graph: &Arc<TypedRunnableModel>,
    flat: &[f32],
    rows: usize,
    width: usize,
) -> TractResult<[Vec<f32>; 3]> {
    let input = Tensor::from_shape(&[rows, width], flat)?;
    let outputs = graph.run(tvec!(input.into()))?;
    let values = |at: usize| -> TractResult<Vec<f32>> {
        let output = outputs
            .get(at)
            .ok_or_else(|| TractError::msg("an output is missing"))?;
        Ok(output.try_as_plain_ram()?.as_slice::<f32>()?.to_vec())
    };
    Ok([values(0)?, values(1)?, values(2)?])
}

fn library_session(
    environment: &Environment,
    bytes: &[u8],
) -> Result<ort::session::Session, ort::Error> {
    ort::session::Session::builder(environment)?
        .with_optimization_level(GraphOptimizationLevel::Level3)?
        .commit_from_memory(bytes)
}

fn run_library(
    session: &mut ort::session::Session,
    flat: &[f32],
    rows: usize,
    input: &Wire,
    outputs: &[Wire; 3],
) -> Result<[Vec<f32>; 3], ort::Error> {
    let mut selected = OutputSelector::no_default();
    for output in outputs {
        let room = OrtTensor::<f32>::new(&Allocator::default(), [rows, output.width])?;
        selected = selected
            .with(output.name.as_str())
            .preallocate(output.name.as_str(), room);
    }
    let options = RunOptions::new()?.with_outputs(selected);
    let features = TensorRef::from_array_view(([rows, input.width], flat))?;
    let found =
        session.run_with_options(ort::inputs![input.name.as_str() => features], &options)?;
    let values = |output: &Wire| -> Result<Vec<f32>, ort::Error> {
        let value = found
            .get(&output.name)
            .ok_or_else(|| ort::Error::new(format!("there is no output `{}`", output.name)))?;
        let (_, values) = value.try_extract_tensor::<f32>()?;
        Ok(values.to_vec())
    };
    let [prob, score, contributions] = outputs;
    Ok([values(prob)?, values(score)?, values(contributions)?])
}

fn check_outlet(outlets: &[Outlet], wire: &Wire) -> Result<(), String> {
    let Wire { name, width } = wire;
    let outlet = outlets
        .iter()
        .find(|outlet| outlet.name() == name)
        .ok_or_else(|| format!("it has no input or output `{name}`"))?;
    let fits = match outlet.dtype() {
        ValueType::Tensor { ty, shape, .. } => {
            *ty == ort::value::TensorElementType::Float32
                && shape.len() == 2
                && i64::try_from(*width) == Ok(shape[1])
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
