//! What makes a storm bearable, told as stories of the desk, and its promises under random storms.

use std::collections::{BTreeMap, BTreeSet};

use gridwatch_protocol::{Alert, AlertId, Kind, Phase, Severity, Timestamp};
use proptest::prelude::*;

use super::desk::{CaseEvent, Desk, Known, Outcome};
use super::sample::{START_MS, Shipped, alert, arrival, next, of_unit, person};
use super::*;
use crate::catalogue::GATEWAY_OFFLINE;
use crate::clocks::ClockType;
use crate::correlation::silence::{Matcher, Silence, is_protected_case};

const SECOND: i64 = 1_000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(START_MS + ms)
}

fn desk(shipped: &Shipped) -> Desk<'_> {
    let known = Known {
        next_case: 1,
        next_flood: 1,
        ..Known::default()
    };
    Desk::new(shipped.rules(), known)
}

fn raise(desk: &mut Desk<'_>, id: u128, device: &str, kind: Kind, ms: i64) -> CaseId {
    take(desk, alert(id, device, kind), ms)
}

fn take(desk: &mut Desk<'_>, alert: Alert, ms: i64) -> CaseId {
    match desk.receive(&arrival(alert), None, at(ms)) {
        Outcome::Accepted(case) => case,
        other => panic!("{other:?}"),
    }
}

fn silence(id: i64, matcher: Matcher, until_ms: i64) -> Silence {
    Silence {
        id,
        version: 1,
        by: "li".into(),
        by_name: "LI".into(),
        why: "lift works".into(),
        matcher,
        path: String::new(),
        from: at(-HOUR),
        until: at(until_ms),
        weekly: Vec::new(),
        created_at: at(-HOUR),
        ended_at: None,
        ended_by: None,
    }
}

fn actions<'a>(desk: &'a Desk<'_>, case: CaseId) -> Vec<&'a str> {
    let rows = desk.changes.transitions.iter();
    rows.filter(|(of, _)| *of == case)
        .map(|(_, row)| row.action.as_str())
        .collect()
}

fn told(desk: &Desk<'_>, case: CaseId) -> Vec<Change> {
    let of_case = |event: &&CaseEvent| event.case == case;
    let events = desk.changes.events.iter().filter(of_case);
    events.map(|event| event.change).collect()
}

/// What the store does when a case has ended.
fn release_keys(desk: &mut Desk<'_>) {
    let open: BTreeSet<CaseId> = desk
        .known
        .cases
        .values()
        .filter(|case| case.state.is_open())
        .map(|case| case.id)
        .collect();
    for (key, holder) in &desk.known.keys {
        if !open.contains(holder) {
            desk.known.ended.insert(key.clone(), *holder);
        }
    }
    desk.known.keys.retain(|_, holder| open.contains(holder));
}

fn end(desk: &mut Desk<'_>, case: CaseId, state: State, ms: i64) {
    let case = desk.known.cases.get_mut(&case).unwrap();
    case.state = state;
    case.ended_at = Some(at(ms));
    release_keys(desk);
}

#[test]
fn silenced_alarm_is_counted_flaps_in_silence_and_is_new_when_the_silence_ends() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    desk.known.silences = vec![silence(7, Matcher::default(), HOUR)];
    let first = alert(1, "gate", Kind::DoorHeld);
    let case = take(&mut desk, first.clone(), 0);
    take(&mut desk, next(&first, Phase::Cleared), MINUTE);
    assert_eq!(
        raise(&mut desk, 2, "gate", Kind::DoorHeld, 5 * MINUTE),
        case
    );
    let hidden = &desk.known.cases[&case];
    assert!(hidden.is_silenced() && hidden.alert_count == 2);
    assert_eq!(told(&desk, case)[0], Change::Silenced);
    assert!(!told(&desk, case).contains(&Change::Opened));
    assert_eq!(timers::next(hidden), Some(at(HOUR)));
    assert!(desk.changes.desks.is_empty(), "no alarm of any officer");

    let dues = shipped.dues(hidden, at(HOUR));
    let mut hidden = hidden.clone();
    assert_eq!(timers::fire(&mut hidden, &dues, at(HOUR - 1)), None);
    let (row, change) = timers::fire(&mut hidden, &dues, at(HOUR)).unwrap();
    assert_eq!((row.action.as_str(), change), ("unsilence", Change::Opened));
    assert!(!hidden.is_silenced());
    assert_eq!(hidden.ack_due_at, dues.acknowledge);
    assert_eq!(timers::fire(&mut hidden, &dues, at(HOUR)), None, "once");
}

#[test]
fn silence_that_ends_when_nothing_stands_makes_no_sound() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    desk.known.silences = vec![silence(7, Matcher::default(), HOUR)];
    let first = alert(1, "gate", Kind::DoorHeld);
    let case = take(&mut desk, first.clone(), 0);
    take(&mut desk, next(&first, Phase::Cleared), MINUTE);
    let mut hidden = desk.known.cases[&case].clone();
    let dues = shipped.dues(&hidden, at(HOUR));
    let (_, change) = timers::fire(&mut hidden, &dues, at(HOUR)).unwrap();
    assert_eq!(change, Change::Updated);
    assert_eq!(hidden.ack_due_at, dues.acknowledge_quiet);
}

#[test]
fn case_that_becomes_a_p1_is_shown_at_once_whatever_silences_there_are() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    desk.known.silences = vec![silence(7, Matcher::default(), HOUR)];
    let mild = alert(1, "gate", Kind::DoorHeld);
    let case = take(&mut desk, mild.clone(), 0);
    let mut worse = next(&mild, Phase::Updated);
    worse.severity = Severity::P1;
    take(&mut desk, worse, MINUTE);
    let case = &desk.known.cases[&case];
    assert!(!case.is_silenced());
    assert_eq!(case.ack_due_at, at(2 * MINUTE), "60 s from then");
    assert_eq!(told(&desk, case.id).last(), Some(&Change::Opened));
    let smoke = raise(&mut desk, 2, "kitchen", Kind::Smoke, MINUTE);
    assert!(!desk.known.cases[&smoke].is_silenced());
}

#[test]
fn alarm_that_no_silence_fits_shows_the_case_that_it_joins() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    let of_device = Matcher {
        kind: Some(Kind::Availability),
        ..Matcher::default()
    };
    desk.known.silences = vec![silence(7, of_device, HOUR)];
    let gate = desk.receive(
        &arrival(alert(1, "gw-1", Kind::Availability)),
        Some(GATEWAY_OFFLINE),
        at(0),
    );
    let Outcome::Accepted(case) = gate else {
        panic!("{gate:?}")
    };
    assert!(desk.known.cases[&case].is_silenced());
    desk.known.silences.clear();
    let again = desk.receive(
        &arrival(alert(2, "gw-1", Kind::Availability)),
        Some(GATEWAY_OFFLINE),
        at(MINUTE),
    );
    assert_eq!(again, Outcome::Accepted(case));
    assert!(!desk.known.cases[&case].is_silenced());
}

#[test]
fn chattering_point_shows_its_hazard_once_and_gives_the_maintainer_one_case() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    for (id, s) in (1..=20).zip(0..) {
        raise(&mut desk, id, "gate", Kind::DoorHeld, s * 5 * SECOND);
    }
    assert_eq!(desk.known.cases.len(), 2);
    let (hazard, care) = (&desk.known.cases[&1], &desk.known.cases[&2]);
    assert_eq!(
        (hazard.alert_count, hazard.category.as_str()),
        (20, "door_held")
    );
    assert_eq!(hazard.marks.raisings[0].count, 20);
    assert!(hazard.marks.raisings[0].latched_at.is_some());
    assert_eq!(actions(&desk, 1), ["report", "join", "join", "latch"]);
    assert_eq!(
        (care.category.as_str(), care.severity),
        ("chattering", Severity::P4)
    );
    assert_eq!(desk.changes.own.len(), 1);
    assert_eq!(desk.known.alerts.len(), 21, "every raising is kept");

    let quiet = 19 * 5 * SECOND + 10 * MINUTE;
    raise(&mut desk, 30, "gate", Kind::DoorHeld, quiet);
    assert_eq!(
        actions(&desk, 1).last(),
        Some(&"join"),
        "released, it is news again"
    );
}

#[test]
fn latched_point_that_becomes_more_severe_is_told() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    for id in 1..=4 {
        raise(&mut desk, id, "gate", Kind::DoorHeld, 0);
    }
    let mut worse = alert(9, "gate", Kind::DoorHeld);
    worse.severity = Severity::P1;
    take(&mut desk, worse, SECOND);
    assert_eq!(desk.known.cases[&1].severity, Severity::P1);
    assert!(actions(&desk, 1).contains(&"escalate"));
}

#[test]
fn eleventh_alarm_in_ten_minutes_opens_its_case_in_a_flood() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    for id in 1..=12 {
        raise(&mut desk, id, &format!("gate-{id}"), Kind::DoorHeld, 0);
    }
    let floods: Vec<Option<i64>> = desk.known.cases.values().map(|c| c.marks.flood).collect();
    assert_eq!(floods[..10], [None; 10]);
    assert_eq!(floods[10..], [Some(1); 2]);
    assert_eq!(desk.changes.floods.len(), 1);
    let community = "/990100/990101/990101001/990101001001/";
    assert_eq!(desk.changes.floods[0].0, community);
    assert_eq!(desk.known.next_flood, 2);
}

#[test]
fn desk_is_the_narrowest_staffed_area_of_a_street_or_wider() {
    let shipped = Shipped::load();
    let path = shipped
        .directory
        .path(&gridwatch_protocol::SiteId::new("xinghe-garden").unwrap());
    let of = |codes: &[&str]| {
        let staffed = codes.iter().map(|code| (*code).to_owned()).collect();
        super::desk::desk_of(&path, &staffed)
    };
    assert_eq!(of(&["990100", "990101001"]), "/990100/990101/990101001/");
    assert_eq!(of(&["990100", "990101001001001"]), "/990100/");
    assert_eq!(of(&[]), "/990100/990101/990101001/990101001001/");
    assert_eq!(super::desk::desk_of(&[], &BTreeSet::new()), "");
}

#[test]
fn new_alarm_within_72_hours_opens_the_closed_case_again_as_new() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    raise(&mut desk, 1, "gate", Kind::DoorHeld, 0);
    let case = desk.known.cases.get_mut(&1).unwrap();
    case.acknowledged_at = Some(at(1));
    case.acknowledged_by = Some("wang".into());
    end(&mut desk, 1, State::Closed, HOUR);
    assert_eq!(
        raise(&mut desk, 2, "gate", Kind::DoorHeld, 73 * HOUR - 1),
        1
    );
    let case = &desk.known.cases[&1];
    assert_eq!((case.state, case.acknowledged_at), (State::Reported, None));
    assert_eq!((case.progress.reopened, case.ended_at), (1, None));
    assert_eq!(case.ack_due_at, at(73 * HOUR - 1 + 15 * MINUTE));
    assert_eq!(desk.changes.reopened, BTreeSet::from([1]));
    assert_eq!(actions(&desk, 1), ["report", "reopen", "join"]);
    assert_eq!(told(&desk, 1)[1], Change::Opened);
}

#[test]
fn what_was_decided_otherwise_is_only_related_and_after_72_hours_nothing_is() {
    let shipped = Shipped::load();
    for state in [State::Rejected, State::Evaluated, State::ForcedClosed] {
        let mut desk = desk(&shipped);
        raise(&mut desk, 1, "gate", Kind::DoorHeld, 0);
        end(&mut desk, 1, state, HOUR);
        assert_eq!(raise(&mut desk, 2, "gate", Kind::DoorHeld, 2 * HOUR), 2);
        assert_eq!(desk.known.cases[&2].marks.related, [1]);
        assert_eq!(desk.known.cases[&1].state, state);
    }
    let mut desk = desk(&shipped);
    raise(&mut desk, 1, "gate", Kind::DoorHeld, 0);
    end(&mut desk, 1, State::Closed, HOUR);
    assert_eq!(raise(&mut desk, 2, "gate", Kind::DoorHeld, 73 * HOUR), 2);
    assert!(desk.known.cases[&2].marks.related.is_empty());
}

#[test]
fn gas_leak_is_filed_and_dispatched_by_the_hub_and_still_has_to_be_acknowledged() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    raise(&mut desk, 1, "kitchen", Kind::Gas, 0);
    assert_eq!(actions(&desk, 1), ["report", "file", "dispatch"]);
    let case = &desk.known.cases[&1];
    assert_eq!(case.state, State::Dispatched);
    assert_eq!(case.progress.filed_as.as_deref(), Some("alarm_stands"));
    assert_eq!(case.progress.unit.as_deref(), Some("binhai-gas"));
    assert_eq!(case.progress.due_at, Some(at(HOUR)));
    assert_eq!(
        (case.acknowledged_at, case.progress.filed_by_hub),
        (None, true)
    );
    let mut case = case.clone();
    let officer = person("wang", Role::DutyOfficer);
    let taken = shipped.act(
        &mut case,
        Action::Acknowledge,
        &officer,
        Details::default(),
        at(1),
    );
    assert!(taken.is_ok() && case.acknowledged_at == Some(at(1)));
}

#[test]
fn second_detector_confirms_a_fire_and_the_fire_service_has_it_at_once() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    raise(&mut desk, 1, "kitchen", Kind::Smoke, 0);
    assert_eq!(desk.known.cases[&1].state, State::Reported);
    raise(&mut desk, 2, "hall", Kind::Smoke, MINUTE);
    let case = &desk.known.cases[&1];
    assert_eq!(
        (case.category.as_str(), case.state),
        ("fire_confirmed", State::Dispatched)
    );
    assert_eq!(case.progress.unit.as_deref(), Some("donghu-fire"));
    assert_eq!(
        told(&desk, 1),
        [Change::Opened, Change::Joined, Change::Filed, Change::Moved]
    );
}

#[test]
fn sensor_that_its_gateway_hid_is_on_its_own_when_the_gateway_is_back() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    let offline = alert(1, "gw-1", Kind::Availability);
    desk.receive(&arrival(offline.clone()), Some(GATEWAY_OFFLINE), at(0));
    desk.known.silent.insert(GatewayId::new("gw-1").unwrap());
    for id in 2..=301 {
        raise(
            &mut desk,
            id,
            &format!("sensor-{id}"),
            Kind::Availability,
            MINUTE,
        );
    }
    assert_eq!(
        (desk.known.cases.len(), desk.known.cases[&1].alert_count),
        (1, 301)
    );
    desk.known.silent.clear();
    take(&mut desk, next(&offline, Phase::Cleared), 5 * MINUTE);
    assert_eq!(desk.known.cases[&1].marks.release_at, Some(at(15 * MINUTE)));
    let own = raise(&mut desk, 999, "sensor-2", Kind::Availability, 6 * MINUTE);
    assert_ne!(own, 1, "what goes silent now is not the gateway's");
}

#[test]
fn p1_is_the_streets_matter_and_a_red_card_the_districts() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    raise(&mut desk, 1, "kitchen", Kind::Smoke, 0);
    let mut case = desk.known.cases[&1].clone();
    assert_eq!(case.progress.level, Some(Level::III));
    let note = text("红牌", "red card");
    timers::give_card(&mut case, Card::Red, note, at(1)).unwrap();
    assert_eq!(case.progress.level, Some(Level::II));
    let mild = raise(&mut desk, 2, "gate", Kind::DoorHeld, 0);
    assert_eq!(desk.known.cases[&mild].progress.level, None);
}

#[test]
fn what_is_left_after_a_suspension_is_counted_by_the_limits_own_clock() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    raise(&mut desk, 1, "gate", Kind::DoorHeld, 0);
    let mut case = desk.known.cases[&1].clone();
    // Local times: Friday 16:00 with two working hours left; resumed on Sunday at noon.
    let utc = |text: &str| text.parse::<Timestamp>().unwrap();
    case.progress.suspended_at = Some(utc("2026-11-20T08:00:00Z"));
    case.progress.due_at = Some(utc("2026-11-20T10:00:00Z"));
    let resumed = |clock| {
        let now = utc("2026-11-22T04:00:00Z");
        steps::due_after_suspension(&case, &shipped.calendar, clock, now)
    };
    assert_eq!(
        resumed(ClockType::WorkingHours),
        Some(utc("2026-11-23T02:00:00Z")),
        "Monday 10:00"
    );
    assert_eq!(
        resumed(ClockType::UrgentHours),
        Some(utc("2026-11-22T06:00:00Z"))
    );
    case.progress.suspended_at = Some(utc("2026-11-20T11:00:00Z"));
    let late = steps::due_after_suspension(
        &case,
        &shipped.calendar,
        ClockType::WorkingHours,
        utc("2026-11-22T04:00:00Z"),
    );
    assert_eq!(late, case.progress.due_at, "what was overdue stays so");
}

#[test]
fn hazard_is_stopped_within_an_hour_and_the_main_repaired_within_days() {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    raise(&mut desk, 1, "gate", Kind::WaterLeak, 0);
    let mut case = desk.known.cases[&1].clone();
    case.category = "water_main_break".into();
    case.state = State::Dispatched;
    case.progress.unit = Some("xinghe-property".into());
    let worker = of_unit("zhao", Role::Handler, "xinghe-property");
    let contain = |case: &mut Case| {
        shipped.act(
            case,
            Action::Contain,
            &worker,
            Details::default(),
            at(MINUTE),
        )
    };
    assert!(contain(&mut case).is_ok());
    assert_eq!(case.progress.contained_at, Some(at(MINUTE)));
    assert!(contain(&mut case).is_err(), "once");
    case.category = "water_leak".into();
    case.progress.contained_at = None;
    assert!(contain(&mut case).is_err(), "there is no limit for it");
}

#[derive(Debug, Clone)]
enum Storm {
    Raise {
        device: usize,
        kind: usize,
        severity: usize,
        test: bool,
    },
    Clear {
        alert: usize,
    },
    Worsen {
        alert: usize,
    },
    Close {
        case: usize,
        rejected: bool,
    },
    Split {
        case: usize,
        keep: usize,
    },
    Wait {
        seconds: i64,
    },
}

const KINDS: [Kind; 5] = [
    Kind::Smoke,
    Kind::Gas,
    Kind::DoorHeld,
    Kind::Availability,
    Kind::WaterLeak,
];
const SEVERITIES: [Severity; 4] = [Severity::P1, Severity::P2, Severity::P3, Severity::P4];

fn storm() -> impl Strategy<Value = Storm> {
    prop_oneof![
        12 => (0usize..3, 0usize..5, 0usize..4, prop::bool::weighted(0.1))
            .prop_map(|(device, kind, severity, test)| Storm::Raise { device, kind, severity, test }),
        3 => (0usize..50).prop_map(|alert| Storm::Clear { alert }),
        1 => (0usize..50).prop_map(|alert| Storm::Worsen { alert }),
        2 => (0usize..10, any::<bool>()).prop_map(|(case, rejected)| Storm::Close { case, rejected }),
        1 => (0usize..10, 0usize..3).prop_map(|(case, keep)| Storm::Split { case, keep }),
        4 => prop_oneof![5 => 1i64..90, 1 => 600i64..300_000].prop_map(|seconds| Storm::Wait { seconds }),
    ]
}

/// Nothing is lost, no key leads to two open cases, and life safety is never hidden.
fn check(desk: &Desk<'_>, shipped: &Shipped, sent: usize) -> Result<(), TestCaseError> {
    prop_assert_eq!(desk.known.alerts.len(), sent + desk.changes.own.len());
    let mut held: BTreeMap<CaseId, u32> = BTreeMap::new();
    for record in desk.known.alerts.values() {
        *held.entry(record.case).or_default() += 1;
    }
    for case in desk.known.cases.values() {
        prop_assert_eq!(held.get(&case.id).copied().unwrap_or(0), case.alert_count);
        prop_assert!(case.alerts_active <= case.alert_count);
        let hidden = case.is_silenced() && is_protected_case(case, &shipped.catalogue);
        prop_assert!(!hidden, "life safety is hidden: {:?}", case);
        prop_assert!(case.marks.raisings.len() <= crate::correlation::marks::POINTS_MAX);
    }
    for holder in desk.known.keys.values() {
        prop_assert!(
            desk.known.cases[holder].state.is_open(),
            "a key leads to an ended case"
        );
    }
    Ok(())
}

fn weather(steps: &[Storm], silenced: bool) -> Result<(), TestCaseError> {
    let shipped = Shipped::load();
    let mut desk = desk(&shipped);
    if silenced {
        desk.known.silences = vec![silence(1, Matcher::default(), 40 * HOUR)];
    }
    let (mut ms, mut sent, mut ids) = (0, 0, Vec::new());
    for step in steps {
        match step {
            Storm::Wait { seconds } => ms += seconds * SECOND,
            Storm::Raise {
                device,
                kind,
                severity,
                test,
            } => {
                sent += 1;
                let mut raised = alert(sent as u128, ["a", "b", "c"][*device], KINDS[*kind]);
                raised.severity = SEVERITIES[*severity];
                raised.is_test = *test;
                ids.push(raised.id);
                let case = take(&mut desk, raised, ms);
                prop_assert!(
                    desk.known.cases[&case].state.is_open(),
                    "an alarm went to an ended case"
                );
            }
            Storm::Clear { alert } | Storm::Worsen { alert } => {
                let Some(id) = ids.get(*alert) else { continue };
                let before = desk.known.alerts[id].alert.clone();
                let clears = matches!(step, Storm::Clear { .. });
                let mut after = next(
                    &before,
                    if clears {
                        Phase::Cleared
                    } else {
                        Phase::Updated
                    },
                );
                if !clears {
                    after.severity = Severity::P1;
                }
                take(&mut desk, after, ms);
            }
            Storm::Close { case, rejected } => {
                let open: Vec<CaseId> = desk
                    .known
                    .cases
                    .values()
                    .filter(|c| c.state.is_open())
                    .map(|c| c.id)
                    .collect();
                if let Some(id) = open.get(*case) {
                    let state = if *rejected {
                        State::Rejected
                    } else {
                        State::Closed
                    };
                    end(&mut desk, *id, state, ms);
                }
            }
            Storm::Split { case, keep } => split_one(&mut desk, &shipped, *case, *keep, ms)?,
        }
        // What is due by itself.
        for case in desk.known.cases.values_mut() {
            let dues = shipped.dues(case, at(ms));
            timers::fire(case, &dues, at(ms));
        }
        // What the store does with the keys of a case that is open again.
        let reopened = desk.changes.reopened.clone();
        let back: Vec<(String, CaseId)> = desk
            .known
            .ended
            .iter()
            .filter(|(_, id)| reopened.contains(id))
            .map(|(k, id)| (k.clone(), *id))
            .collect();
        for (key, id) in back {
            if desk.known.cases[&id].state.is_open() {
                desk.known.keys.entry(key).or_insert(id);
            }
        }
        check(&desk, &shipped, sent)?;
    }
    Ok(())
}

fn split_one(
    desk: &mut Desk<'_>,
    shipped: &Shipped,
    case: usize,
    keep: usize,
    ms: i64,
) -> Result<(), TestCaseError> {
    let open: Vec<CaseId> = desk
        .known
        .cases
        .values()
        .filter(|c| c.state.is_open())
        .map(|c| c.id)
        .collect();
    let Some(id) = open.get(case) else {
        return Ok(());
    };
    let records: Vec<AlertRecord> = desk
        .known
        .alerts
        .values()
        .filter(|r| r.case == *id)
        .cloned()
        .collect();
    let moving: Vec<AlertId> = records.iter().skip(keep).map(|r| r.alert.id).collect();
    let mut giving = desk.known.cases[id].clone();
    let before = giving.clone();
    let new = split::NewCase {
        id: desk.known.next_case,
        number: format!("n-{}", desk.known.next_case),
    };
    let why = text("误关联", "not the same matter");
    let officer = person("wang", Role::DutyOfficer);
    let done = split::split(
        &mut giving,
        &records,
        &moving,
        new,
        &shipped.catalogue,
        (Some(&officer), &why),
        at(ms),
    );
    let Ok(parted) = done else {
        prop_assert_eq!(&giving, &before, "a refusal changed the case");
        prop_assert!(keep == 0 || moving.is_empty());
        return Ok(());
    };
    prop_assert_eq!(
        giving.alert_count + parted.case.alert_count,
        before.alert_count
    );
    prop_assert_eq!(
        giving.alerts_active + parted.case.alerts_active,
        before.alerts_active
    );
    prop_assert_eq!(
        giving.severity,
        before.severity,
        "the case that gives is as urgent as before"
    );
    prop_assert_eq!(
        (&parted.given.actor, &parted.reported.actor),
        (&officer.username, &officer.username)
    );
    prop_assert!(
        giving.marks.related.contains(&parted.case.id) && parted.case.marks.related.contains(id)
    );
    desk.known.next_case += 1;
    for alert in &moving {
        desk.known.alerts.get_mut(alert).unwrap().case = parted.case.id;
    }
    desk.known.cases.insert(*id, giving);
    desk.known.cases.insert(parted.case.id, parted.case);
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, ..ProptestConfig::default() })]

    #[test]
    fn no_storm_loses_an_alert_or_hides_life_safety(steps in prop::collection::vec(storm(), 1..120), silenced: bool) {
        weather(&steps, silenced)?;
    }
}
