//! What the agent remembers of the models it has accepted: the highest build of each, and a copy of the
//! last good one.
//!
//! Lives in `models/` under the state folder. One small file, replaced atomically, names for each id the
//! highest build ever accepted and the folder of its copy; a copy is complete on the disk before that
//! file names it. A crash at any point leaves the old state or the new one. A damaged file is an error
//! and no fresh start, or deleting a line would allow an old model back.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::{Bundle, ModelError};

/// Folder under the state folder.
const FOLDER: &str = "models";
/// The file that names the copies.
const INDEX: &str = "accepted.toml";

/// Accepted models of one agent.
#[derive(Debug, Clone)]
pub struct Store {
    directory: PathBuf,
}

/// What is remembered of one id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Accepted {
    highest_build: u64,
    folder: String,
}

type Index = BTreeMap<String, Accepted>;

impl Store {
    /// The store under `state_dir`; nothing is touched yet.
    #[must_use]
    pub fn new(state_dir: &Path) -> Self {
        Self {
            directory: state_dir.join(FOLDER),
        }
    }

    /// Refuses a bundle that is older than one that was accepted before.
    ///
    /// # Errors
    /// [`ModelError::Rollback`], or when what was accepted cannot be read.
    pub fn check(&self, bundle: &Bundle) -> Result<(), ModelError> {
        let manifest = bundle.manifest();
        match self.index()?.get(&manifest.id) {
            Some(accepted) if manifest.build < accepted.highest_build => {
                Err(ModelError::Rollback {
                    id: manifest.id.clone(),
                    found: manifest.build,
                    highest: accepted.highest_build,
                })
            }
            _ => Ok(()),
        }
    }

    /// Keeps a copy of a bundle that has passed everything, and its build number. Accepting the same
    /// bundle again changes nothing.
    ///
    /// # Errors
    /// [`ModelError::Rollback`], or when the disk refuses.
    pub fn accept(&self, bundle: &Bundle) -> Result<(), ModelError> {
        self.check(bundle)?;
        let manifest = bundle.manifest();
        let mut index = self.index()?;
        let folder = format!(
            "{}-{}-{}",
            manifest.id,
            manifest.build,
            &bundle.sha256()[..16]
        );
        let accepted = Accepted {
            highest_build: manifest.build,
            folder: folder.clone(),
        };
        if index.get(&manifest.id) == Some(&accepted) && self.directory.join(&folder).is_dir() {
            return Ok(());
        }
        self.copy(bundle, &folder)?;
        let before = index.insert(manifest.id.clone(), accepted);
        self.write_index(&index)?;
        if let Some(before) = before.filter(|before| before.folder != folder) {
            // Nothing names it any more; if it stays it only takes room.
            fs::remove_dir_all(self.directory.join(before.folder)).ok();
        }
        Ok(())
    }

    /// Folder of the last good bundle of an id.
    ///
    /// # Errors
    /// When what was accepted cannot be read.
    pub fn last_good(&self, id: &str) -> Result<Option<PathBuf>, ModelError> {
        let index = self.index()?;
        Ok(index
            .get(id)
            .map(|accepted| self.directory.join(&accepted.folder)))
    }

    /// The highest build of an id that was ever accepted.
    ///
    /// # Errors
    /// When what was accepted cannot be read.
    pub fn highest(&self, id: &str) -> Result<Option<u64>, ModelError> {
        Ok(self.index()?.get(id).map(|accepted| accepted.highest_build))
    }

    fn index(&self) -> Result<Index, ModelError> {
        let path = self.directory.join(INDEX);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Index::new()),
            Err(source) => return Err(self.failed("reading", path, source)),
        };
        let damaged = |why: String| {
            self.failed(
                "reading",
                path.clone(),
                io::Error::new(io::ErrorKind::InvalidData, why),
            )
        };
        let index: Index = toml::from_str(&text).map_err(|error| damaged(error.to_string()))?;
        for accepted in index.values() {
            if accepted.folder.contains(['/', '\\']) || accepted.folder.starts_with('.') {
                return Err(damaged(format!(
                    "`{}` is no plain folder name",
                    accepted.folder
                )));
            }
        }
        Ok(index)
    }

    fn copy(&self, bundle: &Bundle, folder: &str) -> Result<(), ModelError> {
        let target = self.directory.join(folder);
        install(bundle, &target).map_err(|source| self.failed("writing", target, source))
    }

    fn write_index(&self, index: &Index) -> Result<(), ModelError> {
        let text = toml::to_string(index).expect("texts and numbers can be written");
        let path = self.directory.join(INDEX);
        let staged = self.directory.join(format!("{INDEX}.new"));
        write_synced(&staged, text.as_bytes())
            .and_then(|()| fs::rename(&staged, &path))
            .and_then(|()| sync_folder(&self.directory))
            .map_err(|source| self.failed("writing", path, source))
    }

    #[expect(clippy::unused_self, reason = "reads as part of the store")]
    fn failed(&self, doing: &'static str, path: PathBuf, source: io::Error) -> ModelError {
        ModelError::Store {
            doing,
            path,
            source,
        }
    }
}

/// Writes a bundle's files into a folder that is complete when it gets its name. A folder of that name is
/// replaced; who looks in between finds none, and never a mixture.
///
/// # Errors
/// When the disk refuses; then the folder is as it was.
pub fn install(bundle: &Bundle, target: &Path) -> io::Result<()> {
    let parent = target.parent().unwrap_or(Path::new("."));
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    fs::create_dir_all(parent)?;
    let staged = parent.join(format!(".{name}.new"));
    let before = parent.join(format!(".{name}.old"));
    for left_behind in [&staged, &before] {
        if left_behind.exists() {
            fs::remove_dir_all(left_behind)?;
        }
    }
    fs::create_dir(&staged)?;
    for (name, bytes) in bundle.files() {
        write_synced(&staged.join(name), bytes)?;
    }
    sync_folder(&staged)?;
    if target.exists() {
        fs::rename(target, &before)?;
    }
    if let Err(error) = fs::rename(&staged, target) {
        if before.exists() {
            fs::rename(&before, target)?;
        }
        return Err(error);
    }
    sync_folder(parent)?;
    if before.exists() {
        fs::remove_dir_all(&before)?;
    }
    Ok(())
}

fn write_synced(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = File::create(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}
