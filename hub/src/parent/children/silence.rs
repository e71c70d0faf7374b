//! The alarm for a child hub that is silent: an alert of the hub's own, at the child's area.
//!
//! It goes the way of every alert: one case, told to the people of that area, annotated when the child is heard
//! again, closed only by people. One silence is one alert: its id follows from the child and from when it was
//! heard last, so that several hub processes, and one that was killed in the middle, raise it once, and nothing
//! has to be kept beside it. A child that was never heard is not silent: nobody has joined it yet.

use std::collections::BTreeMap;
use std::time::Duration;

use gridwatch_protocol::{
    Alert, AlertId, ClockQuality, DetectedBy, DeviceId, GatewayId, HubId, Kind, Phase, Place,
    Severity, Text, Timestamp,
};
use sha2::{Digest, Sha256};
use sqlx::Row;
use tokio_util::sync::CancellationToken;

use crate::cases::text;
use crate::catalogue::{CHILD_HUB_SILENT, Catalogue};
use crate::engine::task::{Bench, Task};
use crate::engine::{Engine, JobError};
use crate::outside::place;
use crate::store::database::{Connection, QueryBuilder};
use crate::store::events::append_child_events;
use crate::store::{Store, StoreResult, intake, sql, time};

/// Children are looked at this often: silence is told at most this much after its time.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// The name in the place of a gateway's: alerts of the hub's own about its children come from here.
const SOURCE: &str = "child-hubs";
/// Children whose silence begins or ends in one transaction; the rest follows with the next look.
const NEWS_MAX: usize = 100;

/// The task that looks.
#[derive(Debug)]
pub struct SilenceWatch {
    /// Writes down what is found.
    pub engine: Engine,
    /// Where it looks.
    pub store: Store,
    /// A child that was not heard for so long is silent, in milliseconds.
    pub silent_ms: i64,
}

impl SilenceWatch {
    /// Works until `stop` is cancelled or the engine ends.
    pub async fn run(self, stop: CancellationToken) {
        let started = crate::now();
        let mut tick = tokio::time::interval(LOOK_EVERY);
        tick.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while stop.run_until_cancelled(tick.tick()).await.is_some() {
            let now = crate::now();
            // While this hub has not listened for long enough itself, it was not the child that was silent.
            let listened = now.ms_since(started) >= self.silent_ms;
            let tell = Tell {
                heard_before: listened.then(|| now.plus_ms(-self.silent_ms)),
            };
            match self.look(&tell).await {
                Ok(false) => {}
                Ok(true) => match self.engine.run(tell, now).await {
                    Ok(()) | Err(JobError::Busy) => {}
                    Err(JobError::Stopping) => return,
                    Err(error) => {
                        tracing::error!(%error, "the silence of a child hub was not written; it is tried again");
                    }
                },
                Err(error) => {
                    let error = crate::chain(&error);
                    tracing::warn!(error, "child hubs are looked at again in a moment");
                }
            }
        }
    }

    /// Whether there is something to write.
    async fn look(&self, tell: &Tell) -> StoreResult<bool> {
        let mut connection = self.store.connection().await?;
        Ok(!tell.news(&mut connection).await?.is_empty())
    }
}

/// Raises and ends what is due; looks again inside the transaction.
#[derive(Debug)]
struct Tell {
    /// Who was heard last before this is silent; while nobody can tell, nothing is raised.
    heard_before: Option<Timestamp>,
}

/// A child as it was heard last.
#[derive(Debug)]
struct Heard {
    hub: HubId,
    name: String,
    area: String,
    last: Timestamp,
    revoked: bool,
}

impl Tell {
    /// Children whose silence has to be raised, and revoked ones whose silence has to be ended.
    async fn news(&self, connection: &mut Connection) -> StoreResult<Vec<Heard>> {
        let mut query = QueryBuilder::new(
            "SELECT h.id, h.name, h.area, h.revoked_at, s.last_heartbeat_at FROM child_hubs h JOIN child_status s ON s.hub = h.id WHERE s.last_heartbeat_at IS NOT NULL AND (h.revoked_at IS NOT NULL",
        );
        if let Some(before) = self.heard_before {
            query.push(" OR s.last_heartbeat_at <= ");
            query.push_bind(before.unix_ms());
        }
        query.push(") ORDER BY h.id");
        let rows = query.build().fetch_all(&mut *connection).await;
        let mut found = Vec::new();
        for row in rows.map_err(sql("finding silent child hubs"))? {
            // Ids are checked when children are added.
            if let Ok(hub) = HubId::new(row.get::<String, _>(0)) {
                found.push(Heard {
                    hub,
                    name: row.get(1),
                    area: row.get(2),
                    revoked: row.get::<Option<i64>, _>(3).is_some(),
                    last: time(row.get(4)),
                });
            }
        }
        let told = told(connection, &found).await?;
        found.retain(|heard| match told.get(&heard.alert_id()) {
            None => !heard.revoked,
            Some(cleared) => heard.revoked && !cleared,
        });
        found.truncate(NEWS_MAX);
        Ok(found)
    }
}

/// The alerts of these silences that are stored, and whether they have cleared.
async fn told(
    connection: &mut Connection,
    silent: &[Heard],
) -> StoreResult<BTreeMap<AlertId, bool>> {
    if silent.is_empty() {
        return Ok(BTreeMap::new());
    }
    let mut query = QueryBuilder::new("SELECT id, cleared_at FROM alerts WHERE id IN (");
    query.push_list(silent.iter().map(|heard| heard.alert_id().to_string()));
    let rows = query.build().fetch_all(connection).await;
    let rows = rows.map_err(sql("finding the silences of child hubs"))?;
    let ids = rows.iter().filter_map(|row| {
        let id: AlertId = row.get::<String, _>(0).parse().ok()?;
        Some((id, row.get::<Option<i64>, _>(1).is_some()))
    });
    Ok(ids.collect())
}

impl Task for Tell {
    type Output = ();

    async fn run(&self, mut bench: Bench<'_>) -> StoreResult<()> {
        for heard in self.news(bench.connection).await? {
            if heard.revoked {
                let why = text("下级平台已撤销", "the child hub was revoked");
                end(&mut bench, &heard.hub, heard.last, why).await?;
                continue;
            }
            let alert = heard.alert(&bench.settings.catalogue, bench.now);
            bench
                .take_alert(&source(), alert, Some(CHILD_HUB_SILENT))
                .await?;
            let now = bench.now;
            append_child_events(bench.connection, &heard.hub, &[None], "silent", now).await?;
        }
        Ok(())
    }
}

/// Ends the silence since a child was heard last, if it was raised: its case says so, and stays open. Tells
/// whether there was one.
pub(super) async fn end(
    bench: &mut Bench<'_>,
    hub: &HubId,
    last: Timestamp,
    why: Text,
) -> StoreResult<bool> {
    let id = alert_id(hub, last);
    let Some(mut alert) = intake::newest_message(bench.connection, id).await? else {
        return Ok(false);
    };
    if alert.phase == Phase::Cleared {
        return Ok(false);
    }
    alert.revision += 1;
    alert.phase = Phase::Cleared;
    alert.at = bench.now;
    alert.reason = why;
    bench.take_alert(&source(), alert, None).await?;
    Ok(true)
}

fn source() -> GatewayId {
    GatewayId::new(SOURCE).expect("letters and `-` are an id")
}

/// The id of the alert for one silence: made again, it is the same.
fn alert_id(hub: &HubId, last: Timestamp) -> AlertId {
    let digest = Sha256::digest(format!("child_hub_silent:{hub}:{}", last.unix_ms()));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    AlertId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
}

impl Heard {
    fn alert_id(&self) -> AlertId {
        alert_id(&self.hub, self.last)
    }

    fn alert(&self, catalogue: &Catalogue, now: Timestamp) -> Alert {
        let severity = catalogue
            .get(CHILD_HUB_SILENT)
            .map_or(Severity::P2, |category| category.severity);
        let seconds = now.ms_since(self.last) / 1_000;
        let Self { hub, name, .. } = self;
        Alert {
            id: self.alert_id(),
            revision: 0,
            phase: Phase::Raised,
            sequence: None,
            boot_epoch: 0,
            kind: Kind::Availability,
            severity,
            device: DeviceId::new(hub.as_str())
                .expect("a hub id is a device id: shorter, and of fewer characters"),
            device_known: true,
            site: place::in_area(&self.area),
            place: Place::default(),
            raised_at: now,
            at: now,
            clock: ClockQuality::Plausible,
            detected_by: DetectedBy::Rule {
                rule: CHILD_HUB_SILENT.to_owned(),
            },
            score: None,
            reason: text(
                format!(
                    "下级平台“{name}”（{hub}）已 {seconds} 秒没有心跳；其事件和呼叫可能无法上报"
                ),
                format!(
                    "the child hub `{name}` ({hub}) has sent no heartbeat for {seconds} s; its cases and calls may not come up"
                ),
            ),
            evidence: Vec::new(),
            source_event: None,
            is_test: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_silence_of_each_child_has_one_id() {
        let (east, west) = ("east".parse().unwrap(), "west".parse().unwrap());
        let at = Timestamp::from_unix_ms;
        assert_eq!(alert_id(&east, at(1)), alert_id(&east, at(1)));
        assert_ne!(alert_id(&east, at(1)), alert_id(&east, at(2)));
        assert_ne!(alert_id(&east, at(1)), alert_id(&west, at(1)));
    }
}
