//! What is done inside the engine's transaction: reports that open or join cases, ratings, reveals, and
//! letting go of reporters. Signals of other systems have a file of their own.
//!
//! Doing a report twice under one key is doing it once: the key is a column of the report, and a unique
//! index decides.

mod signals;

use std::collections::BTreeSet;

use gridwatch_protocol::Timestamp;

use super::matter::{self, Matter, OnNearby, Teller};
use super::nearby::{self, Nearby};
use super::person::Person;
use super::rows::{self, NewReport, Report};
use crate::access::Scope;
use crate::cases::desk::{CaseEvent, Changes, local_day};
use crate::cases::{Actor, Case, CaseId, Change, State, Transition, text};
use crate::engine::task::{Bench, Task};
use crate::store::accounts::{AuditRow, write_audit};
use crate::store::database::Connection;
use crate::store::intake::{self, Wanted};
use crate::store::{StoreResult, cases, commit, events};

pub use signals::{SignalOutcome, Signals};

/// A matter to be stored: it opens a case, or joins one.
#[derive(Debug)]
pub struct ReportMatter {
    /// The matter.
    pub matter: Matter,
    /// Who tells of it.
    pub teller: Teller,
    /// Where they may.
    pub scope: Scope,
    /// The case that it joins; none to open one.
    pub joins: Option<CaseId>,
    /// What to do when open cases of the same kind are near.
    pub on_nearby: OnNearby,
    /// The same key again is the same report.
    pub request_key: Option<String>,
    /// SHA-256 of the request.
    pub request_hash: String,
    /// Without a key, the same request since then is the same report.
    pub repeats_since: Option<Timestamp>,
}

/// What became of a report.
#[derive(Debug)]
pub enum Reported {
    /// It is stored.
    Made {
        /// The case that has it.
        case: Box<Case>,
        /// The report.
        report: Box<Report>,
        /// Other cases that may be about the same matter.
        nearby: Vec<Nearby>,
    },
    /// Nothing was stored: these are near.
    Near(Vec<Nearby>),
    /// The key came before with another request.
    KeyReused,
    /// The place is outside the teller's area, or unknown.
    OutsideScope,
    /// There is no such case for the teller.
    NoCase(CaseId),
    /// The case to be joined has ended.
    Ended(State),
}

impl Task for ReportMatter {
    type Output = Reported;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Reported> {
        let connection = bench.connection;
        let key = self.request_key.as_deref();
        let before = rows::made_before(
            connection,
            &self.teller.name,
            key,
            &self.request_hash,
            self.repeats_since,
        );
        if let Some(report) = before.await? {
            return self.again(connection, report).await;
        }
        let settings = bench.settings;
        let names = (&*settings.catalogue, &*settings.directory);
        let (case, nearby) = match self.joins {
            Some(id) => match self.join(connection, id, bench.now).await? {
                Ok(case) => (case, Vec::new()),
                Err(refused) => return Ok(refused),
            },
            None => {
                let path = settings.directory.site_path(&self.matter.site);
                if !self.scope.sees_path(&path) {
                    return Ok(Reported::OutsideScope);
                }
                let near =
                    nearby::find(connection, &self.scope, &self.matter, names, bench.now).await?;
                if self.on_nearby == OnNearby::Ask && !near.is_empty() {
                    return Ok(Reported::Near(near));
                }
                let rules = settings.utc_offset_minutes;
                let number = next_number(connection, bench.now, rules).await?;
                let (case, row) =
                    matter::open(&self.matter, &self.teller, number, names.0, bench.now);
                store_new(connection, &settings.directory, &case, row, rules).await?;
                *bench.opened += 1;
                (case, near)
            }
        };
        let id = uuid::Uuid::new_v4().to_string();
        let new = NewReport {
            id: &id,
            case: case.id,
            opened: self.joins.is_none(),
            matter: &self.matter,
            teller: &self.teller,
            request_key: key,
            request_hash: &self.request_hash,
        };
        rows::insert(connection, &new, bench.now).await?;
        let report = rows::load(connection, case.id, &id).await?;
        Ok(Reported::Made {
            report: Box::new(report.expect("it was stored just now")),
            case: Box::new(case),
            nearby,
        })
    }
}

impl ReportMatter {
    /// It was made before: the answer is the case as it is now.
    async fn again(&self, connection: &mut Connection, report: Report) -> StoreResult<Reported> {
        if report.request_hash != self.request_hash {
            return Ok(Reported::KeyReused);
        }
        let case = cases::load_case(connection, report.current_case).await?;
        Ok(match case {
            Some(case) => Reported::Made {
                case: Box::new(case),
                report: Box::new(report),
                nearby: Vec::new(),
            },
            None => Reported::NoCase(report.current_case),
        })
    }

    async fn join(
        &self,
        connection: &mut Connection,
        id: CaseId,
        now: Timestamp,
    ) -> StoreResult<Result<Case, Reported>> {
        let Some(mut case) = cases::load_seen_case(connection, id, &self.scope).await? else {
            return Ok(Err(Reported::NoCase(id)));
        };
        if !case.state.is_open() {
            return Ok(Err(Reported::Ended(case.state)));
        }
        let row = matter::join(&mut case, &self.matter, &self.teller, now);
        store_changed(connection, &case, row, Change::Joined).await?;
        Ok(Ok(case))
    }
}

/// Id and number of the next case.
async fn next_number(
    connection: &mut Connection,
    now: Timestamp,
    utc_offset_minutes: i32,
) -> StoreResult<(CaseId, String)> {
    let day = local_day(now, utc_offset_minutes);
    let id = intake::counter(connection, "case").await? + 1;
    let count = intake::counter(connection, &format!("cases:{day}")).await? + 1;
    Ok((id, format!("{day}-{count:06}")))
}

/// Stores a new case with the first row of its history, its event and the counters of cases.
async fn store_new(
    connection: &mut Connection,
    directory: &crate::directory::Directory,
    case: &Case,
    row: Transition,
    utc_offset_minutes: i32,
) -> StoreResult<()> {
    let wanted = Wanted {
        days: BTreeSet::from([local_day(case.opened_at, utc_offset_minutes)]),
        ..Wanted::default()
    };
    let mut known = intake::load(connection, &wanted).await?;
    known.next_case = case.id + 1;
    for count in known.cases_of_day.values_mut() {
        *count += 1;
    }
    known.cases.insert(case.id, case.clone());
    let changes = Changes {
        opened: [case.id].into(),
        cases: [case.id].into(),
        transitions: vec![(case.id, row)],
        events: vec![CaseEvent {
            at: case.opened_at,
            case: case.id,
            change: Change::Opened,
        }],
        ..Changes::default()
    };
    commit::write(connection, directory, &known, &changes, &[]).await
}

/// Stores a case that changed by one row.
async fn store_changed(
    connection: &mut Connection,
    case: &Case,
    row: Transition,
    change: Change,
) -> StoreResult<()> {
    commit::update_case(connection, case).await?;
    commit::write_transition(connection, case.id, &row).await?;
    let event = CaseEvent {
        at: row.at,
        case: case.id,
        change,
    };
    events::append_case_events(connection, &[event]).await
}

/// A report of a case, as somebody asks for it.
#[derive(Debug, Clone)]
pub struct ReportRef {
    /// The case.
    pub case: CaseId,
    /// The report.
    pub report: String,
    /// Who asks.
    pub actor: Actor,
    /// What they see.
    pub scope: Scope,
}

impl ReportRef {
    /// The case and the report, if the asker sees them.
    async fn load(&self, connection: &mut Connection) -> StoreResult<Option<(Case, Report)>> {
        let Some(case) = cases::load_seen_case(connection, self.case, &self.scope).await? else {
            return Ok(None);
        };
        let report = rows::load(connection, self.case, &self.report).await?;
        Ok(report.map(|report| (case, report)))
    }
}

/// Shows who reported a matter, with a line in the audit that says who looked and why.
#[derive(Debug)]
pub struct Reveal {
    /// Which.
    pub of: ReportRef,
    /// Why.
    pub reason: String,
    /// From where.
    pub address: String,
}

/// What a reveal showed.
#[derive(Debug)]
pub enum Revealed {
    /// This person.
    Person(Person),
    /// The reporter left nothing, or it was let go.
    Gone,
    /// There is no such report for the asker.
    NoReport,
}

impl Task for Reveal {
    type Output = Revealed;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Revealed> {
        let connection = bench.connection;
        let Some((case, report)) = self.of.load(connection).await? else {
            return Ok(Revealed::NoReport);
        };
        let Some(person) = rows::reporter(connection, &report.id).await? else {
            return Ok(Revealed::Gone);
        };
        let line = AuditRow {
            at: bench.now,
            actor: self.of.actor.username.clone(),
            action: "reporter_revealed".to_owned(),
            subject: format!("case {} report {}: {}", case.number, report.id, self.reason),
            address: self.address.clone(),
        };
        write_audit(connection, &line).await?;
        Ok(Revealed::Person(person))
    }
}

/// Keeps what the reporter thinks of the result.
#[derive(Debug)]
pub struct Rate {
    /// Of which.
    pub of: ReportRef,
    /// 1 (bad) to 5 (good).
    pub rating: u8,
}

/// What became of a rating.
#[derive(Debug)]
pub enum Rated {
    /// It is stored.
    Kept(Box<Report>),
    /// The case has not ended: there is no result yet.
    TooEarly(State),
    /// There is no such report for the asker.
    NoReport,
}

impl Task for Rate {
    type Output = Rated;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<Rated> {
        let connection = bench.connection;
        let Some((mut case, report)) = self.of.load(connection).await? else {
            return Ok(Rated::NoReport);
        };
        if case.state.is_open() {
            return Ok(Rated::TooEarly(case.state));
        }
        let rating = self.rating;
        if report.rating != Some(rating.into()) {
            rows::rate(
                connection,
                &report.id,
                rating,
                &self.of.actor.username,
                bench.now,
            )
            .await?;
            let row = rated(&mut case, rating, &self.of.actor, bench.now);
            store_changed(connection, &case, row, Change::Noted).await?;
        }
        Ok(Rated::Kept(Box::new(Report {
            rating: Some(rating.into()),
            ..report
        })))
    }
}

fn rated(case: &mut Case, rating: u8, actor: &Actor, now: Timestamp) -> Transition {
    let note = text(
        format!("反映人评价 {rating} 分（满分 5 分）"),
        format!("the reporter gives {rating} of 5"),
    );
    let from = Some(case.state);
    let row = case.system_transition(now, "rated", from, Some(note));
    case.touch(now, false);
    Transition {
        actor: actor.username.clone(),
        actor_name: actor.display_name.clone(),
        role: Some(actor.role),
        ..row
    }
}

/// Lets go of reporters whose cases ended before this, and of what foreign systems said about alerts that
/// ended long ago; tells how many rows.
#[derive(Debug)]
pub struct Forget {
    /// Reporters of cases that ended before this.
    pub reporters_before: Timestamp,
    /// Foreign alerts that ended before this.
    pub signals_before: Timestamp,
}

impl Task for Forget {
    type Output = u64;

    async fn run(&self, bench: Bench<'_>) -> StoreResult<u64> {
        let reporters = rows::forget(bench.connection, self.reporters_before).await?;
        let signals = signals::forget(bench.connection, self.signals_before).await?;
        Ok(reporters + signals)
    }
}
