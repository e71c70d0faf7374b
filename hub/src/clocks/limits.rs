//! Which limits a category and severity have: the `[limits]` of the catalogue file. Data, checked once.

use std::collections::BTreeMap;

use gridwatch_protocol::Severity;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ClockType, Limit};

/// The limits of one case, as they were when it was last chosen for: a change of the file counts only
/// for cases that are dispatched later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CaseLimits {
    /// To acknowledge a report; the same again for each level of escalation.
    pub acknowledge: Limit,
    /// To file or reject what was acknowledged (核实、立案).
    pub file: Limit,
    /// To dispatch what was filed (派遣).
    pub dispatch: Limit,
    /// To handle what was dispatched (处置).
    pub disposal: Limit,
    /// To check and close what was fed back (核查、结案).
    pub check: Limit,
    /// To stop the hazard, from dispatch, where the repair may take longer (止险).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub contain: Option<Limit>,
    /// For each unit of a consultation to answer (会商); four hours where nothing is said.
    #[serde(default = "four_hours")]
    pub consult: Limit,
}

fn four_hours() -> Limit {
    Limit::new(4, ClockType::UrgentHours)
}

/// When long cases get a card, whatever their own limit: not accepted by the unit in time, not handled
/// in time. In use with 1, 2, 5 and 10 working days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LongCards {
    /// 黄牌: not accepted.
    pub accept_yellow: Limit,
    /// 红牌: not accepted.
    pub accept_red: Limit,
    /// 黄牌: not handled.
    pub handle_yellow: Limit,
    /// 红牌: not handled.
    pub handle_red: Limit,
}

/// Where a category differs from what its severity has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CategoryLimits {
    /// The standard or table of limits that they come from.
    pub standard_ref: String,
    acknowledge: Option<Limit>,
    file: Option<Limit>,
    dispatch: Option<Limit>,
    disposal: Option<Limit>,
    check: Option<Limit>,
    contain: Option<Limit>,
    consult: Option<Limit>,
}

/// The `[limits]` of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LimitTable {
    p1: CaseLimits,
    p2: CaseLimits,
    p3: CaseLimits,
    p4: CaseLimits,
    /// Cards of long cases.
    pub long: LongCards,
    #[serde(default)]
    category: BTreeMap<String, CategoryLimits>,
}

/// The shipped file without its categories.
impl Default for LimitTable {
    fn default() -> Self {
        #[derive(Deserialize)]
        struct File {
            limits: LimitTable,
        }
        let shipped = include_str!("../../../configs/categories.toml");
        let file: File = toml::from_str(shipped).expect("the compiled-in file is right");
        LimitTable {
            category: BTreeMap::new(),
            ..file.limits
        }
    }
}

impl LimitTable {
    /// The limits of a case.
    #[must_use]
    pub fn of(&self, category: &str, severity: Severity) -> CaseLimits {
        let usual = self.of_severity(severity);
        let Some(own) = self.category.get(category) else {
            return usual;
        };
        CaseLimits {
            acknowledge: own.acknowledge.unwrap_or(usual.acknowledge),
            file: own.file.unwrap_or(usual.file),
            dispatch: own.dispatch.unwrap_or(usual.dispatch),
            disposal: own.disposal.unwrap_or(usual.disposal),
            check: own.check.unwrap_or(usual.check),
            contain: own.contain.or(usual.contain),
            consult: own.consult.unwrap_or(usual.consult),
        }
    }

    /// What a category has of its own.
    #[must_use]
    pub fn own(&self, category: &str) -> Option<&CategoryLimits> {
        self.category.get(category)
    }

    fn of_severity(&self, severity: Severity) -> CaseLimits {
        match severity {
            Severity::P1 => self.p1,
            Severity::P2 => self.p2,
            Severity::P3 => self.p3,
            Severity::P4 => self.p4,
        }
    }

    /// Every problem, one sentence each; `known` tells which category codes there are.
    pub(crate) fn problems(&self, known: impl Fn(&str) -> bool) -> Vec<String> {
        let mut problems = Vec::new();
        for (name, limits) in [
            ("p1", self.p1),
            ("p2", self.p2),
            ("p3", self.p3),
            ("p4", self.p4),
        ] {
            check_acknowledge(name, limits.acknowledge, &mut problems);
            for (step, limit) in [
                ("file", limits.file),
                ("dispatch", limits.dispatch),
                ("disposal", limits.disposal),
                ("check", limits.check),
                ("consult", limits.consult),
            ] {
                check(name, step, limit, &mut problems);
            }
        }
        self.long_problems(&mut problems);
        for (code, own) in &self.category {
            if !known(code) {
                problems.push(format!("limits: `{code}` is not the code of a category"));
            }
            if let Some(limit) = own.acknowledge {
                check_acknowledge(code, limit, &mut problems);
            }
            for (step, limit) in [
                ("file", own.file),
                ("dispatch", own.dispatch),
                ("disposal", own.disposal),
                ("check", own.check),
                ("contain", own.contain),
                ("consult", own.consult),
            ] {
                if let Some(limit) = limit {
                    check(code, step, limit, &mut problems);
                }
            }
            if own.contain.is_some_and(|limit| limit.clock.is_days()) {
                problems.push(format!(
                    "limits: {code}: contain is in hours or less: a hazard is not left for days"
                ));
            }
        }
        problems
    }

    fn long_problems(&self, problems: &mut Vec<String>) {
        let long = &self.long;
        for (name, yellow, red) in [
            ("accept", long.accept_yellow, long.accept_red),
            ("handle", long.handle_yellow, long.handle_red),
        ] {
            check("long", &format!("{name}_yellow"), yellow, problems);
            check("long", &format!("{name}_red"), red, problems);
            if yellow.clock != red.clock || yellow.amount >= red.amount {
                problems.push(format!(
                    "limits: long: {name}_red must be by the clock of {name}_yellow, and longer"
                ));
            }
        }
    }
}

fn check(of: &str, step: &str, limit: Limit, problems: &mut Vec<String>) {
    if let Some(problem) = limit.problem() {
        problems.push(format!("limits: {of}: {step}: {problem}"));
    }
}

fn check_acknowledge(of: &str, limit: Limit, problems: &mut Vec<String>) {
    check(of, "acknowledge", limit, problems);
    if limit.clock != ClockType::Seconds {
        problems.push(format!(
            "limits: {of}: acknowledge must be in seconds: somebody is on duty day and night"
        ));
    }
}
