//! Files of evidence and reveals.
//!
//! What is sent back is never something that a browser runs: an attachment with the type that the bytes had when
//! they came, `nosniff`, and a policy that allows nothing.

use std::time::Duration;

use axum::Json as Answer;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use futures_util::StreamExt;
use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::App;
use super::extract::{Json, Officer, Part, Peer};
use super::problem::Problem;
use crate::cases::{Case, CaseId, EvidenceKind, Role};
use crate::evidence::files::{Complete, Unfit};
use crate::evidence::media::Media;
use crate::evidence::reveal::{Masked, REASON_BYTES_MAX, Reveal};
use crate::evidence::rows::{FILES_OF_CASE_MAX, FileRow, KeepFile, Kept};
use crate::evidence::{keeper, plain_hash};

/// A file has to come within this time: 10 MiB at 40 KiB/s, a poor mobile link.
const UPLOAD_TIME_MAX: Duration = Duration::from_secs(260);
/// Policy of what is sent: nothing in it runs, loads or is framed.
const SANDBOX: &str = "default-src 'none'; sandbox; frame-ancestors 'none'";

/// Where the bytes of a piece of evidence are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum FileState {
    /// Here.
    There,
    /// Named by an action, but never brought.
    Missing,
    /// Let go when its time was over; the hash stays.
    LetGo,
    /// Brought and not let go, but not on the disk: somebody has to look.
    Lost,
}

/// A piece of evidence of a case.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EvidenceItem {
    /// SHA-256 of the file.
    pub sha256: String,
    /// What the action that named it says it is; none when no action has named it yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<EvidenceKind>,
    /// Its name, as that action gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it was taken, as that action says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub taken_at: Option<Timestamp>,
    /// Where its bytes are.
    pub file: FileState,
    /// Its type, by its own bytes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub media_type: Option<String>,
    /// Its size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bytes: Option<i64>,
    /// Who brought it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_by: Option<String>,
    /// When.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stored_at: Option<Timestamp>,
    /// When it was let go.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub removed_at: Option<Timestamp>,
}

/// Every piece of evidence of a case.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct EvidenceList {
    /// In the order in which actions named them, then those that none has named.
    pub items: Vec<EvidenceItem>,
    /// Always null: a case has at most 200 files.
    pub next: Option<String>,
    /// Whether a reveal is needed to get the files.
    pub masked: bool,
    /// Until when they are revealed to who asks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revealed_until: Option<Timestamp>,
}

/// What to reveal, and why.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct RevealRequest {
    /// What.
    pub what: Masked,
    /// Why; it stands in the audit.
    pub reason: String,
}

/// A reveal.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Revealed {
    /// What.
    pub what: Masked,
    /// Until when it is shown to who asked.
    pub until: Timestamp,
}

/// The pieces of evidence of a case, and whether their files are there.
#[utoipa::path(get, path = "/api/v1/cases/{id}/evidence", tag = "evidence", params(("id" = i64, Path)), responses(
    (status = 200, body = EvidenceList),
))]
pub async fn list(
    State(app): State<App>,
    officer: Officer,
    Part(id): Part<CaseId>,
) -> Result<Answer<EvidenceList>, Problem> {
    let case = seen_case(&app, &officer, id).await?;
    let rows = app.store.evidence_files(id, &officer.scope).await?;
    let masked = is_masked(&app, &case);
    let revealed_until = app
        .store
        .revealed_until(id, Masked::Evidence, &officer.actor.username, crate::now())
        .await?;
    let mut items = Vec::new();
    for mut item in pieces(&case, rows) {
        if item.file == FileState::There && !app.evidence.files.is_there(&item.sha256).await {
            item.file = FileState::Lost;
        }
        items.push(item);
    }
    Ok(Answer(EvidenceList {
        items,
        next: None,
        masked,
        revealed_until,
    }))
}

/// What actions named, joined with what was brought.
fn pieces(case: &Case, mut rows: Vec<FileRow>) -> Vec<EvidenceItem> {
    let mut items: Vec<EvidenceItem> = Vec::new();
    for piece in &case.progress.evidence {
        let sha256 = piece.sha256.to_ascii_lowercase();
        if items.iter().any(|item| item.sha256 == sha256) {
            continue;
        }
        let found = rows.iter().position(|row| row.sha256 == sha256);
        items.push(EvidenceItem {
            kind: Some(piece.kind),
            name: Some(piece.name.clone()),
            taken_at: Some(piece.at),
            ..item(sha256, found.map(|at| rows.remove(at)))
        });
    }
    items.extend(
        rows.into_iter()
            .map(|row| item(row.sha256.clone(), Some(row))),
    );
    items
}

fn item(sha256: String, row: Option<FileRow>) -> EvidenceItem {
    let file = match &row {
        None => FileState::Missing,
        Some(row) if row.removed_at.is_some() => FileState::LetGo,
        Some(_) => FileState::There,
    };
    EvidenceItem {
        sha256,
        kind: None,
        name: None,
        taken_at: None,
        file,
        media_type: row.as_ref().map(|row| row.media_type.clone()),
        bytes: row.as_ref().map(|row| row.bytes),
        stored_by: row.as_ref().map(|row| row.stored_by.clone()),
        stored_at: row.as_ref().map(|row| row.stored_at),
        removed_at: row.and_then(|row| row.removed_at),
    }
}

/// Bring the file of a piece of evidence: its bytes as they are, under their SHA-256. JPEG, PNG, WebP, PDF or
/// UTF-8 text, told by the bytes themselves. May be sent again: the second time changes nothing.
#[utoipa::path(put, path = "/api/v1/cases/{id}/evidence/{sha256}", tag = "evidence", params(
    ("id" = i64, Path),
    ("sha256" = String, Path, description = "64 hexadecimal digits"),
), request_body(content = Vec<u8>, content_type = "application/octet-stream"), responses(
    (status = 200, description = "it was there already", body = EvidenceItem),
    (status = 201, body = EvidenceItem),
    (status = 408, description = "`too-slow`", body = Problem, content_type = "application/problem+json"),
    (status = 409, description = "`too-many-files` of this case, or `evidence-let-go`: its time was over and it does not come back", body = Problem, content_type = "application/problem+json"),
    (status = 413, description = "`body-too-large`", body = Problem, content_type = "application/problem+json"),
    (status = 415, description = "`unsupported-file`: none of the types", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`hash-mismatch`: the bytes have another SHA-256", body = Problem, content_type = "application/problem+json"),
    (status = 507, description = "`evidence-full`: the quota of all files is used up", body = Problem, content_type = "application/problem+json"),
))]
pub async fn store(
    State(app): State<App>,
    officer: Officer,
    Peer(peer): Peer,
    Part((id, sha256)): Part<(CaseId, String)>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Problem> {
    if officer.actor.role == Role::Auditor {
        return Err(Problem::not_allowed("an auditor brings no evidence"));
    }
    let sha256 = checked_hash(&sha256)?;
    seen_case(&app, &officer, id).await?;
    let known = app.store.evidence_file(id, &sha256, &officer.scope).await?;
    if let Some(row) = known.filter(|row| row.removed_at.is_none()) {
        return Ok((StatusCode::OK, Answer(item(sha256, Some(row)))).into_response());
    }
    let settings = &app.evidence.settings;
    let announced = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if announced.is_some_and(|bytes| bytes > settings.file_bytes_max()) {
        return Err(unfit(Unfit::TooLarge {
            max: settings.file_bytes_max(),
        }));
    }
    let expected = i64::try_from(announced.unwrap_or(0)).unwrap_or(i64::MAX);
    if app.store.evidence_bytes().await?.saturating_add(expected) > settings.total_bytes_max() {
        return Err(full(&app));
    }
    let Ok(_permit) = app.evidence.uploads.try_acquire() else {
        return Err(Problem::busy(
            "too many files are coming in; send this one again",
        ));
    };
    let complete = tokio::time::timeout(UPLOAD_TIME_MAX, receive(&app, &sha256, body))
        .await
        .map_err(|_| {
            Problem::new(
                StatusCode::REQUEST_TIMEOUT,
                "too-slow",
                format!(
                    "the file did not come within {} s",
                    UPLOAD_TIME_MAX.as_secs()
                ),
            )
        })??;
    let row = FileRow {
        sha256: sha256.clone(),
        media_type: complete.media.name().to_owned(),
        bytes: i64::try_from(complete.bytes).unwrap_or(i64::MAX),
        stored_by: officer.actor.username.clone(),
        stored_at: crate::now(),
        removed_at: None,
    };
    // Goes on when the asker goes away: a file in its place is to have its row.
    let (task_app, task_row) = (App::clone(&app), row.clone());
    let address = peer.ip().to_string();
    let kept =
        tokio::spawn(
            async move { place(&task_app, complete, id, task_row, officer, address).await },
        )
        .await
        .map_err(|_| Problem::internal())??;
    let status = match kept {
        Kept::New => StatusCode::CREATED,
        Kept::Before => StatusCode::OK,
        refused => {
            return Err(refusal(&app, id, refused));
        }
    };
    Ok((status, Answer(item(sha256, Some(row)))).into_response())
}

async fn receive(app: &App, sha256: &str, body: Body) -> Result<Complete, Problem> {
    let max = app.evidence.settings.file_bytes_max();
    let mut incoming = app
        .evidence
        .files
        .begin(max)
        .await
        .map_err(|error| unfit(error.into()))?;
    let mut parts = body.into_data_stream();
    while let Some(part) = parts.next().await {
        let part = part.map_err(|error| {
            Problem::new(
                StatusCode::BAD_REQUEST,
                "invalid-request",
                format!("the body was cut: {error}"),
            )
        })?;
        incoming.take(&part).await.map_err(unfit)?;
    }
    incoming.end(sha256).await.map_err(unfit)
}

/// The file first, then its row; nobody removes files in between.
async fn place(
    app: &App,
    complete: Complete,
    case: CaseId,
    file: FileRow,
    officer: Officer,
    address: String,
) -> Result<Kept, Problem> {
    let files = &app.evidence.files;
    let sha256 = file.sha256.clone();
    let lock = files.placing().await.map_err(|error| unfit(error.into()))?;
    files
        .place(complete, &lock)
        .await
        .map_err(|error| unfit(error.into()))?;
    let task = KeepFile {
        case,
        file,
        scope: officer.scope,
        address,
        total_max: app.evidence.settings.total_bytes_max(),
    };
    let kept = app.engine.run(task, crate::now()).await;
    drop(lock);
    if !matches!(kept, Ok(Kept::New | Kept::Before)) {
        // Nobody asked for it to stay; when this fails, the sweeper does it.
        if let Err(error) = keeper::remove(files, &app.store, vec![sha256]).await {
            tracing::warn!(%error, "a file that was not taken stays until the next sweep");
        }
    }
    Ok(kept?)
}

fn refusal(app: &App, case: CaseId, kept: Kept) -> Problem {
    match kept {
        Kept::Full => full(app),
        Kept::TooMany => Problem::new(
            StatusCode::CONFLICT,
            "too-many-files",
            format!("case {case} has {FILES_OF_CASE_MAX} files, which is the most"),
        ),
        Kept::LetGo => Problem::new(
            StatusCode::CONFLICT,
            "evidence-let-go",
            "this file was let go when its time was over; it does not come back",
        ),
        _ => no_case(case),
    }
}

fn full(app: &App) -> Problem {
    Problem::new(
        StatusCode::INSUFFICIENT_STORAGE,
        "evidence-full",
        format!(
            "all files of evidence together may have {} MiB (`evidence.total_mib_max`), which are used up; an administrator can raise it",
            app.evidence.settings.total_mib_max
        ),
    )
}

fn unfit(unfit: Unfit) -> Problem {
    let (status, kind) = match &unfit {
        Unfit::TooLarge { .. } => (StatusCode::PAYLOAD_TOO_LARGE, "body-too-large"),
        Unfit::Media => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-file"),
        Unfit::Hash { .. } => (StatusCode::UNPROCESSABLE_ENTITY, "hash-mismatch"),
        Unfit::Io(error) => {
            tracing::error!(%error, "a file of evidence could not be written");
            return Problem::busy("the file could not be stored; try again");
        }
    };
    Problem::new(status, kind, unfit.to_string())
}

/// A file of evidence. `ETag` is its SHA-256. Masked files need a reveal first.
#[utoipa::path(get, path = "/api/v1/cases/{id}/evidence/{sha256}", tag = "evidence", params(
    ("id" = i64, Path),
    ("sha256" = String, Path, description = "64 hexadecimal digits"),
    ("If-None-Match" = Option<String>, Header),
), responses(
    (status = 200, description = "the file as it came", body = Vec<u8>, content_type = "application/octet-stream"),
    (status = 304, description = "the asker has it"),
    (status = 403, description = "`reveal-needed`: `POST …/reveals` first", body = Problem, content_type = "application/problem+json"),
    (status = 404, description = "`not-found`; `evidence-missing`: named, but never brought", body = Problem, content_type = "application/problem+json"),
    (status = 410, description = "`evidence-let-go`", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`invalid-request`: no SHA-256", body = Problem, content_type = "application/problem+json"),
))]
pub async fn fetch(
    State(app): State<App>,
    officer: Officer,
    Part((id, sha256)): Part<(CaseId, String)>,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let sha256 = checked_hash(&sha256)?;
    let case = seen_case(&app, &officer, id).await?;
    let row = app.store.evidence_file(id, &sha256, &officer.scope).await?;
    let row = row.ok_or_else(|| {
        Problem::new(
            StatusCode::NOT_FOUND,
            "evidence-missing",
            "no file with this hash was brought to this case",
        )
    })?;
    if row.removed_at.is_some() {
        return Err(Problem::new(
            StatusCode::GONE,
            "evidence-let-go",
            "this file was let go when its time was over; its hash stays in the history",
        ));
    }
    let masked = is_masked(&app, &case);
    if masked {
        check_revealed(&app, &officer, id, Masked::Evidence).await?;
    }
    let tag = format!("\"{sha256}\"");
    let has_it = headers.get(header::IF_NONE_MATCH).is_some_and(|value| {
        let mut tags = value.to_str().unwrap_or_default().split(',');
        tags.any(|given| given.trim().trim_start_matches("W/") == tag)
    });
    let mut response = if has_it {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        file(&app, &row).await?
    };
    let headers = response.headers_mut();
    let mut set = |name, text: &str| {
        let value = HeaderValue::from_str(text).expect("hexadecimal digits and fixed texts");
        headers.insert(name, value);
    };
    set(header::ETAG, &tag);
    // What is masked is asked for each time; the rest may stay in the officer's own browser.
    let cache = if masked {
        "no-store"
    } else {
        "private, no-cache"
    };
    set(header::CACHE_CONTROL, cache);
    set(header::CONTENT_SECURITY_POLICY, SANDBOX);
    set(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    Ok(response)
}

async fn file(app: &App, row: &FileRow) -> Result<Response, Problem> {
    let permit = app.evidence.readings.acquire().await;
    let read = app.evidence.files.read(&row.sha256).await;
    drop(permit);
    let bytes = read.map_err(|error| {
        tracing::error!(%error, sha256 = row.sha256, "a file of evidence cannot be read");
        Problem::new(
            StatusCode::NOT_FOUND,
            "evidence-lost",
            "the file was brought but is not whole on the disk; an administrator can bring it back from a backup",
        )
    })?;
    let ending = Media::ending(&row.media_type);
    let name = format!("attachment; filename=\"{}.{ending}\"", &row.sha256[..16]);
    let headers = [
        (
            header::CONTENT_TYPE,
            Media::content_type(&row.media_type).to_owned(),
        ),
        (header::CONTENT_DISPOSITION, name),
    ];
    Ok((headers, bytes).into_response())
}

/// Say why something masked has to be seen; it is then shown to who asked for ten minutes. Every
/// reveal is a line of the audit.
#[utoipa::path(post, path = "/api/v1/cases/{id}/reveals", tag = "evidence", params(("id" = i64, Path)), request_body = RevealRequest, responses(
    (status = 201, body = Revealed),
    (status = 422, description = "`reason-needed`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn reveal(
    State(app): State<App>,
    officer: Officer,
    Peer(peer): Peer,
    Part(id): Part<CaseId>,
    Json(request): Json<RevealRequest>,
) -> Result<Response, Problem> {
    let reason = request.reason.trim();
    let bad = |c: char| c.is_control() && c != '\n';
    if reason.is_empty() || reason.len() > REASON_BYTES_MAX || reason.contains(bad) {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "reason-needed",
            format!("`reason` says in 1 to {REASON_BYTES_MAX} bytes why it has to be seen"),
        ));
    }
    let task = Reveal {
        case: id,
        what: request.what,
        username: officer.actor.username.clone(),
        scope: officer.scope.clone(),
        reason: reason.to_owned(),
        address: peer.ip().to_string(),
    };
    let until = app.engine.run(task, crate::now()).await?;
    let until = until.ok_or_else(|| no_case(id))?;
    let revealed = Revealed {
        what: request.what,
        until,
    };
    Ok((StatusCode::CREATED, Answer(revealed)).into_response())
}

/// Refuses who has not said why they have to see what is masked.
///
/// # Errors
/// `reveal-needed`; when the store does not answer.
pub async fn check_revealed(
    app: &App,
    officer: &Officer,
    case: CaseId,
    what: Masked,
) -> Result<(), Problem> {
    let username = &officer.actor.username;
    let now = crate::now();
    let until = app.store.revealed_until(case, what, username, now).await?;
    if until.is_some() {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::FORBIDDEN,
        "reveal-needed",
        format!(
            "this is masked; say why you have to see it with `POST /api/v1/cases/{case}/reveals` and `\"what\": \"{}\"`",
            what.as_str()
        ),
    ))
}

/// Whether files of this case need a reveal.
fn is_masked(app: &App, case: &Case) -> bool {
    app.catalogue
        .get(&case.category)
        .is_some_and(|category| category.masked)
}

fn checked_hash(text: &str) -> Result<String, Problem> {
    plain_hash(text).ok_or_else(|| {
        Problem::invalid("the last part of the address is a SHA-256: 64 hexadecimal digits")
    })
}

async fn seen_case(app: &App, officer: &Officer, id: CaseId) -> Result<Case, Problem> {
    let case = app.store.case(id, &officer.scope).await?;
    case.ok_or_else(|| no_case(id))
}

fn no_case(id: CaseId) -> Problem {
    Problem::not_found(format!("there is no case {id}"))
}
