//! The hub under test: made with its own commands, as an operator would, then started, killed, restarted.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result};
use toml::{Table, Value};

use crate::eventually;
use crate::officer::{Officer, client};
use crate::paths::{built_program, free_port};
use crate::process::{Process, Start, run_ok};
use crate::workspace::Workspace;

/// A hub and its folder.
#[derive(Debug)]
pub struct Hub {
    process: Option<Process>,
    program: PathBuf,
    folder: PathBuf,
    log: PathBuf,
    port: u16,
    tls: bool,
    ca_pem: String,
}

/// What a gateway needs to reach the hub: the text of the join file.
#[derive(Debug, Clone)]
pub struct Join(String);

impl Join {
    /// The file's text.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.0
    }

    /// The certificate authority in it.
    ///
    /// # Errors
    /// When there is none.
    pub fn ca_pem(&self) -> Result<String> {
        self.field("ca")
    }

    /// One field of the table `[hub]`.
    ///
    /// # Errors
    /// When it is not there.
    pub fn field(&self, name: &str) -> Result<String> {
        let table: Table = self.0.parse().context("reading the join file")?;
        let value = table.get("hub").and_then(|hub| hub.get(name));
        let text = value.and_then(Value::as_str);
        text.map(str::to_owned)
            .with_context(|| format!("the join file has no [hub] {name}:\n{}", self.0))
    }

    /// The same with another value in one field.
    ///
    /// # Errors
    /// When the text is no TOML.
    pub fn with(&self, name: &str, value: &str) -> Result<Self> {
        let mut table: Table = self.0.parse().context("reading the join file")?;
        let hub = table.get_mut("hub").and_then(Value::as_table_mut);
        hub.context("the join file has no table [hub]")?
            .insert(name.to_owned(), Value::String(value.to_owned()));
        Ok(Self(table.to_string()))
    }
}

impl Hub {
    /// Makes a hub in the folder `hub` of the workspace: certificate authority, configuration, and the
    /// areas, sites and categories that are shipped. `changes` are keys of `hub.toml` that differ.
    ///
    /// # Errors
    /// When the program is not built or refuses.
    pub fn make(workspace: &Workspace, changes: Table) -> Result<Self> {
        let program = built_program("hub")?;
        let folder = workspace.join("hub");
        let folder_text = folder.display().to_string();
        run_ok(
            &program,
            &["init", "--dir", &folder_text, "--host", "127.0.0.1"],
            "",
        )?;
        let port = free_port()?;
        let path = folder.join("hub.toml");
        let text = std::fs::read_to_string(&path).context("reading hub.toml")?;
        let mut config: Table = text.parse().context("reading hub.toml")?;
        config.insert("listen".into(), format!("127.0.0.1:{port}").into());
        config.extend(changes);
        let tls = config.get("tls").and_then(Value::as_bool) != Some(false);
        std::fs::write(&path, config.to_string()).context("writing hub.toml")?;
        Ok(Self {
            process: None,
            program,
            folder,
            log: workspace.join("hub.log"),
            port,
            tls,
            ca_pem: String::new(),
        })
    }

    /// Starts it and waits until it serves.
    ///
    /// # Errors
    /// When it does not.
    pub async fn start(&mut self) -> Result<()> {
        if let Some(process) = self.process.as_mut() {
            process.start_again()?;
        } else {
            self.process = Some(Process::start(Start {
                name: "hub".into(),
                program: self.program.clone(),
                arguments: ["run", "--config", &self.config()]
                    .map(str::to_owned)
                    .into(),
                environment: Vec::new(),
                log: self.log.clone(),
            })?);
        }
        self.wait_ready().await
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
        self.process.as_mut().context("the hub was not started")
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Address for browsers and officers.
    #[must_use]
    pub fn address(&self) -> String {
        format!("{}://127.0.0.1:{}", self.scheme(), self.port)
    }

    /// Its certificate authority; empty before the first gateway was added, and without TLS.
    #[must_use]
    pub fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// Adds a gateway that will reach the hub on `port` of loopback: the hub's own, or a relay's.
    ///
    /// # Errors
    /// When the hub refuses.
    pub fn add_gateway(&mut self, id: &str, site: &str, port: u16) -> Result<Join> {
        let url = format!("{}://127.0.0.1:{port}", self.scheme());
        let config = self.config();
        let arguments = [
            "gateway", "add", id, "--site", site, "--config", &config, "--url", &url,
        ];
        let join = Join(run_ok(&self.program, &arguments, "")?);
        if self.tls {
            self.ca_pem = join.ca_pem()?;
        }
        Ok(join)
    }

    /// Adds an officer.
    ///
    /// # Errors
    /// When the hub refuses.
    pub fn add_officer(&self, name: &str, role: &str, display: &str, password: &str) -> Result<()> {
        let config = self.config();
        let arguments = [
            "user",
            "add",
            name,
            "--role",
            role,
            "--display-name",
            display,
            "--password-stdin",
            "--config",
            &config,
        ];
        run_ok(&self.program, &arguments, &format!("{password}\n"))?;
        Ok(())
    }

    /// Signs an officer in.
    ///
    /// # Errors
    /// When the hub refuses.
    pub async fn sign_in(&self, name: &str, password: &str) -> Result<Officer> {
        Officer::sign_in(&self.address(), &self.ca_pem, name, password).await
    }

    fn scheme(&self) -> &'static str {
        if self.tls { "https" } else { "http" }
    }

    fn config(&self) -> String {
        self.folder.join("hub.toml").display().to_string()
    }

    async fn wait_ready(&mut self) -> Result<()> {
        let url = format!("{}/healthz", self.address());
        let client = client(&self.ca_pem)?;
        let waited = eventually("the hub to serve", Duration::from_secs(30), async || {
            let answer = client
                .get(&url)
                .timeout(Duration::from_secs(2))
                .send()
                .await;
            answer
                .is_ok_and(|answer| answer.status().is_success())
                .then_some(())
        });
        let waited = waited.await;
        // When it has ended, that says more than that it did not answer.
        self.process()?.check_running()?;
        waited
    }
}
