//! Signals of foreign systems inside the engine's transaction: what is known of each alert in, messages for the
//! desk out, both stored. A signal that is sent again after a crash finds what is known and changes nothing.

use std::sync::Arc;

use gridwatch_protocol::{AlertId, Timestamp};
use uuid::Uuid;

use crate::engine::task::{Bench, Task};
use crate::outside::episode::{self, Episode, Signal, Step};
use crate::outside::mapping::Rule;
use crate::outside::signal::{self, Terms};
use crate::store::database::{Connection, query, query_scalar};
use crate::store::{StoreResult, from_json, intake, sql, to_json};

/// Ended alerts of foreign systems that are let go in one transaction: real alerts wait for it.
const FORGOTTEN_MAX: i64 = 2_000;

/// A summary is cut after this many characters, the most that PagerDuty takes: an alarm is worth more than
/// its words.
const SUMMARY_CHARACTERS_MAX: usize = 1_024;

/// Signals of one key, in order. Few at a time: alerts of gateways wait for the transaction.
#[derive(Debug)]
pub struct Signals {
    /// Name of the key.
    pub key: String,
    /// The area that it is for.
    pub area: Option<String>,
    /// Rules for labels.
    pub rules: Arc<[Rule]>,
    /// What it sent.
    pub signals: Vec<Signal>,
}

/// What became of a signal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignalOutcome {
    /// It is a message of an alert.
    Taken,
    /// It said nothing new.
    Repeated,
}

impl Task for Signals {
    type Output = Vec<SignalOutcome>;

    async fn run(&self, mut bench: Bench<'_>) -> StoreResult<Vec<SignalOutcome>> {
        let mut outcomes = Vec::with_capacity(self.signals.len());
        for signal in &self.signals {
            outcomes.push(self.take(&mut bench, signal.clone()).await?);
        }
        Ok(outcomes)
    }
}

impl Signals {
    async fn take(&self, bench: &mut Bench<'_>, mut signal: Signal) -> StoreResult<SignalOutcome> {
        let settings = bench.settings;
        let now = bench.now;
        let terms = Terms {
            rules: &self.rules,
            catalogue: &settings.catalogue,
            directory: &settings.directory,
            area: self.area.as_deref(),
        };
        signal.severity = signal::severity(&signal, terms);
        signal.summary = signal
            .summary
            .chars()
            .take(SUMMARY_CHARACTERS_MAX)
            .collect();
        let known = load(bench.connection, &self.key, &signal.key).await?;
        let (step, next) = episode::step(known.as_ref(), &signal, AlertId(Uuid::now_v7()), now);
        let gateway = signal::gateway(&self.key);
        if let Some(next) = &next {
            keep(bench.connection, &self.key, &signal.key, next, now).await?;
        }
        match (step, next) {
            (Step::Raise | Step::RaiseAndClear, Some(next)) => {
                let (alert, category) = signal::raise(&signal, next.alert, terms, now);
                let raised = alert.clone();
                bench
                    .take_alert(&gateway, alert, category.as_deref())
                    .await?;
                if step == Step::RaiseAndClear {
                    let cleared = signal::follow(&raised, &signal, terms, now);
                    bench
                        .take_alert(&gateway, cleared, category.as_deref())
                        .await?;
                }
                Ok(SignalOutcome::Taken)
            }
            (Step::Update | Step::Clear, Some(next)) => {
                let Some(before) = intake::newest_message(bench.connection, next.alert).await?
                else {
                    return Ok(SignalOutcome::Repeated);
                };
                let message = signal::follow(&before, &signal, terms, now);
                bench.take_alert(&gateway, message, None).await?;
                Ok(SignalOutcome::Taken)
            }
            _ => Ok(SignalOutcome::Repeated),
        }
    }
}

async fn load(
    connection: &mut Connection,
    key: &str,
    dedup_key: &str,
) -> StoreResult<Option<Episode>> {
    let body: Option<String> =
        query_scalar("SELECT body FROM outside_alerts WHERE key_name = $1 AND dedup_key = $2")
            .bind(key)
            .bind(dedup_key)
            .fetch_optional(connection)
            .await
            .map_err(sql("finding a foreign alert"))?;
    body.map(|body| from_json("foreign alert", &body))
        .transpose()
}

async fn keep(
    connection: &mut Connection,
    key: &str,
    dedup_key: &str,
    episode: &Episode,
    now: Timestamp,
) -> StoreResult<()> {
    query("INSERT INTO outside_alerts (key_name, dedup_key, is_open, at, body) VALUES ($1, $2, $3, $4, $5) ON CONFLICT (key_name, dedup_key) DO UPDATE SET is_open = excluded.is_open, at = excluded.at, body = excluded.body")
        .bind(key)
        .bind(dedup_key)
        .bind(episode.is_open)
        .bind(now.unix_ms())
        .bind(to_json(episode))
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("storing a foreign alert"))
}

/// Lets go of what is known of alerts that ended before `before`; a later signal begins anew.
pub(super) async fn forget(connection: &mut Connection, before: Timestamp) -> StoreResult<u64> {
    query("DELETE FROM outside_alerts WHERE is_open = 0 AND at < $1 AND (key_name, dedup_key) IN (SELECT key_name, dedup_key FROM outside_alerts WHERE is_open = 0 AND at < $1 ORDER BY at LIMIT $2)")
        .bind(before.unix_ms())
        .bind(FORGOTTEN_MAX)
        .execute(connection)
        .await
        .map_err(sql("letting go of foreign alerts"))
}
