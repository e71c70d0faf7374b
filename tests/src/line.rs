//! The whole line for a test: broker, hub, agent, and an officer who is signed in.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Result, bail};

use crate::agent::Agent;
use crate::broker::Broker;
use crate::building::{Building, GATEWAY, SITE};
use crate::eventually;
use crate::fault_proxy::FaultProxy;
use crate::hub::{Hub, Join};
use crate::officer::{CaseSummary, Officer};
use crate::workspace::Workspace;
use crate::zigbee::ZigbeeSim;

/// Long enough for a busy machine; a test that waits this long fails.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// What a test wants of its line.
#[derive(Debug, Default)]
pub struct LineOptions {
    /// The building.
    pub building: Building,
    /// Put a relay between agent and hub.
    pub relay: bool,
    /// Keys of `hub.toml` that differ.
    pub hub: toml::Table,
    /// Another place for the agent's state, such as a small disk.
    pub agent_state: Option<PathBuf>,
}

/// Everything from the sensor's broker to the officer.
#[derive(Debug)]
pub struct Line {
    /// The broker.
    pub broker: Broker,
    /// The hub.
    pub hub: Hub,
    /// The agent.
    pub agent: Agent,
    /// A duty officer.
    pub officer: Officer,
    /// The relay between agent and hub, when there is one.
    pub relay: Option<FaultProxy>,
    /// What the hub gave the agent to join.
    pub join: Join,
    // Last: its folder goes when everything in it has stopped.
    workspace: Workspace,
}

impl Line {
    /// Starts everything, and waits until a message of a sensor reaches the agent.
    ///
    /// # Errors
    /// When a part does not start.
    pub async fn start(name: &str, options: LineOptions) -> Result<Self> {
        let workspace = Workspace::new(name)?;
        Self::start_in(workspace, options).await
    }

    async fn start_in(workspace: Workspace, options: LineOptions) -> Result<Self> {
        let broker = Broker::start(&workspace).await?;
        let mut hub = Hub::make(&workspace, options.hub)?;
        let relay = if options.relay {
            Some(FaultProxy::start(hub.port()).await?)
        } else {
            None
        };
        let port = relay.as_ref().map_or(hub.port(), FaultProxy::port);
        let join = hub.add_gateway(GATEWAY, SITE, port)?;
        let password = random_password();
        hub.add_officer("duty", "duty_officer", "值班员 Duty", &password)?;
        hub.start().await?;
        let officer = hub.sign_in("duty", &password).await?;
        let building = match options.agent_state {
            Some(state) => options.building.state(&state),
            None => options.building,
        };
        let mut agent = Agent::make(&workspace, &building, &join, broker.port())?;
        agent.start().await?;
        agent.wait_subscribed(broker.port()).await?;
        Ok(Self {
            broker,
            hub,
            agent,
            officer,
            relay,
            join,
            workspace,
        })
    }

    /// A Zigbee bridge on the line's broker.
    ///
    /// # Errors
    /// When the broker is not there.
    pub async fn zigbee(&self) -> Result<ZigbeeSim> {
        ZigbeeSim::connect(self.broker.port()).await
    }

    /// Where the broker keeps its sessions and retained messages.
    #[must_use]
    pub fn broker_state(&self) -> PathBuf {
        self.workspace.join("mosquitto/mosquitto.db")
    }

    /// Waits until `count` cases exist, and gives them back.
    ///
    /// # Errors
    /// When there are not as many in time.
    pub async fn wait_cases(&self, count: usize) -> Result<Vec<CaseSummary>> {
        let what = format!("{count} cases at the hub");
        eventually(&what, PATIENCE, async || {
            let cases = self.officer.cases("all").await.ok()?;
            (cases.len() >= count).then_some(cases)
        })
        .await
    }

    /// Waits until the hub has all that the agent has: nothing waits in the outbox, and the hub misses
    /// no sequence number.
    ///
    /// # Errors
    /// When something is still waiting or missing.
    pub async fn wait_drained(&self) -> Result<()> {
        eventually("the outbox to be empty", PATIENCE, async || {
            let waiting = self
                .agent
                .metrics()
                .await
                .ok()?
                .get("backlog_alerts")
                .ok()?;
            (waiting == 0.0).then_some(())
        })
        .await
    }

    /// Checks that each of these devices is in exactly one case, and that there is no other case.
    ///
    /// # Errors
    /// When one was lost or has a second case; says which.
    pub async fn check_one_case_each(&self, devices: &[String]) -> Result<()> {
        let counts = self.officer.cases_by_device().await?;
        let missing: Vec<_> = devices
            .iter()
            .filter(|d| !counts.contains_key(*d))
            .collect();
        let double: Vec<_> = counts.iter().filter(|(_, count)| **count > 1).collect();
        let strange: Vec<_> = counts.keys().filter(|d| !devices.contains(d)).collect();
        if missing.is_empty() && double.is_empty() && strange.is_empty() {
            return Ok(());
        }
        bail!(
            "of {} alarms {} were lost {missing:?}, {} have a second case {double:?}, and {} nobody raised {strange:?}",
            devices.len(),
            missing.len(),
            double.len(),
            strange.len()
        );
    }

    /// The test has passed: nothing panicked, and the folder may go.
    ///
    /// # Errors
    /// When a program panicked.
    pub fn passed(self) -> Result<()> {
        self.workspace.passed()
    }
}

/// A password that nobody knows beforehand.
#[must_use]
pub fn random_password() -> String {
    let symbols = b"abcdefghjkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";
    (0..16)
        .map(|_| char::from(symbols[rand::random_range(0..symbols.len())]))
        .collect()
}
