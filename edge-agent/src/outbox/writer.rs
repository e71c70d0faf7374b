//! The one task that writes the outbox: takes all waiting commands and commits them together, because
//! a commit that reaches the disk costs milliseconds.

use std::fs::File;
use std::sync::Arc;
use std::time::Duration;

use gridwatch_protocol::{Alert, DetectedBy, Receipt, ReceiptStatus, Timestamp};
use sqlx::{Connection, Row, SqliteConnection};
use tokio::sync::{mpsc, oneshot};

use super::reserve::Reserve;
use super::{COMMANDS_MAX, Entry, OutboxError};
use crate::config::OutboxConfig;
use crate::detection::{EpisodeChange, EpisodeKey, MODEL_PREFIX};
use crate::health::{Health, text};

/// Rows of telemetry given up at once, so that a full budget does not cost a delete for every row.
const EVICT_ROWS: u32 = 2_000;
/// How often the reserve is tried to be taken again while nothing is written.
const RESERVE_EVERY: Duration = Duration::from_secs(5);
/// Commits between two looks at the size of the telemetry.
const SIZE_EVERY: u32 = 32;

type Reply<T> = oneshot::Sender<Result<T, OutboxError>>;

#[derive(Debug)]
pub(super) enum Command {
    Append(Entry, Reply<Vec<Alert>>),
    Settle {
        receipt: Receipt,
        readings: Vec<i64>,
        gaps: Vec<u64>,
        now: Timestamp,
        reply: Reply<()>,
    },
    SendAgain(Vec<(u64, u64)>, Reply<u64>),
    CleanUp {
        now: Timestamp,
        reply: Reply<()>,
    },
}

/// What a command has to tell once its transaction is committed.
enum Outcome {
    Stored(Vec<Alert>),
    Done,
    Count(u64),
}

/// The writing task.
#[derive(Debug)]
pub struct Writer {
    connection: SqliteConnection,
    commands: mpsc::Receiver<Command>,
    config: OutboxConfig,
    boot_epoch: u64,
    reserve: Reserve,
    health: Arc<Health>,
    commits: u32,
    /// Held for as long as the writer lives.
    _lock: File,
}

impl Writer {
    pub(super) fn new(
        connection: SqliteConnection,
        commands: mpsc::Receiver<Command>,
        config: OutboxConfig,
        boot_epoch: u64,
        reserve: Reserve,
        health: Arc<Health>,
        lock: File,
    ) -> Self {
        Self {
            connection,
            commands,
            config,
            boot_epoch,
            reserve,
            health,
            commits: 0,
            _lock: lock,
        }
    }

    /// Writes until every handle is gone, then closes the file.
    ///
    /// # Errors
    /// After the first failure that is not a full disk: the process must end.
    pub async fn run(mut self) -> Result<(), OutboxError> {
        let mut commands = Vec::new();
        loop {
            // `recv_many` is cancel-safe: nothing is taken when the time is over first.
            let received = self.commands.recv_many(&mut commands, COMMANDS_MAX);
            match tokio::time::timeout(RESERVE_EVERY, received).await {
                Ok(0) => break,
                Ok(_) => {}
                Err(_) => {
                    self.hold_reserve();
                    continue;
                }
            }
            let outcome = self.commit(&commands).await;
            let fatal = outcome.as_ref().err().filter(|e| e.is_fatal()).cloned();
            match outcome {
                Ok(outcomes) => {
                    for (command, outcome) in commands.drain(..).zip(outcomes) {
                        command.answer(Ok(outcome));
                    }
                }
                Err(error) => {
                    self.health.outbox_failed.inc();
                    for command in commands.drain(..) {
                        command.answer(Err(error.clone()));
                    }
                }
            }
            if let Some(error) = fatal {
                return Err(error);
            }
            self.after_commit().await;
        }
        self.connection
            .close()
            .await
            .map_err(|error| OutboxError::database("closing the outbox", error))
    }

    /// Commits the commands; a full disk is met by giving up telemetry, then the reserve.
    async fn commit(&mut self, commands: &[Command]) -> Result<Vec<Outcome>, OutboxError> {
        match self.transaction(commands).await {
            Err(OutboxError::Full) => {}
            outcome => return outcome,
        }
        self.raise_full();
        if self.reserve.release() {
            match self.transaction(commands).await {
                Err(OutboxError::Full) => {}
                outcome => return outcome,
            }
        }
        self.evict().await?;
        self.transaction(commands).await
    }

    async fn transaction(&mut self, commands: &[Command]) -> Result<Vec<Outcome>, OutboxError> {
        let boot_epoch = self.boot_epoch;
        let keep_ms = self.config.keep_accepted_ms;
        let work = async {
            begin(&mut self.connection).await?;
            let mut outcomes = Vec::with_capacity(commands.len());
            for command in commands {
                outcomes.push(execute(&mut self.connection, command, boot_epoch, keep_ms).await?);
            }
            commit(&mut self.connection).await?;
            Ok::<_, sqlx::Error>(outcomes)
        };
        let outcomes = work.await;
        if outcomes.is_err() {
            rollback(&mut self.connection).await;
        }
        let outcomes =
            outcomes.map_err(|error| OutboxError::database("writing to the outbox", error))?;
        self.health.outbox_commits.inc();
        Ok(outcomes)
    }

    async fn after_commit(&mut self) {
        self.commits += 1;
        if !self.commits.is_multiple_of(SIZE_EVERY) {
            return;
        }
        self.hold_reserve();
        let over = match self.telemetry_bytes().await {
            Ok(bytes) => bytes > self.config.telemetry_bytes_max,
            Err(error) => {
                tracing::warn!(%error, "reading the size of the outbox");
                false
            }
        };
        if over && let Err(error) = self.evict().await {
            tracing::warn!(%error, "giving up telemetry over the disk budget");
        }
    }

    /// Takes the reserve again once there is room; then the disk is not full any more.
    fn hold_reserve(&mut self) {
        if self.reserve.is_held() {
            return;
        }
        self.reserve.take();
        if self.reserve.is_held() {
            self.health.clear_fault("disk_full", "outbox");
        }
    }

    async fn telemetry_bytes(&mut self) -> Result<u64, sqlx::Error> {
        let bytes: i64 = sqlx::query_scalar(
            "SELECT ((SELECT page_count FROM pragma_page_count) - (SELECT freelist_count FROM pragma_freelist_count))
                    * (SELECT page_size FROM pragma_page_size)",
        )
        .fetch_one(&mut self.connection)
        .await?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }

    /// Gives up the oldest telemetry and notes the gap, in one transaction.
    async fn evict(&mut self) -> Result<(), OutboxError> {
        let work = async {
            begin(&mut self.connection).await?;
            let row = sqlx::query(
                "SELECT COUNT(*), MIN(at_ms), MAX(at_ms) FROM (SELECT at_ms FROM readings ORDER BY id LIMIT ?)",
            )
            .bind(EVICT_ROWS)
            .fetch_one(&mut self.connection)
            .await?;
            let count: i64 = row.try_get(0)?;
            if count == 0 {
                commit(&mut self.connection).await?;
                return Ok(0);
            }
            sqlx::query(
                "DELETE FROM readings WHERE id IN (SELECT id FROM readings ORDER BY id LIMIT ?)",
            )
            .bind(EVICT_ROWS)
            .execute(&mut self.connection)
            .await?;
            // Gaps that have not been told yet are told as one, so that they cannot fill the disk.
            let merged = sqlx::query(
                "UPDATE gaps SET count = count + ?, from_ms = MIN(from_ms, ?), to_ms = MAX(to_ms, ?)
                 WHERE sent = 0 AND id = (SELECT MAX(id) FROM gaps WHERE sent = 0)",
            )
            .bind(count)
            .bind(row.try_get::<i64, _>(1)?)
            .bind(row.try_get::<i64, _>(2)?)
            .execute(&mut self.connection)
            .await?;
            if merged.rows_affected() == 0 {
                sqlx::query(
                    "INSERT INTO gaps (id, count, from_ms, to_ms) SELECT last_gap + 1, ?, ?, ? FROM meta",
                )
                .bind(count)
                .bind(row.try_get::<i64, _>(1)?)
                .bind(row.try_get::<i64, _>(2)?)
                .execute(&mut self.connection)
                .await?;
                sqlx::query("UPDATE meta SET last_gap = last_gap + 1")
                    .execute(&mut self.connection)
                    .await?;
            }
            commit(&mut self.connection).await?;
            Ok::<_, sqlx::Error>(count)
        };
        let count = work.await;
        if count.is_err() {
            rollback(&mut self.connection).await;
        }
        let count = count.map_err(|error| OutboxError::database("giving up telemetry", error))?;
        self.health
            .readings_evicted
            .add(u64::try_from(count).unwrap_or(0));
        Ok(())
    }

    fn raise_full(&self) {
        let detail = text(
            "网关磁盘已满：正在使用为报警保留的空间，请尽快清理",
            "the gateway's disk is full: alerts use the space held back for them; free some space soon",
        );
        self.health
            .raise_fault("disk_full", "outbox", jiff::Timestamp::now().into(), detail);
    }
}

impl Command {
    /// Answers; a caller that is gone does not need the answer.
    fn answer(self, outcome: Result<Outcome, OutboxError>) {
        let gone = match (self, outcome) {
            (Self::Append(_, reply), Ok(Outcome::Stored(alerts))) => {
                reply.send(Ok(alerts)).is_err()
            }
            (Self::Append(_, reply), Err(error)) => reply.send(Err(error)).is_err(),
            (Self::Settle { reply, .. } | Self::CleanUp { reply, .. }, outcome) => {
                reply.send(outcome.map(|_| ())).is_err()
            }
            (Self::SendAgain(_, reply), Ok(Outcome::Count(count))) => {
                reply.send(Ok(count)).is_err()
            }
            (Self::SendAgain(_, reply), Err(error)) => reply.send(Err(error)).is_err(),
            (Self::Append(..) | Self::SendAgain(..), Ok(_)) => {
                unreachable!("outcomes fit their commands")
            }
        };
        if gone {
            tracing::debug!("nobody waits for the outbox's answer any more");
        }
    }
}

// Transactions are written out: when the disk is full SQLite rolls back by itself, and a count of open
// transactions kept elsewhere would be wrong from then on.

async fn begin(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("BEGIN IMMEDIATE").execute(connection).await?;
    Ok(())
}

async fn commit(connection: &mut SqliteConnection) -> Result<(), sqlx::Error> {
    sqlx::raw_sql("COMMIT").execute(connection).await?;
    Ok(())
}

async fn rollback(connection: &mut SqliteConnection) {
    if let Err(error) = sqlx::raw_sql("ROLLBACK").execute(connection).await {
        tracing::debug!(%error, "rolling back what SQLite has already rolled back");
    }
}

async fn execute(
    connection: &mut SqliteConnection,
    command: &Command,
    boot_epoch: u64,
    keep_ms: i64,
) -> Result<Outcome, sqlx::Error> {
    match command {
        Command::Append(entry, _) => append(connection, entry, boot_epoch)
            .await
            .map(Outcome::Stored),
        Command::Settle {
            receipt,
            readings,
            gaps,
            now,
            ..
        } => {
            settle(connection, receipt, readings, gaps, *now).await?;
            Ok(Outcome::Done)
        }
        Command::SendAgain(ranges, _) => send_again(connection, ranges).await.map(Outcome::Count),
        Command::CleanUp { now, .. } => {
            sqlx::query("DELETE FROM alerts WHERE state = 1 AND settled_ms < ?")
                .bind(now.unix_ms() - keep_ms)
                .execute(connection)
                .await?;
            Ok(Outcome::Done)
        }
    }
}

async fn append(
    connection: &mut SqliteConnection,
    entry: &Entry,
    boot_epoch: u64,
) -> Result<Vec<Alert>, sqlx::Error> {
    let mut stored = Vec::with_capacity(entry.alerts.len());
    for alert in &entry.alerts {
        let sequence: i64 = sqlx::query_scalar(
            "UPDATE meta SET last_sequence = last_sequence + 1 RETURNING last_sequence",
        )
        .fetch_one(&mut *connection)
        .await?;
        let mut alert = alert.clone();
        alert.sequence = u64::try_from(sequence).ok();
        alert.boot_epoch = boot_epoch;
        let json =
            serde_json::to_string(&alert).map_err(|error| sqlx::Error::Encode(error.into()))?;
        sqlx::query(
            "INSERT INTO alerts (sequence, alert_id, revision, life_safety, state, stored_ms, episode, source_event, json)
             VALUES (?, ?, ?, ?, 0, ?, ?, ?, ?)",
        )
        .bind(sequence)
        .bind(alert.id.to_string())
        .bind(alert.revision)
        .bind(alert.is_life_safety())
        .bind(alert.at.unix_ms())
        .bind(episode_key(&alert))
        .bind(&alert.source_event)
        .bind(json)
        .execute(&mut *connection)
        .await?;
        stored.push(alert);
    }
    for change in &entry.episodes {
        match change {
            EpisodeChange::Opened(episode) => {
                let json = serde_json::to_string(episode)
                    .map_err(|error| sqlx::Error::Encode(error.into()))?;
                sqlx::query("INSERT OR REPLACE INTO episodes VALUES (?, ?)")
                    .bind(episode.key.as_text())
                    .bind(json)
                    .execute(&mut *connection)
                    .await?;
            }
            EpisodeChange::Closed(key) => {
                sqlx::query("DELETE FROM episodes WHERE key = ?")
                    .bind(key.as_text())
                    .execute(&mut *connection)
                    .await?;
            }
        }
    }
    for reading in &entry.readings {
        let json =
            serde_json::to_string(reading).map_err(|error| sqlx::Error::Encode(error.into()))?;
        sqlx::query("INSERT INTO readings (at_ms, json) VALUES (?, ?)")
            .bind(reading.at.unix_ms())
            .bind(json)
            .execute(&mut *connection)
            .await?;
    }
    for device in &entry.devices {
        let facts = serde_json::to_string(&device.facts)
            .map_err(|error| sqlx::Error::Encode(error.into()))?;
        sqlx::query("INSERT OR REPLACE INTO devices VALUES (?, ?)")
            .bind(device.device.as_str())
            .bind(facts)
            .execute(&mut *connection)
            .await?;
    }
    Ok(stored)
}

/// Rule and device, by which a source event told again is recognised after a restart.
fn episode_key(alert: &Alert) -> String {
    let rule = match &alert.detected_by {
        DetectedBy::Rule { rule } => rule.clone(),
        DetectedBy::Model { model, .. } => format!("{MODEL_PREFIX}{model}"),
    };
    EpisodeKey::new(&rule, &alert.device).as_text()
}

async fn settle(
    connection: &mut SqliteConnection,
    receipt: &Receipt,
    readings: &[i64],
    gaps: &[u64],
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    for item in &receipt.items {
        let (state, because) = match &item.status {
            ReceiptStatus::Accepted | ReceiptStatus::Duplicate => (1, None),
            ReceiptStatus::Rejected { reason } => (2, Some(reason)),
        };
        sqlx::query(
            "UPDATE alerts SET state = ?, rejected_because = ?, settled_ms = ? WHERE sequence = ? AND alert_id = ?",
        )
        .bind(state)
        .bind(because)
        .bind(now.unix_ms())
        .bind(i64::try_from(item.sequence).unwrap_or(i64::MAX))
        .bind(item.id.to_string())
        .execute(&mut *connection)
        .await?;
    }
    if let (Some(first), Some(last)) = (readings.iter().min(), readings.iter().max()) {
        // Rows are taken in order, so the batch is everything in its range that is still there.
        sqlx::query("DELETE FROM readings WHERE id BETWEEN ? AND ?")
            .bind(first)
            .bind(last)
            .execute(&mut *connection)
            .await?;
    }
    for gap in gaps {
        sqlx::query("DELETE FROM gaps WHERE id = ?")
            .bind(i64::try_from(*gap).unwrap_or(i64::MAX))
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

async fn send_again(
    connection: &mut SqliteConnection,
    ranges: &[(u64, u64)],
) -> Result<u64, sqlx::Error> {
    let mut count = 0;
    for (from, to) in ranges {
        count += sqlx::query("UPDATE alerts SET state = 0, settled_ms = NULL WHERE state = 1 AND sequence BETWEEN ? AND ?")
            .bind(i64::try_from(*from).unwrap_or(i64::MAX))
            .bind(i64::try_from(*to).unwrap_or(i64::MAX))
            .execute(&mut *connection)
            .await?
            .rows_affected();
    }
    Ok(count)
}
