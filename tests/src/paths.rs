//! Where the repository, the built programs and free ports are.

use std::collections::BTreeSet;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use anyhow::{Context, Result, bail};

/// Root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    package.parent().unwrap_or(package).to_path_buf()
}

/// A built program of this workspace, such as `hub`, or an example, such as `examples/outbox_writer`.
/// Looked for in the folder `GRIDWATCH_BIN_DIR`, else beside the running program.
///
/// # Errors
/// When it is not there; says how to build it.
pub fn built_program(name: &str) -> Result<PathBuf> {
    let mut folders = Vec::new();
    if let Some(folder) = std::env::var_os("GRIDWATCH_BIN_DIR") {
        folders.push(PathBuf::from(folder));
    } else {
        let own = std::env::current_exe().context("finding the running program")?;
        folders.extend(own.ancestors().skip(1).take(2).map(Path::to_path_buf));
    }
    let found = folders.iter().map(|f| f.join(name)).find(|p| p.is_file());
    let Some(program) = found else {
        bail!(
            "program `{name}` is not built: looked in {folders:?}; `make build` builds it, or set GRIDWATCH_BIN_DIR"
        );
    };
    Ok(program)
}

/// A system program, such as `mosquitto`, also where only root looks.
///
/// # Errors
/// When it is not installed.
pub fn system_program(name: &str) -> Result<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = std::env::split_paths(&path).chain(["/usr/sbin", "/sbin"].map(PathBuf::from));
    for folder in folders {
        let program = folder.join(name);
        if program.is_file() {
            return Ok(program);
        }
    }
    bail!("program `{name}` is not installed; `make setup` installs it")
}

/// A port that was free a moment ago, and that this process has not given out before.
///
/// # Errors
/// When the system has none.
pub fn free_port() -> Result<u16> {
    static GIVEN: Mutex<BTreeSet<u16>> = Mutex::new(BTreeSet::new());
    loop {
        let listener = TcpListener::bind("127.0.0.1:0").context("looking for a free port")?;
        let port = listener.local_addr().context("reading the port")?.port();
        let mut given = GIVEN.lock().expect("no code panics while it holds this");
        if given.insert(port) {
            return Ok(port);
        }
    }
}

/// Whether this process runs as root.
#[must_use]
pub fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    std::fs::metadata("/proc/self").is_ok_and(|own| own.uid() == 0)
}
