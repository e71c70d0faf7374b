//! What does not fit in a chain, in words: what it is and what to do.

use gridwatch_protocol::Text;

use super::{BreakKind, BreakView, Fault, HeadFault};
use crate::cases::text;
use crate::store::backup::Epoch;
use crate::store::chain::Chain;
use crate::store::chain::step::Break;
use crate::store::witness::Denied;

/// What rows that do not fit mean.
pub(super) fn found(chain: Chain, found: &Break) -> BreakView {
    let link = found.link;
    let (kind, other, what) = match found.fault {
        Fault::Changed => (BreakKind::Changed, None, changed(link)),
        Fault::Swapped(other) => (BreakKind::Swapped, Some(other), swapped(link, other)),
        Fault::Missing(to) => (BreakKind::Missing, Some(to), missing(link, to)),
        Fault::CutOff(to) => (BreakKind::CutOff, Some(to), cut_off(link, to)),
        Fault::Added => (BreakKind::Added, None, added(chain, &found.row)),
        Fault::HeadDiffers => (BreakKind::HeadDiffers, None, head_differs(link)),
    };
    // Behind a hole stands an entry that is itself in order.
    let stands_there = matches!(
        found.fault,
        Fault::Changed | Fault::Swapped(_) | Fault::Added
    );
    let row = Some(&found.row)
        .filter(|row| stands_there && chain == Chain::Transitions && row.len() == 2);
    BreakView {
        kind,
        link: Some(link).filter(|link| *link > 0),
        other,
        case: row.map(|row| row[0]),
        at: found.at.filter(|_| stands_there),
        what,
        advice: compare_with_backup(),
    }
}

fn changed(link: i64) -> Text {
    text(
        format!("第 {link} 条与校验值不符：内容或位置被改动过"),
        format!("entry {link} does not fit its hash: what it says or its place was changed"),
    )
}

fn swapped(link: i64, other: i64) -> Text {
    text(
        format!("第 {link} 条与第 {other} 条被对调"),
        format!("entries {link} and {other} were swapped"),
    )
}

fn missing(link: i64, to: i64) -> Text {
    if link == to {
        text(
            format!("第 {link} 条缺失：被删除"),
            format!("entry {link} is missing: it was deleted"),
        )
    } else {
        text(
            format!("第 {link} 至 {to} 条缺失：被删除"),
            format!("entries {link} to {to} are missing: they were deleted"),
        )
    }
}

fn cut_off(link: i64, to: i64) -> Text {
    text(
        format!("末尾被截断：缺少第 {link} 至 {to} 条"),
        format!("the end was cut off: entries {link} to {to} are missing"),
    )
}

fn added(chain: Chain, row: &[i64]) -> Text {
    match (chain, row) {
        (Chain::Transitions, [case, seq]) => text(
            format!("事件 {case} 的历史第 {seq} 行不在链中：是绕过平台写入的"),
            format!(
                "row {seq} of the history of case {case} is in no chain: it was put there past the hub"
            ),
        ),
        (_, row) => {
            let row = row.first().copied().unwrap_or(0);
            text(
                format!("审计表第 {row} 行不在链中：是绕过平台写入的"),
                format!("row {row} of the audit is in no chain: it was put there past the hub"),
            )
        }
    }
}

fn head_differs(link: i64) -> Text {
    text(
        format!("数据库记录的链头与最后一条（第 {link} 条）不符：链头或末尾被改动过"),
        format!("the stored head is not the last entry ({link}): the head or the end was changed"),
    )
}

/// What a signed link means that is not there as it was.
pub(super) fn denied(denied: Denied) -> BreakView {
    let Denied {
        link,
        signed_at,
        rewritten,
    } = denied;
    let (kind, what) = if rewritten {
        (
            BreakKind::Rewritten,
            text(
                format!("第 {link} 条与已签名的链头不符：它或之前的内容被整体改写"),
                format!(
                    "entry {link} is not what was signed: it or something before it was written anew"
                ),
            ),
        )
    } else {
        (
            BreakKind::CutOff,
            text(
                format!("末尾被截断：已签名的第 {link} 条不存在"),
                format!("the end was cut off: entry {link} was signed and is not there"),
            ),
        )
    };
    BreakView {
        kind,
        link: Some(link),
        other: None,
        case: None,
        at: Some(signed_at),
        what,
        advice: compare_with_backup(),
    }
}

/// What is wrong with the heads themselves.
pub(super) fn head_fault(fault: &HeadFault) -> BreakView {
    let (kind, at, what) = match fault {
        HeadFault::Unreadable => (
            BreakKind::HeadNotSigned,
            None,
            text(
                "签名链头文件中有无法读取的行",
                "the file of signed heads has a line that cannot be read",
            ),
        ),
        HeadFault::NotSigned(at) => (
            BreakKind::HeadNotSigned,
            Some(*at),
            text(
                "有一个链头与其签名不符：链头或签名密钥被改动过",
                "a head does not fit its signature: it or the key was changed",
            ),
        ),
        HeadFault::OtherKey(at) => (
            BreakKind::OtherKey,
            Some(*at),
            text(
                "所给链头由另一把密钥签名：属于其他平台，或本机密钥已被更换",
                "a head that was given is signed with another key: it is of another hub, or the key here was replaced",
            ),
        ),
    };
    let advice = match kind {
        BreakKind::OtherKey => text(
            "请先确认所给链头属于本平台；若属于，请保护现场，向管理员查明密钥何时、由谁更换",
            "make sure first that the heads are of this hub; if they are, leave everything as it is and ask when and by whom the key was replaced",
        ),
        _ => text(
            "各条记录本身完整；请保护数据目录中的 audit-heads.jsonl 和 audit.key，并与备份或上级平台保存的链头比对",
            "the entries themselves are whole; keep audit-heads.jsonl and audit.key of the data directory as they are and compare them with a backup or with the heads that the parent hub holds",
        ),
    };
    BreakView {
        kind,
        link: None,
        other: None,
        case: None,
        at,
        what,
        advice,
    }
}

/// What a restore means that nobody signed.
pub(super) fn unsigned_restore(epoch: &Epoch) -> BreakView {
    BreakView {
        kind: BreakKind::UnsignedRestore,
        link: None,
        other: None,
        case: None,
        at: Some(epoch.at),
        what: text(
            "数据库称曾从备份恢复，但本机没有这次恢复的签名",
            "the store says that a backup was restored, but no restore signed that here",
        ),
        advice: text(
            "请在执行恢复的机器上查找 audit-heads.jsonl；若无人恢复过备份，按数据被替换处理",
            "look for audit-heads.jsonl on the machine where the restore was done; if nobody restored a backup, treat the data as replaced",
        ),
    }
}

fn compare_with_backup() -> Text {
    text(
        "请保护现场：不要改动数据库，立即另存一份副本，与备份逐条比对，并按制度上报",
        "leave the database as it is, take a copy at once, compare it with a backup entry by entry, and report it as your rules say",
    )
}
