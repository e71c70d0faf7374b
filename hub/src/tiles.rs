//! A map of streets and houses from a local file: a PMTiles archive, version 3, of which browsers read parts.
//!
//! The file is opened once and stays open: who replaces it starts the hub anew. Nothing here reads more than
//! a header or one bounded part, and nothing is ever asked of another machine.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Length of an archive's header (PMTiles version 3 specification, section 3).
const HEADER_BYTES: usize = 127;
/// Header and root directory lie within the first 16 KiB (section 2).
const ROOT_END_MAX: u64 = 16_384;
/// One part is at most this long: the largest directories and metadata of a country's archive stay below it.
pub const PART_BYTES_MAX: u64 = 4 * 1024 * 1024;

/// The section `[map]` of the configuration.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described key by key in configs/hub.toml")]
pub struct MapSettings {
    pub tiles: PathBuf,
}

impl MapSettings {
    /// Makes the path relative to the configuration's directory.
    pub fn resolve(&mut self, base: &Path) {
        if !self.tiles.as_os_str().is_empty() {
            self.tiles = base.join(&self.tiles);
        }
    }

    /// The archive; none when none is configured.
    ///
    /// # Errors
    /// One sentence that says what is wrong with the file.
    pub fn open(&self) -> Result<Option<Tiles>, String> {
        if self.tiles.as_os_str().is_empty() {
            return Ok(None);
        }
        let told = |why| format!("`map.tiles`: `{}` {why}", self.tiles.display());
        Tiles::open(&self.tiles).map(Some).map_err(told)
    }
}

/// What the tiles of an archive are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TileKind {
    /// Vector tiles.
    Mvt,
    /// Pictures.
    Png,
    /// Pictures.
    Jpeg,
    /// Pictures.
    Webp,
    /// Pictures.
    Avif,
}

/// What an archive's header says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TileInfo {
    /// What its tiles are.
    pub kind: TileKind,
    /// The least zoom that has tiles.
    pub min_zoom: u8,
    /// The greatest zoom that has tiles; closer, these are drawn larger.
    pub max_zoom: u8,
    /// West, south, east, north; degrees, WGS84.
    pub bounds: [f64; 4],
}

/// An archive that is open.
#[derive(Debug)]
pub struct Tiles {
    file: File,
    /// Its size in bytes.
    pub bytes: u64,
    /// Tells it from another file: size and time of change.
    pub etag: String,
    /// What its header says.
    pub info: TileInfo,
}

impl Tiles {
    /// Opens and checks an archive.
    ///
    /// # Errors
    /// What is wrong with it and what to do.
    pub fn open(path: &Path) -> Result<Self, String> {
        let unreadable = |why: io::Error| format!("cannot be read: {why}");
        let file = File::open(path).map_err(unreadable)?;
        let about = file.metadata().map_err(unreadable)?;
        if !about.is_file() {
            return Err("is not a file".to_owned());
        }
        let mut header = [0; HEADER_BYTES];
        match file.read_exact_at(&mut header, 0) {
            Err(why) if why.kind() == io::ErrorKind::UnexpectedEof => {
                return Err(format!("is shorter than a header; {REMEDY}"));
            }
            read => read.map_err(unreadable)?,
        }
        let info = header_says(&header, about.len())?;
        let changed = about.modified().ok();
        let changed = changed.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
        let changed = changed.map_or(0, |since| since.as_millis());
        Ok(Self {
            file,
            bytes: about.len(),
            etag: format!("\"{:x}-{changed:x}\"", about.len()),
            info,
        })
    }

    /// The bytes from `first` to `last`, both included, which must lie within the file. Blocks.
    ///
    /// # Errors
    /// When the disk does not answer, or the file has become shorter.
    pub fn part(&self, first: u64, last: u64) -> io::Result<Vec<u8>> {
        let length = usize::try_from(last + 1 - first).map_err(io::Error::other)?;
        let mut bytes = vec![0; length];
        self.file.read_exact_at(&mut bytes, first)?;
        Ok(bytes)
    }
}

const REMEDY: &str = "give a PMTiles archive of version 3 (`pmtiles verify FILE` looks at one)";

fn header_says(header: &[u8; HEADER_BYTES], bytes: u64) -> Result<TileInfo, String> {
    if !header.starts_with(b"PMTiles") {
        return Err(format!("is not a PMTiles archive; {REMEDY}"));
    }
    if header[7] != 3 {
        let version = header[7];
        return Err(format!("is PMTiles of version {version}; {REMEDY}"));
    }
    let (root, root_length) = (number(header, 8), number(header, 16));
    if root.saturating_add(root_length) > ROOT_END_MAX {
        return Err(format!("has its root directory too far back; {REMEDY}"));
    }
    for (name, at) in [
        ("root directory", 8),
        ("metadata", 24),
        ("leaf directories", 40),
        ("tiles", 56),
    ] {
        let end = number(header, at).saturating_add(number(header, at + 8));
        if end > bytes {
            return Err(format!(
                "has {bytes} bytes, its {name} should end at {end}: it was not copied to the end; copy it again"
            ));
        }
    }
    // 1 is none, 2 is gzip: what browsers unpack by themselves.
    if !matches!(header[97], 1 | 2) || !matches!(header[98], 1 | 2) {
        return Err("is packed with neither gzip nor nothing, which browsers cannot unpack; make it with gzip".to_owned());
    }
    let kind = match header[99] {
        1 => TileKind::Mvt,
        2 => TileKind::Png,
        3 => TileKind::Jpeg,
        4 => TileKind::Webp,
        5 => TileKind::Avif,
        other => {
            return Err(format!(
                "has tiles of type {other}; vector tiles (MVT), PNG, JPEG, WebP and AVIF are known"
            ));
        }
    };
    let bounds = [102, 106, 110, 114].map(|at| degrees(header, at));
    let (min_zoom, max_zoom) = (header[100], header[101]);
    let [west, south, east, north] = bounds;
    let on_earth = west >= -180.0 && east <= 180.0 && south >= -90.0 && north <= 90.0;
    if min_zoom > max_zoom || max_zoom > 26 || !on_earth || west > east || south > north {
        return Err(format!(
            "says that it has zooms {min_zoom} to {max_zoom} and bounds {bounds:?}, which cannot be; {REMEDY}"
        ));
    }
    Ok(TileInfo {
        kind,
        min_zoom,
        max_zoom,
        bounds,
    })
}

fn number(header: &[u8; HEADER_BYTES], at: usize) -> u64 {
    let mut bytes = [0; 8];
    bytes.copy_from_slice(&header[at..at + 8]);
    u64::from_le_bytes(bytes)
}

/// Positions stand in it as whole numbers of 1e-7 degrees.
fn degrees(header: &[u8; HEADER_BYTES], at: usize) -> f64 {
    let mut bytes = [0; 4];
    bytes.copy_from_slice(&header[at..at + 4]);
    f64::from(i32::from_le_bytes(bytes)) / 1e7
}

/// What a request asks for of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// From the first to the last byte, both included and within the file.
    Part(u64, u64),
    /// A part that begins after the file's end.
    Beyond,
    /// No part, several parts, or one that is too long.
    Unfit,
}

/// Reads a `Range` header (RFC 9110, section 14) of a file of so many bytes.
#[must_use]
pub fn asked(range: Option<&str>, bytes: u64) -> Asked {
    let one = range.and_then(|range| range.trim().strip_prefix("bytes="));
    let Some((first, last)) = one.and_then(|one| one.split_once('-')) else {
        return Asked::Unfit;
    };
    let Ok(first) = first.trim().parse::<u64>() else {
        return Asked::Unfit;
    };
    let last = match last.trim() {
        "" => bytes.saturating_sub(1),
        last => match last.parse::<u64>() {
            Ok(last) if last >= first => last.min(bytes.saturating_sub(1)),
            _ => return Asked::Unfit,
        },
    };
    if first >= bytes {
        Asked::Beyond
    } else if last - first >= PART_BYTES_MAX {
        Asked::Unfit
    } else {
        Asked::Part(first, last)
    }
}

#[cfg(test)]
mod tests;
