//! The closed lists of the loop: states, actions, roles, changes. Their names are the ones in the
//! store, in the API and in the configuration; a name that is in use never changes.

use serde::{Deserialize, Serialize};
use utoipa::openapi::{Object, RefOr, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

macro_rules! names {
    ($(#[doc = $what:literal])+ $list:ident {
        $($(#[doc = $doc:literal])+ $(#[serde($serde:meta)])? $variant:ident = $name:literal,)+
    }) => {
        $(#[doc = $what])+
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
        pub enum $list {
            $($(#[doc = $doc])+ #[serde(rename = $name)] $(#[serde($serde)])? $variant,)+
        }

        // The derive does not see names that come through a macro.
        impl PartialSchema for $list {
            fn schema() -> RefOr<Schema> {
                let mut list = Object::with_type(Type::String);
                list.enum_values = Some(vec![$($name.into()),+]);
                list.description = Some([$($what),+].concat().trim().to_owned());
                Schema::Object(list).into()
            }
        }

        impl ToSchema for $list {}

        impl $list {
            /// Every one, in the order of this list.
            pub const ALL: &'static [$list] = &[$($list::$variant),+];

            /// The name in the store and on the wire.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self {
                    $($list::$variant => $name,)+
                }
            }

            /// The one with this name.
            #[must_use]
            pub fn from_name(name: &str) -> Option<$list> {
                $list::ALL.iter().copied().find(|each| each.as_str() == name)
            }
        }
    };
}

names! {
    /// Where in the closed loop a case is. That somebody has acknowledged it is a stamp beside the
    /// state, not a state.
    State {
        /// 上报: nobody has decided yet whether it is a case. Rows of hubs before 0.2 call the part of
        /// this state after the acknowledgement `acknowledged`.
        #[serde(alias = "acknowledged")]
        Reported = "reported",
        /// 核实: somebody looks, calls or goes there.
        PreVerify = "pre_verify",
        /// 立案: it met a filing condition.
        Filed = "filed",
        /// 派遣: a unit has it; the clock of disposal runs.
        Dispatched = "dispatched",
        /// 处置: somebody of the unit works on it.
        Handling = "handling",
        /// 反馈: the unit says that it is done, with evidence.
        Feedback = "feedback",
        /// 核查: somebody else looks whether it is.
        PostCheck = "post_check",
        /// 结案: its closing condition was ticked.
        Closed = "closed",
        /// 评价: scored and archived; read-only.
        Evaluated = "evaluated",
        /// 不予立案
        Rejected = "rejected",
        /// 并案: its alerts are in another case. Can be undone.
        Merged = "merged",
        /// 会商: several units, one of which leads.
        Consulting = "consulting",
        /// 挂账: the clock stands still until a date.
        Suspended = "suspended",
        /// 回退: wrong unit, or not good enough.
        Returned = "returned",
        /// 强制结案: by a leader and a second person; counted apart.
        ForcedClosed = "forced_closed",
    }
}

impl State {
    /// Whether people still have to work on it.
    #[must_use]
    pub fn is_open(self) -> bool {
        !matches!(
            self,
            State::Closed
                | State::Evaluated
                | State::Rejected
                | State::Merged
                | State::ForcedClosed
        )
    }
}

names! {
    /// What people can do to a case.
    Action {
        /// 确认: somebody has seen it.
        Acknowledge = "acknowledge",
        /// 核实: have it verified before filing.
        Verify = "verify",
        /// 核实结果: what the verification found.
        Verified = "verified",
        /// 立案
        File = "file",
        /// 不予立案
        Reject = "reject",
        /// 派遣 to a unit.
        Dispatch = "dispatch",
        /// 会商: ask several units, one of which leads.
        Consult = "consult",
        /// 会商答复: a unit takes its part, or says why not.
        Answer = "answer",
        /// 止险: the hazard is stopped, the repair goes on.
        Contain = "contain",
        /// 子任务完成: a unit that does not lead has done its part.
        FinishTask = "finish_task",
        /// 退回: the unit says that it is not its duty.
        SendBack = "send_back",
        /// 接办: the unit begins.
        Handle = "handle",
        /// 反馈: the unit says that it is done.
        Feedback = "feedback",
        /// 就地办结、代为反馈: the office has settled a simple case itself, or tells what the unit or an
        /// outside department has done, say by phone. It counts as its handler.
        Settle = "settle",
        /// 核查: have the result checked.
        Check = "check",
        /// 核查结果: what the check found.
        Checked = "checked",
        /// 返工: not good enough.
        Rework = "rework",
        /// 结案
        Close = "close",
        /// 申请延期
        AskExtension = "ask_extension",
        /// 申请挂账
        AskSuspension = "ask_suspension",
        /// 审批 what a unit has asked for.
        Decide = "decide",
        /// 恢复: end the suspension.
        Resume = "resume",
        /// 并案 into another case.
        Merge = "merge",
        /// 撤销并案
        UndoMerge = "undo_merge",
        /// 重新打开
        Reopen = "reopen",
        /// 强制结案
        ForceClose = "force_close",
        /// 申诉 against what is held against the unit.
        Appeal = "appeal",
        /// 申诉复核
        Review = "review",
        /// 评价
        Evaluate = "evaluate",
        /// 加急
        SetUrgent = "set_urgent",
        /// 督办: give or take back a card.
        SetCard = "set_card",
        /// 响应级别
        SetLevel = "set_level",
        /// 呼叫上级: call a unit of a wider area, which must answer.
        CallUp = "call_up",
        /// 应答呼叫
        AnswerCall = "answer_call",
        /// 备注: write something down; changes nothing else.
        Note = "note",
    }
}

names! {
    /// What people may do.
    Role {
        /// 值班员
        DutyOfficer = "duty_officer",
        /// 值班长
        ShiftLeader = "shift_leader",
        /// 派遣员
        Dispatcher = "dispatcher",
        /// 处置部门: speaks for a unit.
        Unit = "unit",
        /// 处置人员: works for a unit.
        Handler = "handler",
        /// 核查员、网格员
        Checker = "checker",
        /// 督办员
        Supervisor = "supervisor",
        /// 领导
        Leader = "leader",
        /// Manages users and gateways; in a small centre also does what the office does.
        Administrator = "administrator",
        /// 审计员: sees everything, does nothing.
        Auditor = "auditor",
    }
}

names! {
    /// What happened to a case, for the live feed.
    Change {
        /// A new case.
        Opened = "opened",
        /// An alert joined it.
        Joined = "joined",
        /// One of its alerts changed, or something that leaves its state as it is.
        Updated = "updated",
        /// An officer took it.
        Acknowledged = "acknowledged",
        /// It was filed.
        Filed = "filed",
        /// It went to another state than the ones named here.
        Moved = "moved",
        /// It was closed.
        Closed = "closed",
        /// It was rejected.
        Rejected = "rejected",
        /// Somebody wrote something down.
        Noted = "noted",
        /// One of its alerts cleared.
        AlertCleared = "alert_cleared",
        /// Nobody acknowledged it in time, or what was acknowledged was not filed in time.
        Escalated = "escalated",
        /// It was acknowledged, and something new has come: it has to be acknowledged again.
        ReportedAgain = "reported_again",
        /// So much of a limit is used.
        Reminder = "reminder",
        /// It was opened while a silence hides it: no sound, no notification.
        Silenced = "silenced",
        /// 黄牌预警
        YellowCard = "yellow_card",
        /// 红牌督办
        RedCard = "red_card",
    }
}

names! {
    /// 处理方式: how cases of a category are handled.
    Mode {
        /// 立即办: simple; the office may settle it itself, and it is closed without a separate check.
        Immediate = "immediate",
        /// 研究办: complicated; whoever dispatches it writes down how it is to be done.
        Study = "study",
        /// 会商办: several units; it is dispatched by way of a consultation.
        Consult = "consult",
        /// 移交办: an outside department does it; the office tells what came of it.
        Transfer = "transfer",
        /// 紧急办: dispatched with the filing when one unit owns it, never suspended or extended.
        Urgent = "urgent",
    }
}

names! {
    /// 督办 card.
    Card {
        /// 无
        None = "none",
        /// 黄牌
        Yellow = "yellow",
        /// 红牌
        Red = "red",
    }
}

impl Card {
    /// Whether it is none.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Card::None
    }

    /// What a case with it scores for its unit: +1 handled as it should be, -5 and -10 as in use.
    #[must_use]
    pub fn score(self) -> i32 {
        match self {
            Card::None => 1,
            Card::Yellow => -5,
            Card::Red => -10,
        }
    }
}

names! {
    /// 响应级别: who leads.
    Level {
        /// 一级: the city. Must be consulted.
        I = "I",
        /// 二级: several departments of the district. Must be consulted.
        II = "II",
        /// 三级: the street or town.
        III = "III",
        /// 四级: grid and community.
        IV = "IV",
    }
}

names! {
    /// 不予立案原因
    RejectCause {
        /// 误报
        FalseAlarm = "false_alarm",
        /// 测试
        Test = "test",
        /// 重复
        Duplicate = "duplicate",
        /// 不属于受理范围
        OutOfScope = "out_of_scope",
        /// 现场未发现
        NotFound = "not_found",
    }
}

names! {
    /// Kind of a piece of evidence.
    EvidenceKind {
        /// 现场照片
        Photo = "photo",
        /// 处置报告, such as the fire service's.
        Report = "report",
        /// 设备读数
        Sensor = "sensor",
        /// 证人、电话记录
        Witness = "witness",
    }
}

names! {
    /// Where a unit is with its part of a consultation.
    TaskState {
        /// 已征询
        Asked = "asked",
        /// 已受领
        Accepted = "accepted",
        /// 已谢绝
        Declined = "declined",
        /// 已完成
        Done = "done",
    }
}

#[expect(clippy::derivable_impls, reason = "the list is made by a macro")]
impl Default for Card {
    fn default() -> Self {
        Card::None
    }
}
