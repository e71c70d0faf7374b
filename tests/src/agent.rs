//! The edge agent under test: its configuration file, its process, and what it tells of itself.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use serde_json::Value;

use crate::building::Building;
use crate::eventually;
use crate::hub::Join;
use crate::metrics::Metrics;
use crate::mqtt::Publisher;
use crate::paths::{built_program, free_port};
use crate::process::{Process, Said, Start, run};
use crate::workspace::Workspace;

/// An agent and its folder.
#[derive(Debug)]
pub struct Agent {
    process: Option<Process>,
    program: PathBuf,
    folder: PathBuf,
    log: PathBuf,
    health_port: u16,
    environment: Vec<(String, String)>,
}

impl Agent {
    /// Writes the configuration of a building into the folder `agent` of the workspace.
    ///
    /// # Errors
    /// When the program is not built.
    pub fn make(
        workspace: &Workspace,
        building: &Building,
        join: &Join,
        broker_port: u16,
    ) -> Result<Self> {
        let agent = Self {
            process: None,
            program: built_program("edge-agent")?,
            folder: workspace.join("agent"),
            log: workspace.join("agent.log"),
            health_port: free_port()?,
            environment: vec![("GRIDWATCH_LOG".into(), "info".into())],
        };
        std::fs::create_dir_all(&agent.folder).context("making the agent's folder")?;
        agent.set_join(join)?;
        agent.set_building(building, broker_port)?;
        Ok(agent)
    }

    /// Writes another join file; takes effect with the next start.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_join(&self, join: &Join) -> Result<()> {
        std::fs::write(self.folder.join("join.toml"), join.text()).context("writing join.toml")
    }

    /// Writes the configuration of another building; takes effect with the next start.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn set_building(&self, building: &Building, broker_port: u16) -> Result<()> {
        let text = building.to_toml(&self.state(), "join.toml", self.health_port, broker_port);
        std::fs::write(self.folder.join("edge.toml"), text).context("writing edge.toml")
    }

    /// The agent's state folder.
    #[must_use]
    pub fn state(&self) -> PathBuf {
        self.folder.join("state")
    }

    /// Starts it and waits until it is healthy; says nothing about its brokers.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn start(&mut self) -> Result<()> {
        if let Some(process) = self.process.as_mut() {
            process.start_again()?;
        } else {
            self.process = Some(Process::start(Start {
                name: "agent".into(),
                program: self.program.clone(),
                arguments: ["run", "--config", &self.config()]
                    .map(str::to_owned)
                    .into(),
                environment: self.environment.clone(),
                log: self.log.clone(),
            })?);
        }
        let waited = eventually("the agent to serve", Duration::from_secs(30), async || {
            self.page("/healthz").await.ok()
        });
        let waited = waited.await;
        self.process()?.check_running()?;
        waited.map(drop)
    }

    /// Waits until a message published now reaches the agent: its session at the broker exists.
    ///
    /// # Errors
    /// When none does.
    pub async fn wait_subscribed(&self, broker_port: u16) -> Result<()> {
        let mut probe = Publisher::connect(broker_port, "probe").await?;
        let before = self.metrics().await?.get("mqtt_in")?;
        eventually(
            "the agent to subscribe",
            Duration::from_secs(30),
            async || {
                // On the bridge's own topic, which no profile reads as a device.
                let payload = br#"{"state":"online"}"#;
                probe
                    .publish("zigbee2mqtt/bridge/state", payload, false)
                    .await
                    .ok()?;
                let now = self.metrics().await.ok()?.get("mqtt_in").ok()?;
                (now > before).then_some(())
            },
        )
        .await
    }

    /// Kills it without warning.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn kill(&mut self) -> Result<()> {
        self.process.as_mut().map_or(Ok(()), Process::kill)
    }

    /// The running program.
    ///
    /// # Errors
    /// When it was never started.
    pub fn process(&mut self) -> Result<&mut Process> {
        self.process.as_mut().context("the agent was not started")
    }

    /// What it counts.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn metrics(&self) -> Result<Metrics> {
        Ok(Metrics::parse(&self.page("/metrics").await?))
    }

    /// What it says of itself.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn status(&self) -> Result<Value> {
        serde_json::from_str(&self.page("/status").await?).context("reading the agent's status")
    }

    /// Codes of what is wrong at present.
    ///
    /// # Errors
    /// When it does not answer.
    pub async fn faults(&self) -> Result<Vec<String>> {
        let status = self.status().await?;
        let faults = status["faults"]
            .as_array()
            .context("no faults in the status")?;
        let codes = faults.iter().filter_map(|fault| fault["code"].as_str());
        Ok(codes.map(str::to_owned).collect())
    }

    /// Runs one of its commands with the configuration, such as `["outbox", "list", "--json"]`.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn command(&self, arguments: &[&str]) -> Result<Said> {
        let config = self.config();
        let mut all = arguments.to_vec();
        all.extend(["--config", &config]);
        run(&self.program, &all, "")
    }

    /// Where its configuration is.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    fn config(&self) -> String {
        self.folder.join("edge.toml").display().to_string()
    }

    async fn page(&self, path: &str) -> Result<String> {
        let client = reqwest::Client::builder();
        // Plain HTTP on loopback; the builder asks for a provider of TLS all the same.
        drop(rustls::crypto::ring::default_provider().install_default());
        let client = client.no_proxy().timeout(Duration::from_secs(5)).build()?;
        let url = format!("http://127.0.0.1:{}{path}", self.health_port);
        let answer = client.get(url).send().await?.error_for_status()?;
        Ok(answer.text().await?)
    }
}
