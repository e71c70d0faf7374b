//! Claiming within the quota, and settling.

use std::collections::BTreeMap;

use gridwatch_protocol::Timestamp;
use sqlx::Row;
use sqlx::any::AnyRow;

use super::{NewRow, insert, new_id, severity};
use crate::notify::config::Channel;
use crate::notify::policy::News;
use crate::notify::quota::{self, Sent, Waiting};
use crate::notify::retry;
use crate::notify::send::{Kind, Outcome, Parcel};
use crate::store::database::{Connection, QueryBuilder, query, query_scalar};
use crate::store::{Store, StoreResult, Writer, commit, from_json, sql};

/// Rows that are looked at in one claim; the most urgent and oldest come first.
const CLAIM_MAX: i64 = 500;
/// A row is kept for the process that claimed it for so many times the longest send of its channel, so
/// that a slow disk does not make a message go out twice.
const LEASE_SENDS: u32 = 2;
/// A channel without a rule of its own pauses for so long after "too many", in milliseconds.
const PAUSE_MS: i64 = 60_000;

/// A message that was claimed, to be sent and settled.
#[derive(Debug, Clone, PartialEq)]
pub struct Claimed {
    /// Its row of the quota.
    pub send: String,
    /// Its channel.
    pub channel: String,
    /// The rows in it, with the tries that they have had, this one included.
    pub rows: Vec<(String, i64)>,
    /// Whether it is about P1.
    pub urgent: bool,
    /// The message.
    pub parcel: Parcel,
}

/// What became of a claimed message.
#[derive(Debug, Clone, PartialEq)]
pub struct Settled {
    /// The message.
    pub claimed: Claimed,
    /// What became of it.
    pub outcome: Outcome,
    /// When its send ended.
    pub at: Timestamp,
}

fn lease_ms(channel: &Channel) -> i64 {
    let lease = channel.send_timeout() * LEASE_SENDS;
    i64::try_from(lease.as_millis()).unwrap_or(i64::MAX)
}

/// Claims what may go now through a channel: at most `urgent_max` messages, of which at most
/// `rest_max` are not about P1.
///
/// # Errors
/// When the store does not answer.
pub async fn claim(
    store: &Store,
    writer: &mut Writer,
    channel: &Channel,
    owner: &str,
    (urgent_max, rest_max): (usize, usize),
    attempts_max: i64,
    now: Timestamp,
) -> StoreResult<Vec<Claimed>> {
    if !anything_due(store, &channel.name, now).await? {
        return Ok(Vec::new());
    }
    let mut transaction = writer.begin().await?;
    let Some(sent) = count(&mut transaction, channel, now).await? else {
        return Ok(Vec::new());
    };
    let mut due = due(&mut transaction, &channel.name, now).await?;
    let given_up = give_up(&mut transaction, &mut due, attempts_max, now).await?;
    let waiting: Vec<Waiting> = due.values().map(|row| row.waiting.clone()).collect();
    let mut chosen = quota::choose(&channel.limits, &sent, &waiting, now.unix_ms());
    let mut rest = 0;
    chosen.retain(|one| {
        rest += usize::from(!one.urgent);
        one.urgent || rest <= rest_max
    });
    chosen.truncate(urgent_max);
    let mut claimed = Vec::with_capacity(chosen.len());
    for one in chosen {
        let rows: Vec<Due> = one.ids.iter().filter_map(|id| due.remove(id)).collect();
        let message = message(&channel.name, &one.recipient, rows, one.urgent);
        let lease_until = now.unix_ms() + lease_ms(channel);
        take(&mut transaction, &message, owner, lease_until).await?;
        claimed.push(message);
    }
    if claimed.is_empty() && given_up == 0 {
        // The quota is used up: nothing is written, and no disk is waited for.
        return Ok(claimed);
    }
    commit(transaction).await?;
    Ok(claimed)
}

/// Makes and claims a test message to one recipient at once; none when the quota has no room for it.
///
/// # Errors
/// When the store does not answer.
pub async fn claim_test(
    writer: &mut Writer,
    channel: &Channel,
    recipient: &str,
    news: News,
    owner: &str,
    now: Timestamp,
) -> StoreResult<Option<Claimed>> {
    let row = NewRow {
        id: new_id(),
        channel: channel.name.clone(),
        recipient: recipient.to_owned(),
        kind: Kind::Test,
        since: now,
        not_before: now,
        // Each test is an event of its own.
        news: News {
            seq: now.unix_ms(),
            ..news
        },
        merged_into: None,
    };
    let mut transaction = writer.begin().await?;
    let Some(sent) = count(&mut transaction, channel, now).await? else {
        return Ok(None);
    };
    let waiting = Waiting {
        id: row.id.clone(),
        recipient: row.recipient.clone(),
        severity: row.news.case.severity,
        since: now.unix_ms(),
        alone: true,
    };
    let waits = [waiting.clone()];
    if quota::choose(&channel.limits, &sent, &waits, now.unix_ms()).is_empty() {
        return Ok(None);
    }
    insert(&mut transaction, &row, now).await?;
    let due = Due {
        waiting,
        kind: Kind::Test,
        attempts: 0,
        was_sending: false,
        news: row.news,
    };
    let claimed = message(&channel.name, recipient, vec![due], false);
    let lease_until = now.unix_ms() + lease_ms(channel);
    take(&mut transaction, &claimed, owner, lease_until).await?;
    commit(transaction).await?;
    Ok(Some(claimed))
}

/// Looks before it takes the lock that every writer needs.
async fn anything_due(store: &Store, channel: &str, now: Timestamp) -> StoreResult<bool> {
    let found: Option<i64> = query_scalar("SELECT next_at FROM notifications WHERE channel = $1 AND next_at <= $2 AND (state = 'waiting' OR (state = 'sending' AND lease_until <= $2)) AND NOT EXISTS (SELECT 1 FROM notification_channels c WHERE c.channel = $1 AND c.paused_until > $2) LIMIT 1")
        .bind(channel)
        .bind(now.unix_ms())
        .fetch_optional(&store.readers)
        .await
        .map_err(sql("looking for due notifications"))?;
    Ok(found.is_some())
}

/// Locks the channel and counts what it has sent; none while it pauses.
async fn count(
    connection: &mut Connection,
    channel: &Channel,
    now: Timestamp,
) -> StoreResult<Option<Vec<Sent>>> {
    let paused_until: Option<i64> = query_scalar("UPDATE notification_channels SET counted_at = $1 WHERE channel = $2 RETURNING paused_until")
        .bind(now.unix_ms())
        .bind(&channel.name)
        .fetch_optional(&mut *connection)
        .await
        .map_err(sql("locking a channel"))?;
    if paused_until.is_none_or(|until| until > now.unix_ms()) {
        return Ok(None);
    }
    let longest = channel.limits.longest_ms();
    query("DELETE FROM notification_sends WHERE channel = $1 AND lease_until <= $2")
        .bind(&channel.name)
        .bind(now.unix_ms() - longest - lease_ms(channel))
        .execute(&mut *connection)
        .await
        .map_err(sql("forgetting old sends"))?;
    let rows =
        query("SELECT recipient, lease_until, ended_at FROM notification_sends WHERE channel = $1")
            .bind(&channel.name)
            .fetch_all(connection)
            .await
            .map_err(sql("counting sends"))?;
    let sent = |row: &AnyRow| {
        let lease_until: i64 = row.get(1);
        // A send that nobody saw end has ended by the end of its lease.
        let ended_at: Option<i64> = row
            .get::<Option<i64>, _>(2)
            .or_else(|| (lease_until <= now.unix_ms()).then_some(lease_until));
        Sent {
            recipient: row.get(0),
            ended_at,
        }
    };
    Ok(Some(rows.iter().map(sent).collect()))
}

#[derive(Debug)]
struct Due {
    waiting: Waiting,
    kind: Kind,
    attempts: i64,
    was_sending: bool,
    news: News,
}

async fn due(
    connection: &mut Connection,
    channel: &str,
    now: Timestamp,
) -> StoreResult<BTreeMap<String, Due>> {
    let rows = query("SELECT id, recipient, severity, since, kind, attempts, state, body FROM notifications WHERE channel = $1 AND next_at <= $2 AND (state = 'waiting' OR (state = 'sending' AND lease_until <= $2)) ORDER BY severity, since, id LIMIT $3")
        .bind(channel)
        .bind(now.unix_ms())
        .bind(CLAIM_MAX)
        .fetch_all(connection)
        .await
        .map_err(sql("reading due notifications"))?;
    let mut due = BTreeMap::new();
    for row in &rows {
        let id: String = row.get(0);
        let kind = Kind::from_name(row.get::<&str, _>(4)).unwrap_or(Kind::Case);
        let waiting = Waiting {
            id: id.clone(),
            recipient: row.get(1),
            severity: severity(row.get(2)),
            since: row.get(3),
            alone: kind != Kind::Case,
        };
        let one = Due {
            waiting,
            kind,
            attempts: row.get(5),
            was_sending: row.get::<&str, _>(6) == "sending",
            news: from_json("notification", row.get::<&str, _>(7))?,
        };
        due.insert(id, one);
    }
    Ok(due)
}

/// A message in whose middle the hub ended every time is given up like any other.
async fn give_up(
    connection: &mut Connection,
    due: &mut BTreeMap<String, Due>,
    attempts_max: i64,
    now: Timestamp,
) -> StoreResult<usize> {
    let spent: Vec<String> = due
        .iter()
        .filter(|(_, row)| row.was_sending && row.attempts >= attempts_max)
        .map(|(id, _)| id.clone())
        .collect();
    let count = spent.len();
    for id in spent {
        due.remove(&id);
        end(
            connection,
            &[id],
            None,
            now,
            ("dead", Some("the hub ended in the middle of every try"), ""),
        )
        .await?;
    }
    Ok(count)
}

/// Only news of cases goes together: see [`Waiting::alone`].
fn message(channel: &str, recipient: &str, rows: Vec<Due>, urgent: bool) -> Claimed {
    let kind = match rows.as_slice() {
        [one] => one.kind,
        _ => Kind::Case,
    };
    let id = match rows.as_slice() {
        [one] => one.waiting.id.clone(),
        _ => new_id(),
    };
    let ids = rows
        .iter()
        .map(|row| (row.waiting.id.clone(), row.attempts + 1));
    Claimed {
        send: new_id(),
        channel: channel.to_owned(),
        rows: ids.collect(),
        urgent,
        parcel: Parcel {
            id,
            recipient: recipient.to_owned(),
            kind,
            news: rows.into_iter().map(|row| row.news).collect(),
        },
    }
}

async fn take(
    connection: &mut Connection,
    claimed: &Claimed,
    owner: &str,
    lease_until: i64,
) -> StoreResult<()> {
    let mut statement = QueryBuilder::new(
        "UPDATE notifications SET state = 'sending', attempts = attempts + 1, lease_owner = ",
    );
    statement.push_bind(owner.to_owned());
    statement.push(", lease_until = ").push_bind(lease_until);
    statement
        .push(", message_id = ")
        .push_bind(claimed.parcel.id.clone());
    statement.push(" WHERE id IN (");
    statement.push_list(claimed.rows.iter().map(|(id, _)| id));
    statement
        .build()
        .execute(&mut *connection)
        .await
        .map_err(sql("claiming notifications"))?;
    query("INSERT INTO notification_sends (id, channel, recipient, lease_until) VALUES ($1, $2, $3, $4)")
        .bind(&claimed.send)
        .bind(&claimed.channel)
        .bind(&claimed.parcel.recipient)
        .bind(lease_until)
        .execute(connection)
        .await
        .map_err(sql("counting a send"))?;
    Ok(())
}

fn ids(claimed: &Claimed) -> Vec<String> {
    claimed.rows.iter().map(|(id, _)| id.clone()).collect()
}

/// Writes down what became of messages, in one transaction. `jitter` is in 0..=1.
///
/// # Errors
/// When the store does not answer; the rows are claimed again when their lease has run out.
pub async fn settle(
    writer: &mut Writer,
    owner: &str,
    settled: &[Settled],
    attempts_max: i64,
    jitter: f64,
) -> StoreResult<()> {
    let mut transaction = writer.begin().await?;
    for one in settled {
        settle_one(&mut transaction, owner, one, attempts_max, jitter).await?;
    }
    commit(transaction).await
}

async fn settle_one(
    connection: &mut Connection,
    owner: &str,
    settled: &Settled,
    attempts_max: i64,
    jitter: f64,
) -> StoreResult<()> {
    let (claimed, now) = (&settled.claimed, settled.at);
    query("UPDATE notification_sends SET ended_at = $1 WHERE id = $2")
        .bind(now.unix_ms())
        .bind(&claimed.send)
        .execute(&mut *connection)
        .await
        .map_err(sql("settling a send"))?;
    let all = ids(claimed);
    match &settled.outcome {
        Outcome::Delivered { answer } => {
            end(
                connection,
                &all,
                Some(owner),
                now,
                ("delivered", None, answer),
            )
            .await
        }
        Outcome::Refused { error, answer } => {
            end(
                connection,
                &all,
                Some(owner),
                now,
                ("dead", Some(error), answer),
            )
            .await
        }
        Outcome::Limited { pause_ms, answer } => {
            pause(
                connection,
                &claimed.channel,
                pause_ms.unwrap_or(PAUSE_MS),
                now,
            )
            .await?;
            for id in &all {
                let error = "the provider says that there were too many";
                wait(connection, id, owner, now, -1, (error, answer)).await?;
            }
            Ok(())
        }
        Outcome::Failed {
            error,
            answer,
            retry_after_ms,
        } => {
            for (id, attempts) in &claimed.rows {
                if *attempts >= attempts_max {
                    let id = std::slice::from_ref(id);
                    end(
                        connection,
                        id,
                        Some(owner),
                        now,
                        ("dead", Some(error), answer),
                    )
                    .await?;
                } else {
                    let next = retry::next_at(now, *attempts, jitter, *retry_after_ms);
                    wait(connection, id, owner, next, 0, (error, answer)).await?;
                }
            }
            Ok(())
        }
    }
}

async fn pause(
    connection: &mut Connection,
    channel: &str,
    pause_ms: i64,
    now: Timestamp,
) -> StoreResult<()> {
    let until = now.unix_ms() + pause_ms.clamp(0, retry::RETRY_AFTER_MAX_MS);
    query("UPDATE notification_channels SET paused_until = $1 WHERE channel = $2 AND paused_until < $1")
        .bind(until)
        .bind(channel)
        .execute(connection)
        .await
        .map_err(sql("pausing a channel"))?;
    Ok(())
}

async fn wait(
    connection: &mut Connection,
    id: &str,
    owner: &str,
    next: Timestamp,
    attempts: i64,
    (error, answer): (&str, &str),
) -> StoreResult<()> {
    query("UPDATE notifications SET state = 'waiting', next_at = $1, attempts = attempts + $2, error = $3, answer = $4, lease_owner = NULL, lease_until = NULL WHERE id = $5 AND state = 'sending' AND lease_owner = $6")
        .bind(next.unix_ms())
        .bind(attempts)
        .bind(error)
        .bind(answer)
        .bind(id)
        .bind(owner)
        .execute(connection)
        .await
        .map_err(sql("putting a notification back"))?;
    Ok(())
}

/// Ends rows; with an owner only those that are still its own.
async fn end(
    connection: &mut Connection,
    ids: &[String],
    owner: Option<&str>,
    now: Timestamp,
    (state, error, answer): (&str, Option<&str>, &str),
) -> StoreResult<()> {
    let mut statement = QueryBuilder::new("UPDATE notifications SET state = ");
    statement.push_bind(state.to_owned());
    statement.push(", ended_at = ").push_bind(now.unix_ms());
    statement
        .push(", error = ")
        .push_bind(error.map(str::to_owned));
    statement.push(", answer = ").push_bind(answer.to_owned());
    statement.push(", lease_owner = NULL, lease_until = NULL WHERE state = 'sending'");
    if let Some(owner) = owner {
        statement
            .push(" AND lease_owner = ")
            .push_bind(owner.to_owned());
    }
    statement.push(" AND id IN (");
    statement.push_list(ids.iter());
    statement
        .build()
        .execute(connection)
        .await
        .map_err(sql("settling notifications"))?;
    Ok(())
}
