//! One table at a time, as JSON and as CSV, and single rows.

use axum::Json as Answer;
use axum::body::Bytes;
use axum::extract::State;
use axum::extract::rejection::BytesRejection;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::super::App;
use super::super::extract::{Administrator, Args, Json, Part, Peer};
use super::super::problem::Problem;
use super::whole::Permit;
use super::write::Writing;
use super::{Changed, IfMatch, ReadArgs, RowList, RowTable, Rows, RowsGiven, WriteArgs, etag};
use crate::access::Scope;
use crate::directory::contents::{Entry, Flat};
use crate::directory::finding::Finding;
use crate::directory::import::{Import, rows_in_scope};
use crate::directory::read::{self, Settle};
use crate::directory::{Area, Contact, Directory, Duty, Hazard, Site, Unit, sheet};

macro_rules! by_table {
    ($table:expr, $row:ident => $then:expr) => {
        match $table {
            RowTable::Areas => {
                type $row = Area;
                $then
            }
            RowTable::Sites => {
                type $row = Site;
                $then
            }
            RowTable::Units => {
                type $row = Unit;
                $then
            }
            RowTable::Duties => {
                type $row = Duty;
                $then
            }
            RowTable::Hazards => {
                type $row = Hazard;
                $then
            }
            RowTable::Contacts => {
                type $row = Contact;
                $then
            }
        }
    };
}

impl RowTable {
    fn rows(self, directory: &Directory, scope: &Scope) -> Rows {
        match self {
            Self::Areas => Rows::Areas(rows_in_scope(directory, scope)),
            Self::Sites => Rows::Sites(rows_in_scope(directory, scope)),
            Self::Units => Rows::Units(rows_in_scope(directory, scope)),
            Self::Duties => Rows::Duties(rows_in_scope(directory, scope)),
            Self::Hazards => Rows::Hazards(rows_in_scope(directory, scope)),
            Self::Contacts => Rows::Contacts(rows_in_scope(directory, scope)),
        }
    }
}

/// A table of the directory, its rows in the asker's area. Only for administrators. The answer's ETag is
/// the version of the directory.
#[utoipa::path(get, path = "/api/v1/directory/{table}", tag = "directory",
    params(("table" = RowTable, Path, description = "The table"), ReadArgs),
    responses((status = 200, content((RowList = "application/json"), (String = "text/csv")))))]
pub async fn read_table(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Part(table): Part<RowTable>,
    Args(args): Args<ReadArgs>,
    headers: HeaderMap,
) -> Response {
    let directory = app.directory();
    let tag = [(header::ETAG, etag(directory.version()))];
    if args.is_csv(&headers) {
        let csv = by_table!(table, Row => {
            let rows: Vec<Row> = rows_in_scope(&directory, &officer.scope);
            sheet::write(rows.iter())
        });
        let kind = [(header::CONTENT_TYPE, "text/csv; charset=utf-8")];
        return (tag, kind, csv).into_response();
    }
    let list = RowList {
        version: directory.version(),
        items: table.rows(&directory, &officer.scope),
    };
    (tag, Answer(list)).into_response()
}

/// Replace a table of the directory: its rows in the asker's area become these. Only for administrators.
/// Takes JSON, and CSV with a first line of column names as reading gives it. A contact goes with its place
/// and an outline with its area.
#[utoipa::path(put, path = "/api/v1/directory/{table}", tag = "directory",
    params(("table" = RowTable, Path, description = "The table"), WriteArgs,
        ("If-Match" = String, Header, description = "ETag of what was read, or `*`")),
    request_body(content((RowsGiven = "application/json"), (String = "text/csv"))),
    responses(
        (status = 200, body = Changed),
        (status = 409, description = "`in-use`: something that would go is used by open cases or people; `findings` lists it", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "`version-conflict`: the directory has changed; its version is in `version` and ETag", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "`version-needed`: `If-Match` is missing", body = Problem, content_type = "application/problem+json"),
    ))]
#[expect(clippy::too_many_arguments, reason = "each is a part of the request")]
pub async fn replace_table(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Peer(peer): Peer,
    Part(table): Part<RowTable>,
    Args(args): Args<WriteArgs>,
    if_match: IfMatch,
    _permit: Permit,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Result<Response, Problem> {
    let body = body?;
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let is_csv = match kind.map(|kind| kind.split(';').next().unwrap_or_default().trim()) {
        Some("text/csv") => true,
        Some("application/json") => false,
        _ => {
            return Err(Problem::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "json-needed",
                "send `Content-Type: application/json` or `text/csv`",
            ));
        }
    };
    let (import, findings) = by_table!(table, Row => given::<Row>(&body, is_csv)?);
    let writing = Writing::new(&app, &officer, peer, if_match, &args);
    Ok(answer(writing.replace(import, findings).await?))
}

fn given<T: Flat + Settle>(body: &[u8], is_csv: bool) -> Result<(Import, Vec<Finding>), Problem> {
    let (mut import, mut findings) = (Import::default(), Vec::new());
    *T::list_mut(&mut import.contents) = if is_csv {
        sheet::read::<T>(body, &mut findings)
    } else {
        let given: RowsGiven = serde_json::from_slice(body)
            .map_err(|why| Problem::invalid(format!("the body is not a table: {why}")))?;
        read::list::<T>(given.items, &mut findings)
    };
    import.tables.insert(T::TABLE);
    Ok((import, findings))
}

pub(super) fn answer(changed: Changed) -> Response {
    let tag = [(header::ETAG, etag(changed.version))];
    (tag, Answer(changed)).into_response()
}

/// Add or replace one row of the directory. Only for administrators. The key is in the row, too.
#[utoipa::path(put, path = "/api/v1/directory/{table}/{key}", tag = "directory",
    params(("table" = RowTable, Path, description = "The table"),
        ("key" = String, Path, description = "Key of the row"), WriteArgs,
        ("If-Match" = String, Header, description = "ETag of what was read, or `*`")),
    request_body(content = Object, description = "The row, as reading the table shows it"),
    responses(
        (status = 200, body = Changed),
        (status = 412, description = "`version-conflict`: the directory has changed; its version is in `version` and ETag", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "`version-needed`: `If-Match` is missing", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn put_row(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Peer(peer): Peer,
    Part((table, key)): Part<(RowTable, String)>,
    Args(args): Args<WriteArgs>,
    if_match: IfMatch,
    Json(row): Json<Value>,
) -> Result<Response, Problem> {
    let writing = Writing::new(&app, &officer, peer, if_match, &args);
    let changed = by_table!(table, Row => {
        let row = one::<Row>(row, &key)?;
        writing.write(|directory, scope| Ok((with::<Row>(directory, scope, &key, Some(&row)), Vec::new()))).await?
    });
    Ok(answer(changed))
}

fn one<T: Flat + Settle>(row: Value, key: &str) -> Result<T, Problem> {
    let row: T = read::row(row).map_err(|why| Problem::invalid(format!("the row: {why}")))?;
    if row.key() == key {
        return Ok(row);
    }
    Err(Problem::invalid(format!(
        "the address names `{key}` and the row `{}`; a key cannot be changed, add another row instead",
        row.key()
    )))
}

/// The table with this row added, replaced or taken out.
fn with<T: Flat>(directory: &Directory, scope: &Scope, key: &str, row: Option<&T>) -> Import {
    let mut import = Import::default();
    let rows = rows_in_scope::<T>(directory, scope).into_iter();
    let list = T::list_mut(&mut import.contents);
    list.extend(rows.filter(|row| row.key() != key).map(Entry::from));
    list.extend(row.map(|row| Entry {
        at: Some(1),
        row: row.clone(),
    }));
    import.tables.insert(T::TABLE);
    import
}

/// Take one row out of the directory. Only for administrators.
#[utoipa::path(delete, path = "/api/v1/directory/{table}/{key}", tag = "directory",
    params(("table" = RowTable, Path, description = "The table"),
        ("key" = String, Path, description = "Key of the row"), WriteArgs,
        ("If-Match" = String, Header, description = "ETag of what was read, or `*`")),
    responses(
        (status = 200, body = Changed),
        (status = 409, description = "`in-use`: open cases or people use it; `findings` lists them", body = Problem, content_type = "application/problem+json"),
        (status = 412, description = "`version-conflict`: the directory has changed; its version is in `version` and ETag", body = Problem, content_type = "application/problem+json"),
        (status = 428, description = "`version-needed`: `If-Match` is missing", body = Problem, content_type = "application/problem+json"),
    ))]
pub async fn remove_row(
    State(app): State<App>,
    Administrator(officer): Administrator,
    Peer(peer): Peer,
    Part((table, key)): Part<(RowTable, String)>,
    Args(args): Args<WriteArgs>,
    if_match: IfMatch,
) -> Result<Response, Problem> {
    let writing = Writing::new(&app, &officer, peer, if_match, &args);
    let changed = by_table!(table, Row => {
        writing.write(|directory, scope| {
            let rows = rows_in_scope::<Row>(directory, scope);
            let is_there = rows.iter().any(|row| crate::directory::contents::Row::key(row) == key);
            if !is_there {
                return Err(Problem::not_found(format!("there is no row `{key}`")));
            }
            Ok((with::<Row>(directory, scope, &key, None), Vec::new()))
        }).await?
    });
    Ok(answer(changed))
}
