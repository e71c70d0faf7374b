//! What happens to reports when their cases move: they follow a merge, and reporters are told of the end.
//!
//! Runs inside the engine's transaction after everything else, for cases that were moved, closed or
//! rejected in it, and does nothing for cases that nobody reported. A reporter is told once, however often the
//! case is opened and closed again; of an exercise, never.

use std::collections::BTreeSet;

use gridwatch_protocol::Timestamp;
use sqlx::Row;

use super::config::{Completion as Texts, Outside};
use super::person::Person;
use crate::cases::{Case, CaseId, State};
use crate::catalogue::Catalogue;
use crate::directory::Directory;
use crate::notify::config::{Channel, Notify};
use crate::notify::facts::facts;
use crate::notify::policy::News;
use crate::notify::rows as notifications;
use crate::notify::text::plain;
use crate::store::database::{Connection, QueryBuilder, query};
use crate::store::{StoreResult, cases, from_json, sql, time};

/// Cases that one case can have taken in, one in the other; bounds the search for them.
const TAKEN_IN_MAX: usize = 1_000;

/// How reporters are told.
#[derive(Debug, Clone, Default)]
pub struct Completion {
    /// Through which channels, the preferred one first.
    channels: Vec<Channel>,
    texts: Option<Texts>,
}

impl Completion {
    /// As configured.
    #[must_use]
    pub fn new(outside: &Outside, notify: &Notify) -> Self {
        let named = outside.completion.channels.iter();
        let channel = |name: &String| notify.channels.iter().find(|one| one.name == *name);
        Self {
            channels: named.filter_map(channel).cloned().collect(),
            texts: Some(outside.completion.clone()),
        }
    }

    /// The channel and the address, if one of them reaches the reporter.
    fn way<'a>(&'a self, person: &'a Person) -> Option<(&'a str, &'a str)> {
        self.channels.iter().find_map(|channel| {
            let mut addresses = person.addresses();
            let address = addresses.find(|address| channel.can_write_to(address))?;
            Some((channel.name.as_str(), address))
        })
    }

    /// What the reporter reads.
    fn words(&self, case: &Case, person: &Person, catalogue: &Catalogue) -> Option<String> {
        let texts = self.texts.as_ref()?;
        let language = person.language.as_deref().unwrap_or(&texts.language);
        let name = catalogue.name(&case.category);
        let rejected = case.state == State::Rejected;
        let (template, category) = match (language, rejected) {
            ("en", false) => (&texts.done_en, name.en),
            ("en", true) => (&texts.rejected_en, name.en),
            (_, false) => (&texts.done_zh, name.zh),
            (_, true) => (&texts.rejected_zh, name.zh),
        };
        let filled = template
            .replace("${number}", &plain(&case.number))
            .replace("${category}", &plain(&category));
        Some(filled)
    }
}

/// See the module's page. `before` is the number of the last event before the transaction.
///
/// # Errors
/// When the store does not answer.
pub(crate) async fn follow(
    connection: &mut Connection,
    completion: &Completion,
    names: (&Directory, &Catalogue),
    before: i64,
) -> StoreResult<()> {
    let rows = query("SELECT c.body, MAX(e.at) FROM events e JOIN cases c ON c.id = e.case_id WHERE e.seq > $1 AND e.change IN ('moved', 'closed', 'rejected') GROUP BY c.id, c.body")
        .bind(before)
        .fetch_all(&mut *connection)
        .await
        .map_err(sql("finding cases that moved"))?;
    for row in rows {
        let case: Case = from_json("case", row.get(0))?;
        move_reports(connection, &case).await?;
        if !case.state.is_open() && case.state != State::Merged && !case.is_drill {
            tell(connection, completion, names, &case, time(row.get(1))).await?;
        }
    }
    Ok(())
}

/// The reports of a case that was merged go with it, and come back with it.
async fn move_reports(connection: &mut Connection, case: &Case) -> StoreResult<()> {
    let moving = "moving reports with their case";
    if case.state == State::Merged {
        if let Some(merged) = &case.progress.merged {
            query("UPDATE case_reports SET current_case = $2 WHERE current_case = $1")
                .bind(case.id)
                .bind(merged.case)
                .execute(connection)
                .await
                .map_err(sql(moving))?;
        }
        return Ok(());
    }
    let mut statement = QueryBuilder::new("UPDATE case_reports SET current_case = ");
    statement.push_bind(case.id).push(" WHERE current_case <> ");
    statement.push_bind(case.id).push(" AND case_id IN (");
    statement.push_list(taken_in(connection, case).await?.into_iter());
    statement
        .build()
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql(moving))
}

/// The case and all that are merged into it, one in the other.
async fn taken_in(connection: &mut Connection, case: &Case) -> StoreResult<BTreeSet<CaseId>> {
    let mut found = BTreeSet::from([case.id]);
    let mut next = case.progress.took_in.clone();
    while let Some(id) = next.pop() {
        if found.len() >= TAKEN_IN_MAX || !found.insert(id) {
            continue;
        }
        if let Some(inner) = cases::load_case(connection, id).await? {
            next.extend(inner.progress.took_in);
        }
    }
    Ok(found)
}

/// Tells everybody who reported the case and has not been told.
async fn tell(
    connection: &mut Connection,
    completion: &Completion,
    (directory, catalogue): (&Directory, &Catalogue),
    case: &Case,
    at: Timestamp,
) -> StoreResult<()> {
    let rows = query("SELECT p.report_id, p.body FROM case_reporters p JOIN case_reports r ON r.id = p.report_id WHERE r.current_case = $1 AND p.told_at IS NULL ORDER BY r.at, r.id")
        .bind(case.id)
        .fetch_all(&mut *connection)
        .await
        .map_err(sql("finding reporters to be told"))?;
    for row in rows {
        let person: Person = from_json("reporter", row.get(1))?;
        let Some((channel, address)) = completion.way(&person) else {
            continue;
        };
        let news = News {
            seq: 0,
            at,
            change: "completed".to_owned(),
            earlier: Vec::new(),
            first: true,
            case: facts(case, directory, catalogue),
            said: completion.words(case, &person, catalogue),
            head: None,
        };
        notifications::enqueue_completion(connection, channel, address, news, at).await?;
        query("UPDATE case_reporters SET told_at = $2 WHERE report_id = $1")
            .bind(row.get::<&str, _>(0))
            .bind(at.unix_ms())
            .execute(&mut *connection)
            .await
            .map_err(sql("noting that a reporter was told"))?;
    }
    Ok(())
}
