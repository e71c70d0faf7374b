//! Rows of reports and reporters. Reporters are personal data: one function reads them whole, for a reveal and
//! for the message that their matter is done.

use gridwatch_protocol::{Place, SiteId, Timestamp};
use serde::{Deserialize, Serialize};
use sqlx::Row;
use sqlx::any::AnyRow;

use super::matter::{Matter, Teller};
use super::person::Person;
use super::place::Point;
use crate::cases::CaseId;
use crate::cases::progress::Evidence;
use crate::store::database::{Connection, QueryBuilder, query};
use crate::store::{Store, StoreResult, from_json, sql, time, to_json};

/// Reports that are shown with one case, the oldest ones.
const SHOWN_MAX: i64 = 200;
/// Reporters that are let go in one transaction: alerts wait for it.
const FORGOTTEN_MAX: i64 = 500;

/// What a report says beside its columns.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Body {
    /// What it is.
    pub description: String,
    /// Its site, or the code of the area that stands for one.
    pub site: SiteId,
    /// Where in the site.
    #[serde(default)]
    pub place: Place,
    /// Address in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Address of a picture elsewhere.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_url: Option<String>,
    /// Photos.
    #[serde(default)]
    pub photos: Vec<Evidence>,
    /// Name of who told of it, for people.
    pub told_by: String,
}

/// A report.
#[derive(Debug, Clone, PartialEq)]
pub struct Report {
    /// Its id: a random UUID.
    pub id: String,
    /// The case that it opened or joined.
    pub case: CaseId,
    /// The case that has it now.
    pub current_case: CaseId,
    /// Whether it opened its case.
    pub opened: bool,
    /// How it came in.
    pub source: String,
    /// Who told of it: a sign-in name, or `open311:` and the name of the key.
    pub teller: String,
    /// When.
    pub at: Timestamp,
    /// Code of its category.
    pub category: String,
    /// Where it is on the map.
    pub point: Option<Point>,
    /// 1 (bad) to 5 (good), as the reporter said.
    pub rating: Option<u32>,
    /// SHA-256 of the request.
    pub request_hash: String,
    /// The rest.
    pub body: Body,
}

/// A new report.
#[derive(Debug)]
pub struct NewReport<'a> {
    /// Its id.
    pub id: &'a str,
    /// The case.
    pub case: CaseId,
    /// Whether it opens it.
    pub opened: bool,
    /// The matter.
    pub matter: &'a Matter,
    /// Who tells of it.
    pub teller: &'a Teller,
    /// The same key again is the same report.
    pub request_key: Option<&'a str>,
    /// SHA-256 of the request.
    pub request_hash: &'a str,
}

const REPORT: &str = "SELECT id, case_id, current_case, opened, source, teller, at, category, lat, lon, rating, request_hash, body FROM case_reports WHERE ";

pub(super) fn report_row(row: &AnyRow) -> StoreResult<Report> {
    let (lat, lon) = (row.get::<Option<f64>, _>(8), row.get::<Option<f64>, _>(9));
    Ok(Report {
        id: row.get(0),
        case: row.get(1),
        current_case: row.get(2),
        opened: row.get::<i64, _>(3) != 0,
        source: row.get(4),
        teller: row.get(5),
        at: time(row.get(6)),
        category: row.get(7),
        point: lat.zip(lon).map(|(lat, lon)| Point { lat, lon }),
        rating: row
            .get::<Option<i64>, _>(10)
            .and_then(|rating| u32::try_from(rating).ok()),
        request_hash: row.get(11),
        body: from_json("report", row.get(12))?,
    })
}

/// Keeps a report and, apart from it, who reported.
pub(super) async fn insert(
    connection: &mut Connection,
    new: &NewReport<'_>,
    now: Timestamp,
) -> StoreResult<()> {
    let matter = new.matter;
    let body = Body {
        description: matter.description.clone(),
        site: matter.site.clone(),
        place: matter.place.clone(),
        address: matter.address.clone(),
        media_url: matter.media_url.clone(),
        photos: matter.photos.clone(),
        told_by: new.teller.display_name.clone(),
    };
    query("INSERT INTO case_reports (id, case_id, current_case, opened, source, teller, at, category, lat, lon, request_key, request_hash, body) VALUES ($1, $2, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)")
        .bind(new.id)
        .bind(new.case)
        .bind(new.opened)
        .bind(matter.source.as_str())
        .bind(&new.teller.name)
        .bind(now.unix_ms())
        .bind(&matter.category)
        .bind(matter.point.map(|point| point.lat))
        .bind(matter.point.map(|point| point.lon))
        .bind(new.request_key)
        .bind(new.request_hash)
        .bind(to_json(&body))
        .execute(&mut *connection)
        .await
        .map_err(sql("storing a report"))?;
    if matter.reporter.is_empty() {
        return Ok(());
    }
    query("INSERT INTO case_reporters (report_id, body) VALUES ($1, $2)")
        .bind(new.id)
        .bind(to_json(&matter.reporter))
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("storing a reporter"))
}

/// The report that this key, or else this very request since `since`, has made before.
pub(super) async fn made_before(
    connection: &mut Connection,
    teller: &str,
    key: Option<&str>,
    hash: &str,
    since: Option<Timestamp>,
) -> StoreResult<Option<Report>> {
    let mut statement = QueryBuilder::new(REPORT);
    statement.push("teller = ").push_bind(teller);
    match (key, since) {
        (Some(key), _) => {
            statement.push(" AND request_key = ").push_bind(key);
        }
        (None, Some(since)) => {
            statement.push(" AND request_hash = ").push_bind(hash);
            statement.push(" AND at > ").push_bind(since.unix_ms());
            statement.push(" ORDER BY at DESC LIMIT 1");
        }
        (None, None) => return Ok(None),
    }
    let row = statement
        .build()
        .fetch_optional(connection)
        .await
        .map_err(sql("finding a report made before"))?;
    row.as_ref().map(report_row).transpose()
}

/// A report of a case.
pub(super) async fn load(
    connection: &mut Connection,
    case: CaseId,
    id: &str,
) -> StoreResult<Option<Report>> {
    let mut statement = QueryBuilder::new(REPORT);
    statement.push("id = ").push_bind(id);
    statement.push(" AND current_case = ").push_bind(case);
    let row = statement
        .build()
        .fetch_optional(connection)
        .await
        .map_err(sql("finding a report"))?;
    row.as_ref().map(report_row).transpose()
}

/// Who reported it, if that is still known.
pub(super) async fn reporter(
    connection: &mut Connection,
    report: &str,
) -> StoreResult<Option<Person>> {
    let row = query("SELECT body FROM case_reporters WHERE report_id = $1")
        .bind(report)
        .fetch_optional(connection)
        .await
        .map_err(sql("reading a reporter"))?;
    row.map(|row| from_json("reporter", row.get(0))).transpose()
}

/// Keeps what the reporter thinks of the result.
pub(super) async fn rate(
    connection: &mut Connection,
    report: &str,
    rating: u8,
    by: &str,
    now: Timestamp,
) -> StoreResult<()> {
    query("UPDATE case_reports SET rating = $2, rated_by = $3, rated_at = $4 WHERE id = $1")
        .bind(report)
        .bind(rating)
        .bind(by)
        .bind(now.unix_ms())
        .execute(connection)
        .await
        .map(drop)
        .map_err(sql("storing a rating"))
}

/// Lets reporters go whose cases ended before `before`; tells how many. What was sent to them loses its
/// address, too.
pub(super) async fn forget(connection: &mut Connection, before: Timestamp) -> StoreResult<u64> {
    let doing = "letting go of reporters";
    let rows = query("SELECT p.report_id, r.current_case FROM case_reporters p JOIN case_reports r ON r.id = p.report_id JOIN cases c ON c.id = r.current_case WHERE c.is_open = 0 AND c.ended_at < $1 LIMIT $2")
        .bind(before.unix_ms())
        .bind(FORGOTTEN_MAX)
        .fetch_all(&mut *connection)
        .await
        .map_err(sql(doing))?;
    for row in &rows {
        query("DELETE FROM case_reporters WHERE report_id = $1")
            .bind(row.get::<&str, _>(0))
            .execute(&mut *connection)
            .await
            .map_err(sql(doing))?;
        query("UPDATE notifications SET recipient = '-' || id WHERE kind = 'completion' AND case_id = $1 AND recipient NOT LIKE '-%'")
            .bind(row.get::<CaseId, _>(1))
            .execute(&mut *connection)
            .await
            .map_err(sql(doing))?;
    }
    Ok(rows.len() as u64)
}

impl Store {
    /// The reports that a case has now, the oldest first, each with its masked reporter. Whether the asker
    /// sees the case is asked before.
    ///
    /// # Errors
    /// When the store does not answer.
    pub async fn people_reports_of(
        &self,
        case: CaseId,
    ) -> StoreResult<Vec<(Report, Option<Person>)>> {
        let rows = query("SELECT r.id, r.case_id, r.current_case, r.opened, r.source, r.teller, r.at, r.category, r.lat, r.lon, r.rating, r.request_hash, r.body, p.body FROM case_reports r LEFT JOIN case_reporters p ON p.report_id = r.id WHERE r.current_case = $1 ORDER BY r.at, r.id LIMIT $2")
            .bind(case)
            .bind(SHOWN_MAX)
            .fetch_all(&self.readers)
            .await
            .map_err(sql("reading a case's reports"))?;
        rows.iter().map(with_reporter).collect()
    }
}

fn with_reporter(row: &AnyRow) -> StoreResult<(Report, Option<Person>)> {
    let person: Option<String> = row.get(13);
    let person: Option<Person> = person
        .map(|body| from_json("reporter", &body))
        .transpose()?;
    Ok((report_row(row)?, person.map(|person| person.masked())))
}
