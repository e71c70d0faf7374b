//! Signs bundles after training:
//! `sign_bundle --key FILE --config configs/edge.toml DIR...`.
//!
//! Signs `manifest.toml` of each folder, which holds the sha256 of everything else, and writes
//! `manifest.toml.minisig`. A key that is not there is made, and kept in FILE without a password: FILE must
//! be in a place that only its owner reads and that is never checked in. The public key is put among the
//! `public_keys` of the configuration, if it is not there yet, so that agents built from it trust the
//! bundles.

use std::fs;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, bail, ensure};
use minisign::{KeyPair, SecretKey};

/// Where the keys of the configuration begin.
const KEYS: &str = "public_keys = [";

fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args().skip(1);
    let (mut key, mut config, mut bundles) = (None, None, Vec::new());
    while let Some(argument) = arguments.next() {
        match argument.as_str() {
            "--key" => key = arguments.next().map(PathBuf::from),
            "--config" => config = arguments.next().map(PathBuf::from),
            other if other.starts_with('-') => bail!("`{other}` is not an option"),
            _ => bundles.push(PathBuf::from(argument)),
        }
    }
    let key = key.context("`--key FILE` is missing")?;
    ensure!(!bundles.is_empty(), "no bundle was named");
    let secret = secret_key(&key)?;
    let public =
        minisign::PublicKey::from_secret_key(&secret).context("deriving the public key")?;
    let public = public.to_base64();
    for bundle in &bundles {
        sign(bundle, &secret)?;
    }
    if let Some(config) = &config {
        trust(config, &public)?;
    }
    println!("{public}");
    Ok(())
}

/// The key in `path`, which is made when there is none.
fn secret_key(path: &Path) -> anyhow::Result<SecretKey> {
    if path.exists() {
        let text =
            fs::read_to_string(path).with_context(|| format!("reading `{}`", path.display()))?;
        return minisign::SecretKeyBox::from_string(&text)
            // An empty password: a key with one is refused instead of asking in the middle of a training.
            .and_then(|key| key.into_secret_key(Some(String::new())))
            .with_context(|| {
                format!("`{}` is no minisign key without a password", path.display())
            });
    }
    // An empty password writes the checksum that reading wants, and encrypts nothing.
    let pair = KeyPair::generate_encrypted_keypair(Some(String::new())).context("making a key")?;
    let text = pair
        .sk
        .to_box(Some("signs Gridwatch models"))
        .context("writing the key")?;
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder).with_context(|| format!("making `{}`", folder.display()))?;
    }
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .and_then(|mut file| file.write_all(text.to_string().as_bytes()))
        .with_context(|| format!("writing `{}`", path.display()))?;
    Ok(pair.sk)
}

fn sign(bundle: &Path, secret: &SecretKey) -> anyhow::Result<()> {
    let path = bundle.join("manifest.toml");
    let manifest = fs::read(&path).with_context(|| format!("reading `{}`", path.display()))?;
    let name = bundle
        .file_name()
        .unwrap_or_default()
        .to_string_lossy()
        .into_owned();
    let signature = minisign::sign(
        None,
        secret,
        Cursor::new(&manifest),
        // No time in it: the same manifest and key give the same signature.
        Some(&format!("manifest of {name}")),
        Some("signature of a Gridwatch model"),
    )
    .context("signing")?;
    let path = bundle.join("manifest.toml.minisig");
    fs::write(&path, signature.to_string()).with_context(|| format!("writing `{}`", path.display()))
}

/// Names the key in the configuration, and leaves everything else of it as it is.
fn trust(config: &Path, public: &str) -> anyhow::Result<()> {
    let text =
        fs::read_to_string(config).with_context(|| format!("reading `{}`", config.display()))?;
    if text.contains(public) {
        return Ok(());
    }
    let start = text
        .lines()
        .position(|line| line.starts_with(KEYS))
        .with_context(|| format!("`{}` has no line `{KEYS}…]`", config.display()))?;
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let rest = lines[start].trim_start_matches(KEYS).to_owned();
    let between = if rest.starts_with(']') { "" } else { ", " };
    lines[start] = format!("{KEYS}\"{public}\"{between}{rest}");
    fs::write(config, lines.join("\n") + "\n")
        .with_context(|| format!("writing `{}`", config.display()))
}
