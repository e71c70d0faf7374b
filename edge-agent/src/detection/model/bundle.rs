//! A bundle's files in memory, verified: signature, hashes, what the graph may contain. Nothing is run.
//!
//! All that is used later (by the runtime, by the copy in the state folder) are these very bytes; the
//! folder is not looked at again, so that nothing can be exchanged between check and use.

use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use super::signature::SIGNATURE_FILE;
use super::{Keys, Manifest, ModelError, onnx};

/// Name of the manifest's file.
pub(super) const MANIFEST_FILE: &str = "manifest.toml";
/// A file of a bundle is refused beyond this many bytes; the shipped models have about 10 KB.
pub const FILE_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// A bundle that a trusted key signed and whose files are the signed ones.
#[derive(Debug, Clone)]
pub struct Bundle {
    /// Where it was read from; for messages only.
    pub(super) directory: PathBuf,
    pub(super) manifest: Manifest,
    pub(super) model: Vec<u8>,
    pub(super) golden: Vec<u8>,
    manifest_bytes: Vec<u8>,
    signature: Vec<u8>,
}

impl Bundle {
    /// Reads and verifies the bundle in `directory`.
    ///
    /// # Errors
    /// Whenever anything about it is not as it must be, before a runtime sees it.
    pub fn read(directory: &Path, keys: &Keys) -> Result<Self, ModelError> {
        let manifest_path = directory.join(MANIFEST_FILE);
        let manifest_bytes = read_bounded(&manifest_path)?;
        let signature = read_bounded(&directory.join(SIGNATURE_FILE))?;
        keys.verify(directory, &manifest_bytes, &signature)?;
        let manifest = Manifest::parse(&manifest_path, &manifest_bytes)?;
        let path = directory.join(&manifest.model.file);
        let model = read_verified(&path, &manifest.model.sha256)?;
        onnx::check(&model, manifest.opset).map_err(|source| ModelError::Onnx { path, source })?;
        let path = directory.join(&manifest.golden.file);
        let golden = read_verified(&path, &manifest.golden.sha256)?;
        Ok(Self {
            directory: directory.to_owned(),
            manifest,
            model,
            golden,
            manifest_bytes,
            signature,
        })
    }

    /// Its manifest.
    #[must_use]
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// SHA-256 of the manifest, which covers everything else.
    #[must_use]
    pub fn sha256(&self) -> String {
        hex::encode(Sha256::digest(&self.manifest_bytes))
    }

    /// All that another agent needs: names and bytes.
    #[must_use]
    pub fn files(&self) -> [(&str, &[u8]); 4] {
        [
            (MANIFEST_FILE, &self.manifest_bytes),
            (SIGNATURE_FILE, &self.signature),
            (&self.manifest.model.file, &self.model),
            (&self.manifest.golden.file, &self.golden),
        ]
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
    use std::io::Read as _;
    let failed = |source| ModelError::Read {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(failed)?;
    let mut bytes = Vec::new();
    // By what is read and not by what the file system claims: pipes and devices claim nothing.
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(ModelError::TooLarge {
            path: path.to_owned(),
            max: FILE_BYTES_MAX,
        });
    }
    Ok(bytes)
}
