//! What an action needs beside state and role. Pure.
//!
//! Everything that stands in the way is told at once, in words for both languages: the console shows
//! it before anybody tries, the API answers with it.

use gridwatch_protocol::{Severity, Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::progress::{AskFor, Details};
use super::{Action, Actor, Card, Case, Level, Mode, RejectCause, Role, State, TaskState, text};
use crate::catalogue::{Catalogue, Category};
use crate::directory::{AreaStep, Directory, Unit};

/// The limit of a case is extended at most so often.
pub const EXTENSIONS_MAX: u8 = 2;
/// A case is suspended for at most a year.
pub const SUSPENSION_MAX_MS: i64 = 366 * DAY_MS;
/// A closed or rejected case can be opened again for so long.
pub const REOPEN_MS: i64 = 3 * DAY_MS;
/// A consultation begins with the second time that a unit sends a case back.
pub const SENT_BACK_MAX: usize = 2;
/// At most so many units are asked in one consultation.
pub const TASKS_MAX: usize = 20;
/// At most so many pieces of evidence with one action; a case's history stays readable.
pub const EVIDENCE_MAX: usize = 20;
/// At most so many calls of one case.
pub const CALLS_MAX: usize = 50;
/// At most so many bytes in a name that a request brings.
pub const NAME_BYTES_MAX: usize = 200;
const DAY_MS: i64 = 86_400_000;

/// What the engine knows beside the case.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The categories.
    pub catalogue: &'a Catalogue,
    /// Areas, sites and units.
    pub directory: &'a Directory,
    /// Until when the case would be due if it were dispatched now.
    pub due: Option<Timestamp>,
    /// Until when it would be due with its limit once more.
    pub extended_due: Option<Timestamp>,
    /// The case that this one is merged into or parted from.
    pub other: Option<&'a Case>,
}

impl<'a> Context<'a> {
    /// The way from the city to the case's grid.
    #[must_use]
    pub fn path(&self, case: &Case) -> Vec<AreaStep> {
        self.directory.path(&case.site)
    }

    /// The category that the case is in.
    #[must_use]
    pub fn category(&self, case: &Case) -> Option<&'a Category> {
        self.catalogue.get(&case.category)
    }

    /// How the case is handled: as was said when it was filed, else as its category is.
    #[must_use]
    pub fn mode(&self, case: &Case) -> Option<Mode> {
        case.progress
            .mode
            .or_else(|| self.category(case).and_then(|category| category.mode))
    }

    /// The unit whose duty the case is.
    #[must_use]
    pub fn owner(&self, case: &Case, category: &str) -> Option<&'a Unit> {
        let kind = self
            .catalogue
            .get(category)
            .and_then(|category| category.unit_kind.as_deref());
        self.directory.owner(&self.path(case), category, kind)
    }
}

/// Something that an action still needs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lack {
    /// A stable code, or the name of the field that is missing or wrong.
    pub code: String,
    /// The same in words.
    pub text: Text,
}

pub(super) fn lack(code: &str, zh: impl Into<String>, en: impl Into<String>) -> Lack {
    Lack {
        code: code.to_owned(),
        text: text(zh, en),
    }
}

/// What stands in the way of an action whatever the request brings.
#[must_use]
pub fn obstacles(
    case: &Case,
    action: Action,
    actor: &Actor,
    context: &Context<'_>,
    now: Timestamp,
) -> Vec<Lack> {
    let mut lacks = Vec::new();
    let progress = &case.progress;
    if speaks_for_its_unit(action) {
        own_unit(case, action, actor, &mut lacks);
    }
    let worked = progress.handlers.iter().any(|name| *name == actor.username);
    if worked
        && matches!(
            action,
            Action::Check | Action::Checked | Action::Close | Action::Evaluate
        )
    {
        lacks.push(lack(
            "handler",
            "处置人员不得核查、结案或评价自己处置的案件",
            "who has handled the case neither checks, closes nor scores it",
        ));
    }
    match action {
        Action::Acknowledge if case.acknowledged_at.is_some() => lacks.push(lack(
            "acknowledged",
            "已经确认",
            "it is acknowledged already",
        )),
        Action::Dispatch => dispatch(case, context, &mut lacks),
        Action::Handle if case.state == State::Returned => rework_goes_on(case, &mut lacks),
        Action::Feedback => unfinished_tasks(case, &mut lacks),
        Action::Settle if case.state == State::Filed && !settles(context.mode(case)) => {
            lacks.push(lack(
                "mode",
                "只有立即办、移交办的案件可不经派遣就地办结",
                "only what is handled immediately or transferred is settled without a unit",
            ));
        }
        Action::Settle => unfinished_tasks(case, &mut lacks),
        Action::Close => close(case, context, &mut lacks),
        Action::Answer | Action::FinishTask => task(case, action, actor, &mut lacks),
        Action::AskExtension | Action::AskSuspension => ask(case, action, context, now, &mut lacks),
        Action::Decide => decide(case, now, &mut lacks),
        Action::Reopen => reopen(case, now, &mut lacks),
        Action::UndoMerge => part(context, &mut lacks),
        Action::Appeal if progress.appeal.is_some() => {
            lacks.push(lack(
                "appeal",
                "只能申诉一次",
                "there is one appeal and it was made",
            ));
        }
        Action::Review => review(case, actor, &mut lacks),
        Action::Evaluate => evaluate(case, &mut lacks),
        Action::SetCard => {
            let others = progress
                .card_by
                .as_deref()
                .is_some_and(|by| by != actor.username);
            if others && actor.role != Role::Leader {
                lacks.push(lack(
                    "card",
                    "只有发牌人或领导可以变更督办牌",
                    "only who gave the card or a leader changes it",
                ));
            }
        }
        Action::AnswerCall => {
            let open = |call: &&super::progress::Call| {
                call.answered_at.is_none() && Some(&call.unit) == actor.unit.as_ref()
            };
            if !progress.calls.iter().any(|call| open(&call)) {
                lacks.push(lack(
                    "call",
                    "没有对本部门的未答呼叫",
                    "no call for this unit waits for an answer",
                ));
            }
        }
        Action::CallUp if progress.calls.len() >= CALLS_MAX => {
            lacks.push(lack(
                "calls",
                "呼叫次数已满",
                "there are too many calls already",
            ));
        }
        _ => {}
    }
    lacks
}

/// Whether the office may settle a case that is handled in this way.
pub(super) fn settles(mode: Option<Mode>) -> bool {
    matches!(mode, Some(Mode::Immediate | Mode::Transfer))
}

/// Actions that a unit does to a case that it has.
fn speaks_for_its_unit(action: Action) -> bool {
    matches!(
        action,
        Action::Handle
            | Action::Feedback
            | Action::SendBack
            | Action::AskExtension
            | Action::AskSuspension
            | Action::Appeal
    )
}

fn own_unit(case: &Case, action: Action, actor: &Actor, lacks: &mut Vec<Lack>) {
    let own = actor.unit.is_some() && actor.unit == case.progress.unit;
    if !own {
        let holder = case.progress.unit.as_deref().unwrap_or("—");
        lacks.push(lack(
            "unit",
            format!("案件不在本部门（现由 {holder} 处置）"),
            format!("the case is not with your unit (it is with {holder})"),
        ));
    }
    let named = case.progress.handler.as_deref();
    if action == Action::Feedback
        && actor.role == Role::Handler
        && named.is_some_and(|name| name != actor.username)
    {
        lacks.push(lack(
            "handler",
            "处置人员是另一位",
            "somebody else of the unit handles it",
        ));
    }
}

fn dispatch(case: &Case, context: &Context<'_>, lacks: &mut Vec<Lack>) {
    let must_consult = context.mode(case) == Some(Mode::Consult)
        || matches!(case.progress.level, Some(Level::I | Level::II));
    match case.state {
        State::Filed if must_consult => lacks.push(lack(
            "consultation",
            "须先会商再派遣",
            "it must be consulted on before it is dispatched",
        )),
        State::Consulting => match case.progress.lead() {
            None => lacks.push(lack(
                "lead",
                "须先确定会商部门和牵头部门",
                "units and the one that leads must be named first",
            )),
            Some(lead) if lead.state == TaskState::Declined => lacks.push(lack(
                "lead",
                "牵头部门已谢绝，须另定牵头部门",
                "the leading unit has declined; name another one",
            )),
            Some(_) => {}
        },
        _ => {}
    }
}

fn rework_goes_on(case: &Case, lacks: &mut Vec<Lack>) {
    let rework = matches!(
        case.progress.returned_from,
        Some(State::Feedback | State::PostCheck)
    );
    if !rework {
        lacks.push(lack(
            "dispatch",
            "部门退回的案件须重新派遣",
            "what a unit has sent back must be dispatched anew",
        ));
    }
}

fn unfinished_tasks(case: &Case, lacks: &mut Vec<Lack>) {
    let open = |state| matches!(state, TaskState::Asked | TaskState::Accepted);
    let waiting: Vec<&str> = case
        .progress
        .tasks
        .iter()
        .filter(|task| !task.leads && open(task.state))
        .map(|task| task.unit.as_str())
        .collect();
    if !waiting.is_empty() {
        let units = waiting.join("、");
        lacks.push(lack(
            "tasks",
            format!("子任务未完成：{units}"),
            format!(
                "these units have not done their part: {}",
                waiting.join(", ")
            ),
        ));
    }
}

fn close(case: &Case, context: &Context<'_>, lacks: &mut Vec<Lack>) {
    let progress = &case.progress;
    let short = settles(context.mode(case));
    // An alarm that has cleared shortens the check, it never closes the case.
    let cleared = case.alerts_active == 0;
    match (&progress.check, case.state) {
        (Some(check), State::PostCheck) if !check.agrees => lacks.push(lack(
            "check",
            "核查未通过，须返工",
            "the check did not agree; it must be worked on again",
        )),
        (None, State::PostCheck) if !cleared && !short => lacks.push(lack(
            "check",
            "尚无核查结果",
            "nobody has checked the result yet",
        )),
        (_, State::Feedback) if !short => lacks.push(lack(
            "check",
            "须先核查",
            "the result must be checked first",
        )),
        _ => {}
    }
    let waiting = progress
        .calls
        .iter()
        .filter(|call| call.answered_at.is_none());
    if let Some(call) = waiting.last() {
        lacks.push(lack(
            "call",
            format!("呼叫 {} 尚未应答", call.unit),
            format!("the call for {} has not been answered", call.unit),
        ));
    }
}

fn task(case: &Case, action: Action, actor: &Actor, lacks: &mut Vec<Lack>) {
    let own = case
        .progress
        .tasks
        .iter()
        .find(|task| Some(&task.unit) == actor.unit.as_ref());
    let problem = match own {
        None => Some(("会商不涉及本部门", "your unit has no part in this")),
        Some(task) if action == Action::FinishTask && task.leads => Some((
            "牵头部门以反馈完成",
            "the leading unit finishes with its feedback",
        )),
        Some(task) if action == Action::FinishTask && task.state != TaskState::Accepted => Some((
            "子任务未受领或已完成",
            "your part is not taken, or is done already",
        )),
        Some(_) => None,
    };
    if let Some((zh, en)) = problem {
        lacks.push(lack("task", zh, en));
    }
}

fn ask(case: &Case, action: Action, context: &Context<'_>, now: Timestamp, lacks: &mut Vec<Lack>) {
    let progress = &case.progress;
    if progress.ask.is_some() {
        lacks.push(lack(
            "ask",
            "已有申请待批",
            "another request waits for its decision",
        ));
    }
    let urgent = context.mode(case) == Some(Mode::Urgent);
    if action == Action::AskSuspension {
        if urgent || case.severity <= Severity::P2 {
            lacks.push(lack(
                "severity",
                "紧急案件不得挂账",
                "urgent cases (P1, P2) are never suspended",
            ));
        }
        if progress.was_suspended {
            lacks.push(lack(
                "suspended",
                "只能挂账一次",
                "a case is suspended once at most",
            ));
        }
        return;
    }
    if urgent {
        lacks.push(lack(
            "mode",
            "紧急办的案件不得延期",
            "what is handled as urgent is not extended",
        ));
    }
    if progress.extended >= EXTENSIONS_MAX {
        lacks.push(lack(
            "extended",
            "最多延期两次",
            "it has been extended twice already",
        ));
    }
    not_expired(case, now, lacks);
}

fn not_expired(case: &Case, now: Timestamp, lacks: &mut Vec<Lack>) {
    match case.progress.due_at {
        None => lacks.push(lack(
            "due",
            "没有处置时限",
            "it has no limit that could be extended",
        )),
        Some(due) if due <= now => {
            lacks.push(lack(
                "due",
                "时限已过，不得延期",
                "its limit has passed; it can no longer be extended",
            ));
        }
        Some(_) => {}
    }
}

fn decide(case: &Case, now: Timestamp, lacks: &mut Vec<Lack>) {
    let Some(ask) = &case.progress.ask else {
        lacks.push(lack("ask", "没有待批申请", "nothing waits for a decision"));
        return;
    };
    // Asked in time counts: the unit is not made to pay for a slow decision.
    if ask.what == AskFor::Suspension && ask.until.is_some_and(|until| until <= now) {
        lacks.push(lack(
            "until",
            "挂账期限已过",
            "the date that was asked for has passed",
        ));
    }
}

fn reopen(case: &Case, now: Timestamp, lacks: &mut Vec<Lack>) {
    if case
        .ended_at
        .is_none_or(|ended| now.ms_since(ended) > REOPEN_MS)
    {
        lacks.push(lack(
            "reopen",
            "超过 72 小时，须另立新案",
            "more than 72 hours have passed; open a new case",
        ));
    }
}

fn part(context: &Context<'_>, lacks: &mut Vec<Lack>) {
    if context.other.is_none_or(|other| !other.state.is_open()) {
        lacks.push(lack(
            "master",
            "主案已结束，不能撤销并案",
            "the case that took it in has ended",
        ));
    }
}

fn review(case: &Case, actor: &Actor, lacks: &mut Vec<Lack>) {
    let Some(appeal) = &case.progress.appeal else {
        lacks.push(lack("appeal", "没有申诉", "there is no appeal"));
        return;
    };
    if appeal.succeeded().is_some() {
        lacks.push(lack(
            "appeal",
            "申诉已复核完毕",
            "the appeal has had its two reviews",
        ));
    }
    if appeal
        .reviews
        .iter()
        .any(|review| review.by == actor.username)
    {
        lacks.push(lack(
            "second_person",
            "第二次复核须由另一人作出",
            "the second review takes another person",
        ));
    }
}

fn evaluate(case: &Case, lacks: &mut Vec<Lack>) {
    let pending = case
        .progress
        .appeal
        .as_ref()
        .is_some_and(|a| a.succeeded().is_none());
    if pending {
        lacks.push(lack(
            "appeal",
            "申诉复核中",
            "an appeal waits for its reviews",
        ));
    }
}

/// What is wrong with what a request brings.
#[must_use]
pub fn wrong_details(
    case: &Case,
    action: Action,
    details: &Details,
    actor: &Actor,
    context: &Context<'_>,
    now: Timestamp,
) -> Vec<Lack> {
    let mut lacks = super::fields::foreign(action, details);
    let missing = |name: &str| lack(name, format!("缺少 {name}"), format!("`{name}` is missing"));
    let field = |name: &str, present: bool, lacks: &mut Vec<Lack>| {
        if !present {
            lacks.push(missing(name));
        }
    };
    match action {
        Action::File => file(case, details, context, &mut lacks),
        Action::Reject => match details.condition.as_deref() {
            None => lacks.push(missing("condition")),
            Some(code) if RejectCause::from_name(code).is_none() => {
                lacks.push(unknown("condition", code));
            }
            Some(_) => {}
        },
        Action::Dispatch => unit_to_dispatch(case, details, context, &mut lacks),
        Action::Consult => consult(details, context, &mut lacks),
        Action::Handle => {
            if details.handler.as_deref().is_some_and(bad_name) {
                lacks.push(unknown(
                    "handler",
                    details.handler.as_deref().unwrap_or_default(),
                ));
            }
        }
        Action::Feedback | Action::Settle | Action::FinishTask => {
            evidence(case, action, details, context, now, &mut lacks);
        }
        Action::Close => closing(case, details, context, &mut lacks),
        Action::Answer | Action::Checked | Action::Decide | Action::Review | Action::SetUrgent => {
            field("yes", details.yes.is_some(), &mut lacks);
        }
        Action::AskSuspension => until(details.until, now, &mut lacks),
        Action::Merge => merge(case, details, context, &mut lacks),
        Action::Evaluate => match details.score {
            None => lacks.push(missing("score")),
            Some(1..=5) => {}
            Some(score) => lacks.push(unknown("score", &score.to_string())),
        },
        Action::SetCard => {
            field("card", details.card.is_some(), &mut lacks);
            if details.card == Some(case.progress.card) && case.progress.card == Card::None {
                lacks.push(lack(
                    "card",
                    "没有督办牌可撤",
                    "there is no card to take back",
                ));
            }
        }
        Action::SetLevel => field("level", details.level.is_some(), &mut lacks),
        Action::CallUp => call(case, details, context, &mut lacks),
        Action::AnswerCall => answer_call(case, details, actor, &mut lacks),
        _ => {}
    }
    lacks
}

fn unknown(name: &str, value: &str) -> Lack {
    let value: String = value.chars().take(60).collect();
    lack(
        name,
        format!("{name}：`{value}` 不可用"),
        format!("`{name}`: `{value}` is not one of the choices"),
    )
}

fn bad_name(name: &str) -> bool {
    name.trim().is_empty() || name.len() > NAME_BYTES_MAX || name.chars().any(char::is_control)
}

fn file(case: &Case, details: &Details, context: &Context<'_>, lacks: &mut Vec<Lack>) {
    let code = details.category.as_deref().unwrap_or(&case.category);
    let Some(category) = context.catalogue.get(code) else {
        if details.category.is_some() {
            lacks.push(unknown("category", code));
        }
        return;
    };
    // A catalogue without conditions leaves them to the reason.
    match details.condition.as_deref() {
        None if category.filing.is_empty() => {}
        None => lacks.push(lack(
            "condition",
            "须选择立案条件",
            "a filing condition must be chosen",
        )),
        Some(code)
            if category
                .filing
                .iter()
                .all(|condition| condition.code != code) =>
        {
            lacks.push(unknown("condition", code));
        }
        Some(_) => {}
    }
}

fn known_unit(name: &str, code: &str, context: &Context<'_>, lacks: &mut Vec<Lack>) {
    // A hub without units in its configuration takes their names as they come.
    let free = context.directory.units().is_empty() && !bad_name(code);
    if !free && context.directory.unit(code).is_none() {
        lacks.push(unknown(name, code));
    }
}

fn unit_to_dispatch(case: &Case, details: &Details, context: &Context<'_>, lacks: &mut Vec<Lack>) {
    let Some(unit) = details.unit.as_deref() else {
        lacks.push(lack("unit", "须选择处置部门", "the unit must be chosen"));
        return;
    };
    known_unit("unit", unit, context, lacks);
    let lead = case.progress.lead().map(|task| task.unit.as_str());
    if case.state == State::Consulting && lead.is_some_and(|lead| lead != unit) {
        lacks.push(lack(
            "unit",
            "会商后须派遣给牵头部门",
            "after a consultation it goes to the unit that leads",
        ));
    }
    let sent_back = case.progress.sent_back_by.last().map(String::as_str) == Some(unit);
    if case.state == State::Returned
        && sent_back
        && case.progress.returned_from == Some(State::Dispatched)
    {
        lacks.push(lack(
            "unit",
            "该部门刚刚退回此案",
            "this unit has just sent the case back",
        ));
    }
}

fn consult(details: &Details, context: &Context<'_>, lacks: &mut Vec<Lack>) {
    let mut units = details.units.clone();
    units.sort_unstable();
    units.dedup();
    if units.len() != details.units.len() || !(2..=TASKS_MAX).contains(&units.len()) {
        lacks.push(lack(
            "units",
            format!("会商须有 2 至 {TASKS_MAX} 个不同部门"),
            format!("a consultation takes 2 to {TASKS_MAX} different units"),
        ));
    }
    for unit in &units {
        known_unit("units", unit, context, lacks);
    }
    if details
        .unit
        .as_ref()
        .is_none_or(|lead| !units.contains(lead))
    {
        lacks.push(lack(
            "unit",
            "须从会商部门中指定一个牵头部门",
            "one of the units must be named to lead",
        ));
    }
}

fn evidence(
    case: &Case,
    action: Action,
    details: &Details,
    context: &Context<'_>,
    now: Timestamp,
    lacks: &mut Vec<Lack>,
) {
    if details.evidence.len() > EVIDENCE_MAX {
        lacks.push(lack(
            "evidence",
            format!("一次最多 {EVIDENCE_MAX} 份证据"),
            format!("at most {EVIDENCE_MAX} pieces of evidence at once"),
        ));
    }
    for piece in &details.evidence {
        let hash = piece.sha256.len() == 64 && piece.sha256.bytes().all(|b| b.is_ascii_hexdigit());
        let place = piece.place.as_deref().is_some_and(bad_name);
        // A day of grace: clocks of phones are wrong, but not by more than that.
        let future = piece.at.ms_since(now) > DAY_MS;
        if !hash || bad_name(&piece.name) || place || future {
            lacks.push(lack(
                "evidence",
                "证据须有名称、时间和 64 位 SHA-256",
                "evidence needs a name, a time that has come, and a SHA-256 of 64 hexadecimal digits",
            ));
            break;
        }
    }
    if action == Action::FinishTask {
        return;
    }
    let needed = context
        .category(case)
        .map(|c| c.evidence.as_slice())
        .unwrap_or_default();
    for kind in needed {
        let there = details.evidence.iter().chain(&case.progress.evidence);
        if !there.into_iter().any(|piece| piece.kind == *kind) {
            lacks.push(lack(
                "evidence",
                format!("缺少证据：{}", super::fields::evidence_name(*kind).zh),
                format!(
                    "evidence is missing: {}",
                    super::fields::evidence_name(*kind).en
                ),
            ));
        }
    }
}

fn closing(case: &Case, details: &Details, context: &Context<'_>, lacks: &mut Vec<Lack>) {
    let Some(category) = context.category(case) else {
        return;
    };
    if details.conditions.is_empty() && !category.closing.is_empty() {
        lacks.push(lack(
            "conditions",
            "须勾选结案条件",
            "a closing condition must be ticked",
        ));
    }
    for code in &details.conditions {
        match category
            .closing
            .iter()
            .find(|condition| condition.code == *code)
        {
            None => lacks.push(unknown("conditions", code)),
            Some(condition) if condition.alerts_cleared && case.alerts_active > 0 => {
                lacks.push(lack(
                    "alerts",
                    format!(
                        "「{}」：仍有 {} 条告警未恢复",
                        condition.name.zh, case.alerts_active
                    ),
                    format!(
                        "\"{}\": {} alert(s) have not cleared",
                        condition.name.en, case.alerts_active
                    ),
                ));
            }
            Some(_) => {}
        }
    }
}

fn until(until: Option<Timestamp>, now: Timestamp, lacks: &mut Vec<Lack>) {
    let fits = until.is_some_and(|until| until > now && until.ms_since(now) <= SUSPENSION_MAX_MS);
    if !fits {
        lacks.push(lack(
            "until",
            "须给出一年以内的恢复日期",
            "a date in the future, within a year, is needed",
        ));
    }
}

fn merge(case: &Case, details: &Details, context: &Context<'_>, lacks: &mut Vec<Lack>) {
    let problem = match (details.case, context.other) {
        (None, _) => Some(("须指定主案", "the case that takes it in must be named")),
        (Some(id), _) if id == case.id => {
            Some(("不能并入自身", "a case cannot be merged into itself"))
        }
        (Some(_), None) => Some(("主案不存在", "there is no such case")),
        (Some(_), Some(other)) if !other.state.is_open() => {
            Some(("主案已结束", "the case that should take it in has ended"))
        }
        (Some(_), Some(other)) if other.is_drill != case.is_drill => Some((
            "演练案件与真实案件不能合并",
            "a drill and a real case are never merged",
        )),
        _ => None,
    };
    if let Some((zh, en)) = problem {
        lacks.push(lack("case", zh, en));
    }
}

fn call(case: &Case, details: &Details, context: &Context<'_>, lacks: &mut Vec<Lack>) {
    let Some(code) = details.unit.as_deref() else {
        lacks.push(lack(
            "unit",
            "须选择被呼叫部门",
            "the unit to call must be chosen",
        ));
        return;
    };
    known_unit("unit", code, context, lacks);
    let configured = !context.directory.units().is_empty();
    if configured
        && !context
            .directory
            .callable(&context.path(case))
            .iter()
            .any(|unit| unit.code == code)
    {
        lacks.push(lack(
            "unit",
            "只能呼叫街道、区、市级部门",
            "only units of the street, the district or the city above the case are called",
        ));
    }
}

fn answer_call(case: &Case, details: &Details, actor: &Actor, lacks: &mut Vec<Lack>) {
    let own = |call: &&super::progress::Call| {
        Some(call.number) == details.call
            && call.answered_at.is_none()
            && Some(&call.unit) == actor.unit.as_ref()
    };
    if !case.progress.calls.iter().any(|call| own(&call)) {
        lacks.push(lack(
            "call",
            "须指定本部门未答的呼叫",
            "the number of an unanswered call for your unit is needed",
        ));
    }
}
