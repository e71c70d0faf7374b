//! Refused actions in both languages.

use gridwatch_protocol::Text;

use crate::cases::actions::{REASON_BYTES_MAX, Refusal};
use crate::cases::text;

/// What actions, states and roles are called in Chinese, by their codes.
const NAMES: &[(&str, &str)] = &[
    ("acknowledge", "确认"),
    ("verify", "核实"),
    ("verified", "核实结果"),
    ("file", "立案"),
    ("reject", "不予立案"),
    ("dispatch", "派遣"),
    ("consult", "会商"),
    ("answer", "会商答复"),
    ("contain", "止险"),
    ("finish_task", "子任务完成"),
    ("send_back", "退回"),
    ("handle", "接办"),
    ("feedback", "反馈"),
    ("settle", "就地办结"),
    ("check", "核查"),
    ("checked", "核查结果"),
    ("rework", "返工"),
    ("close", "结案"),
    ("ask_extension", "申请延期"),
    ("ask_suspension", "申请挂账"),
    ("decide", "审批"),
    ("resume", "恢复"),
    ("merge", "并案"),
    ("undo_merge", "撤销并案"),
    ("reopen", "重新打开"),
    ("force_close", "强制结案"),
    ("appeal", "申诉"),
    ("review", "申诉复核"),
    ("evaluate", "评价"),
    ("set_urgent", "加急"),
    ("set_card", "督办"),
    ("set_level", "设定响应级别"),
    ("call_up", "呼叫上级"),
    ("answer_call", "应答呼叫"),
    ("note", "备注"),
    ("reported", "上报"),
    ("pre_verify", "核实"),
    ("filed", "立案"),
    ("dispatched", "派遣"),
    ("handling", "处置"),
    ("post_check", "核查"),
    ("closed", "结案"),
    ("evaluated", "评价"),
    ("rejected", "不予立案"),
    ("merged", "并案"),
    ("consulting", "会商"),
    ("suspended", "挂账"),
    ("returned", "回退"),
    ("forced_closed", "强制结案"),
    ("duty_officer", "值班员"),
    ("shift_leader", "值班长"),
    ("dispatcher", "派遣员"),
    ("unit", "处置部门"),
    ("handler", "处置人员"),
    ("checker", "核查员"),
    ("supervisor", "督办员"),
    ("leader", "领导"),
    ("administrator", "管理员"),
    ("auditor", "审计员"),
];

/// What an action, state or role is called in Chinese; its code when it has no name here.
fn name(code: &'static str) -> &'static str {
    NAMES
        .iter()
        .find_map(|(known, zh)| (*known == code).then_some(*zh))
        .unwrap_or(code)
}

/// Why an action was refused, in both languages.
pub(super) fn words(refusal: &Refusal) -> Text {
    let zh = match refusal {
        Refusal::Conflict { given, current } => {
            format!("事件自第 {given} 版以来已被更改，现为第 {current} 版")
        }
        Refusal::NotAllowed { role, action } => {
            format!(
                "{}不能对事件执行“{}”",
                name(role.as_str()),
                name(action.as_str())
            )
        }
        Refusal::ReasonNeeded { action } => {
            let action = name(action.as_str());
            format!("“{action}”需要 1 到 {REASON_BYTES_MAX} 字节的理由")
        }
        Refusal::WrongState { action, state } => format!(
            "在“{}”状态下不能执行“{}”",
            name(state.as_str()),
            name(action.as_str())
        ),
        Refusal::SecondPersonNeeded { action, by } => {
            format!("“{}”需要第二人确认，{by} 已经提出", name(action.as_str()))
        }
        Refusal::Incomplete { action, missing } => {
            let lacks: Vec<&str> = missing.iter().map(|lack| lack.text.zh.as_str()).collect();
            format!("“{}”还缺少：{}", name(action.as_str()), lacks.join("；"))
        }
    };
    text(zh, refusal.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::{Action, Role, State};

    #[test]
    fn every_action_state_and_role_has_a_chinese_name() {
        let actions = Action::ALL.iter().map(|action| action.as_str());
        let states = State::ALL.iter().map(|state| state.as_str());
        let roles = Role::ALL.iter().map(|role| role.as_str());
        for code in actions.chain(states).chain(roles) {
            assert!(!name(code).is_ascii(), "`{code}` needs a line in `NAMES`");
        }
    }

    #[test]
    fn refusals_name_role_and_action() {
        let refusal = Refusal::NotAllowed {
            role: Role::Handler,
            action: Action::Close,
        };
        let told = words(&refusal);
        assert_eq!(told.zh, "处置人员不能对事件执行“结案”");
        assert_eq!(told.en, "the role handler may not close a case");
    }
}
