//! The shipped bundles do what their trainers wrote down, and nothing else is accepted.

mod bundles;
mod loads;
mod refusals;
mod runs;

use std::path::{Path, PathBuf};

use gridwatch_anomaly::calibration::Level;
use gridwatch_anomaly::model::{Fuser, Models as _};

use super::*;
use crate::config::default_public_keys;

fn shipped(fuser: Fuser) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../models")
        .join(fuser.id())
}

/// The keys that the shipped configuration trusts.
fn shipped_keys() -> Keys {
    Keys::parse(&default_public_keys()).expect("the shipped configuration has keys")
}

fn model(fuser: Fuser) -> Model {
    let bundle = Bundle::read(&shipped(fuser), &shipped_keys()).expect("signed and whole");
    Model::start(&bundle, &Backend::BuiltIn).expect("the shipped bundle runs")
}

/// A copy of a shipped bundle that a test may change, signed with a key of its own.
struct Copy {
    folder: tempfile::TempDir,
    fuser: Fuser,
    pair: minisign::KeyPair,
}

impl Copy {
    fn of(fuser: Fuser) -> Self {
        let copy = Self {
            folder: tempfile::tempdir().expect("a temporary directory"),
            fuser,
            pair: minisign::KeyPair::generate_unencrypted_keypair().expect("a key"),
        };
        std::fs::create_dir(copy.directory()).expect("created");
        for name in ["manifest.toml", "model.onnx", "golden.csv"] {
            std::fs::copy(shipped(fuser).join(name), copy.path(name)).expect("copied");
        }
        copy.sign();
        copy
    }

    /// The bundle's folder, which has the fuser's name.
    fn directory(&self) -> PathBuf {
        self.folder.path().join(self.fuser.id())
    }

    fn path(&self, name: &str) -> PathBuf {
        self.directory().join(name)
    }

    fn keys(&self) -> Keys {
        Keys::parse(&[self.pair.pk.to_base64()]).expect("a key")
    }

    fn sign(&self) -> &Self {
        let manifest = std::fs::read(self.path("manifest.toml")).expect("readable");
        let signature = minisign::sign(None, &self.pair.sk, manifest.as_slice(), None, None);
        let signature = signature.expect("signed").to_string();
        std::fs::write(self.path("manifest.toml.minisig"), signature).expect("written");
        self
    }

    /// Changes the manifest, and signs it as its owner would.
    fn edit(&self, from: &str, to: &str) -> &Self {
        let text = std::fs::read_to_string(self.path("manifest.toml")).expect("readable");
        assert!(text.contains(from), "the manifest has no `{from}`");
        std::fs::write(self.path("manifest.toml"), text.replacen(from, to, 1)).expect("written");
        self.sign()
    }

    fn set_build(&self, build: u64) -> &Self {
        let now = self.read().expect("readable").manifest.build;
        self.edit(
            &format!("\nbuild = {now}\n"),
            &format!("\nbuild = {build}\n"),
        )
    }

    /// Replaces a file, its hash in the manifest, and the signature.
    fn replace(&self, name: &str, bytes: &[u8]) -> &Self {
        use sha2::{Digest as _, Sha256};
        let hash = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
        let was = std::fs::read(self.path(name)).expect("readable");
        std::fs::write(self.path(name), bytes).expect("written");
        self.edit(&hash(&was), &hash(bytes))
    }

    fn read(&self) -> Result<Bundle, ModelError> {
        Bundle::read(&self.directory(), &self.keys())
    }

    fn load(&self) -> Result<Model, ModelError> {
        Model::start(&self.read()?, &Backend::BuiltIn)
    }

    /// The error with its causes, and without the directory's random name.
    fn refusal(&self) -> String {
        let error = self.load().map(drop).expect_err("refused");
        crate::uplink::chain(&error).replace(&self.directory().display().to_string(), "DIR")
    }
}
