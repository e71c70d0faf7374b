//! Disk space held back for alerts: a file of real blocks that is deleted when the disk is full.

use std::fs::File;
use std::io::Write;
use std::path::PathBuf;

/// The held-back space.
#[derive(Debug)]
pub(super) struct Reserve {
    path: PathBuf,
    bytes: u64,
    held: bool,
}

impl Reserve {
    /// Takes the space if it can be had.
    pub(super) fn new(path: PathBuf, bytes: u64) -> Self {
        let mut reserve = Self {
            path,
            bytes,
            held: false,
        };
        reserve.take();
        reserve
    }

    /// Whether the space is held.
    pub(super) fn is_held(&self) -> bool {
        self.held || self.bytes == 0
    }

    /// Tries to take the space (again).
    pub(super) fn take(&mut self) {
        if self.is_held() {
            return;
        }
        match self.write() {
            Ok(()) => self.held = true,
            Err(error) => {
                tracing::debug!(path = %self.path.display(), %error, "no room for the outbox's reserve");
                self.remove();
            }
        }
    }

    /// Gives the space to the database. True when there was some.
    pub(super) fn release(&mut self) -> bool {
        let had = self.held;
        self.held = false;
        if had {
            tracing::error!(path = %self.path.display(), "the disk is full: using the space held back for alerts");
            self.remove();
        }
        had
    }

    fn remove(&self) {
        if let Err(error) = std::fs::remove_file(&self.path)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::error!(path = %self.path.display(), %error, "removing the outbox's reserve");
        }
    }

    /// Real blocks: a file with holes would hold nothing back.
    fn write(&self) -> std::io::Result<()> {
        let have = std::fs::metadata(&self.path)
            .map(|meta| meta.len())
            .unwrap_or(0);
        if have == self.bytes {
            return Ok(());
        }
        let mut file = File::create(&self.path)?;
        let block = [0x5A_u8; 64 * 1024];
        let mut left = self.bytes;
        while left > 0 {
            let count = usize::try_from(left).unwrap_or(usize::MAX).min(block.len());
            file.write_all(&block[..count])?;
            left -= count as u64;
        }
        file.sync_all()
    }
}
