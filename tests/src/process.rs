//! One program under test: started with its output in a log file, killed without warning on request,
//! and always killed when dropped.

use std::fs::{File, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// How a program is started.
#[derive(Debug, Clone)]
pub struct Start {
    /// What it is called in messages; its log is `<name>.log`.
    pub name: String,
    /// The program.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<String>,
    /// Extra environment variables.
    pub environment: Vec<(String, String)>,
    /// Where its output goes.
    pub log: PathBuf,
}

/// A program that runs, or ran.
#[derive(Debug)]
pub struct Process {
    start: Start,
    child: Option<Child>,
}

impl Process {
    /// Starts a program.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start(start: Start) -> Result<Self> {
        let mut process = Self { start, child: None };
        process.start_again()?;
        Ok(process)
    }

    /// Starts it again after it ended or was killed.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn start_again(&mut self) -> Result<()> {
        self.kill()?;
        let mut log = open_log(&self.start.log)?;
        writeln!(log, "---- start of {}", self.start.name).context("writing the log")?;
        let errors = log.try_clone().context("sharing the log")?;
        let child = Command::new(&self.start.program)
            .args(&self.start.arguments)
            .envs(self.start.environment.iter().map(|(k, v)| (k, v)))
            .stdin(Stdio::null())
            .stdout(log)
            .stderr(errors)
            .spawn()
            .with_context(|| format!("starting {}", self.start.program.display()))?;
        self.child = Some(child);
        Ok(())
    }

    /// Its process id, while it runs.
    ///
    /// # Errors
    /// When it was killed.
    pub fn pid(&self) -> Result<u32> {
        let child = self.child.as_ref();
        child
            .map(Child::id)
            .with_context(|| format!("{} does not run", self.start.name))
    }

    /// Fails when the program has ended by itself.
    ///
    /// # Errors
    /// When it has ended: with its exit status and the end of its log.
    pub fn check_running(&mut self) -> Result<()> {
        let Some(child) = self.child.as_mut() else {
            bail!("{} does not run", self.start.name);
        };
        if let Some(status) = child.try_wait().context("looking at a program")? {
            let tail = log_tail(&self.start.log, 20);
            bail!("{} ended by itself ({status}):\n{tail}", self.start.name);
        }
        Ok(())
    }

    /// Kills it without warning (SIGKILL) and waits until it is gone. Nothing happens when it does not run.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        if let Some(mut child) = self.child.take() {
            child.kill().context("killing a program")?;
            child.wait().context("waiting for a killed program")?;
        }
        Ok(())
    }

    /// Asks it to stop (SIGTERM) and waits.
    ///
    /// # Errors
    /// When it is still there after `limit`.
    pub fn terminate(&mut self, limit: Duration) -> Result<ExitStatus> {
        let pid = self.pid()?;
        send_signal("TERM", pid)?;
        let Some(mut child) = self.child.take() else {
            bail!("{} does not run", self.start.name);
        };
        let start = Instant::now();
        loop {
            if let Some(status) = child.try_wait().context("waiting for a program")? {
                return Ok(status);
            }
            if start.elapsed() > limit {
                self.child = Some(child);
                bail!(
                    "{} did not stop within {} s",
                    self.start.name,
                    limit.as_secs()
                );
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Its log file.
    #[must_use]
    pub fn log(&self) -> &Path {
        &self.start.log
    }

    /// How often a text stands in its log.
    #[must_use]
    pub fn count_in_log(&self, text: &str) -> usize {
        let log = std::fs::read_to_string(&self.start.log).unwrap_or_default();
        log.lines().filter(|line| line.contains(text)).count()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Err(error) = self.kill() {
            eprintln!("stopping {}: {error:#}", self.start.name);
        }
    }
}

/// What a program that ran to its end said.
#[derive(Debug)]
pub struct Said {
    /// Its exit status; -1 when a signal ended it.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

/// Runs a program to its end, with `input` on its standard input.
///
/// # Errors
/// When it cannot be started.
pub fn run(program: &Path, arguments: &[&str], input: &str) -> Result<Said> {
    let mut child = Command::new(program)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| format!("starting {}", program.display()))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A program that does not read its input may be gone already.
        if let Err(error) = stdin.write_all(input.as_bytes())
            && error.kind() != std::io::ErrorKind::BrokenPipe
        {
            return Err(error).context("writing the input of a program");
        }
    }
    let output = child.wait_with_output().context("waiting for a program")?;
    Ok(Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    })
}

/// Like [`run`], and fails when the program does.
///
/// # Errors
/// When it cannot be started or ends with another status than 0.
pub fn run_ok(program: &Path, arguments: &[&str], input: &str) -> Result<String> {
    let said = run(program, arguments, input)?;
    if said.code != 0 {
        bail!(
            "{} {} ended with {}:\n{}{}",
            program.display(),
            arguments.join(" "),
            said.code,
            said.out,
            said.err
        );
    }
    Ok(said.out)
}

/// Sends a signal by name, such as `TERM`, `STOP` or `CONT`.
///
/// # Errors
/// When the process is not there.
pub fn send_signal(name: &str, pid: u32) -> Result<()> {
    // `kill` is built into the shell; the program of that name is not installed everywhere.
    let command = format!("kill -{name} {pid}");
    run_ok(Path::new("/bin/sh"), &["-c", &command], "")?;
    Ok(())
}

/// The last lines of a log.
#[must_use]
pub fn log_tail(path: &Path, lines: usize) -> String {
    let text = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text);
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}

fn open_log(path: &Path) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .with_context(|| format!("opening {}", path.display()))
}
