//! A real PostgreSQL from Debian: one server for the whole run, one database for each test.
//!
//! A guard process holds the server: when the tests end, however they end, the pipe to the guard
//! closes, and it stops the server and removes its files. `initdb` refuses root, so under root the server
//! runs as `nobody`.

use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

/// Ids of `nobody` and `nogroup` on Debian.
const NOBODY: u32 = 65_534;
/// Stopping takes the tests' word for it: the server is gone with its files.
const GUARD: &str = r#"
trap "" INT TERM HUP
cat >/dev/null
"$@" stop -m immediate -w -D "$DATA" >/dev/null 2>&1
rm -rf "$DIRECTORY"
"#;

/// A running server.
pub(crate) struct Server {
    directory: PathBuf,
    bin: PathBuf,
    guard: Child,
    databases: AtomicU32,
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        // The guard ends by itself; nothing can be done when waiting fails.
        drop(self.guard.wait());
    }
}

/// Where Debian keeps the newest server's programs.
fn programs() -> PathBuf {
    let versions = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten();
    let mut found: Vec<(u32, PathBuf)> = versions
        .flatten()
        .filter_map(|entry| {
            let version = entry.file_name().to_str()?.parse().ok()?;
            Some((version, entry.path().join("bin")))
        })
        .filter(|(_, bin)| bin.join("initdb").exists())
        .collect();
    found.sort();
    let (_, bin) = found
        .pop()
        .expect("PostgreSQL is not installed; `apt-get install postgresql` gives it");
    bin
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output().unwrap();
    output.stdout == b"0\n"
}

/// The words that run a program as a user whom the server accepts.
fn as_user(program: &Path) -> Vec<String> {
    let program = program.display().to_string();
    if !is_root() {
        return vec![program];
    }
    let id = NOBODY.to_string();
    [
        "setpriv",
        "--reuid",
        &id,
        "--regid",
        &id,
        "--clear-groups",
        &program,
    ]
    .map(str::to_owned)
    .to_vec()
}

fn run(words: &[String], arguments: &[&str]) {
    let mut command = Command::new(&words[0]);
    command.args(&words[1..]).args(arguments);
    // A server started through pg_ctl would keep a pipe open.
    let status = command
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap();
    assert!(status.success(), "{words:?} {arguments:?}: {status}");
}

impl Server {
    /// Starts a server of its own.
    pub(crate) fn start() -> Self {
        let bin = programs();
        let directory = tempfile::Builder::new()
            .prefix("gridwatch-pg-")
            .tempdir()
            .unwrap()
            .keep();
        if is_root() {
            chown(&directory, Some(NOBODY), Some(NOBODY)).unwrap();
        }
        let data = directory.join("data");
        let guard = Command::new("sh")
            .args(["-c", GUARD, "guard"])
            .args(as_user(&bin.join("pg_ctl")))
            .env("DATA", &data)
            .env("DIRECTORY", &directory)
            .current_dir("/")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let server = Self {
            directory,
            bin,
            guard,
            databases: AtomicU32::new(0),
        };
        let data = data.display().to_string();
        let initdb = as_user(&server.bin.join("initdb"));
        run(
            &initdb,
            &[
                "--no-sync",
                "-A",
                "trust",
                "-U",
                "gridwatch",
                "--locale=C.UTF-8",
                "-E",
                "UTF8",
                "-D",
                &data,
            ],
        );
        server.control("start");
        server
    }

    /// Starts, stops or restarts the server as a crash would: without a word to its clients.
    pub(crate) fn control(&self, action: &str) {
        let data = self.directory.join("data").display().to_string();
        let log = self.directory.join("log").display().to_string();
        // The kernel outlives a killed server, so fsync proves nothing here and costs much.
        let options = format!(
            "-c listen_addresses= -c unix_socket_directories={} -c fsync=off -c max_connections=400",
            self.directory.display()
        );
        let pg_ctl = as_user(&self.bin.join("pg_ctl"));
        let mut arguments = vec![action, "-w", "-D", &data, "-l", &log];
        if action != "start" {
            arguments.extend(["-m", "immediate"]);
        }
        if action != "stop" {
            arguments.extend(["-o", &options]);
        }
        run(&pg_ctl, &arguments);
    }

    /// Makes an empty database; gives its URL.
    pub(crate) fn new_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let host = self.directory.display().to_string();
        let createdb = self.bin.join("createdb").display().to_string();
        let end = Instant::now() + Duration::from_secs(60);
        loop {
            let output = Command::new(&createdb)
                .args([
                    "-h",
                    &host,
                    "-U",
                    "gridwatch",
                    "--maintenance-db=postgres",
                    &name,
                ])
                .output()
                .unwrap();
            if output.status.success() {
                break;
            }
            // Another test may be copying the template at this moment.
            assert!(
                Instant::now() < end,
                "createdb: {}",
                String::from_utf8_lossy(&output.stderr)
            );
            std::thread::sleep(Duration::from_millis(50));
        }
        format!("postgres://gridwatch@localhost/{name}?host={host}")
    }
}

/// The server that all tests of this run share.
pub(crate) fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}
