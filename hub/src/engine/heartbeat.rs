//! Heartbeats and silence inside the transaction.
//!
//! A late heartbeat changes nothing. A silent gateway is an alert of the hub's own, so that it goes the
//! way of every alert: one case, annotated when the gateway comes back, closed only by people.

use std::collections::BTreeSet;

use gridwatch_protocol::{
    Alert, AlertId, ClockQuality, DetectedBy, DeviceId, Fault, GatewayId, HEARTBEAT_MODELS_MAX,
    Heartbeat, HeartbeatAnswer, Kind, Phase, Place, SHADOW_SAMPLES_MAX, Severity, Timestamp,
};
use uuid::Uuid;

use super::messages;
use crate::cases::desk::Rules;
use crate::cases::{Arrival, text};
use crate::catalogue::GATEWAY_OFFLINE;
use crate::store::database::Connection;
use crate::store::gateways::{self, HubFault, Liveness, StatusRow};
use crate::store::{StoreResult, events};

/// Code of the fault of a gateway whose disk was copied or set back.
pub(super) const CLONED: &str = "outbox_copied_or_set_back";
/// A fault that the hub sees is shown for this long after the last evidence: one day.
const HUB_FAULT_MS: i64 = 86_400_000;
/// Gateways that are found silent in one transaction; the rest follows with the next.
const SILENT_MAX: i64 = 500;

/// Takes a heartbeat and answers what has arrived of its outbox.
pub(super) async fn take(
    connection: &mut Connection,
    rules: Rules<'_>,
    heartbeat: &Heartbeat,
    now: Timestamp,
) -> StoreResult<HeartbeatAnswer> {
    let gateway = &heartbeat.gateway;
    let before = gateways::load_status(connection, gateway).await?;
    let previous = before.as_ref().and_then(|status| status.heartbeat.as_ref());
    if !previous.is_some_and(|previous| is_late(previous, heartbeat)) {
        let mut after = next_status(before.as_ref(), heartbeat, now);
        for device in &heartbeat.devices {
            gateways::write_device(connection, gateway, device).await?;
        }
        let offline = after.offline_alert.take();
        gateways::write_status(connection, gateway, &after).await?;
        if let Some(alert) = offline {
            clear_silence(connection, rules, heartbeat, &alert, now).await?;
        }
        if !heartbeat.devices.is_empty() || differs(before.as_ref(), &after) {
            events::append_gateway_event(connection, gateway, now).await?;
        }
    }
    let outbox = (gateway, &heartbeat.stream);
    let mut received = gateways::load_received(connection, &BTreeSet::from([outbox])).await?;
    let received = received.remove(&outbox).unwrap_or_default();
    Ok(HeartbeatAnswer {
        hub_time: now,
        contiguous_through: received.contiguous_through(),
        missing: received.missing(heartbeat.last_sequence.max(received.highest())),
    })
}

/// Older than what is known, by the gateway's own count and clock.
fn is_late(previous: &Heartbeat, heartbeat: &Heartbeat) -> bool {
    previous.stream == heartbeat.stream
        && (heartbeat.boot_epoch, heartbeat.number) <= (previous.boot_epoch, previous.number)
        && heartbeat.at <= previous.at
}

fn next_status(before: Option<&StatusRow>, heartbeat: &Heartbeat, now: Timestamp) -> StatusRow {
    let previous = before.and_then(|status| status.heartbeat.as_ref());
    let same_stream = previous.is_some_and(|previous| previous.stream == heartbeat.stream);
    let mut hub_faults = before
        .map(|status| status.hub_faults.clone())
        .unwrap_or_default();
    hub_faults.retain(|fault| now.ms_since(fault.last_at) < HUB_FAULT_MS);
    let highest_epoch = before
        .filter(|_| same_stream)
        .map_or(0, |status| status.boot_epoch);
    let counted_back = previous.is_some_and(|previous| {
        same_stream
            && previous.boot_epoch == heartbeat.boot_epoch
            && heartbeat.number < previous.number
    });
    if heartbeat.boot_epoch < highest_epoch || counted_back {
        note_fault(&mut hub_faults, set_back(heartbeat, highest_epoch, now));
    }
    StatusRow {
        state: Liveness::Online,
        last_heartbeat_at: Some(now),
        heartbeat: Some(kept(heartbeat)),
        boot_epoch: highest_epoch.max(heartbeat.boot_epoch),
        offline_alert: before.and_then(|status| status.offline_alert.clone()),
        hub_faults,
    }
}

/// What is kept of a heartbeat: its devices have rows of their own, and of the models only as many as are promised.
fn kept(heartbeat: &Heartbeat) -> Heartbeat {
    let mut kept = Heartbeat {
        devices: Vec::new(),
        ..heartbeat.clone()
    };
    kept.models.truncate(HEARTBEAT_MODELS_MAX);
    for shadow in kept.models.iter_mut().filter_map(|m| m.shadow.as_mut()) {
        shadow.samples.truncate(SHADOW_SAMPLES_MAX);
    }
    kept
}

fn set_back(heartbeat: &Heartbeat, highest_epoch: u64, now: Timestamp) -> HubFault {
    let fault = Fault {
        code: CLONED.to_owned(),
        subject: heartbeat.stream.to_string(),
        since: now,
        detail: text(
            format!(
                "启动序号 {}.{} 晚于 {highest_epoch} 到达：两台网关使用同一磁盘副本，或磁盘被回退",
                heartbeat.boot_epoch, heartbeat.number
            ),
            format!(
                "start {} number {} came after start {highest_epoch}: two gateways run on copies of one disk, or the disk was set back",
                heartbeat.boot_epoch, heartbeat.number
            ),
        ),
    };
    HubFault {
        fault,
        last_at: now,
    }
}

/// Adds a fault or refreshes the one that is there; true when it is new.
pub(super) fn note_fault(faults: &mut Vec<HubFault>, new: HubFault) -> bool {
    let same = |known: &&mut HubFault| {
        known.fault.code == new.fault.code && known.fault.subject == new.fault.subject
    };
    if let Some(known) = faults.iter_mut().find(same) {
        known.last_at = new.last_at;
        known.fault.detail = new.fault.detail;
        return false;
    }
    faults.push(new);
    true
}

/// Whether people would see a difference.
fn differs(before: Option<&StatusRow>, after: &StatusRow) -> bool {
    let Some(before) = before else { return true };
    let seen = |status: &StatusRow| {
        status.heartbeat.as_ref().map(|heartbeat| {
            let faults: Vec<_> = heartbeat
                .faults
                .iter()
                .map(|f| (f.code.clone(), f.subject.clone()))
                .collect();
            let models: Vec<_> = heartbeat
                .models
                .iter()
                .map(|m| {
                    let candidate = m.shadow.as_ref().map(|shadow| shadow.build);
                    (
                        m.id.clone(),
                        m.build,
                        m.enabled,
                        m.drift.breached,
                        candidate,
                    )
                })
                .collect();
            (
                faults,
                heartbeat.clock,
                heartbeat.boot_epoch,
                heartbeat.agent_version.clone(),
                heartbeat.backlog_alerts > 0,
                heartbeat.quarantine.len(),
                models,
            )
        })
    };
    before.state != after.state
        || before.hub_faults.len() != after.hub_faults.len()
        || seen(before) != seen(after)
}

/// Opens a case for each gateway not heard since `before`.
pub(super) async fn silence(
    connection: &mut Connection,
    rules: Rules<'_>,
    before: Timestamp,
    now: Timestamp,
    opened: &mut usize,
) -> StoreResult<usize> {
    let silent = gateways::unheard_since(connection, before, SILENT_MAX).await?;
    for gateway in &silent {
        let Some(mut status) = gateways::load_status(connection, gateway).await? else {
            continue;
        };
        let Some(heartbeat) = status.heartbeat.clone() else {
            continue;
        };
        let alert = silence_alert(&heartbeat, rules, status.last_heartbeat_at, now);
        status.state = Liveness::Silent;
        status.offline_alert = Some(alert.id.to_string());
        gateways::write_status(connection, gateway, &status).await?;
        *opened += store_own(connection, rules, gateway, alert, now).await?;
        events::append_gateway_event(connection, gateway, now).await?;
    }
    Ok(silent.len())
}

async fn clear_silence(
    connection: &mut Connection,
    rules: Rules<'_>,
    heartbeat: &Heartbeat,
    id: &str,
    now: Timestamp,
) -> StoreResult<()> {
    let Ok(id) = id.parse::<AlertId>() else {
        return Ok(());
    };
    let mut alert = silence_alert(heartbeat, rules, None, now);
    alert.id = id;
    alert.revision = 1;
    alert.phase = Phase::Cleared;
    alert.reason = text("网关恢复心跳", "the gateway sends heartbeats again");
    store_own(connection, rules, &heartbeat.gateway, alert, now).await?;
    Ok(())
}

async fn store_own(
    connection: &mut Connection,
    rules: Rules<'_>,
    gateway: &GatewayId,
    alert: Alert,
    now: Timestamp,
) -> StoreResult<usize> {
    let arrival = Arrival {
        gateway: gateway.clone(),
        alert,
    };
    let category = Some(GATEWAY_OFFLINE);
    let (_, opened) = messages::decide(connection, rules, arrival, category, now).await?;
    Ok(opened)
}

fn silence_alert(
    heartbeat: &Heartbeat,
    rules: Rules<'_>,
    last: Option<Timestamp>,
    now: Timestamp,
) -> Alert {
    let severity = rules
        .catalogue
        .get(GATEWAY_OFFLINE)
        .map_or(Severity::P2, |c| c.severity);
    let seconds = last.map_or(0, |last| now.ms_since(last) / 1_000);
    Alert {
        id: AlertId(Uuid::now_v7()),
        revision: 0,
        phase: Phase::Raised,
        sequence: None,
        boot_epoch: heartbeat.boot_epoch,
        kind: Kind::Availability,
        severity,
        device: DeviceId::new(heartbeat.gateway.as_str())
            .expect("a gateway id is a device id: shorter, and of fewer characters"),
        device_known: true,
        site: heartbeat.site.clone(),
        place: Place::default(),
        raised_at: now,
        at: now,
        clock: ClockQuality::Plausible,
        detected_by: DetectedBy::Rule {
            rule: "gateway_silent".to_owned(),
        },
        score: None,
        reason: text(
            format!(
                "网关 {} 已 {seconds} 秒没有心跳；其下传感器的报警可能无法送达",
                heartbeat.gateway
            ),
            format!(
                "gateway {} has sent no heartbeat for {seconds} s; alarms of the sensors behind it may not arrive",
                heartbeat.gateway
            ),
        ),
        evidence: Vec::new(),
        source_event: None,
        is_test: false,
    }
}
