//! Files of evidence beside a backup: `NAME.evidence`, next to the backup `NAME`.
//!
//! A line with what it is, then for each file a line with its hash and size and its bytes, then a line with how many
//! there were and the SHA-256 of everything before. Written while the hub runs: a file that is stored later is
//! not in it, one that is let go meanwhile is counted as missing. A restore checks each file against
//! its hash before it gives it its place, and may be done again: what is there already stays.

use std::fs::{self, File, OpenOptions};
use std::io::{BufRead, BufReader, BufWriter, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::{Files, plain_hash};
use crate::store::{Store, to_json};

const FORMAT: &str = "gridwatch evidence 1";
/// Hashes asked for together.
const PART: i64 = 1_000;
/// A line is a hash and a number.
const LINE_BYTES_MAX: u64 = 1_024;
/// No file of evidence is larger, whatever a configuration says.
const FILE_BYTES_MAX: u64 = 100 * 1024 * 1024;

#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Line {
    Head { format: String },
    File { sha256: String, bytes: u64 },
    End { files: u64, sha256_of_all: String },
}

/// What was copied.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Copied {
    /// Files.
    pub files: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Hashes of files that should be there and are not, or are damaged.
    pub missing: Vec<String>,
}

/// Where the files of a backup are.
#[must_use]
pub fn beside(backup: &Path) -> PathBuf {
    let mut path = backup.as_os_str().to_owned();
    path.push(".evidence");
    path.into()
}

/// Writes, and remembers what was written.
struct Hashing<W> {
    to: W,
    hash: Sha256,
}

impl<W: Write> Hashing<W> {
    fn put(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.hash.update(bytes);
        self.to.write_all(bytes)
    }

    fn line(&mut self, line: &Line) -> std::io::Result<()> {
        self.put(format!("{}\n", to_json(line)).as_bytes())
    }
}

/// Copies every file that rows need beside a backup; nothing is written when there is none.
///
/// # Errors
/// When the copy exists or cannot be written, or the store does not answer.
pub async fn write(store: &Store, files: &Files, backup: &Path) -> Result<Option<Copied>> {
    let mut part = store.evidence_needed("", PART).await?;
    if part.is_empty() {
        return Ok(None);
    }
    let path = beside(backup);
    let context = || format!("writing `{}`", path.display());
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&path)
        .with_context(context)?;
    let mut out = Hashing {
        to: BufWriter::new(file),
        hash: Sha256::new(),
    };
    let mut copied = Copied::default();
    let format = FORMAT.to_owned();
    out.line(&Line::Head { format }).with_context(context)?;
    while let Some((last, _)) = part.last().cloned() {
        for (sha256, _) in part {
            let Ok(content) = files.read(&sha256).await else {
                copied.missing.push(sha256);
                continue;
            };
            let bytes = content.len() as u64;
            out.line(&Line::File { sha256, bytes })
                .and_then(|()| out.put(&content))
                .with_context(context)?;
            copied.files += 1;
            copied.bytes += bytes;
        }
        part = store.evidence_needed(&last, PART).await?;
    }
    let end = Line::End {
        files: copied.files,
        sha256_of_all: hex::encode(out.hash.clone().finalize()),
    };
    out.line(&end).with_context(context)?;
    let file = out.to.into_inner().map_err(|error| error.into_error())?;
    file.sync_all().with_context(context)?;
    Ok(Some(copied))
}

/// Reads, and remembers what was read.
struct Reading {
    from: BufReader<File>,
    hash: Sha256,
}

impl Reading {
    fn line(&mut self) -> Result<(Line, Sha256)> {
        let before = self.hash.clone();
        let mut line = Vec::new();
        let mut part = self.from.by_ref().take(LINE_BYTES_MAX);
        part.read_until(b'\n', &mut line)?;
        ensure!(line.ends_with(b"\n"), "it was cut or is no copy of files");
        self.hash.update(&line);
        let line = serde_json::from_slice(&line).context("it is damaged or no copy of files")?;
        Ok((line, before))
    }
}

/// Gives the files of a backup their places and tells what rows need and is not there afterwards.
///
/// # Errors
/// When the copy is damaged or the disk does not take it; files before the damage have their places.
pub async fn restore(store: &Store, files: &Files, backup: &Path) -> Result<Copied> {
    let path = beside(backup);
    let mut copied = Copied::default();
    if fs::exists(&path).with_context(|| format!("looking for `{}`", path.display()))? {
        let context = || format!("reading `{}`", path.display());
        let from = BufReader::new(File::open(&path).with_context(context)?);
        let mut reading = Reading {
            from,
            hash: Sha256::new(),
        };
        read_all(&mut reading, files, &mut copied)
            .await
            .with_context(context)?;
    }
    let mut part = store.evidence_needed("", PART).await?;
    while let Some((last, _)) = part.last().cloned() {
        for (sha256, _) in part {
            if !files.is_there(&sha256).await {
                copied.missing.push(sha256);
            }
        }
        part = store.evidence_needed(&last, PART).await?;
    }
    Ok(copied)
}

async fn read_all(reading: &mut Reading, files: &Files, copied: &mut Copied) -> Result<()> {
    match reading.line()? {
        (Line::Head { format }, _) if format == FORMAT => {}
        _ => bail!("it is no copy of files of this hub (`{FORMAT}`)"),
    }
    loop {
        match reading.line()? {
            (Line::File { sha256, bytes }, _) => {
                let sha256 = plain_hash(&sha256).context("a hash in it is none")?;
                ensure!(bytes <= FILE_BYTES_MAX, "a file in it is too large");
                let mut content = Vec::new();
                reading
                    .from
                    .by_ref()
                    .take(bytes)
                    .read_to_end(&mut content)?;
                ensure!(content.len() as u64 == bytes, "it was cut");
                reading.hash.update(&content);
                place(files, &sha256, &content).await?;
                copied.files += 1;
                copied.bytes += bytes;
            }
            (
                Line::End {
                    files: count,
                    sha256_of_all,
                },
                before,
            ) => {
                let fits = count == copied.files && sha256_of_all == hex::encode(before.finalize());
                ensure!(fits, "its content does not fit its hash: it is damaged");
                return Ok(());
            }
            (Line::Head { .. }, _) => bail!("a second beginning stands in it"),
        }
    }
}

async fn place(files: &Files, sha256: &str, content: &[u8]) -> Result<()> {
    let mut incoming = files.begin(FILE_BYTES_MAX).await?;
    incoming.take(content).await?;
    let complete = incoming
        .end(sha256)
        .await
        .with_context(|| format!("the file {sha256}"))?;
    let lock = files.placing().await?;
    Ok(files.place(complete, &lock).await?)
}
