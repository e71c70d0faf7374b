//! Child hubs for officers of the parent: their state and counts, their cases, what to ask them for.

use axum::Json as Answer;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use gridwatch_protocol::{
    CaseDocument, CommandOutcome, HubId, ParentAction, ParentCommand, SealedHeads, Severity,
    Timestamp, UpwardMark,
};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

use super::App;
use super::cases::OpenCounts;
use super::extract::{Args, Json, Officer, Part, Peer};
use super::problem::Problem;
use crate::cases::{Action, Role, table};
use crate::directory::AreaStep;
use crate::parent::children::commands::{Ask, Asked, CommandRow, WAITING_MAX};
use crate::parent::children::list::{
    ChildCaseKey, ChildCaseRow, ChildFilter, ChildScope, ChildState,
};

/// At most this many cases or heads on a page.
const PAGE_MAX: i64 = 200;
/// So many when the request does not say.
const PAGE: i64 = 100;
/// So many commands are shown with a case, the newest ones.
const COMMANDS_SHOWN: i64 = 100;
/// Longest reason, in bytes: with what the child adds it fits into a reason there.
const REASON_BYTES_MAX: usize = 3_500;

/// Whether a child is heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum ChildLiveness {
    /// Within `children.silent_after_s` of the configuration.
    Online,
    /// Not for so long.
    Silent,
    /// Never yet.
    NeverHeard,
    /// Its key was taken away.
    Revoked,
}

/// A child hub.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Child {
    /// Its id.
    #[schema(value_type = String)]
    pub id: String,
    /// Its name.
    pub name: String,
    /// Code of its area.
    pub area: String,
    /// From the city down to its area; empty when the area is no longer in the tree.
    pub area_path: Vec<AreaStep>,
    /// Whether it is heard.
    pub state: ChildLiveness,
    /// When it was heard last.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_heartbeat_at: Option<Timestamp>,
    /// Version of its program.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// How far its clock is ahead of ours, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub clock_ahead_ms: Option<i64>,
    /// Up to where in its events nothing is missing here.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub known: Option<UpwardMark>,
    /// Its newest event.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub newest: Option<UpwardMark>,
    /// What is wrong with its signed heads; stays until `hub child accept-audit`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audit_problem: Option<String>,
    /// The newest of its signed heads.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub head: Option<SealedHeads>,
    /// Its open cases that are seen, by severity; drills are not counted.
    pub open: OpenCounts,
    /// Of them with a yellow card.
    pub yellow_cards: i64,
    /// Of them with a red card.
    pub red_cards: i64,
    /// Of them late.
    pub late: i64,
    /// Of them with a call that waits for an answer.
    pub calls_waiting: i64,
}

/// Every child that is seen.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChildList {
    /// By id.
    pub items: Vec<Child>,
    /// Always null: a hub has as many children as a city has districts.
    pub next: Option<String>,
}

/// Which cases of children.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct CaseArgs {
    /// Only of this child.
    hub: Option<String>,
    /// `open` (the default), `ended` or `all`.
    state: Option<String>,
    /// Only these severities, such as `P1,P2`.
    severity: Option<String>,
    /// Only in this state of the loop, such as `handling`.
    step: Option<String>,
    /// `true`: only with a yellow or red card.
    cards: Option<bool>,
    /// `true`: only open ones whose time is over.
    late: Option<bool>,
    /// `true`: only with a call that waits for an answer.
    calls: Option<bool>,
    /// At most this many, up to 200; 100 when absent.
    limit: Option<i64>,
    /// `next` of the page before.
    after: Option<String>,
}

/// A case of a child.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChildCase {
    /// The child.
    pub hub: String,
    /// What it told last.
    pub case: CaseDocument,
    /// When that came.
    pub received_at: Timestamp,
    /// Since when the child no longer has it: it was restored from an older backup.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lost_at: Option<Timestamp>,
}

impl From<ChildCaseRow> for ChildCase {
    fn from(row: ChildCaseRow) -> Self {
        Self {
            hub: row.hub,
            case: row.document,
            received_at: row.received_at,
            lost_at: row.lost_at,
        }
    }
}

/// A page of children's cases: the most urgent first, then the oldest.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChildCasePage {
    /// The cases.
    pub items: Vec<ChildCase>,
    /// `after` of the next page; null when this is the last.
    pub next: Option<String>,
}

/// Something that was asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct CommandView {
    /// What.
    #[serde(flatten)]
    pub command: ParentCommand,
    /// Sign-in name of who asked.
    pub asked_by: String,
    /// What became of it; none while it waits for the child.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub result: Option<CommandOutcome>,
    /// When, by the child's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub settled_at: Option<Timestamp>,
    /// When the child first fetched it; without a result it has not answered yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivered_at: Option<Timestamp>,
}

/// A case of a child with what was asked for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChildCaseView {
    /// The case.
    #[serde(flatten)]
    pub child_case: ChildCase,
    /// The newest 100 commands about it.
    pub commands: Vec<CommandView>,
}

/// What to ask a child for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AskRequest {
    /// What.
    #[serde(flatten)]
    pub action: ParentAction,
    /// Why, or what is to be told.
    pub reason: String,
}

/// Which heads.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct HeadArgs {
    /// At most this many, up to 200; 100 when absent.
    limit: Option<i64>,
    /// `next` of the page before.
    after: Option<String>,
}

/// A signed head and the key that signed it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ChildHead {
    /// The head.
    #[serde(flatten)]
    pub head: SealedHeads,
    /// Public key, in hexadecimal.
    pub public_key: String,
}

/// Signed heads of a child, oldest first: what `hub audit verify --heads FILE` takes.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct HeadPage {
    /// The heads.
    pub items: Vec<ChildHead>,
    /// `after` of the next page; null when this is the last.
    pub next: Option<String>,
}

/// Child hubs whose area is seen, with their counts.
#[utoipa::path(get, path = "/api/v1/children", tag = "child hubs", responses((status = 200, body = ChildList)))]
pub async fn list(State(app): State<App>, officer: Officer) -> Result<Answer<ChildList>, Problem> {
    let scope = ChildScope::of(&officer.actor, &officer.scope);
    let mut items = Vec::new();
    // People of a unit see the cases that call them, not the hubs.
    if !scope.is_of_a_unit() {
        let now = crate::now();
        let silent_ms = i64::from(app.config.children.silent_after_s) * 1_000;
        let mut counts = app.store.child_counts(&scope, now).await?;
        let directory = app.directory();
        for child in app.store.children(&officer.scope).await? {
            let found = counts.iter().position(|(hub, _)| *hub == child.id);
            let counts = found.map(|at| counts.swap_remove(at).1).unwrap_or_default();
            let area_path = directory.steps(&child.area);
            items.push(Child {
                state: liveness(&child, silent_ms, now),
                open: counts.open.into(),
                yellow_cards: counts.yellow,
                red_cards: counts.red,
                late: counts.late,
                calls_waiting: counts.calls,
                area_path,
                ..described(child)
            });
        }
    }
    Ok(Answer(ChildList { items, next: None }))
}

fn liveness(child: &ChildState, silent_ms: i64, now: Timestamp) -> ChildLiveness {
    match child.last_heartbeat_at {
        _ if child.revoked_at.is_some() => ChildLiveness::Revoked,
        None => ChildLiveness::NeverHeard,
        Some(at) if now.ms_since(at) > silent_ms => ChildLiveness::Silent,
        Some(_) => ChildLiveness::Online,
    }
}

fn described(child: ChildState) -> Child {
    let newest = child.says.as_ref().and_then(|says| {
        let epoch = says.epochs.last()?.epoch;
        Some(UpwardMark {
            epoch,
            sequence: says.newest,
        })
    });
    Child {
        id: child.id,
        name: child.name,
        area: child.area,
        area_path: Vec::new(),
        state: ChildLiveness::NeverHeard,
        last_heartbeat_at: child.last_heartbeat_at,
        version: child.says.as_ref().map(|says| says.version.clone()),
        clock_ahead_ms: child.says.as_ref().map(|says| says.clock_ahead_ms),
        known: child.known,
        newest,
        audit_problem: child.audit_problem,
        head: child.head,
        open: [0; 4].into(),
        yellow_cards: 0,
        red_cards: 0,
        late: 0,
        calls_waiting: 0,
    }
}

/// Cases of child hubs.
#[utoipa::path(get, path = "/api/v1/children/cases", tag = "child hubs", params(CaseArgs), responses((status = 200, body = ChildCasePage)))]
pub async fn cases(
    State(app): State<App>,
    officer: Officer,
    Args(args): Args<CaseArgs>,
) -> Result<Answer<ChildCasePage>, Problem> {
    let mut filter = filter(&args)?;
    let wanted = filter.limit;
    filter.limit += 1;
    let scope = ChildScope::of(&officer.actor, &officer.scope);
    let mut rows = app.store.child_cases(&filter, &scope).await?;
    let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > wanted;
    if more {
        rows.pop();
    }
    let next = rows.last().filter(|_| more).map(cursor_text);
    let items = rows.into_iter().map(ChildCase::from).collect();
    Ok(Answer(ChildCasePage { items, next }))
}

fn limit(given: Option<i64>) -> Result<i64, Problem> {
    let limit = given.unwrap_or(PAGE);
    if (1..=PAGE_MAX).contains(&limit) {
        return Ok(limit);
    }
    Err(Problem::invalid(format!(
        "`limit` is between 1 and {PAGE_MAX}, not {limit}"
    )))
}

fn filter(args: &CaseArgs) -> Result<ChildFilter, Problem> {
    let open = match args.state.as_deref() {
        None | Some("open") => Some(true),
        Some("ended") => Some(false),
        Some("all") => None,
        Some(other) => {
            return Err(Problem::invalid(format!(
                "`state` is `open`, `ended` or `all`, not `{other}`"
            )));
        }
    };
    let severities = args.severity.as_deref().unwrap_or_default().split(',');
    let severities = severities.map(str::trim).filter(|name| !name.is_empty());
    let severity = |name: &str| {
        let found: Result<Severity, _> = serde_json::from_value(name.into());
        found
            .map(Severity::alarm_priority)
            .map_err(|_| Problem::invalid(format!("`severity` is of P1, P2, P3, P4, not `{name}`")))
    };
    Ok(ChildFilter {
        hub: args.hub.clone().filter(|hub| !hub.is_empty()),
        open,
        severities: severities.map(severity).collect::<Result<_, _>>()?,
        cards: args.cards == Some(true),
        late_at: (args.late == Some(true)).then(crate::now),
        calls: args.calls == Some(true),
        state: args.step.clone().filter(|step| !step.is_empty()),
        after: args.after.as_deref().map(cursor).transpose()?,
        limit: limit(args.limit)?,
    })
}

fn cursor_text(row: &ChildCaseRow) -> String {
    let case = &row.document;
    format!(
        "{}.{}.{}.{}.{}",
        case.severity.alarm_priority(),
        case.opened_at.unix_ms(),
        case.case_epoch,
        case.case,
        row.hub
    )
}

fn cursor(text: &str) -> Result<(u8, i64, ChildCaseKey), Problem> {
    let parse = || {
        let mut parts = text.splitn(5, '.');
        let severity = parts.next()?.parse().ok()?;
        let at = parts.next()?.parse().ok()?;
        let epoch = parts.next()?.parse().ok()?;
        let case = parts.next()?.parse().ok()?;
        let hub = parts.next()?.to_owned();
        Some((severity, at, ChildCaseKey { hub, epoch, case }))
    };
    parse().ok_or_else(|| Problem::invalid("`after` is not the `next` of a page"))
}

/// One case of a child hub, with what was asked for.
#[utoipa::path(get, path = "/api/v1/children/{hub}/cases/{epoch}/{case}", tag = "child hubs", params(
    ("hub" = String, Path), ("epoch" = i64, Path), ("case" = i64, Path),
), responses((status = 200, body = ChildCaseView)))]
pub async fn one(
    State(app): State<App>,
    officer: Officer,
    Part((hub, epoch, case)): Part<(String, i64, i64)>,
) -> Result<Answer<ChildCaseView>, Problem> {
    let key = ChildCaseKey { hub, epoch, case };
    let scope = ChildScope::of(&officer.actor, &officer.scope);
    let row = app.store.child_case(&key, &scope).await?;
    let row = row.ok_or_else(|| no_case(&key.hub, case))?;
    let commands = app.store.commands_about(&key, COMMANDS_SHOWN).await?;
    Ok(Answer(ChildCaseView {
        child_case: row.into(),
        commands: commands.into_iter().map(command_view).collect(),
    }))
}

fn command_view(row: CommandRow) -> CommandView {
    CommandView {
        command: row.command,
        asked_by: row.asked_by,
        result: row.outcome,
        settled_at: row.settled_at,
        delivered_at: row.delivered_at,
    }
}

/// Ask a child for something: 督办 (`set_card`, `set_urgent`), a comment, a report, or answer its call.
/// Comes back when it is on disk; the child does it once, and its result comes with the case.
#[utoipa::path(post, path = "/api/v1/children/{hub}/cases/{epoch}/{case}/commands", tag = "child hubs", params(
    ("hub" = String, Path), ("epoch" = i64, Path), ("case" = i64, Path),
), request_body = AskRequest, responses(
    (status = 202, body = CommandView),
    (status = 409, description = "`too-many-commands` wait for this child", body = Problem, content_type = "application/problem+json"),
    (status = 422, description = "`reason-needed`, `invalid-request`", body = Problem, content_type = "application/problem+json"),
))]
pub async fn ask(
    State(app): State<App>,
    officer: Officer,
    Peer(peer): Peer,
    Part((hub, epoch, case)): Part<(String, i64, i64)>,
    Json(request): Json<AskRequest>,
) -> Result<Response, Problem> {
    let hub = HubId::new(hub).map_err(|error| Problem::invalid(error.to_string()))?;
    check_ask(&officer, &request)?;
    let command = ParentCommand {
        id: Uuid::now_v7(),
        case_epoch: epoch,
        case,
        action: request.action,
        reason: request.reason.trim().to_owned(),
        by_name: officer.actor.display_name.clone(),
        role: officer.actor.role.as_str().to_owned(),
        at: crate::now(),
    };
    let asked_by = officer.actor.username.clone();
    let task = Ask {
        hub: hub.clone(),
        command: command.clone(),
        asked_by: asked_by.clone(),
        scope: ChildScope::of(&officer.actor, &officer.scope),
        address: peer.ip().to_string(),
    };
    match app.engine.run(task, crate::now()).await? {
        Asked::Yes => {}
        Asked::NoCase => return Err(no_case(hub.as_str(), case)),
        Asked::TooMany => {
            return Err(Problem::new(
                StatusCode::CONFLICT,
                "too-many-commands",
                format!("{WAITING_MAX} commands wait for the hub `{hub}` already"),
            ));
        }
    }
    let view = CommandView {
        command,
        asked_by,
        result: None,
        settled_at: None,
        delivered_at: None,
    };
    Ok((StatusCode::ACCEPTED, Answer(view)).into_response())
}

/// The same roles as for an own case: the table of actions decides.
fn check_ask(officer: &Officer, request: &AskRequest) -> Result<(), Problem> {
    let actor = &officer.actor;
    let action = match &request.action {
        ParentAction::SetCard { card } => {
            if crate::cases::Card::from_name(card).is_none() {
                return Err(Problem::invalid(format!(
                    "`card` is `none`, `yellow` or `red`, not `{card}`"
                )));
            }
            Action::SetCard
        }
        // Who may press a case may ask for a report about it.
        ParentAction::SetUrgent { .. } | ParentAction::AskReport => Action::SetUrgent,
        ParentAction::Comment => Action::Note,
        ParentAction::AnswerCall { unit, .. } => {
            if actor.role == Role::Unit && actor.unit.as_ref() != Some(unit) {
                return Err(Problem::not_allowed("only the called unit answers a call"));
            }
            Action::AnswerCall
        }
    };
    if !table::line(action).roles.contains(&actor.role) {
        return Err(Problem::not_allowed(format!(
            "the role {} may not ask a child hub for this",
            actor.role.as_str()
        )));
    }
    let reason = request.reason.trim();
    if reason.is_empty() || reason.len() > REASON_BYTES_MAX {
        return Err(Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "reason-needed",
            format!("`reason` has 1 to {REASON_BYTES_MAX} bytes"),
        ));
    }
    Ok(())
}

/// Signed ends of a child's audit and histories, as the child sent them: what the child's own
/// `hub audit verify --heads` compares with. For administrators and auditors who see everything.
#[utoipa::path(get, path = "/api/v1/children/{hub}/heads", tag = "child hubs", params(("hub" = String, Path), HeadArgs), responses((status = 200, body = HeadPage)))]
pub async fn heads(
    State(app): State<App>,
    officer: Officer,
    Part(hub): Part<String>,
    Args(args): Args<HeadArgs>,
) -> Result<Answer<HeadPage>, Problem> {
    let may = matches!(officer.actor.role, Role::Administrator | Role::Auditor);
    if !may || !officer.scope.is_whole() {
        return Err(Problem::not_allowed(
            "signed heads are for administrators and auditors who see every area",
        ));
    }
    let children = app.store.children(&officer.scope).await?;
    if children.iter().all(|child| child.id != hub) {
        return Err(Problem::not_found(format!("there is no child hub `{hub}`")));
    }
    let wanted = limit(args.limit)?;
    let after = args.after.as_deref().unwrap_or("0.");
    let after = after
        .split_once('.')
        .and_then(|(at, signature)| Some((at.parse().ok()?, signature)))
        .ok_or_else(|| Problem::invalid("`after` is not the `next` of a page"))?;
    let mut rows = app.store.child_heads(&hub, after, wanted + 1).await?;
    let more = i64::try_from(rows.len()).unwrap_or(i64::MAX) > wanted;
    if more {
        rows.pop();
    }
    let place =
        |(_, head): &(String, SealedHeads)| format!("{}.{}", head.at.unix_ms(), head.signature);
    let next = rows.last().filter(|_| more).map(place);
    let items = rows
        .into_iter()
        .map(|(public_key, head)| ChildHead { head, public_key })
        .collect();
    Ok(Answer(HeadPage { items, next }))
}

fn no_case(hub: &str, case: i64) -> Problem {
    Problem::not_found(format!("there is no case {case} of the hub `{hub}`"))
}
