//! A real PostgreSQL from Debian: one server for the whole run, one database for each test, which goes
//! when the test ends: kept to the end of the run, they would take gigabytes.
//!
//! A guard process holds the server: when the tests end, however they end, the pipe to the guard
//! closes, and it stops the server and removes its files. `initdb` refuses root, so under root the server
//! runs as `nobody`.

use std::cell::RefCell;
use std::os::unix::fs::{PermissionsExt, chown};
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
    listens: Listens,
}

/// Where a server listens.
#[derive(Clone, Copy)]
enum Listens {
    /// On a socket in its directory.
    Socket,
    /// There, and on two addresses of this machine over TLS at this port.
    Tls(u16),
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
        let server = Self::prepare(Listens::Socket);
        server.control("start");
        server
    }

    /// Starts a server that takes connections from the network over TLS only, with this certificate and key.
    pub(crate) fn start_with_tls(certificate: &Path, key: &Path) -> Self {
        // Nothing holds the port until the server does; one that is taken meanwhile fails the test loudly.
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let server = Self::prepare(Listens::Tls(free.local_addr().unwrap().port()));
        drop(free);
        for (from, name) in [(certificate, "server.crt"), (key, "server.key")] {
            let to = server.directory.join(name);
            std::fs::write(&to, std::fs::read(from).unwrap()).unwrap();
            std::fs::set_permissions(&to, std::fs::Permissions::from_mode(0o600)).unwrap();
            if is_root() {
                chown(&to, Some(NOBODY), Some(NOBODY)).unwrap();
            }
        }
        let rules = "local all all trust\nhostssl all all 127.0.0.0/8 trust\n";
        std::fs::write(server.directory.join("data/pg_hba.conf"), rules).unwrap();
        server.control("start");
        server
    }

    fn prepare(listens: Listens) -> Self {
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
            listens,
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
        server
    }

    /// Starts, stops or restarts the server as a crash would: without a word to its clients.
    pub(crate) fn control(&self, action: &str) {
        let data = self.directory.join("data").display().to_string();
        let log = self.directory.join("log").display().to_string();
        // The kernel outlives a killed server, so fsync and whole pages in the log prove nothing here and
        // cost much. A log for replicas is not needed, and what is kept of it for a restart stays small.
        let at = self.directory.display();
        let listens = match self.listens {
            Listens::Socket => "-c listen_addresses=".to_owned(),
            Listens::Tls(port) => format!(
                "-c listen_addresses=127.0.0.1,127.0.0.2 -c port={port} -c ssl=on -c ssl_cert_file={at}/server.crt -c ssl_key_file={at}/server.key"
            ),
        };
        let options = format!(
            "{listens} -c unix_socket_directories={at} -c fsync=off -c full_page_writes=off -c wal_level=minimal \
             -c max_wal_senders=0 -c min_wal_size=32MB -c max_wal_size=128MB -c max_connections=400"
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

    /// Runs one of the server's client programs on the server; gives what it says when it fails.
    fn client(&self, program: &str, arguments: &[&str]) -> Result<(), String> {
        let port = match self.listens {
            Listens::Socket => 5432,
            Listens::Tls(port) => port,
        };
        let output = Command::new(self.bin.join(program))
            .env("PGHOST", &self.directory)
            .env("PGPORT", port.to_string())
            .env("PGUSER", "gridwatch")
            .arg("--maintenance-db=postgres")
            .args(arguments)
            .output()
            .unwrap();
        if output.status.success() {
            return Ok(());
        }
        Err(String::from_utf8_lossy(&output.stderr).into_owned())
    }

    /// Makes an empty database; gives its name.
    fn create(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let end = Instant::now() + Duration::from_secs(60);
        while let Err(problem) = self.client("createdb", &[&name]) {
            // Another test may be copying the template at this moment; nothing else gets better by waiting.
            let again =
                problem.contains("is being accessed by other users") && Instant::now() < end;
            assert!(again, "{problem}");
            std::thread::sleep(Duration::from_millis(50));
        }
        name
    }

    /// A database's URL, over TLS where the server has it.
    fn url(&self, name: &str) -> String {
        let host = self.directory.display();
        match self.listens {
            Listens::Socket => format!("postgres://gridwatch@localhost/{name}?host={host}"),
            Listens::Tls(port) => format!("postgres://gridwatch@localhost:{port}/{name}"),
        }
    }

    /// Makes an empty database; gives its URL.
    pub(crate) fn new_database(&self) -> String {
        self.url(&self.create())
    }
}

/// The server that all tests of this run share.
fn shared() -> &'static Server {
    static SERVER: OnceLock<Server> = OnceLock::new();
    SERVER.get_or_init(Server::start)
}

/// Makes an empty database on the server that all tests share, for the test on this thread; gives its URL.
pub(crate) fn new_database() -> String {
    let name = shared().create();
    let url = shared().url(&name);
    OF_THIS_TEST.with_borrow_mut(|databases| databases.0.push(name));
    url
}

thread_local! {
    /// Each test has a thread of its own, which ends with it.
    static OF_THIS_TEST: RefCell<Databases> = const { RefCell::new(Databases(Vec::new())) };
}

/// Names of databases of the shared server.
struct Databases(Vec<String>);

impl Drop for Databases {
    fn drop(&mut self) {
        for name in &self.0 {
            // One that stays takes room until the server goes, no more.
            drop(shared().client("dropdb", &["--force", name]));
        }
    }
}
