//! Who may hand out models: minisign (Ed25519) signatures over a bundle's manifest.
//!
//! The agent only verifies; it never holds a secret key. Public keys stand in its configuration, so that
//! whoever can write that file decides whom the agent trusts, and nobody else.

use std::path::Path;

use minisign_verify::{Error, PublicKey, Signature};

use super::ModelError;

/// Public keys that a configuration may name at most; a signature is tried with each.
pub const KEYS_MAX: usize = 16;
/// Name of the signature's file, beside the manifest.
pub(super) const SIGNATURE_FILE: &str = "manifest.toml.minisig";

/// The public keys that are trusted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keys(Vec<PublicKey>);

impl Keys {
    /// Reads keys as `minisign` prints them: one line of Base64, beginning with `RW`.
    ///
    /// # Errors
    /// What is wrong with which key; also when there is none, for a model that nobody vouches for is not
    /// run.
    pub fn parse(keys: &[String]) -> Result<Self, String> {
        if keys.is_empty() {
            return Err(
                "no public key: a model is run only when a trusted key signed it; name the key of \
                 whoever hands out your models (the shipped one stands in configs/edge.toml), or \
                 switch the models off with bundles = \"\""
                    .into(),
            );
        }
        if keys.len() > KEYS_MAX {
            return Err(format!(
                "{} keys, at most {KEYS_MAX} are accepted",
                keys.len()
            ));
        }
        keys.iter()
            .map(|key| {
                PublicKey::from_base64(key.trim()).map_err(|error| {
                    format!(
                        "`{}` is not a minisign public key ({error}); it is the second line of a \
                         .pub file",
                        key.escape_debug()
                    )
                })
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }

    /// Verifies that one of the keys signed `manifest`; the paths are for the errors.
    pub(super) fn verify(
        &self,
        directory: &Path,
        manifest: &[u8],
        signature: &[u8],
    ) -> Result<(), ModelError> {
        let path = directory.join(SIGNATURE_FILE);
        let refused = |problem: &str| ModelError::Signature {
            path: path.clone(),
            problem: problem.to_owned(),
        };
        let text = str::from_utf8(signature).map_err(|_| refused("is not a signature"))?;
        let signature = Signature::decode(text).map_err(|_| refused("is not a signature"))?;
        let mut known = false;
        for key in &self.0 {
            // Only hashed signatures: what `minisign -S` makes since 2021.
            match key.verify(manifest, &signature, false) {
                Ok(()) => return Ok(()),
                Err(Error::UnexpectedKeyId) => {}
                Err(_) => known = true,
            }
        }
        Err(refused(if known {
            "does not fit the manifest: one of the two was changed; copy the whole bundle again"
        } else {
            "was made with a key that is not among [model] public_keys; do not use this bundle \
             unless you know who made it"
        }))
    }
}
