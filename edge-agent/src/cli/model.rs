//! `model verify` and `model install`: whether a bundle may be run here, and putting it where the running
//! agent finds it.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Context;

use super::common::{EXIT_CONFIG, EXIT_PROBLEMS, EXIT_USAGE, say};
use super::report_problems;
use crate::config::{default_public_keys, load};
use crate::detection::model::{
    Backend, Bundle, Keys, Loaded, Manifest, ModelError, Store, install,
};
use crate::uplink::chain;

const EXAMPLES: &str = "Examples:
  edge-agent model verify models/env-fuser
  edge-agent model verify new/env-fuser --config /etc/gridwatch/edge.toml
  edge-agent model install new/env-fuser --config /etc/gridwatch/edge.toml

A bundle is a folder with manifest.toml, manifest.toml.minisig, model.onnx and golden.csv. Without a
configuration the key of the shipped bundles is trusted, and no earlier build is known.

Exit codes: 0 done, 1 the bundle is refused, 2 wrong usage, 64 bad configuration, 70 failed";

/// Where the models of a package are, seen from the working directory and from the program.
const SHIPPED: [&str; 3] = [
    "models",
    "/etc/gridwatch/models",
    "/usr/share/gridwatch/models",
];

#[derive(clap::Subcommand)]
#[command(after_help = EXAMPLES)]
pub(super) enum ModelCommand {
    /// Check signature, hashes, graph, features and self-test. Changes nothing.
    #[command(after_help = EXAMPLES)]
    Verify {
        /// The bundle.
        #[arg(value_name = "DIR")]
        bundle: PathBuf,
        #[command(flatten)]
        models: ModelArguments,
    },
    /// Check it, then put it in the place of the one that the configuration names; the running agent takes
    /// it in within seconds.
    #[command(after_help = EXAMPLES)]
    Install {
        /// The bundle.
        #[arg(value_name = "DIR")]
        bundle: PathBuf,
        #[command(flatten)]
        models: ModelArguments,
    },
}

/// Whom to trust.
#[derive(clap::Args)]
pub(super) struct ModelArguments {
    /// Configuration file that names the public keys, the models and the runtime.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// A public key to trust instead; may be given several times.
    #[arg(long = "public-key", value_name = "KEY")]
    public_keys: Vec<String>,
    /// Shared ONNX Runtime to use instead of the built-in runtime.
    #[arg(long, value_name = "FILE")]
    onnx_runtime: Option<PathBuf>,
}

/// What the arguments come to.
pub(super) struct Trust {
    pub(super) keys: Keys,
    pub(super) backend: Backend,
    pub(super) bundles: Option<PathBuf>,
    state_dir: Option<PathBuf>,
}

impl ModelArguments {
    /// The keys and folders of the configuration, or those of the package.
    ///
    /// # Errors
    /// An exit code, when what is wrong has been told.
    pub(super) fn trust(&self) -> Result<Trust, ExitCode> {
        let mut trust = match &self.config {
            Some(path) => of_config(path)?,
            None => of_package()?,
        };
        if !self.public_keys.is_empty() {
            trust.keys = keys(&self.public_keys, EXIT_USAGE)?;
        }
        if let Some(library) = &self.onnx_runtime {
            trust.backend = Backend::Library(library.clone());
        }
        Ok(trust)
    }
}

fn keys(keys: &[String], code: u8) -> Result<Keys, ExitCode> {
    Keys::parse(keys).map_err(|why| {
        eprintln!("edge-agent: {why}");
        ExitCode::from(code)
    })
}

fn of_config(path: &Path) -> Result<Trust, ExitCode> {
    let mut loaded = load(path);
    if loaded.config.is_none() {
        report_problems(path, &loaded);
        return Err(ExitCode::from(EXIT_CONFIG));
    }
    let source = loaded.config.take().and_then(|config| config.model.source);
    let Some(source) = source else {
        eprintln!(
            "edge-agent: {}: [model] bundles is empty: this gateway runs no models",
            path.display()
        );
        return Err(ExitCode::from(EXIT_CONFIG));
    };
    Ok(Trust {
        keys: source.keys,
        backend: source.backend,
        bundles: Some(source.bundles),
        state_dir: Some(source.state_dir),
    })
}

fn of_package() -> Result<Trust, ExitCode> {
    let beside_program = std::env::current_exe()
        .ok()
        .and_then(|program| Some(program.parent()?.parent()?.parent()?.join("models")));
    let bundles = SHIPPED
        .into_iter()
        .map(PathBuf::from)
        .chain(beside_program)
        .find(|folder| folder.join("env-fuser").is_dir() || folder.join("count-fuser").is_dir());
    Ok(Trust {
        keys: keys(&default_public_keys(), EXIT_CONFIG)?,
        backend: Backend::BuiltIn,
        bundles,
        state_dir: None,
    })
}

pub(super) fn run(command: &ModelCommand) -> anyhow::Result<ExitCode> {
    let (ModelCommand::Verify { bundle, models } | ModelCommand::Install { bundle, models }) =
        command;
    let trust = match models.trust() {
        Ok(trust) => trust,
        Err(code) => return Ok(code),
    };
    let (bundle, manifest) = match verify(bundle, &trust) {
        Ok(verified) => verified,
        Err(error) => {
            eprintln!("edge-agent: refused: {}", chain(&error));
            return Ok(ExitCode::from(EXIT_PROBLEMS));
        }
    };
    describe(&manifest)?;
    if let ModelCommand::Install { models, .. } = command {
        let Some(bundles) = trust.bundles.filter(|_| models.config.is_some()) else {
            eprintln!("edge-agent: name the gateway's configuration with --config FILE");
            return Ok(ExitCode::from(EXIT_USAGE));
        };
        let target = bundles.join(&manifest.id);
        install(&bundle, &target)
            .with_context(|| format!("writing the bundle to `{}`", target.display()))?;
        say(format_args!(
            "installed in {}; a running agent takes it in within seconds, `edge-agent status` shows it",
            target.display()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn verify(directory: &Path, trust: &Trust) -> Result<(Bundle, Manifest), ModelError> {
    let bundle = Bundle::read(directory, &trust.keys)?;
    if let Some(state_dir) = &trust.state_dir {
        Store::new(state_dir).check(&bundle)?;
    }
    let manifest = bundle.manifest().clone();
    Loaded::start(&bundle, manifest.engine, &trust.backend)?;
    Ok((bundle, manifest))
}

fn describe(manifest: &Manifest) -> anyhow::Result<()> {
    let state = if manifest.enabled {
        "may raise alerts"
    } else {
        "raises no alerts (enabled = false, its card says why)"
    };
    say(format_args!(
        "{} build {}: signature, hashes, graph and self-test are good; {} features of version {}, classes {}; it {state}",
        manifest.id,
        manifest.build,
        manifest.features.len(),
        manifest.features_version,
        manifest.classes.join(", ")
    ))
}
