//! Timers on a real store, with the engine's clock in the hands of the test.

use std::collections::BTreeMap;
use std::sync::Arc;

use gridwatch_protocol::{GatewayId, Kind, Severity, Timestamp};
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::{Fired, TimerDone, TimerJob};
use crate::access::Scope;
use crate::cases::progress::Details;
use crate::cases::sample::{START_MS, Shipped, alert};
use crate::cases::timers::EVALUATE_AFTER_MS;
use crate::cases::{Action, Actor, Card, Case, CaseId, Role, actions};
use crate::clocks::Calendar;
use crate::clocks::plan::{ClockKind, clocks};
use crate::directory::Directories;
use crate::engine::act::Act;
use crate::engine::{Engine, EngineSettings, engine};
use crate::parse::{Item, ParsedBatch};
use crate::store::{self, Store};

mod roster;

const MINUTE: i64 = 60_000;

struct Hub {
    engine: Engine,
    store: Store,
    stop: CancellationToken,
    task: tokio::task::JoinHandle<()>,
}

fn at(ms: i64) -> Timestamp {
    Timestamp::from_unix_ms(START_MS + ms)
}

fn settings() -> EngineSettings {
    let shipped = Shipped::load();
    EngineSettings {
        catalogue: Arc::new(shipped.catalogue),
        directory: Arc::new(shipped.directory),
        calendar: Arc::new(
            Calendar::parse(include_str!("../../../configs/calendar.toml")).unwrap(),
        ),
        correlation: crate::correlation::Settings::default(),
        fire_group_ms: 600_000,
        utc_offset_minutes: 480,
        rosters: crate::roster::known::Cache::default(),
        completion: Arc::default(),
    }
}

async fn open(dir: &TempDir) -> Hub {
    open_with(dir, settings()).await
}

async fn open_with(dir: &TempDir, settings: EngineSettings) -> Hub {
    let url = store::StoreUrl::parse("sqlite:hub.db", dir.path()).unwrap();
    let (store, writer) = store::open(&url).await.unwrap();
    let directories = Directories::new(Arc::clone(&settings.directory));
    let (engine, task) = engine(writer, settings, directories, 64, Arc::default())
        .await
        .unwrap();
    let stop = CancellationToken::new();
    let until = stop.clone();
    let task = tokio::spawn(async move { task.run(until).await.unwrap() });
    Hub {
        engine,
        store,
        stop,
        task,
    }
}

impl Hub {
    async fn close(self) {
        self.stop.cancel();
        self.task.await.unwrap();
    }

    /// One case for each device, opened at `now`.
    async fn open_cases(
        &self,
        devices: std::ops::Range<u32>,
        kind: Kind,
        severity: Severity,
        now: Timestamp,
    ) {
        let items = devices
            .map(|n| {
                let mut alert = alert(u128::from(n) + 1, &format!("d-{n}"), kind);
                alert.severity = severity;
                alert.sequence = Some(u64::from(n) + 1);
                Item::Good(Box::new(alert))
            })
            .collect();
        let batch = ParsedBatch {
            gateway: GatewayId::new("gw-1").unwrap(),
            stream: gridwatch_protocol::StreamId(uuid::Uuid::from_u128(7)),
            items,
            readings: vec![],
            readings_refused: 0,
            gaps: vec![],
        };
        self.engine.batch(batch, now).await.unwrap();
    }

    async fn fire(&self, now: Timestamp) -> Fired {
        let done = self.engine.timers(TimerJob::Fire { limit: 50 }, now).await;
        let TimerDone::Fired(fired) = done.unwrap() else {
            panic!("the job was to fire");
        };
        fired
    }

    async fn act(&self, id: CaseId, action: Action, now: Timestamp) -> Case {
        let version = self.case(id).await.version;
        let mut details = Details::default();
        match action {
            Action::File => details.condition = Some("alarm_stands".into()),
            Action::Dispatch => details.unit = Some("xinghe-property".into()),
            Action::CallUp => details.unit = Some("xinghe-street-office".into()),
            Action::Checked => details.yes = Some(true),
            Action::Close => details.conditions = vec!["checked_and_closed".into()],
            _ => {}
        }
        let request = actions::Request {
            action,
            reason: Some("a reason".into()),
            version,
            details,
        };
        let actor = Actor {
            // Nobody checks or closes what they have handled.
            username: if action == Action::Settle { "wu" } else { "li" }.into(),
            display_name: "LI".into(),
            role: Role::Administrator,
            unit: None,
        };
        let act = Act {
            case: id,
            request,
            actor,
            scope: Scope::whole(),
            key: None,
        };
        self.engine.act(act, now).await.unwrap()
    }

    async fn case(&self, id: CaseId) -> Case {
        self.store.case(id, &Scope::whole()).await.unwrap().unwrap()
    }

    async fn history(&self, id: CaseId) -> Vec<String> {
        let rows = self.store.transitions_of(id).await.unwrap();
        rows.into_iter().map(|row| row.action).collect()
    }

    async fn next(&self, now: Timestamp) -> Option<i64> {
        let next = self.store.next_timer(now).await.unwrap();
        next.map(|at| at.unix_ms() - START_MS)
    }
}

#[tokio::test]
async fn report_is_escalated_at_its_times_and_not_after_somebody_acknowledged_it() {
    let dir = TempDir::new().unwrap();
    let hub = open(&dir).await;
    hub.open_cases(0..2, Kind::DoorForced, Severity::P2, at(0))
        .await;
    assert_eq!(hub.next(at(0)).await, Some(3 * MINUTE));
    assert_eq!(hub.fire(at(3 * MINUTE - 1)).await.due, []);
    assert_eq!(hub.fire(at(3 * MINUTE)).await.due, [at(3 * MINUTE); 2]);
    assert_eq!(hub.fire(at(3 * MINUTE)).await.due, [], "fired once");
    hub.act(1, Action::Acknowledge, at(4 * MINUTE)).await;
    // Late: both further levels of the second case, in order.
    assert_eq!(hub.fire(at(11 * MINUTE)).await.due, [at(6 * MINUTE)]);
    assert_eq!(hub.fire(at(11 * MINUTE)).await.due, [at(9 * MINUTE)]);
    assert_eq!(hub.fire(at(11 * MINUTE)).await.due, []);
    let escalate = "escalate_unacknowledged";
    assert_eq!(hub.history(1).await, ["report", escalate, "acknowledge"]);
    assert_eq!(
        hub.history(2).await,
        ["report", escalate, escalate, escalate]
    );
    hub.close().await;
}

#[tokio::test]
async fn acknowledgement_lapses_into_a_report_with_its_own_clock() {
    let dir = TempDir::new().unwrap();
    let hub = open(&dir).await;
    hub.open_cases(0..1, Kind::DoorForced, Severity::P2, at(0))
        .await;
    hub.act(1, Action::Acknowledge, at(MINUTE)).await;
    // Filing within 10 min: a reminder at 80 %, then it is reported again.
    assert_eq!(hub.fire(at(9 * MINUTE)).await.due, [at(9 * MINUTE)]);
    assert_eq!(hub.fire(at(11 * MINUTE)).await.due, [at(11 * MINUTE)]);
    let case = hub.case(1).await;
    assert_eq!(
        (case.state.as_str(), case.acknowledged_at),
        ("reported", None)
    );
    assert_eq!(case.ack_due_at, at(14 * MINUTE));
    assert_eq!(hub.next(at(11 * MINUTE)).await, Some(14 * MINUTE));
    assert_eq!(
        hub.history(1).await,
        ["report", "acknowledge", "remind", "lapse"]
    );
    hub.close().await;
}

#[tokio::test]
async fn handled_case_has_reminders_and_cards_and_its_end_ends_them() {
    let dir = TempDir::new().unwrap();
    let hub = open(&dir).await;
    hub.open_cases(0..2, Kind::DoorForced, Severity::P2, at(0))
        .await;
    for id in [1, 2] {
        hub.act(id, Action::File, at(0)).await;
        hub.act(id, Action::Dispatch, at(0)).await;
    }
    for (minute, count) in [(59, 0), (60, 2), (96, 2), (120, 2)] {
        assert_eq!(
            hub.fire(at(minute * MINUTE)).await.due.len(),
            count,
            "minute {minute}"
        );
    }
    for action in [
        Action::Settle,
        Action::Check,
        Action::Checked,
        Action::Close,
    ] {
        hub.act(1, action, at(121 * MINUTE)).await;
    }
    assert_eq!(hub.fire(at(500 * MINUTE)).await.due, [at(240 * MINUTE)]);
    let archived = 121 * MINUTE + EVALUATE_AFTER_MS;
    assert_eq!(hub.next(at(500 * MINUTE)).await, Some(archived));
    assert_eq!(hub.fire(at(archived)).await.due, [at(archived)]);
    assert_eq!(hub.next(at(archived)).await, None);
    let late = ["report", "file", "dispatch", "remind", "remind", "set_card"];
    let ended = ["settle", "check", "checked", "close", "evaluate"];
    assert_eq!(hub.history(1).await, [&late[..], &ended].concat());
    assert_eq!(hub.history(2).await, [&late[..], &["set_card"]].concat());
    assert_eq!(hub.case(1).await.progress.card, Card::Yellow);
    assert_eq!(hub.case(2).await.progress.card, Card::Red);
    let facts = hub.store.clock_facts(1).await.unwrap().unwrap();
    let views = clocks(&facts, &settings().calendar, at(500 * MINUTE));
    let disposal = views
        .iter()
        .find(|view| view.kind == ClockKind::Disposal)
        .unwrap();
    assert_eq!(disposal.ended_at, Some(at(121 * MINUTE)));
    assert_eq!(disposal.remaining_ms, -MINUTE);
    hub.close().await;
}

#[tokio::test]
async fn timers_survive_a_restart_and_a_jump_of_the_clock() {
    let dir = TempDir::new().unwrap();
    let hub = open(&dir).await;
    hub.open_cases(0..3, Kind::DoorForced, Severity::P2, at(0))
        .await;
    // Set back by an hour: not due. Set forward by a day: due at once, at the time that was right.
    assert_eq!(hub.fire(at(-60 * MINUTE)).await.due, []);
    hub.close().await;
    let hub = open(&dir).await;
    assert_eq!(
        hub.fire(at(24 * 60 * MINUTE)).await.due,
        [at(3 * MINUTE); 3]
    );
    hub.close().await;
}

#[tokio::test]
async fn replanning_makes_missing_timers_and_changes_nothing_else() {
    let dir = TempDir::new().unwrap();
    let hub = open(&dir).await;
    hub.open_cases(0..3, Kind::DoorForced, Severity::P2, at(0))
        .await;
    hub.act(3, Action::File, at(MINUTE)).await;
    let timers = async || -> BTreeMap<(i64, String), i64> {
        let rows = sqlx::query("SELECT case_id, kind, due_at FROM case_timers")
            .fetch_all(&hub.store.readers)
            .await
            .unwrap();
        use sqlx::Row;
        rows.iter()
            .map(|r| ((r.get(0), r.get(1)), r.get(2)))
            .collect()
    };
    let before = timers().await;
    assert_eq!(before.len(), 3);
    let replan = TimerJob::Replan { after: 0 };
    let done = hub.engine.timers(replan, at(2 * MINUTE)).await.unwrap();
    assert_eq!(done, TimerDone::Replanned(Some(3)));
    assert_eq!(timers().await, before);
    let done = hub
        .engine
        .timers(TimerJob::Replan { after: 3 }, at(2 * MINUTE))
        .await;
    assert_eq!(done.unwrap(), TimerDone::Replanned(None));
    hub.close().await;
}

#[tokio::test]
async fn timer_that_cannot_be_fired_is_put_off_and_the_others_are_fired() {
    let dir = TempDir::new().unwrap();
    let hub = open(&dir).await;
    hub.open_cases(0..1, Kind::DoorForced, Severity::P2, at(0))
        .await;
    hub.open_cases(1..3, Kind::DoorForced, Severity::P2, at(1_000))
        .await;
    let done = hub.engine.timers(TimerJob::Postpone, at(5 * MINUTE)).await;
    assert_eq!(done.unwrap(), TimerDone::Rows(1));
    let due = at(3 * MINUTE + 1_000);
    assert_eq!(hub.fire(at(5 * MINUTE)).await.due, [due, due]);
    assert_eq!(hub.fire(at(6 * MINUTE)).await.due, [at(3 * MINUTE)]);
    hub.close().await;
}

#[tokio::test]
async fn fired_timers_are_forgotten_in_time_and_pending_ones_never() {
    let dir = TempDir::new().unwrap();
    let hub = open(&dir).await;
    hub.open_cases(0..1, Kind::DoorForced, Severity::P2, at(0))
        .await;
    assert_eq!(hub.fire(at(3 * MINUTE)).await.due.len(), 1);
    let forget = TimerJob::Forget {
        before: at(24 * 60 * MINUTE),
    };
    let done = hub.engine.timers(forget, at(25 * 60 * MINUTE)).await;
    assert_eq!(done.unwrap(), TimerDone::Rows(1));
    assert_eq!(hub.next(at(4 * MINUTE)).await, Some(6 * MINUTE));
    hub.close().await;
}
