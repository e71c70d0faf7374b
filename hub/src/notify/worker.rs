//! The task: follows events, claims, sends, settles.
//!
//! Several hub processes may run it on one store: the cursor is moved by whoever is first, and rows are
//! claimed by lease under the lock of their channel. No lock is held while something is sent. A slow
//! channel does not hold up another: each has its own share of what is under way.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use futures_util::stream::{FuturesUnordered, StreamExt};
use gridwatch_protocol::Timestamp;
use rand::Rng;
use tokio::sync::{mpsc, oneshot, watch};
use tokio_util::sync::CancellationToken;

use super::called::{addresses, desks};
use super::config::{Channel, Notify};
use super::facts::facts;
use super::guard::Guard;
use super::people;
use super::plan;
use super::policy::{Facts, News};
use super::rows::{self, CaseEventRow, Claimed, Settled};
use super::send::http::Http;
use super::send::{Outcome, Sender};
use super::text::Style;
use crate::catalogue::Catalogue;
use crate::directory::{Directories, Directory};
use crate::metrics::{Metrics, add, count};
use crate::store::{Store, StoreError, StoreResult, Writer, cases};

/// Rows that became due, and rows of other hub processes, are looked for this often.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The cursor is moved this often when there is no channel to tell anything to.
const MOVE_EVERY: Duration = Duration::from_secs(60);
/// Messages under way through one channel, of which the last are kept for P1.
const UNDER_WAY_MAX: usize = 32;
/// Of them not about P1: a receiver that hangs must leave room for what cannot wait.
const UNDER_WAY_REST_MAX: usize = 16;
/// Requests of administrators that wait for the task.
const REQUESTS_MAX: usize = 16;

/// Why a dead letter is not sent again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Retried {
    /// It waits to be sent.
    Yes,
    /// It is in this state.
    Not(String),
    /// There is no such row.
    Unknown,
}

type Reply = oneshot::Sender<Retried>;

/// The asking side.
#[derive(Debug)]
pub struct Notifier {
    requests: mpsc::Sender<(String, Reply)>,
    open: Vec<Arc<Open>>,
    testing: tokio::sync::Mutex<()>,
}

/// Why no test was sent.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// No channel has this name.
    #[error("there is no such channel")]
    Unknown,
    /// One test at a time.
    #[error("another test is under way")]
    Busy,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Notifier {
    /// The channels, in the order of the configuration.
    pub fn channels(&self) -> impl Iterator<Item = &Open> {
        self.open.iter().map(AsRef::as_ref)
    }

    /// The channels, to be kept by somebody who sends beside the task.
    pub(super) fn shared(&self) -> &[Arc<Open>] {
        &self.open
    }

    /// Sends a test through a channel, as [`test()`] does, one at a time.
    ///
    /// # Errors
    /// [`TestError`].
    pub async fn test(
        &self,
        channel: &str,
        store: &Store,
    ) -> Result<Vec<(String, Option<Outcome>)>, TestError> {
        let mut channels = self.channels();
        let open = channels.find(|open| open.channel.name == channel);
        let open = open.ok_or(TestError::Unknown)?;
        let _one = self.testing.try_lock().map_err(|_| TestError::Busy)?;
        let mut writer = Writer::connect(store.url()).await?;
        let outcomes = test(&mut writer, open, crate::now()).await;
        writer.close().await?;
        Ok(outcomes?)
    }

    /// Lets a dead letter be tried anew; none when the task is busy or has ended.
    pub async fn retry(&self, id: &str) -> Option<Retried> {
        let (reply, answer) = oneshot::channel();
        self.requests.try_send((id.to_owned(), reply)).ok()?;
        answer.await.ok()
    }
}

/// A channel with its sender.
#[derive(Debug)]
pub struct Open {
    /// The channel.
    pub channel: Channel,
    /// What its messages have in common.
    pub style: Style,
    sender: Sender,
}

impl Open {
    /// Sends a message once and says what became of it.
    pub async fn send(&self, claimed: Claimed) -> Settled {
        let outcome = self
            .sender
            .send(
                &claimed.parcel,
                &self.style,
                crate::now(),
                self.channel.send_timeout(),
            )
            .await;
        Settled {
            claimed,
            outcome,
            at: crate::now(),
        }
    }
}

/// Opens the senders of all channels.
///
/// # Errors
/// Every problem, one sentence each: a secret that cannot be read, authorities that are none.
pub fn open_channels(
    notify: &Notify,
    public_url: &str,
    utc_offset_minutes: i32,
) -> Result<Vec<Open>, Vec<String>> {
    if notify.channels.is_empty() {
        return Ok(Vec::new());
    }
    let guard = Guard::new(&notify.allow_hosts);
    let authorities = if notify.ca_file.as_os_str().is_empty() {
        None
    } else {
        let path = notify.ca_file.display();
        let pem = std::fs::read(&notify.ca_file)
            .map_err(|why| vec![format!("`{path}` cannot be read: {why}")])?;
        Some(pem)
    };
    let authorities = authorities.as_deref();
    let http = Http::new(guard.clone(), authorities).map_err(|problem| vec![problem])?;
    let mut open = Vec::new();
    let mut problems = Vec::new();
    for channel in &notify.channels {
        match Sender::open(channel, &http, &guard, authorities) {
            Ok(sender) => open.push(Open {
                style: Style {
                    language: channel.language,
                    public_url: public_url.to_owned(),
                    utc_offset_minutes,
                },
                channel: channel.clone(),
                sender,
            }),
            Err(problem) => problems.push(format!("channel `{}`: {problem}", channel.name)),
        }
    }
    if problems.is_empty() {
        Ok(open)
    } else {
        Err(problems)
    }
}

/// What the task works with.
#[derive(Debug)]
pub struct Setup {
    /// The reading side of the store.
    pub store: Store,
    /// A writing connection of its own.
    pub writer: Writer,
    /// Channels with their senders.
    pub channels: Vec<Open>,
    /// Tries before a message is given up.
    pub attempts_max: u32,
    /// Areas and sites, for the names of places.
    pub directories: Directories,
    /// Categories, for their names.
    pub catalogue: Arc<Catalogue>,
    /// Minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// Counters.
    pub metrics: Arc<Metrics>,
    /// Wakes when there are new events.
    pub head: watch::Receiver<i64>,
    /// What is under way gets this long to finish when the hub stops.
    pub grace: Duration,
}

/// The doing side, to be run as a task.
#[derive(Debug)]
pub struct NotifyTask {
    setup: Setup,
    plain: Vec<Channel>,
    open: Vec<Arc<Open>>,
    requests: mpsc::Receiver<(String, Reply)>,
    owner: String,
    under_way: BTreeMap<String, usize>,
    /// Events up to this one, after the cursor, make no row.
    idle_through: i64,
}

/// A notifier and its task.
///
/// # Errors
/// When the store does not answer.
pub async fn notifier(mut setup: Setup) -> StoreResult<(Notifier, NotifyTask)> {
    let (sender, requests) = mpsc::channel(REQUESTS_MAX);
    let open: Vec<Arc<Open>> = setup.channels.drain(..).map(Arc::new).collect();
    let plain: Vec<Channel> = open.iter().map(|one| one.channel.clone()).collect();
    let names = plain.iter().map(|channel| channel.name.as_str());
    rows::know_channels(&mut setup.writer, names).await?;
    let task = NotifyTask {
        plain,
        open: open.clone(),
        requests,
        owner: rows::new_id(),
        under_way: BTreeMap::new(),
        idle_through: 0,
        setup,
    };
    let notifier = Notifier {
        requests: sender,
        open,
        testing: tokio::sync::Mutex::default(),
    };
    Ok((notifier, task))
}

type UnderWay = FuturesUnordered<BoxFuture<'static, Settled>>;

impl NotifyTask {
    /// Works until `stop` is cancelled.
    ///
    /// # Errors
    /// When the store can no longer be trusted.
    pub async fn run(mut self, stop: CancellationToken) -> StoreResult<()> {
        let mut under_way = UnderWay::new();
        let every = if self.open.is_empty() {
            MOVE_EVERY
        } else {
            LOOK_EVERY
        };
        let mut look = tokio::time::interval(every);
        look.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut head_gone = false;
        let mut again = false;
        loop {
            // Every branch only waits or takes from a channel: nothing is lost when another is taken.
            tokio::select! {
                () = stop.cancelled() => break,
                Some(settled) = under_way.next() => self.settle(settled, &mut under_way).await?,
                Some((id, reply)) = self.requests.recv() => self.retry(&id, reply).await?,
                changed = self.setup.head.changed(), if !head_gone && !self.open.is_empty() => {
                    head_gone = changed.is_err();
                }
                _ = look.tick() => {}
                // In a storm, what is due goes out between one portion of events and the next.
                () = std::future::ready(()), if again => {}
            }
            again = match self.step(&mut under_way).await {
                Ok(more) => more,
                Err(error) => {
                    self.survive(Err(error), "notifications wait until the store answers")?;
                    false
                }
            };
        }
        self.finish(under_way).await
    }

    /// Plans what happened, and claims what may go; true when more events wait.
    async fn step(&mut self, under_way: &mut UnderWay) -> StoreResult<bool> {
        let more = self.plan().await?;
        for open in self.open.clone() {
            let busy = self.under_way.get(&open.channel.name).copied();
            let busy = busy.unwrap_or(0);
            let room = (
                UNDER_WAY_MAX.saturating_sub(busy),
                UNDER_WAY_REST_MAX.saturating_sub(busy),
            );
            if room.0 == 0 {
                continue;
            }
            let claimed = rows::claim(
                &self.setup.store,
                &mut self.setup.writer,
                &open.channel,
                &self.owner,
                room,
                self.setup.attempts_max.into(),
                crate::now(),
            )
            .await?;
            for one in claimed {
                let open = Arc::clone(&open);
                *self.under_way.entry(one.channel.clone()).or_default() += 1;
                under_way.push(async move { open.send(one).await }.boxed());
            }
        }
        Ok(more)
    }

    /// Makes the rows of the next events; true when there are more.
    async fn plan(&mut self) -> StoreResult<bool> {
        let store = &self.setup.store;
        let cursor = rows::cursor(store).await?;
        let events = rows::events_after(store, cursor.max(self.idle_through)).await?;
        let Some(through) = events.last().map(|event| event.seq) else {
            return Ok(false);
        };
        let mut batch = rows::Batch::default();
        if !self.plain.is_empty() {
            let directory = self.setup.directories.now();
            let news = news(store, &directory, &self.setup.catalogue, &events).await?;
            let mut ids: Vec<i64> = news.iter().map(|one| one.case.id).collect();
            ids.sort_unstable();
            ids.dedup();
            let known = rows::known(store, &ids).await?;
            let offset = self.setup.utc_offset_minutes;
            let now = crate::now();
            let desks = desks(store, &directory, &events).await?;
            let addresses = addresses(store, &self.plain, &news, &desks).await?;
            let (channels, ids) = (&self.plain, rows::new_id);
            batch = plan::batch(channels, &news, known.clone(), now, offset, ids);
            let called = (&addresses, &known);
            people::of_cases(&mut batch, channels, &news, called, now, offset, ids);
            people::of_desks(&mut batch, channels, &desks, &addresses, now, offset, ids);
        }
        let more = i64::try_from(events.len()).unwrap_or(i64::MAX) >= rows::EVENTS_MAX;
        let made = batch.rows.len();
        if made == 0 && !more && !self.plain.is_empty() {
            // Looking at them again after a crash comes to nothing again: no commit for it.
            self.idle_through = through;
            return Ok(false);
        }
        let span = (cursor, through);
        let writer = &mut self.setup.writer;
        if rows::commit(writer, span, &batch, crate::now()).await? {
            add(&self.setup.metrics.notifications, made);
        }
        Ok(more)
    }

    /// Settles one message and all others that are done by now, in one transaction.
    async fn settle(&mut self, first: Settled, under_way: &mut UnderWay) -> StoreResult<()> {
        let mut settled = vec![first];
        while let Some(Some(one)) = under_way.next().now_or_never() {
            settled.push(one);
        }
        for one in &settled {
            if let Some(busy) = self.under_way.get_mut(&one.claimed.channel) {
                *busy = busy.saturating_sub(1);
            }
            self.tell(one);
        }
        let jitter = rand::rng().random_range(0.0..=1.0);
        let done = rows::settle(
            &mut self.setup.writer,
            &self.owner,
            &settled,
            self.setup.attempts_max.into(),
            jitter,
        )
        .await;
        self.survive(done, "messages without a receipt go out again")
    }

    fn tell(&self, settled: &Settled) {
        let metrics = &self.setup.metrics;
        let channel = settled.claimed.channel.as_str();
        let message = settled.claimed.parcel.id.as_str();
        match &settled.outcome {
            Outcome::Delivered { .. } => count(&metrics.notifications_delivered),
            Outcome::Limited { answer, .. } => {
                count(&metrics.notifications_limited);
                tracing::warn!(
                    channel,
                    message,
                    answer,
                    "the provider says that there were too many"
                );
            }
            Outcome::Failed { error, answer, .. } => {
                count(&metrics.notifications_failed);
                tracing::warn!(
                    channel,
                    message,
                    error,
                    answer,
                    "a notification did not go through"
                );
            }
            Outcome::Refused { error, answer } => {
                count(&metrics.notifications_failed);
                tracing::error!(
                    channel,
                    message,
                    error,
                    answer,
                    "a notification was given up"
                );
            }
        }
    }

    async fn retry(&mut self, id: &str, reply: Reply) -> StoreResult<()> {
        let found = rows::retry(&mut self.setup.writer, id, crate::now()).await;
        match found {
            Ok(state) => {
                let answer = match state {
                    None => Retried::Unknown,
                    Some(state) if state == "dead" => Retried::Yes,
                    Some(state) => Retried::Not(state),
                };
                // Whoever asked may have gone away; the row says it all the same.
                drop(reply.send(answer));
                Ok(())
            }
            Err(error) => self.survive(Err(error), "a dead letter stays where it is"),
        }
    }

    /// Whatever is not the end of the store is tried again with the next look.
    fn survive(&mut self, done: StoreResult<()>, so: &'static str) -> StoreResult<()> {
        match done {
            Err(error) if error.is_fatal() => Err(error),
            Err(error) => {
                if error.is_broken() {
                    self.setup.writer.disconnect();
                }
                tracing::warn!(error = crate::chain(&error), so, "the store did not answer");
                Ok(())
            }
            Ok(()) => Ok(()),
        }
    }

    /// What does not end in time is claimed again when its lease has run out.
    async fn finish(mut self, mut under_way: UnderWay) -> Result<(), StoreError> {
        let end = tokio::time::Instant::now() + self.setup.grace;
        while let Ok(Some(settled)) = tokio::time::timeout_at(end, under_way.next()).await {
            self.settle(settled, &mut under_way).await?;
        }
        Ok(())
    }
}

/// The events as news, with the cases as they are now.
async fn news(
    store: &Store,
    directory: &Directory,
    catalogue: &Catalogue,
    events: &[CaseEventRow],
) -> StoreResult<Vec<News>> {
    let mut cases: BTreeMap<i64, Option<Facts>> = BTreeMap::new();
    let mut news = Vec::new();
    let mut connection = store.connection().await?;
    for event in events {
        let Some(id) = event.case else { continue };
        if let Entry::Vacant(slot) = cases.entry(id) {
            let case = cases::load_case(&mut connection, id).await?;
            // What a silence hides is told when the silence ends, by the event of that.
            let shown = case.filter(|case| !case.is_silenced());
            slot.insert(shown.map(|case| facts(&case, directory, catalogue)));
        }
        let Some(Some(case)) = cases.get(&id) else {
            continue;
        };
        news.push(News {
            seq: event.seq,
            at: event.at,
            change: event.change.clone(),
            earlier: Vec::new(),
            first: false,
            case: case.clone(),
            said: None,
            head: None,
        });
    }
    Ok(news)
}

/// Sends a test message to every recipient of a channel and gives what became of each; the receipts
/// stay as rows. None in the place of an outcome: the quota has no room for it now.
///
/// # Errors
/// When the store does not answer.
pub async fn test(
    writer: &mut Writer,
    open: &Open,
    now: Timestamp,
) -> StoreResult<Vec<(String, Option<Outcome>)>> {
    let owner = rows::new_id();
    rows::know_channels(writer, [open.channel.name.as_str()].into_iter()).await?;
    let mut outcomes = Vec::new();
    for recipient in open.channel.recipients() {
        let news = super::text::test_news(now);
        let claimed = rows::claim_test(
            writer,
            &open.channel,
            &recipient,
            news,
            &owner,
            crate::now(),
        )
        .await?;
        let Some(claimed) = claimed else {
            outcomes.push((recipient, None));
            continue;
        };
        let settled = open.send(claimed).await;
        // A test is tried once. One that the provider's limit held back is sent later by the hub.
        rows::settle(writer, &owner, std::slice::from_ref(&settled), 1, 0.0).await?;
        outcomes.push((recipient, Some(settled.outcome)));
    }
    Ok(outcomes)
}
