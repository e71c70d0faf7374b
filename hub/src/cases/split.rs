//! Alerts are taken out of a case into a new one: the undo of a correlation that was wrong. Pure.
//!
//! Nothing is lost: what leaves one case is in the other, and each names the other in its history. The case
//! that gives keeps its severity, category and state: nothing makes a case less urgent. The new one is
//! reported and has to be acknowledged; it stays apart from the group that it was taken out of.

use gridwatch_protocol::{AlertId, Text, Timestamp};

use super::progress::{Details, Progress};
use super::steps::own_step;
use super::{Actor, AlertRecord, Case, CaseId, DeviceRef, State, Transition, text};
use crate::catalogue::Catalogue;
use crate::correlation::{Marks, level};

/// At most this many alerts are taken out at once; a gateway's sensors.
pub const SPLIT_MAX: usize = 500;

/// Why a case cannot be split so.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SplitError {
    /// It has ended.
    #[error("the case has ended; only an open case is split")]
    Ended,
    /// No alert was named.
    #[error("name the alerts to take out")]
    Nothing,
    /// One of them is not in the case.
    #[error("not every one of these alerts is in the case")]
    NotThere,
    /// None would stay.
    #[error("at least one alert must stay in the case")]
    All,
}

/// The number, in the store and for people, of the case that is made.
#[derive(Debug, Clone)]
pub struct NewCase {
    /// In the store.
    pub id: CaseId,
    /// For people.
    pub number: String,
}

/// What came of it.
#[derive(Debug, Clone)]
pub struct Parted {
    /// The new case.
    pub case: Case,
    /// Its first row.
    pub reported: Transition,
    /// The row of the case that gave.
    pub given: Transition,
}

/// Takes `moving` out of `case`, all of whose alerts are `records`. Somebody's reason, or the hub's own.
///
/// # Errors
/// [`SplitError`]; nothing changed.
pub fn split(
    case: &mut Case,
    records: &[AlertRecord],
    moving: &[AlertId],
    new: NewCase,
    catalogue: &Catalogue,
    (by, why): (Option<&Actor>, &Text),
    now: Timestamp,
) -> Result<Parted, SplitError> {
    let goes = |record: &&AlertRecord| moving.contains(&record.alert.id);
    let leaving: Vec<&AlertRecord> = records.iter().filter(goes).collect();
    let staying: Vec<&AlertRecord> = records.iter().filter(|record| !goes(record)).collect();
    if !case.state.is_open() {
        return Err(SplitError::Ended);
    }
    let Some(first) = leaving.first() else {
        return Err(if moving.is_empty() {
            SplitError::Nothing
        } else {
            SplitError::NotThere
        });
    };
    let mut named: Vec<&AlertId> = moving.iter().collect();
    named.sort_unstable();
    named.dedup();
    if leaving.len() != named.len() {
        return Err(SplitError::NotThere);
    }
    if staying.is_empty() {
        return Err(SplitError::All);
    }
    let mut parted = opened(case, first, &leaving, new, catalogue, now);
    let (reported, given) = rows(case, &mut parted, (by, why), leaving.len(), now);
    gather(case, &staying, catalogue);
    case.marks.relate(parted.id);
    parted.marks.relate(case.id);
    let taken = |point: &crate::correlation::chatter::Raisings| {
        let device = DeviceRef {
            gateway: point.gateway.clone(),
            device: point.device.clone(),
        };
        !case.devices.contains(&device)
    };
    parted.marks.raisings = case
        .marks
        .raisings
        .iter()
        .filter(|p| taken(p))
        .cloned()
        .collect();
    let kept = case
        .marks
        .raisings
        .iter()
        .filter(|p| !taken(p))
        .cloned()
        .collect();
    case.marks.raisings = kept;
    case.touch(now, true);
    Ok(Parted {
        case: parted,
        reported,
        given,
    })
}

fn opened(
    case: &Case,
    first: &AlertRecord,
    leaving: &[&AlertRecord],
    new: NewCase,
    catalogue: &Catalogue,
    now: Timestamp,
) -> Case {
    let severities = leaving.iter().map(|record| record.alert.severity);
    let severity = severities.fold(first.alert.severity, |a, b| a.most_urgent(b));
    let category = leaving
        .iter()
        .fold(first.category.as_str(), |code, record| {
            catalogue.more_urgent(code, &record.category)
        });
    let mut parted = Case {
        id: new.id,
        number: new.number,
        version: 1,
        decision_version: 1,
        state: State::Reported,
        severity,
        category: category.to_owned(),
        site: first.alert.site.clone(),
        place: first.alert.place.clone(),
        kinds: Vec::new(),
        devices: Vec::new(),
        detectors: Vec::new(),
        alert_count: 0,
        alerts_active: 0,
        opened_at: now,
        updated_at: now,
        ack_due_at: now.plus_ms(catalogue.acknowledge_ms(category, severity)),
        acknowledged_at: None,
        acknowledged_by: None,
        ended_at: None,
        is_drill: case.is_drill,
        group_key: None,
        group_at: now,
        related_reason: None,
        proposal: None,
        transitions: 0,
        marks: Marks::default(),
        progress: Progress::default(),
    };
    gather(&mut parted, leaving, catalogue);
    parted
}

/// Counts alerts, kinds, devices and detectors anew.
fn gather(case: &mut Case, records: &[&AlertRecord], catalogue: &Catalogue) {
    let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
    case.alert_count = number(records.len());
    let active = records.iter().filter(|record| record.cleared_at.is_none());
    case.alerts_active = number(active.count());
    case.kinds.clear();
    case.devices.clear();
    case.detectors.clear();
    for record in records {
        let device = DeviceRef {
            gateway: record.gateway.clone(),
            device: record.alert.device.clone(),
        };
        let detects = catalogue.get(&record.category).is_some_and(|c| c.detector);
        if detects && !case.detectors.contains(&device) {
            case.detectors.push(device.clone());
        }
        if !case.devices.contains(&device) {
            case.devices.push(device);
        }
        if !case.kinds.contains(&record.alert.kind) {
            case.kinds.push(record.alert.kind);
        }
    }
    if case.devices.len() < 2 {
        case.related_reason = None;
    }
}

fn rows(
    case: &mut Case,
    parted: &mut Case,
    (by, why): (Option<&Actor>, &Text),
    count: usize,
    now: Timestamp,
) -> (Transition, Transition) {
    let note = text(
        format!("从事件 {} 拆出：{}", case.number, why.zh),
        format!("split off case {}: {}", case.number, why.en),
    );
    let mut reported = parted.system_transition(now, "report", None, Some(note));
    parted.progress.level = level::by_severity(parted.severity);
    reported.details = Some(Details {
        case: Some(case.id),
        level: parted.progress.level,
        ..Details::default()
    });
    let note = text(
        format!("{count} 条报警拆出到事件 {}", parted.number),
        format!("{count} alert(s) went to case {}", parted.number),
    );
    let details = Details {
        case: Some(parted.id),
        ..Details::default()
    };
    let state = case.state;
    let mut given = own_step(case, "split_off", state, details, note, now);
    if let Some(actor) = by {
        for row in [&mut reported, &mut given] {
            row.actor.clone_from(&actor.username);
            row.actor_name.clone_from(&actor.display_name);
            row.role = Some(actor.role);
            row.reason = Some(why.en.clone());
        }
    }
    (reported, given)
}
