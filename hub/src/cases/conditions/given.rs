//! What is wrong with what a request brings. Pure.

use gridwatch_protocol::{Severity, Timestamp};

use super::{
    Context, DAY_MS, EVIDENCE_MAX, Lack, NAME_BYTES_MAX, SUSPENSION_MAX_MS, TASKS_MAX, lack,
};
use crate::cases::progress::{AskFor, Call, Details};
use crate::cases::{Action, Actor, Card, Case, RejectCause, State, fields, labels};
use crate::directory::outline::check_position;

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
    let mut lacks = fields::foreign(action, details);
    let missing = |name: &str| lack(name, format!("缺少 {name}"), format!("`{name}` is missing"));
    let field = |name: &str, present: bool, lacks: &mut Vec<Lack>| {
        if !present {
            lacks.push(missing(name));
        }
    };
    if let Some(at) = &details.position
        && let Err(why) = check_position(at.lat, at.lon)
    {
        let zh = "`position` 不是地球上的位置：纬度 -90 到 90，经度 -180 到 180";
        lacks.push(lack(
            "position",
            zh.to_owned(),
            format!("`position`: {why}"),
        ));
    }
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
        Action::Handle if details.handler.as_deref().is_some_and(bad_name) => {
            lacks.push(unknown(
                "handler",
                details.handler.as_deref().unwrap_or_default(),
            ));
        }
        Action::Feedback | Action::Settle | Action::FinishTask => {
            evidence(case, action, details, context, now, &mut lacks);
        }
        Action::Close => closing(case, details, context, &mut lacks),
        Action::Decide if details.yes == Some(true) => granted(case, &mut lacks),
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

/// A case may have become urgent since the unit asked.
fn granted(case: &Case, lacks: &mut Vec<Lack>) {
    let suspends = case
        .progress
        .ask
        .as_ref()
        .is_some_and(|ask| ask.what == AskFor::Suspension);
    if suspends && case.severity <= Severity::P2 {
        lacks.push(lack(
            "severity",
            "紧急事件不得挂账",
            "urgent cases (P1, P2) are never suspended",
        ));
    }
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
            "该部门刚刚退回此事件",
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
                format!("缺少证据：{}", labels::evidence_name(*kind).zh),
                format!("evidence is missing: {}", labels::evidence_name(*kind).en),
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
                        "「{}」：仍有 {} 条报警未恢复",
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
        (None, _) => Some(("须指定主事件", "the case that takes it in must be named")),
        (Some(id), _) if id == case.id => {
            Some(("不能并入自身", "a case cannot be merged into itself"))
        }
        (Some(_), None) => Some(("主事件不存在", "there is no such case")),
        (Some(_), Some(other)) if !other.state.is_open() => {
            Some(("主事件已结束", "the case that should take it in has ended"))
        }
        (Some(_), Some(other))
            if other.state == State::Suspended && case.severity <= Severity::P2 =>
        {
            Some((
                "主事件已挂账，紧急事件不能并入",
                "the other case is suspended; an urgent one is not merged into it",
            ))
        }
        (Some(_), Some(other)) if other.is_drill != case.is_drill => Some((
            "演练事件与真实事件不能合并",
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
    let own = |call: &&Call| {
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
