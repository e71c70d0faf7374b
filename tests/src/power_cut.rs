//! A simulated power cut of the outbox's file system: an ext4 image on a loop device is shut down in the
//! middle of writing, without its journal being flushed, and mounted again. What the outbox had
//! acknowledged must be there. Needs root.
//!
//! Killing the process would show nothing: the page cache survives it.

use std::collections::BTreeSet;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};

use crate::paths::{built_program, system_program};
use crate::process::run_ok;

/// Size of the image; an outbox of some thousand alerts takes a few MiB.
const IMAGE_BYTES: u64 = 96 * 1024 * 1024;
/// The control run must lose something, and the setting that the product uses nothing.
const SHUTDOWN: &str = "open(my $d, '<', $ARGV[0]) or die \"$ARGV[0]: $!\"; \
     my $how = pack('I', 2); ioctl($d, 0x8004587d, $how) or die \"shutdown: $!\";";

/// How the outbox of the writer syncs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Synchronous {
    /// As the product does.
    Full,
    /// As it must never do: the control.
    Normal,
}

/// What one cut did.
#[derive(Debug)]
pub struct Outcome {
    /// Alerts that were acknowledged before the cut.
    pub acknowledged: usize,
    /// Those of them that were not there afterwards.
    pub lost: Vec<u64>,
}

/// Writes alerts, cuts the power at a random moment, and looks what is left.
///
/// # Errors
/// When the rig does not work, such as without root.
pub fn cut(synchronous: Synchronous, seed: u64) -> Result<Outcome> {
    let mut random = StdRng::seed_from_u64(seed);
    let disk = Disk::make()?;
    let mut writer = Writer::start(&disk.folder(), synchronous)?;
    let mut acknowledged = BTreeSet::from([writer.next()?]);
    // The file itself exists from here on in both settings; it is the alerts after it that matter.
    run_ok(&system_program("sync")?, &["-f", &disk.mount_point()], "")?;
    for _ in 0..random.random_range(20..200) {
        acknowledged.insert(writer.next()?);
    }
    run_ok(
        &system_program("perl")?,
        &["-e", SHUTDOWN, &disk.mount_point()],
        "",
    )?;
    // What was printed until the writer noticed was acknowledged as well.
    acknowledged.extend(writer.rest()?);
    disk.mount_again()?;
    let program = built_program("examples/outbox_writer")?;
    let folder = disk.folder().display().to_string();
    let list = run_ok(&program, &[&folder, "--list"], "")?;
    let found: BTreeSet<u64> = list
        .lines()
        .filter_map(|line| line.trim().parse().ok())
        .collect();
    Ok(Outcome {
        acknowledged: acknowledged.len(),
        lost: acknowledged.difference(&found).copied().collect(),
    })
}

/// A program that appends one alert per commit and prints its number after the commit.
struct Writer {
    child: Child,
    lines: std::io::Lines<BufReader<std::process::ChildStdout>>,
}

impl Writer {
    fn start(folder: &Path, synchronous: Synchronous) -> Result<Self> {
        let how = match synchronous {
            Synchronous::Full => "full",
            Synchronous::Normal => "normal",
        };
        let mut child = Command::new(built_program("examples/outbox_writer")?)
            .arg(folder)
            .args(["--synchronous", how, "--count", "1000000"])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .context("starting the writer")?;
        let out = child.stdout.take().context("the writer has no output")?;
        Ok(Self {
            child,
            lines: BufReader::new(out).lines(),
        })
    }

    fn next(&mut self) -> Result<u64> {
        let line = self.lines.next().context("the writer ended early")??;
        line.trim()
            .parse()
            .with_context(|| format!("`{line}` is no sequence number"))
    }

    /// Kills it, and gives what it had still printed.
    fn rest(mut self) -> Result<Vec<u64>> {
        self.child.kill().context("killing the writer")?;
        self.child.wait().context("waiting for the writer")?;
        let mut rest = Vec::new();
        // The last line may be cut off in the middle: it was not said.
        while let Some(Ok(line)) = self.lines.next() {
            rest.extend(line.trim().parse::<u64>());
        }
        Ok(rest)
    }
}

/// An ext4 image, mounted.
struct Disk {
    folder: PathBuf,
}

impl Disk {
    fn make() -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("gridwatch-power-")
            .tempdir()
            .context("making a folder for the image")?
            .keep();
        let disk = Self { folder };
        std::fs::create_dir(disk.folder.join("mnt")).context("making the mount point")?;
        let image = std::fs::File::create(disk.folder.join("image")).context("making the image")?;
        image.set_len(IMAGE_BYTES).context("sizing the image")?;
        run_ok(
            &system_program("mkfs.ext4")?,
            &["-q", "-F", &disk.image()],
            "",
        )?;
        disk.mount()?;
        Ok(disk)
    }

    fn mount(&self) -> Result<()> {
        let (image, mount_point) = (self.image(), self.mount_point());
        run_ok(
            &system_program("mount")?,
            &["-o", "loop", &image, &mount_point],
            "",
        )?;
        Ok(())
    }

    fn mount_again(&self) -> Result<()> {
        run_ok(&system_program("umount")?, &[&self.mount_point()], "")?;
        self.mount()?;
        ensure!(
            Path::new(&self.mount_point()).exists(),
            "the disk did not come back"
        );
        Ok(())
    }

    fn folder(&self) -> PathBuf {
        self.folder.join("mnt/outbox")
    }

    fn image(&self) -> String {
        self.folder.join("image").display().to_string()
    }

    fn mount_point(&self) -> String {
        self.folder.join("mnt").display().to_string()
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        let unmount = system_program("umount")
            .and_then(|program| run_ok(&program, &["-l", &self.mount_point()], ""));
        if let Err(error) = unmount {
            eprintln!("unmounting the power-cut image: {error:#}");
        } else if let Err(error) = std::fs::remove_dir_all(&self.folder) {
            eprintln!("removing {}: {error}", self.folder.display());
        }
    }
}
