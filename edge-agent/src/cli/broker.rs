//! A broker as the tools see it: a clean session under a random client id, so that the agent's own
//! session, and what waits in it, is never touched.
//!
//! It never retries: a tool that runs in front of an installer says at once what is wrong.

use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use anyhow::{Context, bail};
use rumqttc::{
    AsyncClient, ConnectReturnCode, ConnectionError, Event, EventLoop, Incoming, MqttOptions,
    Outgoing, Publish, QoS, SubscribeFilter, SubscribeReasonCode,
};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use uuid::Uuid;

use super::common::read_file;

/// Longest wait for the connection, and for the answer to a subscription.
const ANSWER_MAX: Duration = Duration::from_secs(10);
/// Longest wait for the last acknowledgements of what was published.
const SETTLE_MAX: Duration = Duration::from_secs(30);
/// Larger packets end the connection; Zigbee2MQTT's inventory of 200 devices has about 1 MiB.
const PACKET_BYTES_MAX: usize = 4 * 1024 * 1024;
/// Messages that wait for the tool at most; then the broker waits.
const WAITING_MAX: usize = 1024;

/// Which broker to connect to, and as whom.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct BrokerArguments {
    /// Host name or address of the broker.
    #[arg(long, default_value = "127.0.0.1")]
    pub(super) host: String,
    /// Its port.
    #[arg(long, default_value_t = 1883)]
    pub(super) port: u16,
    #[command(flatten)]
    pub(super) login: Login,
}

/// As whom to connect.
#[derive(Debug, Clone, Default, clap::Args)]
pub(super) struct Login {
    /// User name at the broker.
    #[arg(long)]
    pub(super) username: Option<String>,
    /// File with the password on its first line.
    #[arg(long, value_name = "FILE", requires = "username")]
    pub(super) password_file: Option<PathBuf>,
}

/// `HOST` or `HOST:PORT`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address {
    pub(super) host: String,
    pub(super) port: u16,
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = match text.rsplit_once(':') {
            // An IPv6 address has colons of its own.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => {
                let port = port.parse().map_err(|_| {
                    format!("`{port}` is not a port; write HOST:PORT, such as 127.0.0.1:1883")
                })?;
                (host, port)
            }
            _ => (text, 1883),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        if host.is_empty() {
            return Err("the host is missing; write HOST:PORT, such as 127.0.0.1:1883".to_owned());
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

impl BrokerArguments {
    pub(super) fn at(address: Address, login: Login) -> Self {
        Self {
            host: address.host,
            port: address.port,
            login,
        }
    }

    fn options(&self, role: &str) -> anyhow::Result<MqttOptions> {
        let id = Uuid::new_v4().simple().to_string();
        let id = format!("gridwatch-{role}-{}", id.get(..8).unwrap_or(&id));
        let mut options = MqttOptions::new(id, &self.host, self.port);
        options
            .set_clean_session(true)
            .set_keep_alive(Duration::from_secs(15))
            .set_max_packet_size(PACKET_BYTES_MAX, PACKET_BYTES_MAX);
        if let Some(username) = &self.login.username {
            let password = match &self.login.password_file {
                None => String::new(),
                Some(path) => {
                    let bytes = read_file(path)?;
                    let text = String::from_utf8_lossy(&bytes).into_owned();
                    text.lines().next().unwrap_or_default().to_owned()
                }
            };
            options.set_credentials(username, password);
        }
        Ok(options)
    }

    async fn connect(&self, role: &str) -> anyhow::Result<(AsyncClient, EventLoop)> {
        let (client, mut events) = AsyncClient::new(self.options(role)?, WAITING_MAX);
        let connected = async {
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Incoming::ConnAck(_))) => return Ok(()),
                    Ok(_) => {}
                    Err(error) => return Err(error),
                }
            }
        };
        match tokio::time::timeout(ANSWER_MAX, connected).await {
            Ok(Ok(())) => Ok((client, events)),
            Ok(Err(error)) => bail!("{}", self.why(&error)),
            Err(_) => bail!(
                "{}:{} does not answer within {} s; is it an MQTT broker?",
                self.host,
                self.port,
                ANSWER_MAX.as_secs()
            ),
        }
    }

    fn why(&self, error: &ConnectionError) -> String {
        let (host, port) = (&self.host, self.port);
        match error {
            ConnectionError::Io(why) => {
                format!("no broker at {host}:{port} ({why}); start it, or name another")
            }
            ConnectionError::ConnectionRefused(
                ConnectReturnCode::BadUserNamePassword | ConnectReturnCode::NotAuthorized,
            ) => format!(
                "the broker at {host}:{port} refuses this user; give --username and --password-file"
            ),
            other => format!("the connection to the broker at {host}:{port} failed: {other}"),
        }
    }
}

/// Listens, read-only: QoS 0, so that there is nothing to acknowledge.
pub(super) struct Listener {
    messages: mpsc::Receiver<Result<Publish, String>>,
    // Ends when the listener is dropped.
    task: JoinHandle<()>,
}

impl Drop for Listener {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Listener {
    /// Connects and subscribes; comes back when the broker has agreed.
    pub(super) async fn start(
        broker: &BrokerArguments,
        role: &str,
        filters: &[String],
    ) -> anyhow::Result<Self> {
        let (client, mut events) = broker.connect(role).await?;
        let wanted = filters
            .iter()
            .map(|filter| SubscribeFilter::new(filter.clone(), QoS::AtMostOnce));
        client.subscribe_many(wanted).await.context(
            "subscribing: is every --topic a valid filter (`#` alone and last, `+` alone)?",
        )?;
        let (sender, messages) = mpsc::channel(WAITING_MAX);
        let (agreed, answer) = tokio::sync::oneshot::channel();
        let broker = broker.clone();
        let task = tokio::spawn(async move {
            // Holds the client: without it the connection is closed.
            let _client = client;
            let mut agreed = Some(agreed);
            loop {
                let message = match events.poll().await {
                    Ok(Event::Incoming(Incoming::Publish(publish))) => Ok(publish),
                    Ok(Event::Incoming(Incoming::SubAck(suback))) => {
                        let refused = suback.return_codes.contains(&SubscribeReasonCode::Failure);
                        if let Some(agreed) = agreed.take()
                            && agreed.send(!refused).is_err()
                        {
                            return;
                        }
                        continue;
                    }
                    Ok(_) => continue,
                    Err(error) => Err(broker.why(&error)),
                };
                let is_end = message.is_err();
                if sender.send(message).await.is_err() || is_end {
                    return;
                }
            }
        });
        let mut listener = Self { messages, task };
        match tokio::time::timeout(ANSWER_MAX, answer).await {
            Ok(Ok(true)) => Ok(listener),
            Ok(Ok(false)) => bail!(
                "the broker refuses to let us listen to {}; check its access list",
                filters.join(", ")
            ),
            Ok(Err(_)) => match listener.messages.recv().await {
                Some(Err(why)) => bail!("{why}"),
                _ => bail!("the broker closed the connection"),
            },
            Err(_) => bail!("the broker does not answer the subscription"),
        }
    }

    /// The next message. May be cancelled.
    pub(super) async fn next(&mut self) -> anyhow::Result<Publish> {
        match self.messages.recv().await {
            Some(Ok(message)) => Ok(message),
            Some(Err(why)) => bail!("{why}"),
            None => bail!("the connection to the broker has ended"),
        }
    }
}

/// Publishes with QoS 1 and knows what the broker has taken.
pub(super) struct Publisher {
    client: AsyncClient,
    progress: watch::Receiver<Progress>,
    sent: u64,
}

#[derive(Debug, Clone, Default)]
struct Progress {
    acknowledged: u64,
    failed: Option<String>,
}

impl Publisher {
    pub(super) async fn start(broker: &BrokerArguments, role: &str) -> anyhow::Result<Self> {
        let (client, mut events) = broker.connect(role).await?;
        let (progress, seen) = watch::channel(Progress::default());
        let broker = broker.clone();
        tokio::spawn(async move {
            loop {
                match events.poll().await {
                    Ok(Event::Incoming(Incoming::PubAck(_))) => {
                        progress.send_modify(|p| p.acknowledged += 1);
                    }
                    Ok(Event::Outgoing(Outgoing::Disconnect)) => return,
                    Ok(_) => {}
                    Err(error) => {
                        // The library would send again on a new connection, and lose some.
                        progress.send_modify(|p| p.failed = Some(broker.why(&error)));
                        return;
                    }
                }
            }
        });
        Ok(Self {
            client,
            progress: seen,
            sent: 0,
        })
    }

    /// Publishes; waits only when too much is not acknowledged.
    pub(super) async fn publish(
        &mut self,
        topic: &str,
        retain: bool,
        payload: Vec<u8>,
    ) -> anyhow::Result<()> {
        if let Some(why) = &self.progress.borrow().failed {
            bail!(
                "{why}; {} message(s) were taken",
                self.progress.borrow().acknowledged
            );
        }
        self.client
            .publish(topic, QoS::AtLeastOnce, retain, payload)
            .await
            .with_context(|| {
                format!("publishing on `{topic}`: is it a valid topic, and is the broker there?")
            })?;
        self.sent += 1;
        Ok(())
    }

    /// Waits until the broker has taken everything, and disconnects.
    pub(super) async fn finish(mut self) -> anyhow::Result<u64> {
        let sent = self.sent;
        let done = self
            .progress
            .wait_for(|p| p.failed.is_some() || p.acknowledged >= sent);
        let progress = match tokio::time::timeout(SETTLE_MAX, done).await {
            Ok(Ok(progress)) => progress.clone(),
            Ok(Err(_)) => bail!("the connection to the broker has ended"),
            Err(_) => bail!("the broker does not acknowledge what was published"),
        };
        if let Some(why) = progress.failed {
            bail!(
                "{why}; {} of {sent} message(s) were taken",
                progress.acknowledged
            );
        }
        self.client.disconnect().await.context("disconnecting")?;
        Ok(sent)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_port_or_the_usual_one() {
        let parse = |text: &str| text.parse::<Address>().map(|a| (a.host, a.port));
        assert_eq!(parse("broker"), Ok(("broker".into(), 1883)));
        assert_eq!(parse("127.0.0.1:1884"), Ok(("127.0.0.1".into(), 1884)));
        assert_eq!(parse("[::1]:1884"), Ok(("::1".into(), 1884)));
        assert_eq!(parse("::1"), Ok(("::1".into(), 1883)));
        assert!(parse("broker:mqtt").is_err());
        assert!(parse(":1883").is_err());
    }
}
