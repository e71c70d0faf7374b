//! What stands in the way after a case has ended: opening again, undoing a merge, appeals, scores. Pure.

use gridwatch_protocol::Timestamp;

use super::{Context, Lack, REOPEN_MS, lack};
use crate::cases::{Actor, Case};

pub(super) fn reopen(case: &Case, now: Timestamp, lacks: &mut Vec<Lack>) {
    if case
        .ended_at
        .is_none_or(|ended| now.ms_since(ended) > REOPEN_MS)
    {
        lacks.push(lack(
            "reopen",
            "超过 72 小时，须另立新事件",
            "more than 72 hours have passed; open a new case",
        ));
    }
}

pub(super) fn part(context: &Context<'_>, lacks: &mut Vec<Lack>) {
    if context.other.is_none_or(|other| !other.state.is_open()) {
        lacks.push(lack(
            "master",
            "主事件已结束，不能撤销并案",
            "the case that took it in has ended",
        ));
    }
}

pub(super) fn review(case: &Case, actor: &Actor, lacks: &mut Vec<Lack>) {
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

pub(super) fn evaluate(case: &Case, lacks: &mut Vec<Lack>) {
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
