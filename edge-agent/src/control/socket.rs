//! The socket, the tools on it, and the walk test that they look at.

use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use gridwatch_protocol::{
    ClockQuality, CommissioningId, CommissioningRecord, DeviceId, WIRE_VERSION, WalkTestEnd,
    WalkTestResult,
};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::unix::OwnedWriteHalf;
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use super::walk::{Walk, expected_ids};
use super::{Ask, Control, Event, News, PressState, Request, records};
use crate::clock::quality;
use crate::detection::walk_test::WalkTestScope;
use crate::health::text;
use crate::outbox::OutboxError;

/// Name of the socket in the state folder.
pub const SOCKET: &str = "control.sock";
/// Tools at a time; a further one is turned away.
const TOOLS_MAX: usize = 8;
/// Bytes of requests over one connection: a walk test of a thousand chosen devices fits.
const REQUEST_BYTES_MAX: u64 = 512 * 1024;
/// A name for a person.
const BY_CHARS_MAX: usize = 100;
/// How often the outbox is asked what became of test alerts.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// The pipeline answers within a tick, unless the disk is full.
const ANSWER_MAX: Duration = Duration::from_secs(5);
/// Device ids named in the fault that a running test is.
const NAMED_MAX: usize = 5;

/// A tool's request and where its answer goes.
type Asked = (Request, oneshot::Sender<Event>);

/// What tools see of the walk test.
#[derive(Debug, Clone)]
struct Shown {
    record: CommissioningRecord,
    until: gridwatch_protocol::Timestamp,
    states: Vec<PressState>,
    is_over: bool,
    file: Option<PathBuf>,
}

type Snapshot = Option<Arc<Shown>>;

/// Serves the control channel until `stop`.
///
/// # Errors
/// When the outbox cannot be read: the process must end.
pub async fn run(control: Control, stop: CancellationToken) -> Result<(), OutboxError> {
    let path = control.dir.join(SOCKET);
    let listener = match listen(&path) {
        Ok(listener) => Some(listener),
        Err(error) => {
            let detail = text(
                format!("控制通道不可用（`{}`）：{error}", path.display()),
                format!("no control channel at `{}`: {error}", path.display()),
            );
            let now = control.clock.now().wall;
            control
                .health
                .raise_fault("control_unavailable", "", now, detail);
            None
        }
    };
    let (shown, _) = watch::channel(None);
    let mut office = Office {
        control,
        walk: None,
        shown,
    };
    office.tell_interrupted();
    let outcome = office.work(listener, stop).await;
    // A socket that nobody serves would let a tool wait; that it is gone already is as good.
    std::fs::remove_file(&path).ok();
    outcome
}

/// Only the agent's own user may connect. The name appears when the mode is right.
fn listen(path: &Path) -> std::io::Result<UnixListener> {
    let new = path.with_added_extension("new");
    for old in [&new, &path.to_owned()] {
        match std::fs::remove_file(old) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
    }
    let listener = UnixListener::bind(&new)?;
    std::fs::set_permissions(&new, std::fs::Permissions::from_mode(0o600))?;
    std::fs::rename(&new, path)?;
    Ok(listener)
}

struct Office {
    control: Control,
    walk: Option<Walk>,
    shown: watch::Sender<Snapshot>,
}

impl Office {
    async fn work(
        &mut self,
        listener: Option<UnixListener>,
        stop: CancellationToken,
    ) -> Result<(), OutboxError> {
        // The socket belongs to the user that this process runs as.
        let own = std::fs::metadata(self.control.dir.join(SOCKET)).map_or(0, |file| file.uid());
        let (asks, mut asked) = mpsc::channel::<Asked>(TOOLS_MAX);
        let mut tools = JoinSet::new();
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        loop {
            // Each branch is cancel-safe: nothing is taken by those that lose.
            tokio::select! {
                () = stop.cancelled() => return Ok(()),
                connection = accept(listener.as_ref()) => {
                    let Ok(stream) = connection else { continue };
                    let is_ours = stream
                        .peer_cred()
                        .is_ok_and(|peer| peer.uid() == own || peer.uid() == 0);
                    if is_ours && tools.len() < TOOLS_MAX {
                        tools.spawn(tool(stream, asks.clone(), self.shown.subscribe()));
                    }
                }
                Some(_) = tools.join_next() => {}
                Some((request, reply)) = asked.recv() => {
                    let event = self.answer(request).await;
                    // The tool has gone away: what it asked for is done all the same.
                    reply.send(event).ok();
                }
                Some(news) = self.control.line.news.recv() => self.heard(news),
                _ = tick.tick() => self.look().await?,
            }
        }
    }

    async fn answer(&mut self, request: Request) -> Event {
        match request {
            Request::WalkTestStart {
                by,
                devices,
                minutes,
                expect_all,
            } => {
                let by: String = by.trim().chars().filter(|c| !c.is_control()).collect();
                let scope = WalkTestScope {
                    devices,
                    minutes,
                    by: by.chars().take(BY_CHARS_MAX).collect(),
                };
                match self.start(scope, expect_all).await {
                    Ok(event) => event,
                    Err(detail) => Event::Refused { detail },
                }
            }
            Request::WalkTestStatus => Event::Idle,
            Request::WalkTestEnd if self.walk.is_some() => {
                match self.control.line.asks.try_send(Ask::End) {
                    Ok(()) => Event::Ending,
                    Err(_) => Event::Refused {
                        detail: "the agent is busy; ask again".to_owned(),
                    },
                }
            }
            Request::WalkTestEnd => Event::Idle,
        }
    }

    async fn start(&mut self, scope: WalkTestScope, expect_all: bool) -> Result<Event, String> {
        if let Some(walk) = &self.walk {
            return Err(format!(
                "a walk test by {} is running or being settled; end it first",
                walk.record.by
            ));
        }
        let (reply, answer) = oneshot::channel();
        let ask = Ask::Start(scope.clone(), reply);
        let busy = |_| "the agent is busy; is its disk full? see `edge-agent status`".to_owned();
        self.control.line.asks.try_send(ask).map_err(|_| busy(()))?;
        let expected = tokio::time::timeout(ANSWER_MAX, answer)
            .await
            .map_err(|_| busy(()))?
            .map_err(|_| "the agent is stopping".to_owned())?
            .map_err(|refusal| refusal.to_string())?;
        let now = self.control.clock.now().wall;
        let chosen: Vec<DeviceId> = scope.devices.iter().cloned().collect();
        let record = CommissioningRecord {
            version: WIRE_VERSION,
            id: CommissioningId(Uuid::now_v7()),
            gateway: self.control.gateway.clone(),
            site: self.control.site.clone(),
            by: scope.by.clone(),
            agent_version: env!("CARGO_PKG_VERSION").to_owned(),
            started_at: now,
            ended_at: now,
            clock: self.clock_quality(now),
            ended_because: WalkTestEnd::Restart,
            chosen: chosen.clone(),
            expect_all,
            tested: Vec::new(),
            presses_not_listed: 0,
            missing: Vec::new(),
            missing_not_listed: 0,
            result: WalkTestResult::Incomplete,
        };
        let until = now.plus_ms(i64::from(scope.minutes) * 60_000);
        let started = Event::Started {
            id: record.id,
            until,
            expected: expected_ids(&expected, &chosen, &self.control.profiles),
        };
        tracing::warn!(by = scope.by, %until, devices = chosen.len(), "walk test: the devices under test raise no real alert");
        self.raise_fault(&scope, until);
        self.walk = Some(Walk::new(record, until));
        self.show(false, None);
        Ok(started)
    }

    fn clock_quality(&self, now: gridwatch_protocol::Timestamp) -> ClockQuality {
        let unsure = |fault: &gridwatch_protocol::Fault| fault.code == "clock_unsure";
        if self.control.health.faults().iter().any(unsure) {
            return ClockQuality::Unsure;
        }
        quality(now, None)
    }

    fn raise_fault(&self, scope: &WalkTestScope, until: gridwatch_protocol::Timestamp) {
        let named: Vec<&str> = scope
            .devices
            .iter()
            .take(NAMED_MAX)
            .map(DeviceId::as_str)
            .collect();
        let more = scope.devices.len().saturating_sub(NAMED_MAX);
        let (zh, en) = match (scope.devices.is_empty(), more) {
            (true, _) => ("全部设备".to_owned(), "all devices".to_owned()),
            (false, 0) => (named.join("、"), named.join(", ")),
            (false, more) => (
                format!("{} 等 {} 台", named.join("、"), scope.devices.len()),
                format!("{} and {more} more", named.join(", ")),
            ),
        };
        let by = &scope.by;
        let detail = text(
            format!("巡检测试进行中（{by}，至 {until}）：{zh}的报警只作测试，不报真警"),
            format!("walk test by {by} until {until}: {en} raise test alerts only, no real ones"),
        );
        let now = self.control.clock.now().wall;
        self.control
            .health
            .raise_fault("walk_test", "", now, detail);
    }

    /// Takes in what the detector heard.
    fn heard(&mut self, news: News) {
        let Some(walk) = &mut self.walk else { return };
        let now = Instant::now();
        for press in news.walk_test.presses {
            walk.pressed(press, now);
        }
        walk.record.presses_not_listed += news.walk_test.presses_not_listed;
        if let Some((because, at)) = news.walk_test.ended {
            let profiles = &self.control.profiles;
            walk.end(because, at, &news.expected, profiles, now);
            self.control.health.clear_fault("walk_test", "");
            tracing::info!(?because, "the walk test is over");
        }
    }

    /// Asks what became of test alerts; makes the record when all is settled.
    async fn look(&mut self) -> Result<(), OutboxError> {
        let Some(walk) = &mut self.walk else {
            return Ok(());
        };
        let open = walk.open();
        if !open.is_empty() {
            for (alert, state, at) in self.control.outbox.fate(&open).await? {
                walk.settled(alert, state, at);
            }
        }
        let now = Instant::now();
        walk.mark_late(now);
        if walk.is_done(now) {
            self.finish();
        } else if std::mem::take(&mut walk.is_new) {
            self.show(false, None);
        }
        Ok(())
    }

    fn finish(&mut self) {
        let Some(walk) = &mut self.walk else { return };
        walk.record = walk.judged();
        let file = match records::write_ended(&self.control.dir, &walk.record) {
            Ok(path) => Some(path),
            Err(error) => {
                tracing::error!(%error, "the record of the walk test could not be written");
                None
            }
        };
        self.show(true, file);
        self.walk = None;
        self.control.record_made.notify_one();
    }

    /// Shows tools how far the test has come, and notes it for the case of a restart.
    fn show(&self, is_over: bool, file: Option<PathBuf>) {
        let Some(walk) = &self.walk else { return };
        if !is_over {
            let mut so_far = walk.record.clone();
            so_far.ended_at = self.control.clock.now().wall;
            if let Err(error) = records::write_running(&self.control.dir, &so_far) {
                tracing::warn!(%error, "how far the walk test has come could not be noted");
            }
        }
        self.shown.send_replace(Some(Arc::new(Shown {
            record: walk.record.clone(),
            until: walk.until,
            states: walk.states.clone(),
            is_over,
            file,
        })));
    }

    /// A test that the last stop broke off is over, and says so.
    fn tell_interrupted(&self) {
        match records::keep_interrupted(&self.control.dir) {
            Ok(None) => {}
            Ok(Some(record)) => {
                tracing::warn!(by = record.by, started_at = %record.started_at, "a walk test was broken off by the restart and is over");
                self.control.record_made.notify_one();
            }
            Err(error) => {
                tracing::error!(%error, "the record of a walk test that was broken off cannot be kept");
            }
        }
    }
}

async fn accept(listener: Option<&UnixListener>) -> std::io::Result<UnixStream> {
    match listener {
        None => std::future::pending().await,
        Some(listener) => {
            let accepted = listener.accept().await;
            if accepted.is_err() {
                // Out of file descriptors, most likely: do not spin.
                tokio::time::sleep(LOOK_EVERY).await;
            }
            accepted.map(|(stream, _)| stream)
        }
    }
}

/// One tool: each request is answered before the next is read. Ends when the tool does.
async fn tool(stream: UnixStream, asks: mpsc::Sender<Asked>, mut shown: watch::Receiver<Snapshot>) {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading.take(REQUEST_BYTES_MAX)).lines();
    while let Ok(Some(line)) = lines.next_line().await {
        let outcome = match serde_json::from_str(&line) {
            Err(error) => {
                let detail = format!("a request is one JSON line: {error}");
                say(&mut writing, &Event::Refused { detail }).await
            }
            Ok(Request::WalkTestStatus) => stream_status(&mut writing, &mut shown).await,
            Ok(request) => {
                let (reply, answer) = oneshot::channel();
                if asks.send((request, reply)).await.is_err() {
                    return;
                }
                let Ok(event) = answer.await else { return };
                say(&mut writing, &event).await
            }
        };
        if outcome.is_err() {
            return;
        }
    }
}

async fn say(writing: &mut OwnedWriteHalf, event: &Event) -> std::io::Result<()> {
    let mut line = serde_json::to_vec(event)?;
    line.push(b'\n');
    writing.write_all(&line).await
}

/// Tells every change until the test has ended.
async fn stream_status(
    writing: &mut OwnedWriteHalf,
    shown: &mut watch::Receiver<Snapshot>,
) -> std::io::Result<()> {
    let first = shown.borrow_and_update().clone();
    let Some(first) = first.filter(|shown| !shown.is_over) else {
        return say(writing, &Event::Idle).await;
    };
    let running = Event::Running {
        id: first.record.id,
        by: first.record.by.clone(),
        until: first.until,
    };
    say(writing, &running).await?;
    let mut told: Vec<PressState> = Vec::new();
    loop {
        let Some(now) = shown.borrow_and_update().clone() else {
            return Ok(());
        };
        if now.record.id != first.record.id {
            return say(writing, &Event::Idle).await;
        }
        for (index, (press, state)) in now.record.tested.iter().zip(&now.states).enumerate() {
            if told.get(index) != Some(state) {
                let event = Event::Press {
                    number: index + 1,
                    state: *state,
                    press: Box::new(press.clone()),
                };
                say(writing, &event).await?;
            }
        }
        told.clone_from(&now.states);
        if now.is_over {
            let ended = Event::Ended {
                record: Box::new(now.record.clone()),
                file: now.file.clone(),
            };
            return say(writing, &ended).await;
        }
        if shown.changed().await.is_err() {
            // The agent stops: the end of the connection says so.
            return Err(std::io::ErrorKind::ConnectionReset.into());
        }
    }
}
