//! MQTT source: QoS 1, persistent session, acknowledged only after what a message caused is on disk.
//!
//! What survives a crash: everything. A message that was not acknowledged is delivered again by the
//! broker, because the session is persistent and the client id stays the same.
//!
//! `poll` belongs to this task alone and is never cancelled while the connection is good. A client
//! that makes no progress for a minute is thrown away and built anew: the library can end in a
//! reconnect loop that never gets better.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use rumqttc::{
    AsyncClient, ConnectionError, Event, EventLoop, Incoming, MqttOptions, Publish, QoS,
    SubscribeFilter, SubscribeReasonCode,
};
use tokio::sync::mpsc::Sender;
use tokio_util::sync::CancellationToken;

use super::{Body, Frame, Message};
use crate::clock::Clock;
use crate::config::MqttConfig;
use crate::health::Health;

/// A client without progress for this long is built anew.
const STALL_MAX: Duration = Duration::from_secs(60);
/// Pause after a failed connection, doubled up to the second value.
const RETRY_MIN: Duration = Duration::from_millis(250);
const RETRY_MAX: Duration = Duration::from_secs(15);
/// Room for every acknowledgement that can be outstanding: one for each packet identifier, so that
/// queueing one never waits and never fails.
const REQUESTS_MAX: usize = 65_536;

/// The client of the present connection; acknowledgements of an older one are void.
#[derive(Debug)]
struct Session {
    client: AsyncClient,
    generation: u64,
}

type SharedSession = Arc<Mutex<Session>>;

fn lock(session: &SharedSession) -> MutexGuard<'_, Session> {
    session
        .lock()
        .expect("no code panics while it holds the session")
}

/// Acknowledges one message to the broker, once.
#[derive(Debug)]
pub struct Ack {
    to: Option<(SharedSession, u64, Publish)>,
}

impl Ack {
    /// For messages that need none (tests, replays).
    #[must_use]
    pub fn none() -> Self {
        Self { to: None }
    }

    /// Acknowledges. A message of a connection that is gone is not acknowledged: the broker delivers
    /// it again, and that is harmless.
    pub fn send(self) {
        if let Some((session, generation, publish)) = self.to {
            let session = lock(&session);
            if session.generation == generation
                && let Err(error) = session.client.try_ack(&publish)
            {
                tracing::warn!(%error, "queueing an acknowledgement; the broker will deliver the message again");
            }
        }
    }
}

/// Runs the source until `stop`.
pub async fn run(
    config: MqttConfig,
    clock: Clock,
    frames: Sender<Frame>,
    health: Arc<Health>,
    stop: CancellationToken,
) {
    let mut source = Source::new(config, clock, frames, health);
    // A message that was read but not handed on when `stop` comes is not acknowledged, so it is not lost.
    tokio::select! {
        () = stop.cancelled() => {}
        () = source.run() => {}
    }
}

struct Source {
    config: MqttConfig,
    name: Arc<str>,
    clock: Clock,
    frames: Sender<Frame>,
    health: Arc<Health>,
    session: SharedSession,
    events: EventLoop,
    progress: Instant,
    retry: Duration,
    link: Option<bool>,
}

impl Source {
    fn new(config: MqttConfig, clock: Clock, frames: Sender<Frame>, health: Arc<Health>) -> Self {
        let (client, events) = AsyncClient::new(options(&config), REQUESTS_MAX);
        Self {
            name: config.name.as_str().into(),
            session: Arc::new(Mutex::new(Session {
                client,
                generation: 0,
            })),
            config,
            clock,
            frames,
            health,
            events,
            progress: Instant::now(),
            retry: RETRY_MIN,
            link: None,
        }
    }

    /// Ends when nobody takes frames any more.
    async fn run(&mut self) {
        loop {
            // Past the limit the client is thrown away anyhow, so cancelling its `poll` loses nothing.
            let event = tokio::time::timeout(STALL_MAX, self.events.poll()).await;
            let goes_on = match event {
                Ok(Ok(event)) => self.handle(event).await,
                Ok(Err(error)) => self.failed(&error).await,
                Err(_) => true,
            };
            if !goes_on {
                return;
            }
            if self.progress.elapsed() > STALL_MAX {
                self.rebuild();
            }
        }
    }

    async fn handle(&mut self, event: Event) -> bool {
        match event {
            Event::Incoming(Incoming::ConnAck(connack)) => {
                self.made_progress();
                tracing::info!(source = %self.name, session_present = connack.session_present, "connected to the broker");
                self.subscribe();
                self.link(Ok(())).await
            }
            Event::Incoming(Incoming::SubAck(suback)) => {
                self.made_progress();
                let refused: Vec<&str> = suback
                    .return_codes
                    .iter()
                    .zip(&self.config.subscribe)
                    .filter(|(code, _)| matches!(code, SubscribeReasonCode::Failure))
                    .map(|(_, filter)| filter.as_str())
                    .collect();
                if refused.is_empty() {
                    return true;
                }
                let why = format!(
                    "the broker refused the subscription to {}: check its access list",
                    refused.join(", ")
                );
                tracing::error!(source = %self.name, "{why}");
                self.link(Err(why)).await
            }
            Event::Incoming(Incoming::Publish(publish)) => {
                self.made_progress();
                self.pass_on(publish).await
            }
            Event::Incoming(Incoming::PingResp) => {
                self.made_progress();
                true
            }
            Event::Incoming(_) | Event::Outgoing(_) => true,
        }
    }

    async fn pass_on(&mut self, publish: Publish) -> bool {
        self.health.mqtt_in.inc();
        let needs_ack = publish.qos != QoS::AtMostOnce;
        let frame = Frame {
            source: self.name.clone(),
            received: self.clock.now(),
            body: Body::Message(Message {
                topic: publish.topic.clone(),
                payload: publish.payload.clone(),
                retained: publish.retain,
                ack: Ack {
                    to: needs_ack.then(|| {
                        (
                            self.session.clone(),
                            lock(&self.session).generation,
                            publish,
                        )
                    }),
                },
            }),
        };
        self.frames.send(frame).await.is_ok()
    }

    fn subscribe(&self) {
        let filters = self
            .config
            .subscribe
            .iter()
            .map(|path| SubscribeFilter::new(path.clone(), QoS::AtLeastOnce));
        if let Err(error) = lock(&self.session).client.try_subscribe_many(filters) {
            tracing::error!(source = %self.name, %error, "subscribing; trying again with the next connection");
        }
    }

    async fn failed(&mut self, error: &ConnectionError) -> bool {
        self.new_generation();
        // The library dropped the acknowledgements that were queued before; this drops those that
        // were queued since, so that none reaches the next connection.
        self.events.clean();
        if self.link != Some(false) {
            tracing::warn!(source = %self.name, %error, "no connection to the broker; trying again until there is one");
        }
        let why = format!(
            "no connection to {}:{}: {error}",
            self.config.host, self.config.port
        );
        let goes_on = self.link(Err(why)).await;
        tokio::time::sleep(self.retry).await;
        self.retry = (self.retry * 2).min(RETRY_MAX);
        goes_on
    }

    /// Tells the pipeline about the link, when it changed.
    async fn link(&mut self, state: Result<(), String>) -> bool {
        if self.link == Some(state.is_ok()) {
            return true;
        }
        self.link = Some(state.is_ok());
        let frame = Frame {
            source: self.name.clone(),
            received: self.clock.now(),
            body: Body::Link(state),
        };
        self.frames.send(frame).await.is_ok()
    }

    fn made_progress(&mut self) {
        self.progress = Instant::now();
        self.retry = RETRY_MIN;
    }

    fn new_generation(&self) {
        lock(&self.session).generation += 1;
    }

    fn rebuild(&mut self) {
        tracing::warn!(source = %self.name, "no progress for {} s: building the client anew", STALL_MAX.as_secs());
        self.health.mqtt_rebuilds.inc();
        let (client, events) = AsyncClient::new(options(&self.config), REQUESTS_MAX);
        let mut session = lock(&self.session);
        session.generation += 1;
        session.client = client;
        drop(session);
        self.events = events;
        self.progress = Instant::now();
    }
}

fn options(config: &MqttConfig) -> MqttOptions {
    let mut options = MqttOptions::new(&config.client_id, &config.host, config.port);
    let packet_bytes = config.max_packet_kib * 1024;
    options
        .set_keep_alive(Duration::from_secs(config.keep_alive_s))
        .set_clean_session(false)
        .set_manual_acks(true)
        .set_max_packet_size(packet_bytes, packet_bytes);
    if !config.username.is_empty() {
        options.set_credentials(&config.username, &config.password);
    }
    options
}
