//! A disk of a few MiB in memory, to be filled. Needs root.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use crate::paths::system_program;
use crate::process::run_ok;

/// A mounted disk; unmounted when dropped.
#[derive(Debug)]
pub struct SmallDisk {
    path: PathBuf,
    mounted: bool,
}

impl SmallDisk {
    /// Mounts a tmpfs of so many MiB.
    ///
    /// # Errors
    /// When the system refuses, such as without root.
    pub fn mount(name: &str, mebibytes: u32) -> Result<Self> {
        let path = tempfile::Builder::new()
            .prefix(&format!("gridwatch-disk-{name}-"))
            .tempdir()
            .context("making a mount point")?
            .keep();
        let text = path.display().to_string();
        let size = format!("size={mebibytes}m");
        run_ok(
            &system_program("mount")?,
            &["-t", "tmpfs", "-o", &size, "tmpfs", &text],
            "",
        )?;
        Ok(Self {
            path,
            mounted: true,
        })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Unmounts it; what was on it is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn unmount(mut self) -> Result<()> {
        self.release()
    }

    fn release(&mut self) -> Result<()> {
        if self.mounted {
            self.mounted = false;
            // Lazily: a killed program may still hold a file for a moment.
            let text = self.path.display().to_string();
            run_ok(&system_program("umount")?, &["-l", &text], "")?;
            std::fs::remove_dir(&self.path).context("removing a mount point")?;
        }
        Ok(())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        if let Err(error) = self.release() {
            eprintln!("unmounting {}: {error:#}", self.path.display());
        }
    }
}
