//! A month of cases, made by hand through the real engine, and every figure of it worked out by hand.

use std::collections::BTreeMap;
use std::sync::Arc;

use gridwatch_protocol::{Alert, GatewayId, Kind, Severity, SiteId, Timestamp};
use hub::access::Scope;
use hub::cases::progress::Evidence;
use hub::cases::{Action, Actor, Card, Case, Details, EvidenceKind, Role, actions::Request};
use hub::config;
use hub::directory::{Directories, Directory};
use hub::engine::act::Act;
use hub::engine::{Engine, EngineSettings, engine};
use hub::metrics::Metrics;
use hub::parse::{Item, ParsedBatch};
use hub::reports::counts::Counts;
use hub::reports::figures::{Rates, Spread, Sums};
use hub::store::reports::{By, CaseGroup};
use hub::store::{Store, StoreUrl};
use hub::timers::{TimerDone, TimerJob};
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use reqwest::{Method, StatusCode};
use serde_json::Value;
use tempfile::TempDir;
use tokio_util::sync::CancellationToken;

use super::harness::{Hub, PLAIN, UNIT, alert, around, hub_on, populate, stream, write_files};

const GRID_1: &str = "990101001001001";
const GRID_2: &str = "990101001001002";

/// A local time of September 2026, such as `07 09:00`.
fn at(local: &str) -> Timestamp {
    format!("2026-09-{}:00+08:00", local.replace(' ', "T"))
        .parse::<jiff::Timestamp>()
        .unwrap()
        .into()
}

/// An engine on a store, without timers of its own.
struct Desk {
    engine: Engine,
    store: Store,
    directory: Arc<Directory>,
    stop: CancellationToken,
    next: u64,
}

impl Desk {
    async fn open(loaded: config::Loaded) -> Self {
        let url = loaded.config.store_url().unwrap();
        let (store, mut writer) = hub::store::open(&url).await.unwrap();
        let directory = Arc::new(loaded.directory);
        writer.follow_directory(&directory).await.unwrap();
        let settings = EngineSettings {
            catalogue: Arc::new(loaded.catalogue),
            calendar: Arc::new(loaded.calendar),
            directory: Arc::clone(&directory),
            fire_group_ms: 600_000,
            utc_offset_minutes: 480,
            correlation: hub::correlation::Settings::default(),
            rosters: hub::roster::known::Cache::default(),
            completion: Arc::default(),
        };
        let directories = Directories::new(Arc::clone(&directory));
        let metrics = Arc::new(Metrics::default());
        let (engine, task) = engine(writer, settings, directories, 64, metrics)
            .await
            .unwrap();
        let stop = CancellationToken::new();
        tokio::spawn(task.run(stop.clone()));
        Self {
            engine,
            store,
            directory,
            stop,
            next: 1,
        }
    }

    /// A leak is reported; gives its case.
    async fn leak(
        &mut self,
        site: &str,
        device: &str,
        local: &str,
        change: impl Fn(&mut Alert),
    ) -> i64 {
        let mut leak = alert(self.next, device, Kind::WaterLeak);
        self.next += 1;
        leak.severity = Severity::P3;
        leak.site = SiteId::new(site).unwrap();
        change(&mut leak);
        let batch = ParsedBatch {
            gateway: GatewayId::new("gw-1").unwrap(),
            stream: stream(),
            items: vec![Item::Good(Box::new(leak))],
            readings: vec![],
            readings_refused: 0,
            gaps: vec![],
        };
        let outcome = self.engine.batch(batch, at(local)).await.unwrap();
        let hub::cases::desk::Outcome::Accepted(case) = outcome[0] else {
            panic!("not accepted: {outcome:?}");
        };
        case
    }

    async fn does(
        &self,
        case: i64,
        who: (&str, Role),
        action: Action,
        local: &str,
        details: Details,
    ) -> Case {
        let version = self
            .store
            .case(case, &Scope::whole())
            .await
            .unwrap()
            .unwrap()
            .version;
        let (name, role) = who;
        let act = Act {
            case,
            request: Request {
                action,
                reason: Some("a reason".into()),
                details,
                version,
            },
            actor: Actor {
                username: name.into(),
                display_name: name.to_uppercase(),
                role,
                unit: matches!(role, Role::Unit | Role::Handler).then(|| UNIT.into()),
            },
            scope: Scope::whole(),
            key: None,
        };
        self.engine
            .act(act, at(local))
            .await
            .unwrap_or_else(|error| panic!("case {case}, {action:?} at {local}: {error}"))
    }

    async fn plain(&self, case: i64, who: (&str, Role), action: Action, local: &str) {
        self.does(case, who, action, local, Details::default())
            .await;
    }

    async fn file(&self, case: i64, acknowledged: &str, filed: &str) {
        self.plain(case, DUTY, Action::Acknowledge, acknowledged)
            .await;
        let details = Details {
            condition: Some("alarm_stands".into()),
            ..Details::default()
        };
        self.does(case, DUTY, Action::File, filed, details).await;
    }

    async fn dispatch(&self, case: i64, local: &str) {
        let details = Details {
            unit: Some(UNIT.into()),
            ..Details::default()
        };
        self.does(case, SUN, Action::Dispatch, local, details).await;
    }

    async fn feed_back(&self, case: i64, local: &str) {
        let details = Details {
            evidence: vec![Evidence {
                kind: EvidenceKind::Photo,
                sha256: "ab".repeat(32),
                name: "cellar.jpg".into(),
                at: at(local),
                place: None,
            }],
            ..Details::default()
        };
        self.does(case, ZHAO, Action::Feedback, local, details)
            .await;
    }

    async fn close(&self, case: i64, checked: &str, closed: &str) {
        self.plain(case, DUTY, Action::Check, checked).await;
        self.does(case, ZHOU, Action::Checked, checked, yes(true))
            .await;
        let details = Details {
            conditions: vec!["stopped".into()],
            ..Details::default()
        };
        self.does(case, DUTY, Action::Close, closed, details).await;
    }

    async fn reject(&self, case: i64, cause: &str, local: &str) {
        let details = Details {
            condition: Some(cause.into()),
            ..Details::default()
        };
        self.does(case, DUTY, Action::Reject, local, details).await;
    }

    /// Fires everything that was due until now.
    async fn fire_all(&self) {
        loop {
            let job = TimerJob::Fire { limit: 100 };
            let done = self.engine.timers(job, hub::now()).await.unwrap();
            let TimerDone::Fired(fired) = done else {
                panic!("{done:?}");
            };
            assert_eq!(fired.refused, 0);
            if fired.due.is_empty() && fired.stale == 0 {
                return;
            }
        }
    }

    fn within(&self, area: &str) -> Scope {
        Scope::subtree(area, &self.directory)
    }
}

const DUTY: (&str, Role) = ("duty", Role::DutyOfficer);
const SUN: (&str, Role) = ("sun", Role::Dispatcher);
const QIAN: (&str, Role) = ("qian", Role::Unit);
const ZHAO: (&str, Role) = ("zhao", Role::Handler);
const ZHOU: (&str, Role) = ("zhou", Role::Checker);
const LI: (&str, Role) = ("li", Role::Supervisor);
const CHEN: (&str, Role) = ("chen", Role::Supervisor);
const BOSS: (&str, Role) = ("boss", Role::Leader);

fn yes(yes: bool) -> Details {
    Details {
        yes: Some(yes),
        ..Details::default()
    }
}

/// The month. Leaks are P3: acknowledged in 15 min, filed in 1 h, dispatched in 1 h, handled in 4 working
/// hours (8:00-12:00, 14:00-18:00), checked in 8 working hours. 2026-09-07 is a Monday.
async fn month(desk: &mut Desk) {
    use Action::*;
    let garden = "xinghe-garden";
    let market = "xinghe-market";
    // 1, in time: acknowledged after 5 min, filed after 15 more, dispatched after 10 more, handled in
    // 9:30-11:30 = 2 h, closed 11:30-12:00 and 14:00-14:30 = 1 h later. Scored 5.
    assert_eq!(desk.leak(garden, "d1", "07 09:00", |_| {}).await, 1);
    desk.file(1, "07 09:05", "07 09:20").await;
    desk.dispatch(1, "07 09:30").await;
    desk.plain(1, ZHAO, Handle, "07 09:35").await;
    desk.feed_back(1, "07 11:30").await;
    desk.close(1, "07 11:40", "07 14:30").await;
    let score = Details {
        score: Some(5),
        ..Details::default()
    };
    desk.does(1, LI, Evaluate, "08 09:00", score).await;
    // 2, late: acknowledged after 30 min (late), filed after 10, dispatched after 10, handled in 10:50-12:00,
    // 14:00-18:00 and 8:00-10:50 = 8 h (late), closed 1 h later. All limits together: 10:40 + 1 h + 4 h + 8 h
    // of work end on the 8th at 17:40: closed in time. A yellow card, an appeal that two reviews grant.
    desk.leak(garden, "d2", "07 10:00", |_| {}).await;
    desk.file(2, "07 10:30", "07 10:40").await;
    desk.dispatch(2, "07 10:50").await;
    desk.plain(2, ZHAO, Handle, "07 11:00").await;
    let card = Details {
        card: Some(Card::Yellow),
        ..Details::default()
    };
    desk.does(2, LI, SetCard, "07 16:00", card).await;
    desk.feed_back(2, "08 10:50").await;
    desk.close(2, "08 11:00", "08 11:50").await;
    desk.plain(2, QIAN, Appeal, "08 15:00").await;
    desk.does(2, CHEN, Review, "08 16:00", yes(true)).await;
    desk.does(2, BOSS, Review, "08 17:00", yes(true)).await;
    // 3, reworked: each step took 1 min; handled in 11:03-12:00 and 14:00-14:03 = 1 h, closed 30 min later.
    desk.leak(market, "d3", "07 11:00", |_| {}).await;
    desk.file(3, "07 11:01", "07 11:02").await;
    desk.dispatch(3, "07 11:03").await;
    desk.plain(3, ZHAO, Handle, "07 11:10").await;
    desk.feed_back(3, "07 11:30").await;
    desk.plain(3, DUTY, Rework, "07 11:40").await;
    desk.plain(3, ZHAO, Handle, "07 11:45").await;
    desk.feed_back(3, "07 14:03").await;
    desk.close(3, "07 14:10", "07 14:33").await;
    // 4, a false alarm, acknowledged after 10 min; 5, a duplicate, after 1 min.
    desk.leak(garden, "d4", "07 15:00", |_| {}).await;
    desk.plain(4, DUTY, Acknowledge, "07 15:10").await;
    desk.reject(4, "false_alarm", "07 15:20").await;
    desk.leak(garden, "d5", "07 15:05", |_| {}).await;
    desk.plain(5, DUTY, Acknowledge, "07 15:06").await;
    desk.reject(5, "duplicate", "07 15:25").await;
    // 6 is merged into 7. 7: acknowledged after 1 min, filed after 8, dispatched after 1; extended once, not
    // suspended; open for ever: overdue, a yellow and then a red card.
    desk.leak(market, "d6", "07 15:10", |_| {}).await;
    desk.leak(market, "d7", "07 15:11", |_| {}).await;
    desk.plain(6, DUTY, Acknowledge, "07 15:11").await;
    desk.file(7, "07 15:12", "07 15:20").await;
    desk.dispatch(7, "07 15:21").await;
    desk.plain(7, ZHAO, Handle, "07 15:25").await;
    desk.plain(7, QIAN, AskExtension, "07 15:30").await;
    desk.does(7, SUN, Decide, "07 15:40", yes(true)).await;
    let into = Details {
        case: Some(7),
        ..Details::default()
    };
    desk.does(6, DUTY, Merge, "07 15:45", into).await;
    let until = Details {
        until: Some(at("20 08:00")),
        ..Details::default()
    };
    desk.does(7, QIAN, AskSuspension, "07 15:50", until).await;
    desk.does(7, SUN, Decide, "07 15:55", yes(false)).await;
    // 8, closed by force: acknowledged after 5 min, filed after 5, dispatched after 10.
    desk.leak(garden, "d8", "07 16:00", |_| {}).await;
    desk.file(8, "07 16:05", "07 16:10").await;
    desk.dispatch(8, "07 16:20").await;
    desk.plain(8, BOSS, ForceClose, "07 16:30").await;
    desk.plain(8, LI, ForceClose, "07 16:40").await;
    // 9, a drill.
    desk.leak(garden, "d9", "07 16:00", |alert| alert.is_test = true)
        .await;
    // 10, at an unknown place: nobody ever looks; its sensor chatters.
    desk.leak("nowhere", "d10", "07 17:00", |_| {}).await;
    desk.leak("nowhere", "d10", "07 17:00", |alert| {
        alert.raised_at = hub::now()
    })
    .await;
    desk.leak("nowhere", "d10", "07 17:01", |_| {}).await;
    // 11, sent back: each step took 1 min, no unit has it.
    desk.leak(garden, "d11", "08 16:00", |_| {}).await;
    desk.file(11, "08 16:01", "08 16:02").await;
    desk.dispatch(11, "08 16:03").await;
    desk.plain(11, QIAN, SendBack, "08 16:10").await;
    // 12, in the first minute of October.
    desk.leak(garden, "d12", "30 23:59", |_| {}).await;
    desk.fire_all().await;
}

fn group<'a>(scope: &'a Scope, from: &str, until: &str) -> CaseGroup<'a> {
    CaseGroup {
        from: at(from),
        until: at(until),
        now: hub::now(),
        scope,
        unit: None,
        category: None,
    }
}

async fn made() -> (TempDir, StoreUrl, String, Desk) {
    let dir = TempDir::new().unwrap();
    let path = write_files(dir.path(), PLAIN);
    let loaded = config::load(&path).unwrap();
    let url = loaded.config.store_url().unwrap();
    let key = populate(&loaded.config).await;
    let mut desk = Desk::open(loaded).await;
    month(&mut desk).await;
    (dir, url, key, desk)
}

/// 1 to 10 and 11: 11 cases, one of them (9) a drill.
fn by_hand() -> Counts {
    Counts {
        reported: 10,
        drills: 1,
        // 6
        merged: 1,
        // 5
        duplicates: 1,
        // 4 and 5
        rejected: 2,
        false_alarms: 1,
        // all but 6 (merged) and 10
        acknowledged: 8,
        // 2
        acknowledged_late: 1,
        // 10
        unacknowledged: 1,
        // 1 2 3 7 8 11
        filed: 6,
        // 1 2 3 7 8; 11 was sent back
        dispatched: 5,
        // 1 2 3
        handled: 3,
        // 2
        handled_late: 1,
        handled_late_exempted: 1,
        // 7
        handling_overdue: 1,
        // 1 2 3
        closed: 3,
        closed_late: 0,
        closed_late_exempted: 0,
        // 7 and 11
        closing_overdue: 2,
        // 8
        forced: 1,
        forced_dispatched: 1,
        forced_filed: 1,
        // 3, of 1 2 3
        reworked: 1,
        ever_handled: 3,
        reworks: 1,
        // 11
        sent_back: 1,
        reopened: 0,
        // 7
        extensions_asked: 1,
        extensions_granted: 1,
        suspensions_asked: 1,
        suspensions_granted: 0,
        // 2
        appeals: 1,
        appeals_granted: 1,
        // 2 has one that counts no more, 7 a red one
        yellow_cards: 0,
        red_cards: 1,
        yellow_cards_given: 1,
        red_cards_given: 1,
        // 1, 2 (exempted) and 3: +1 each; 7: -10
        score: -7,
        // 1 and 3: +1 each; 2: -5; 7: -10
        score_given: -13,
        // 1
        rated: 1,
        rating_sum: 5,
    }
}

const SEPTEMBER: (&str, &str) = ("01 00:00", "30 23:59");

#[tokio::test]
async fn month_made_by_hand_has_the_figures_worked_out_by_hand() {
    let (_dir, _, _, desk) = made().await;
    let whole = Scope::whole();
    let (from, until) = SEPTEMBER;
    let mut groups = desk
        .store
        .case_sums(group(&whole, from, until), By::Nothing)
        .await
        .unwrap();
    let figures = groups.remove("").unwrap().figures();
    assert_eq!(figures.counts, by_hand());
    let rates = Rates {
        acknowledged_in_time: Some(0.875),           // 7 / 8
        filing: Some(0.6667),                        // 6 / (10 - 1)
        false_alarm: Some(0.1111),                   // 1 / (10 - 1)
        duplicate: Some(0.2),                        // (1 + 1) / 10
        handling: Some(0.75),                        // 3 / (5 - 1)
        handled_in_time: Some(0.5),                  // (3 - 1) / (3 + 1)
        handled_in_time_after_appeals: Some(0.6667), // 2 / (3 + 1 - 1)
        closing: Some(0.6),                          // 3 / (6 - 1)
        closed_in_time: Some(0.6),                   // 3 / (3 + 2)
        closed_in_time_after_appeals: Some(0.6),     // none was late
        rework: Some(0.3333),                        // 1 / 3
        extension_granted: Some(1.0),
        suspension_granted: Some(0.0),
        appeal_granted: Some(1.0),
        mean_rating: Some(5.0),
    };
    assert_eq!(figures.rates, rates);
    let spread = |cases, average: i64, median: i64, p90: i64| Spread {
        cases,
        average_ms: Some(average * 1_000),
        median_ms: Some(median * 1_000),
        p90_ms: Some(p90 * 1_000),
    };
    // Seconds of 1 2 3 4 5 7 8 11: 300 1800 60 600 60 60 300 60, together 3240.
    assert_eq!(figures.times.acknowledge, spread(8, 405, 60, 1_800));
    // Of 1 2 3 7 8 11: 900 600 60 480 300 60, together 2400.
    assert_eq!(figures.times.file, spread(6, 400, 300, 900));
    // Of 1 2 3 7 8: 600 600 60 60 600, together 1920.
    assert_eq!(figures.times.dispatch, spread(5, 384, 600, 600));
    // Of 1 2 3: 2 h, 8 h, 1 h of work.
    assert_eq!(figures.times.handle, spread(3, 13_200, 7_200, 28_800));
    // Of 1 2 3: 1 h, 1 h, 30 min of work.
    assert_eq!(figures.times.close, spread(3, 3_000, 3_600, 3_600));
    desk.stop.cancel();
}

#[tokio::test]
async fn units_grids_and_officers_have_their_own_cases() {
    let (_dir, _, _, desk) = made().await;
    let whole = Scope::whole();
    let (from, until) = SEPTEMBER;
    let sums = async |by| {
        desk.store
            .case_sums(group(&whole, from, until), by)
            .await
            .unwrap()
    };
    let reported = |groups: &BTreeMap<String, Sums>| -> Vec<(String, i64)> {
        let each = groups.iter();
        each.map(|(key, sums)| (key.clone(), sums.counts.reported))
            .collect()
    };
    let units = sums(By::Unit).await;
    // 1 2 3 7 8 are the unit's; it scores for them all.
    assert_eq!(reported(&units), [(String::new(), 5), (UNIT.to_owned(), 5)]);
    assert_eq!(
        (units[UNIT].counts.score, units[UNIT].counts.score_given),
        (-7, -13)
    );
    let grids = sums(By::Grid).await;
    let path = |grid: &str| format!("/990100/990101/990101001/990101001001/{grid}/");
    let expected = [(String::new(), 1), (path(GRID_1), 6), (path(GRID_2), 3)];
    assert_eq!(reported(&grids), expected);
    assert_eq!(reported(&sums(By::Severity).await), [("3".to_owned(), 10)]);
    let officers = sums(By::Officer).await;
    assert_eq!(officers["duty"].counts.acknowledged, 8);
    // 3 6 7 are seen from grid 2.
    let grid_2 = desk.within(GRID_2);
    let seen = desk
        .store
        .case_sums(group(&grid_2, from, until), By::Grid)
        .await
        .unwrap();
    assert_eq!(reported(&seen), [(path(GRID_2), 3)]);
    desk.stop.cancel();
}

#[tokio::test]
async fn alarms_of_the_month_are_counted_by_their_points() {
    let (_dir, _, _, desk) = made().await;
    let whole = Scope::whole();
    let asked = group(&whole, SEPTEMBER.0, SEPTEMBER.1);
    let announced = desk.store.announced(asked).await.unwrap();
    assert_eq!(announced.at.len(), 10);
    assert!(announced.at.is_sorted());
    assert_eq!(announced.by_severity, [0, 0, 10, 0]);
    let activity = desk.store.activity(asked).await.unwrap();
    // d10 three times. Stale: 2 was open for 25 h 50 min; 6 and 7 (in 7), 10 (three) and 11 are open.
    assert_eq!((activity.activations, activity.stale), (12, 7));
    let top = desk.store.most_frequent(asked, 10).await.unwrap();
    assert_eq!((top[0].device.as_str(), top[0].activations), ("d10", 3));
    let (points, chattering) = desk.store.chattering(asked, 10).await.unwrap();
    assert_eq!((points, chattering[0].device.as_str()), (1, "d10"));
    let standing = desk.store.standing(&whole, hub::now()).await.unwrap();
    assert_eq!(
        (standing.yellow_cards, standing.red_cards, standing.overdue),
        (0, 1, 1)
    );
    desk.stop.cancel();
}

#[tokio::test]
async fn figures_of_before_there_were_reports_are_worked_out_again() {
    let (_dir, url, _, desk) = made().await;
    let mut store = around(&url).await;
    // As the migration leaves them.
    for statement in [
        "DELETE FROM case_figures",
        "INSERT INTO case_figures (id, opened_at, area_path, category, severity, is_drill, is_current) SELECT id, opened_at, area_path, category, severity, is_drill, CASE WHEN version = 1 THEN 1 ELSE 0 END FROM cases",
    ] {
        sqlx::query(statement).execute(&mut store).await.unwrap();
    }
    let mut after = 0;
    loop {
        let job = TimerJob::Replan { after };
        let done = desk.engine.timers(job, hub::now()).await.unwrap();
        let TimerDone::Replanned(last) = done else {
            panic!("{done:?}");
        };
        let Some(last) = last else { break };
        after = last;
    }
    let whole = Scope::whole();
    let asked = group(&whole, SEPTEMBER.0, SEPTEMBER.1);
    let sums = desk.store.case_sums(asked, By::Nothing).await.unwrap();
    assert_eq!(sums[""].counts, by_hand());
    desk.stop.cancel();
}

#[tokio::test]
async fn figures_of_parts_add_up_to_the_whole() {
    let (_dir, url, _, desk) = made().await;
    let mut store = around(&url).await;
    let grids: Vec<String> = [GRID_1, GRID_2, "990101001001003"]
        .iter()
        .map(|grid| format!("/990100/990101/990101001/990101001001/{grid}/"))
        .collect();
    // Random cases of every kind, in random grids.
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    for id in 100_i64..400 {
        let mut below = |end: i64| random.random_range(0..end);
        let outcome =
            ["open", "closed", "forced", "rejected", "merged"][usize::try_from(below(5)).unwrap()];
        sqlx::query("INSERT INTO case_figures (id, opened_at, area_path, category, severity, is_drill, outcome, appeal, card, card_worst, is_filed, is_dispatched, is_handled, reworks, handle_late, close_late, acknowledge_ms, handle_ms) VALUES ($1, $2, $3, 'water_leak', 3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)")
            .bind(id)
            .bind(at("10 00:00").unix_ms() + id * 60_000)
            .bind(&grids[usize::try_from(below(3)).unwrap()])
            .bind(i64::from(below(10) == 0))
            .bind(outcome)
            .bind(below(4))
            .bind(below(3))
            .bind(below(3))
            .bind(below(2))
            .bind(below(2))
            .bind(below(2))
            .bind(below(3))
            .bind(below(2))
            .bind(below(2))
            .bind(Some(below(9) * 1_000).filter(|ms| *ms > 0))
            .bind(Some(below(9) * 1_000).filter(|ms| *ms > 0))
            .execute(&mut store)
            .await
            .unwrap();
    }
    let sums = async |scope: &Scope, by| {
        let asked = group(scope, SEPTEMBER.0, SEPTEMBER.1);
        desk.store.case_sums(asked, by).await.unwrap()
    };
    let together = |groups: BTreeMap<String, Sums>| {
        let mut all = Sums::default();
        groups.into_values().for_each(|sums| all.add(sums));
        all.figures()
    };
    let whole = together(sums(&Scope::whole(), By::Nothing).await);
    for by in [By::Unit, By::Grid, By::Category, By::Severity, By::Officer] {
        assert_eq!(together(sums(&Scope::whole(), by).await), whole, "{by:?}");
    }
    // The street, asked for as such, is its grids, each asked for as such, and the grid that is in no tree.
    let street = together(sums(&desk.within("990101001"), By::Nothing).await);
    let mut parts = Sums::default();
    for grid in [GRID_1, GRID_2] {
        for each in sums(&desk.within(grid), By::Nothing).await.into_values() {
            parts.add(each);
        }
    }
    parts.add(
        sums(&Scope::whole(), By::Grid)
            .await
            .remove(&grids[2])
            .unwrap(),
    );
    assert_eq!(parts.figures(), street);
    desk.stop.cancel();
}

async fn served() -> (TempDir, Hub) {
    let (dir, url, key, desk) = made().await;
    desk.stop.cancel();
    drop(desk);
    (dir, hub_on(&url, key).await)
}

fn csv_of(bytes: &[u8]) -> Vec<BTreeMap<String, String>> {
    let text = std::str::from_utf8(bytes)
        .unwrap()
        .strip_prefix('\u{feff}')
        .unwrap();
    csv::Reader::from_reader(text.as_bytes())
        .deserialize()
        .map(Result::unwrap)
        .collect()
}

#[tokio::test]
async fn reports_are_served_as_json_and_as_csv_with_the_same_figures() {
    let (_dir, hub) = served().await;
    let boss = hub.sign_in("boss").await;
    let report = boss
        .get("/api/v1/reports/cases?month=2026-09&by=severity")
        .await;
    // The case of the last minute of September is in the month, too.
    assert_eq!(report["total"]["counts"]["reported"], 11);
    assert_eq!(report["items"][0]["key"], "P3");
    assert_eq!(report["items"][0]["counts"], report["total"]["counts"]);
    let days = boss.get("/api/v1/reports/cases?month=2026-09&by=day").await;
    let keys: Vec<&Value> = days["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|row| &row["key"])
        .collect();
    assert_eq!(keys, ["2026-09-07", "2026-09-08", "2026-09-30"]);
    let areas = boss
        .get("/api/v1/reports/areas?month=2026-09&level=grid")
        .await;
    let rows = areas["items"].as_array().unwrap();
    assert_eq!(rows.len(), 3);
    assert_eq!(
        (&rows[1]["key"], &rows[1]["name"]["en"]),
        (&Value::from(GRID_1), &Value::from("Grid 1"))
    );
    assert_eq!(areas["total"], report["total"]);
    let asked = "/api/v1/reports/units?from=2026-09-01&to=2026-09-29";
    let units = boss.get(asked).await;
    assert_eq!(units["items"][1]["counts"]["closed"], 3);
    let page = boss.get(&format!("{asked}&limit=1")).await;
    let rest = boss
        .get(&format!(
            "{asked}&limit=1&after={}",
            page["next"].as_str().unwrap()
        ))
        .await;
    assert_eq!(
        (&rest["items"][0], &rest["next"]),
        (&units["items"][1], &Value::Null)
    );
    for request in [
        boss.request(Method::GET, &format!("{asked}&format=csv")),
        boss.request(Method::GET, asked)
            .header("accept", "text/csv"),
    ] {
        let response = request.send().await.unwrap();
        assert_eq!(
            response.headers()["content-type"],
            "text/csv; charset=utf-8"
        );
        let rows = csv_of(&response.bytes().await.unwrap());
        assert_eq!(rows.len(), 3);
        for (row, json) in
            rows.iter()
                .zip([&units["total"], &units["items"][0], &units["items"][1]])
        {
            for (name, value) in json["counts"].as_object().unwrap() {
                assert_eq!(row[name], value.to_string(), "{name}");
            }
            assert_eq!(
                row["filing_rate"].parse::<f64>().ok(),
                json["rates"]["filing"].as_f64()
            );
            assert_eq!(
                row["handle_p90_ms"].parse::<i64>().ok(),
                json["times"]["handle"]["p90_ms"].as_i64()
            );
        }
        assert_eq!(rows[2]["name_zh"], "星河社区物业");
    }
    for wrong in [
        "cases?by=moon",
        "cases?month=2026",
        "areas?level=moon",
        "cases?format=xml",
        "units?area=77",
        "cases?from=2020-01-01",
        "units?limit=0",
        "alarms?step=year",
    ] {
        let response = boss
            .request(Method::GET, &format!("/api/v1/reports/{wrong}"))
            .send()
            .await
            .unwrap();
        assert_eq!(
            response.status(),
            StatusCode::UNPROCESSABLE_ENTITY,
            "{wrong}"
        );
    }
}

#[tokio::test]
async fn reports_hold_only_what_the_caller_sees() {
    let (_dir, hub) = served().await;
    let mut store = around(&hub.store).await;
    sqlx::query("UPDATE users SET area = '990101001001002' WHERE name IN ('duty', 'li')")
        .execute(&mut store)
        .await
        .unwrap();
    let duty = hub.sign_in("duty").await;
    let report = duty.get("/api/v1/reports/cases?month=2026-09").await;
    assert_eq!(report["total"]["counts"]["reported"], 3);
    let wider = duty
        .get("/api/v1/reports/cases?month=2026-09&area=990100")
        .await;
    assert_eq!(wider["total"], report["total"], "a wider area never widens");
    let beside = duty
        .get(&format!(
            "/api/v1/reports/areas?month=2026-09&area={GRID_1}"
        ))
        .await;
    assert_eq!(
        (&beside["total"]["counts"]["reported"], &beside["items"]),
        (&Value::from(0), &serde_json::json!([]))
    );
    let alarms = duty.get("/api/v1/reports/alarms?month=2026-09").await;
    assert_eq!(
        (&alarms["load"]["alarms"], &alarms["activations"]),
        (&Value::from(3), &Value::from(3))
    );
    // People of the unit see the cases of the unit: 1 2 3 7 8, and 11 that it sent back.
    let qian = hub.sign_in("qian").await;
    let own = qian.get("/api/v1/reports/cases?month=2026-09").await;
    assert_eq!(own["total"]["counts"]["reported"], 6);
    // A duty officer sees the own figures as an officer, a supervisor those of everybody in the area.
    let names = |report: &Value| -> Vec<String> {
        let rows = report["items"].as_array().unwrap();
        rows.iter()
            .map(|row| row["username"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(
        names(&duty.get("/api/v1/reports/officers?month=2026-09").await),
        ["duty"]
    );
    let li = hub.sign_in("li").await;
    let officers = li.get("/api/v1/reports/officers?month=2026-09").await;
    assert_eq!(names(&officers), ["duty"]);
    // 3 and 7; 6 was merged.
    assert_eq!(officers["items"][0]["acknowledged"], 2);
    let present = li.get("/api/v1/reports/officers").await;
    assert_eq!(names(&present), ["duty", "li"], "who was signed in");
    assert!(present["items"][0]["load"]["watched_ms"].as_i64().unwrap() > 0);
}

#[tokio::test]
async fn today_shows_what_a_wall_display_needs() {
    let (_dir, hub) = served().await;
    let duty = hub.sign_in("duty").await;
    hub.send(&super::harness::batch(vec![alert(
        900,
        "kitchen",
        Kind::Smoke,
    )]))
    .await;
    let today = duty.get("/api/v1/statistics/today").await;
    assert_eq!(today["today"]["counts"]["reported"], 1);
    assert_eq!(today["open_by_severity"]["P1"], 1);
    assert_eq!(
        (&today["red_cards"], &today["overdue"]),
        (&Value::from(1), &Value::from(1))
    );
    assert_eq!(today["newest"][0]["severity"], "P1");
    assert_eq!(today["newest"].as_array().unwrap().len(), 10);
    let filing = today["rates"]
        .as_array()
        .unwrap()
        .iter()
        .find(|rate| rate["rate"] == "filing")
        .unwrap();
    assert_eq!(
        (&filing["value"], &filing["target"], &filing["met"]),
        (&Value::from(0.0), &Value::from(0.8), &Value::from(false))
    );
}
