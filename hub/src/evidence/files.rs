//! The directory of files: how one comes in, is read, and goes.
//!
//! `ab/cd/abcd…` by the SHA-256 of the content, `tmp/` for what is coming in, `.lock` for who places and
//! who removes: placing a file and committing its row happen under the shared lock, removing one under the
//! exclusive lock after a look at the rows. So no hub removes what another one is just storing. The lock
//! is the file system's (`flock`): a directory for several hubs needs one that has it, such as NFS 4.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use sha2::{Digest, Sha256};
use tokio::io::AsyncWriteExt;
use uuid::Uuid;

use super::media::{Looking, Media};
use crate::certificates::make_private_dir;

/// What is coming in lies here.
const TMP: &str = "tmp";
/// Two levels of directories, two hexadecimal digits each: 65,536 of them for any number of files.
const LEVELS: [std::ops::Range<usize>; 2] = [0..2, 2..4];

/// Why bytes are not taken.
#[derive(Debug, thiserror::Error)]
pub enum Unfit {
    /// More than the limit.
    #[error("the file has more than {max} bytes")]
    TooLarge {
        /// The limit.
        max: u64,
    },
    /// Its bytes are none of the types.
    #[error(
        "the file is no JPEG, PNG, WebP, PDF or UTF-8 text; its own bytes decide, not its name or Content-Type"
    )]
    Media,
    /// It has another hash than it was announced under.
    #[error(
        "the bytes have the SHA-256 {found}, not the one in the address: the file was changed or cut on its way"
    )]
    Hash {
        /// The hash that it has.
        found: String,
    },
    /// The disk.
    #[error("writing the file")]
    Io(#[from] io::Error),
}

/// The directory; cheap to clone.
#[derive(Debug, Clone)]
pub struct Files {
    dir: PathBuf,
}

/// A file on its way in. Dropped before it is placed, it leaves nothing.
#[derive(Debug)]
pub struct Incoming {
    path: PathBuf,
    file: tokio::fs::File,
    hash: Sha256,
    looking: Looking,
    bytes: u64,
    max: u64,
}

impl Drop for Incoming {
    fn drop(&mut self) {
        // It was placed, or it goes; what cannot be removed now, the sweeper removes.
        drop(fs::remove_file(&self.path));
    }
}

/// A complete file on disk that is not placed yet.
#[derive(Debug)]
pub struct Complete {
    incoming: Incoming,
    /// Its hash, in lower case.
    pub sha256: String,
    /// What it is.
    pub media: Media,
    /// Its size.
    pub bytes: u64,
}

/// Held while files are placed or removed.
#[derive(Debug)]
pub struct Lock(#[expect(dead_code, reason = "held until it is dropped")] File);

impl Files {
    /// Opens the directory, making it when it is not there.
    ///
    /// # Errors
    /// When it cannot be made or written to.
    pub fn open(dir: &Path) -> anyhow::Result<Self> {
        make_private_dir(&dir.join(TMP))?;
        let files = Self { dir: dir.into() };
        files
            .lock_file()
            .with_context(|| format!("opening the directory of evidence `{}`", dir.display()))?;
        Ok(files)
    }

    /// Where it is.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Where a file is, whether it is there or not.
    #[must_use]
    pub fn path(&self, sha256: &str) -> PathBuf {
        let mut path = self.dir.clone();
        for level in LEVELS {
            path.push(&sha256[level]);
        }
        path.join(sha256)
    }

    fn lock_file(&self) -> io::Result<File> {
        OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(self.dir.join(".lock"))
    }

    /// For placing files: any number at once, but nobody removes.
    ///
    /// # Errors
    /// When the file system has no locks or does not answer.
    pub async fn placing(&self) -> io::Result<Lock> {
        let file = self.lock_file()?;
        blocking(move || file.lock_shared().map(|()| Lock(file))).await
    }

    /// For removing files: nobody places.
    ///
    /// # Errors
    /// When the file system has no locks or does not answer.
    pub async fn removing(&self) -> io::Result<Lock> {
        let file = self.lock_file()?;
        blocking(move || file.lock().map(|()| Lock(file))).await
    }

    /// Begins to take a file in.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn begin(&self, max: u64) -> io::Result<Incoming> {
        let path = self.dir.join(TMP).join(Uuid::new_v4().to_string());
        let file = tokio::fs::OpenOptions::new()
            .create_new(true)
            .write(true)
            .mode(0o600)
            .open(&path)
            .await?;
        Ok(Incoming {
            path,
            file,
            hash: Sha256::new(),
            looking: Looking::default(),
            bytes: 0,
            max,
        })
    }

    /// Gives a complete file its place; the same content may be there already. On disk when this
    /// returns, name included.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn place(&self, complete: Complete, _lock: &Lock) -> io::Result<()> {
        let to = self.path(&complete.sha256);
        let (top, from) = (self.dir.clone(), complete.incoming.path.clone());
        blocking(move || {
            let directory = to.parent().unwrap_or(&top);
            make_private_dir(directory).map_err(io::Error::other)?;
            fs::rename(&from, &to)?;
            // Names are on disk only with their directories.
            for directory in directory.ancestors().take(LEVELS.len() + 1) {
                File::open(directory)?.sync_all()?;
            }
            Ok(())
        })
        .await
    }

    /// Whether a file is there, by its name.
    pub async fn is_there(&self, sha256: &str) -> bool {
        tokio::fs::try_exists(self.path(sha256))
            .await
            .unwrap_or(false)
    }

    /// The bytes of a file, proved by their hash.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when it is not there, [`io::ErrorKind::InvalidData`] when it has
    /// another hash.
    pub async fn read(&self, sha256: &str) -> io::Result<Vec<u8>> {
        let (path, wanted) = (self.path(sha256), sha256.to_owned());
        blocking(move || {
            let bytes = fs::read(&path)?;
            if hex::encode(Sha256::digest(&bytes)) == wanted {
                Ok(bytes)
            } else {
                Err(io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("`{}` no longer has its hash", path.display()),
                ))
            }
        })
        .await
    }

    /// Removes a file; nothing happens when it is not there.
    ///
    /// # Errors
    /// When the disk refuses.
    pub async fn remove(&self, sha256: &str, _lock: &Lock) -> io::Result<()> {
        match tokio::fs::remove_file(self.path(sha256)).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Removes what came in and was never completed; gives the hashes of files that lie here for longer
    /// than `age`, at most `max` of them, those that sort after `after`.
    ///
    /// # Errors
    /// When the directory cannot be read.
    pub async fn older_than(
        &self,
        age: Duration,
        after: String,
        max: usize,
    ) -> io::Result<Vec<String>> {
        let dir = self.dir.clone();
        blocking(move || {
            let before = SystemTime::now() - age;
            for name in names(&dir.join(TMP))? {
                let path = dir.join(TMP).join(name);
                if is_older(&path, before) {
                    fs::remove_file(&path)?;
                }
            }
            let mut found = Vec::new();
            for first in names(&dir)?.into_iter().filter(|name| name.len() == 2) {
                if first.as_str() < after.get(LEVELS[0].clone()).unwrap_or_default() {
                    continue;
                }
                for second in names(&dir.join(&first))? {
                    let directory = dir.join(&first).join(&second);
                    for name in names(&directory)? {
                        let old = name > after && is_older(&directory.join(&name), before);
                        if old && super::plain_hash(&name).is_some() {
                            found.push(name);
                        }
                        if found.len() == max {
                            return Ok(found);
                        }
                    }
                }
            }
            Ok(found)
        })
        .await
    }
}

/// Names in a directory, sorted; one that is gone has none.
fn names(directory: &Path) -> io::Result<Vec<String>> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let mut names = Vec::new();
    for entry in entries {
        names.extend(entry?.file_name().into_string());
    }
    names.sort();
    Ok(names)
}

fn is_older(path: &Path, before: SystemTime) -> bool {
    let changed = fs::metadata(path).and_then(|meta| meta.modified());
    changed.is_ok_and(|changed| changed < before)
}

impl Incoming {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// [`Unfit::TooLarge`], [`Unfit::Io`].
    pub async fn take(&mut self, part: &[u8]) -> Result<(), Unfit> {
        self.bytes += part.len() as u64;
        if self.bytes > self.max {
            return Err(Unfit::TooLarge { max: self.max });
        }
        self.hash.update(part);
        self.looking.at(part);
        self.file.write_all(part).await?;
        Ok(())
    }

    /// All bytes have come: checks them and brings them to disk.
    ///
    /// # Errors
    /// [`Unfit`].
    pub async fn end(mut self, wanted: &str) -> Result<Complete, Unfit> {
        let found = hex::encode(self.hash.clone().finalize());
        if found != wanted {
            return Err(Unfit::Hash { found });
        }
        let media = self.looking.end().ok_or(Unfit::Media)?;
        self.file.flush().await?;
        self.file.sync_all().await?;
        Ok(Complete {
            sha256: found,
            media,
            bytes: self.bytes,
            incoming: self,
        })
    }
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| Err(io::Error::other(error)))
}

#[cfg(test)]
mod tests {
    use tempfile::TempDir;

    use super::*;

    async fn store(files: &Files, bytes: &[u8]) -> String {
        let sha256 = hex::encode(Sha256::digest(bytes));
        let mut incoming = files.begin(1_000).await.unwrap();
        for part in bytes.chunks(3) {
            incoming.take(part).await.unwrap();
        }
        let complete = incoming.end(&sha256).await.unwrap();
        let lock = files.placing().await.unwrap();
        files.place(complete, &lock).await.unwrap();
        sha256
    }

    #[tokio::test]
    async fn file_comes_back_as_it_came_and_a_changed_one_does_not() {
        let dir = TempDir::new().unwrap();
        let files = Files::open(dir.path()).unwrap();
        let sha256 = store(&files, b"a photo, say").await;
        assert_eq!(files.read(&sha256).await.unwrap(), b"a photo, say");
        assert_eq!(names(&dir.path().join(TMP)).unwrap().len(), 0);
        fs::write(files.path(&sha256), b"a photo, sax").unwrap();
        let error = files.read(&sha256).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::InvalidData);
    }

    #[tokio::test]
    async fn what_does_not_fit_leaves_nothing_behind() {
        let dir = TempDir::new().unwrap();
        let files = Files::open(dir.path()).unwrap();
        let mut large = files.begin(4).await.unwrap();
        assert!(matches!(
            large.take(b"12345").await,
            Err(Unfit::TooLarge { max: 4 })
        ));
        drop(large);
        let mut other = files.begin(100).await.unwrap();
        other.take(b"12345").await.unwrap();
        assert!(matches!(
            other.end(&"0".repeat(64)).await,
            Err(Unfit::Hash { .. })
        ));
        let mut zip = files.begin(100).await.unwrap();
        zip.take(b"PK\x03\x04").await.unwrap();
        let hash = hex::encode(Sha256::digest(b"PK\x03\x04"));
        assert!(matches!(zip.end(&hash).await, Err(Unfit::Media)));
        assert_eq!(names(&dir.path().join(TMP)).unwrap().len(), 0);
    }

    #[tokio::test]
    async fn old_files_are_found_in_order_and_what_never_came_whole_is_removed() {
        let dir = TempDir::new().unwrap();
        let files = Files::open(dir.path()).unwrap();
        let mut stored = Vec::new();
        for text in ["one", "two", "three"] {
            stored.push(store(&files, text.as_bytes()).await);
        }
        stored.sort();
        fs::write(dir.path().join(TMP).join("half"), "x").unwrap();
        let hour = Duration::from_secs(3_600);
        assert!(
            files
                .older_than(hour, String::new(), 9)
                .await
                .unwrap()
                .is_empty()
        );
        let all = files
            .older_than(Duration::ZERO, String::new(), 2)
            .await
            .unwrap();
        assert_eq!(all, stored[..2]);
        let rest = files
            .older_than(Duration::ZERO, stored[1].clone(), 2)
            .await
            .unwrap();
        assert_eq!(rest, stored[2..]);
        assert_eq!(names(&dir.path().join(TMP)).unwrap().len(), 0);
    }

    #[tokio::test]
    async fn nobody_removes_while_somebody_places() {
        let dir = TempDir::new().unwrap();
        let files = Files::open(dir.path()).unwrap();
        let one = files.placing().await.unwrap();
        let _two = files.placing().await.unwrap();
        let remover = files.clone();
        let waiting = tokio::spawn(async move { remover.removing().await.unwrap() });
        tokio::task::yield_now().await;
        assert!(!waiting.is_finished());
        drop((one, _two));
        waiting.await.unwrap();
    }
}
