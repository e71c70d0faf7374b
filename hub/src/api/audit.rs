//! The audit for auditors and administrators: who did what, when, from where.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::App;
use super::extract::{Args, Officer};
use super::problem::Problem;
use crate::cases::{CaseId, Role};
use crate::reports::table::harmless;
use crate::store::audit::{AuditFilter, AuditLine};
use crate::store::chain::Chain;

/// At most this many lines on a page.
const PAGE_MAX: i64 = 200;
/// So many when the request does not say.
const PAGE: i64 = 100;
/// At most this many lines in one export: a file that a spreadsheet opens. `from` and `to` take less.
const EXPORT_MAX: i64 = 100_000;
/// Lines read together for an export.
const EXPORT_PART: i64 = 1_000;

/// What to look for.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct AuditArgs {
    /// `audit` (the default: accounts, gateways, the store, reveals) or `cases` (the histories of cases).
    chain: Option<String>,
    /// Only by this sign-in name.
    actor: Option<String>,
    /// Only this action, such as `sign_in`, `revealed` or `close`.
    action: Option<String>,
    /// Only with this text in the subject.
    subject: Option<String>,
    /// Not before this time.
    from: Option<String>,
    /// Before this time.
    to: Option<String>,
    /// At most this many, up to 200; 100 when absent. Of an export, up to 100,000.
    limit: Option<i64>,
    /// `next` of the page before.
    after: Option<String>,
}

/// A line of the audit.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditView {
    /// Its place in its chain: 1, 2, 3, … without gaps.
    pub link: i64,
    /// When.
    pub at: Timestamp,
    /// Who: a sign-in name, `system`, `command line`, or `parent:` and a name.
    pub actor: String,
    /// What.
    pub action: String,
    /// To whom or what.
    pub subject: String,
    /// From which address.
    pub address: String,
    /// The case that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub case: Option<CaseId>,
    /// Its hash in the chain.
    pub hash: String,
}

impl From<AuditLine> for AuditView {
    fn from(line: AuditLine) -> Self {
        Self {
            link: line.link,
            at: line.at,
            actor: line.actor,
            action: line.action,
            subject: line.subject,
            address: line.address,
            case: line.case,
            hash: line.hash,
        }
    }
}

/// A page of the audit, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AuditPage {
    /// The lines.
    pub items: Vec<AuditView>,
    /// `after` of the next page; null when this is the last.
    pub next: Option<String>,
}

/// Search the audit. Auditors and administrators of an area see what is about cases there; those of the
/// whole tree see everything.
#[utoipa::path(get, path = "/api/v1/audit", tag = "audit", params(AuditArgs), responses((status = 200, body = AuditPage)))]
pub async fn list(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<AuditArgs>,
) -> Result<Answer<AuditPage>, Problem> {
    let mut filter = filter(&officer, &args, PAGE, PAGE_MAX)?;
    let wanted = filter.limit;
    filter.limit += 1;
    let mut lines = app.store.audit_lines(&filter, &officer.scope).await?;
    let more = i64::try_from(lines.len()).unwrap_or(i64::MAX) > wanted;
    if more {
        lines.pop();
    }
    let next = lines
        .last()
        .filter(|_| more)
        .map(|line| line.link.to_string());
    let items = lines.into_iter().map(AuditView::from).collect();
    Ok(Answer(AuditPage { items, next }))
}

/// The same search as a CSV file in UTF-8, newest first, up to 100,000 lines.
#[utoipa::path(get, path = "/api/v1/audit.csv", tag = "audit", params(AuditArgs), responses((status = 200, body = String, content_type = "text/csv")))]
pub async fn export(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<AuditArgs>,
) -> Result<Response, Problem> {
    let mut filter = filter(&officer, &args, EXPORT_MAX, EXPORT_MAX)?;
    let mut left = filter.limit;
    let mut writer = csv::Writer::from_writer(Vec::new());
    let head = [
        "link", "at", "actor", "action", "subject", "address", "case", "hash",
    ];
    writer.write_record(head).map_err(|_| Problem::internal())?;
    while left > 0 {
        filter.limit = left.min(EXPORT_PART);
        let lines = app.store.audit_lines(&filter, &officer.scope).await?;
        let Some(last) = lines.last() else { break };
        filter.before = Some(last.link);
        left -= filter.limit;
        for line in &lines {
            let fields = [
                line.link.to_string(),
                line.at.to_string(),
                harmless(&line.actor),
                harmless(&line.action),
                harmless(&line.subject),
                harmless(&line.address),
                line.case.map(|case| case.to_string()).unwrap_or_default(),
                line.hash.clone(),
            ];
            writer
                .write_record(fields)
                .map_err(|_| Problem::internal())?;
        }
    }
    let bytes = writer.into_inner().map_err(|_| Problem::internal())?;
    let headers = [
        (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"audit.csv\"",
        ),
    ];
    Ok((headers, bytes).into_response())
}

/// The chain of this name.
pub(super) fn chain_named(name: &str) -> Result<Chain, Problem> {
    match name {
        "audit" => Ok(Chain::Audit),
        "cases" => Ok(Chain::Transitions),
        other => Err(Problem::invalid(format!(
            "`chain` is `audit` or `cases`, not `{other}`"
        ))),
    }
}

fn filter(
    officer: &Officer,
    args: &AuditArgs,
    usual: i64,
    max: i64,
) -> Result<AuditFilter, Problem> {
    if !matches!(officer.actor.role, Role::Auditor | Role::Administrator) {
        return Err(Problem::not_allowed(
            "the audit is for auditors and administrators",
        ));
    }
    let chain = chain_named(args.chain.as_deref().unwrap_or("audit"))?;
    let limit = args.limit.unwrap_or(usual);
    if !(1..=max).contains(&limit) {
        return Err(Problem::invalid(format!(
            "`limit` is between 1 and {max}, not {limit}"
        )));
    }
    let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
    let time = |name: &str, text: &Option<String>| {
        let parsed = given(text).map(|text| text.parse::<Timestamp>());
        parsed
            .transpose()
            .map_err(|error| Problem::invalid(format!("`{name}`: {error}")))
    };
    let before = given(&args.after).map(|text| text.parse::<i64>());
    Ok(AuditFilter {
        chain,
        actor: given(&args.actor),
        action: given(&args.action),
        subject: given(&args.subject),
        from: time("from", &args.from)?,
        to: time("to", &args.to)?,
        before: before
            .transpose()
            .map_err(|_| Problem::invalid("`after` is not the `next` of a page"))?,
        limit,
    })
}

#[cfg(test)]
mod tests {
    use super::harmless;

    #[test]
    fn cells_are_never_formulas() {
        assert_eq!(harmless("=1+1"), "'=1+1");
        assert_eq!(harmless("@cmd"), "'@cmd");
        assert_eq!(harmless("case 1"), "case 1");
    }
}
