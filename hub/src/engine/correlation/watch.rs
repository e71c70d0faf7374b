//! What the watch finds is done here, in a transaction that looks again: doing it twice is harmless.

use std::collections::BTreeMap;

use gridwatch_protocol::{AlertId, Timestamp};

use super::split::take_out;
use super::write;
use crate::cases::desk::own_alert;
use crate::cases::steps::own_step;
use crate::cases::{AlertRecord, Arrival, Case, Change, Details, DeviceRef, text};
use crate::catalogue::{FALSE_ALARMS_FREQUENT, GATEWAY_OFFLINE};
use crate::correlation::flood::Turn;
use crate::correlation::frequent::{day_begins, is_false_fire_alarm};
use crate::correlation::level::{Spread, by_spread};
use crate::engine::EngineSettings;
use crate::engine::messages;
use crate::engine::task::{Bench, Task};
use crate::store::correlation::{cases, floods, split as moving, watch};
use crate::store::database::Connection;
use crate::store::{StoreResult, commit, events};

/// Ends the floods that are over; tells how many.
#[derive(Debug, Clone, Copy)]
pub struct EndFloods;

impl Task for EndFloods {
    type Output = usize;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<usize> {
        let Bench {
            connection,
            settings,
            now,
            ..
        } = bench;
        let rule = settings.correlation.flood;
        let mut ended = 0;
        for (desk, mut meter) in floods::flooded(connection).await? {
            let turn = meter.look(rule, now);
            if let Turn::Ended(flood) = turn {
                floods::turn(connection, &desk, turn, now).await?;
                floods::write_meter(connection, &desk, &meter).await?;
                events::append_flood_event(connection, flood.id, now).await?;
                ended += 1;
            }
        }
        Ok(ended)
    }
}

/// Raises the level of the cases of one category with its spread; tells how many.
#[derive(Debug, Clone)]
pub struct RaiseLevels {
    /// The category.
    pub category: String,
    /// Where its cases are open.
    pub spread: Spread,
}

impl Task for RaiseLevels {
    type Output = usize;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<usize> {
        let Bench {
            connection,
            settings,
            now,
            ..
        } = bench;
        let Some((level, why)) = by_spread(None, self.spread) else {
            return Ok(0);
        };
        let since = now.plus_ms(-settings.correlation.spread_ms);
        let number = commit::level_of(level);
        let below = watch::below_level(connection, &self.category, since, number).await?;
        let raised = below.len();
        for mut case in below {
            let note = text(
                format!("{}，响应升为 {} 级", why.zh, level.as_str()),
                format!("{}; the response rises to level {}", why.en, level.as_str()),
            );
            let details = Details {
                level: Some(level),
                ..Details::default()
            };
            let state = case.state;
            let row = own_step(&mut case, "raise_level", state, details, note, now);
            case.touch(now, false);
            write(connection, &case, &row, Change::Updated, now).await?;
        }
        Ok(raised)
    }
}

/// Gives the sensors that are still silent after their gateway is back cases of their own; tells how many.
#[derive(Debug, Clone, Copy)]
pub struct Release;

impl Task for Release {
    type Output = usize;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<usize> {
        let Bench {
            connection,
            settings,
            now,
            opened,
        } = bench;
        let ids = watch::to_release(connection, now).await?;
        let mut released = 0;
        for case in cases(connection, &ids).await? {
            released += release(connection, settings, case, now).await?;
        }
        *opened += released;
        Ok(released)
    }
}

async fn release(
    connection: &mut Connection,
    settings: &EngineSettings,
    mut case: Case,
    now: Timestamp,
) -> StoreResult<usize> {
    case.marks.release_at = None;
    let mut records = moving::alerts_of(connection, case.id).await?;
    let gateway_waits = records
        .iter()
        .any(|record| record.category == GATEWAY_OFFLINE && record.cleared_at.is_none());
    let mut sensors: BTreeMap<DeviceRef, Vec<AlertId>> = BTreeMap::new();
    for record in records.iter().filter(|record| stands(record)) {
        let device = DeviceRef {
            gateway: record.gateway.clone(),
            device: record.alert.device.clone(),
        };
        sensors.entry(device).or_default().push(record.alert.id);
    }
    if gateway_waits || sensors.is_empty() {
        commit::update_case(connection, &case).await?;
        return Ok(0);
    }
    let minutes = settings.correlation.gateway_back_ms / 60_000;
    let why = text(
        format!("网关恢复 {minutes} 分钟后仍失联"),
        format!("still silent {minutes} min after its gateway was back"),
    );
    let mut released = 0;
    for alerts in sensors.values() {
        let by = (None, &why);
        let done = take_out(connection, settings, &mut case, &records, alerts, by, now).await?;
        // What cannot be taken out, such as the last alert of all, stays where people see it.
        if done.is_ok() {
            released += 1;
            records.retain(|record| !alerts.contains(&record.alert.id));
        }
    }
    commit::update_case(connection, &case).await?;
    Ok(released)
}

fn stands(record: &AlertRecord) -> bool {
    record.category != GATEWAY_OFFLINE && record.cleared_at.is_none()
}

/// After a false alarm of fire: opens the case of its site when there were too many today.
pub(in crate::engine) async fn after_rejection(
    connection: &mut Connection,
    settings: &EngineSettings,
    case: &Case,
    opened: &mut usize,
    now: Timestamp,
) -> StoreResult<()> {
    let catalogue = &settings.catalogue;
    if catalogue.get(FALSE_ALARMS_FREQUENT).is_none() || !is_false_fire_alarm(case, catalogue) {
        return Ok(());
    }
    let since = day_begins(now, settings.utc_offset_minutes);
    let today = watch::rejected_since(connection, &case.site, since).await?;
    let false_alarms = today
        .iter()
        .filter(|case| is_false_fire_alarm(case, catalogue));
    let count = false_alarms.count();
    let most = usize::try_from(settings.correlation.false_alarms_per_day).unwrap_or(usize::MAX);
    if count <= most {
        return Ok(());
    }
    let records = moving::alerts_of(connection, case.id).await?;
    let Some(last) = records.last() else {
        return Ok(());
    };
    let reason = text(
        format!("该地点今日误报 {count} 次，超过 {most} 次"),
        format!("{count} false alarms of fire from this site today, more than {most}"),
    );
    let mut alert = own_alert(&last.alert, "hub_false_alarms", reason, now);
    if let Some(category) = catalogue.get(FALSE_ALARMS_FREQUENT) {
        alert.severity = category.severity;
    }
    alert.place = gridwatch_protocol::Place::default();
    let arrival = Arrival {
        gateway: last.gateway.clone(),
        alert,
    };
    let category = Some(FALSE_ALARMS_FREQUENT);
    let rules = settings.rules();
    let (_, new) = messages::decide(connection, rules, arrival, category, now).await?;
    *opened += new;
    Ok(())
}
