//! A real Mosquitto with the configuration that is shipped for gateways, on a free port.

use std::fmt::Write as _;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::net::TcpStream;

use crate::eventually;
use crate::paths::{free_port, is_root, repository, system_program};
use crate::process::{Process, Start};
use crate::workspace::Workspace;

/// A running broker.
#[derive(Debug)]
pub struct Broker {
    process: Process,
    port: u16,
}

impl Broker {
    /// Starts one; its state is in the folder `mosquitto` of the workspace.
    ///
    /// # Errors
    /// When Mosquitto is not installed or does not start.
    pub async fn start(workspace: &Workspace) -> Result<Self> {
        let port = free_port()?;
        let folder = workspace.join("mosquitto");
        std::fs::create_dir_all(&folder).context("making the broker's folder")?;
        let shipped = repository().join("configs/mosquitto.conf");
        let shipped = std::fs::read_to_string(&shipped)
            .with_context(|| format!("reading {}", shipped.display()))?;
        let config = folder.join("mosquitto.conf");
        std::fs::write(&config, derive(&shipped, port, &folder)).context("writing its config")?;
        let process = Process::start(Start {
            name: "mosquitto".into(),
            program: system_program("mosquitto")?,
            arguments: vec!["-c".into(), config.display().to_string()],
            environment: Vec::new(),
            log: workspace.join("mosquitto.log"),
        })?;
        let mut broker = Self { process, port };
        broker.wait_ready().await?;
        Ok(broker)
    }

    /// Its port on loopback.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops it as the system does at shutdown: sessions and waiting messages are saved.
    ///
    /// # Errors
    /// When it does not stop.
    pub fn stop(&mut self) -> Result<()> {
        self.process.terminate(Duration::from_secs(10))?;
        Ok(())
    }

    /// Kills it: what it had not saved is gone.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process.kill()
    }

    /// Starts it again on the same port.
    ///
    /// # Errors
    /// When it does not start.
    pub async fn start_again(&mut self) -> Result<()> {
        self.process.start_again()?;
        self.wait_ready().await
    }

    async fn wait_ready(&mut self) -> Result<()> {
        let port = self.port;
        eventually("Mosquitto to listen", Duration::from_secs(10), async || {
            TcpStream::connect(("127.0.0.1", port)).await.ok()
        })
        .await?;
        self.process.check_running()
    }
}

/// The shipped configuration with port and folders changed, and nothing else.
fn derive(shipped: &str, port: u16, folder: &std::path::Path) -> String {
    let mut own = String::new();
    for line in shipped.lines() {
        let changed = if line.starts_with("listener ") {
            format!("listener {port} 127.0.0.1")
        } else if line.starts_with("persistence_location ") {
            format!("persistence_location {}/", folder.display())
        } else if line.starts_with("sys_interval ") {
            "sys_interval 1".to_owned()
        } else {
            line.to_owned()
        };
        own.push_str(&changed);
        own.push('\n');
    }
    if is_root() {
        // As root it would change to the user `mosquitto`, who cannot write to this folder.
        own.push_str("user root\n");
    }
    write!(own, "pid_file {}", pid_file(folder).display()).expect("a String takes all");
    own.push('\n');
    own
}

fn pid_file(folder: &std::path::Path) -> PathBuf {
    folder.join("mosquitto.pid")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn limits_of_the_shipped_configuration_are_kept() {
        let shipped = std::fs::read_to_string(repository().join("configs/mosquitto.conf"))
            .expect("the shipped configuration");
        let own = derive(&shipped, 4711, std::path::Path::new("/tmp/x"));
        assert!(own.contains("listener 4711 127.0.0.1\n"));
        assert!(own.contains("persistence_location /tmp/x/\n"));
        for line in shipped.lines().filter(|line| line.starts_with("max_")) {
            assert!(own.contains(line), "{line}");
        }
    }
}
