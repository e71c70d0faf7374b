//! Words for the choices of fields, in both languages.

use gridwatch_protocol::Text;

use super::fields::Choice;
use super::{Card, Case, EvidenceKind, Level, Mode, RejectCause, text};

pub(super) fn choice(value: &str, label: Text) -> Choice {
    Choice {
        value: value.to_owned(),
        label,
    }
}

pub(super) fn causes() -> Vec<Choice> {
    RejectCause::ALL
        .iter()
        .map(|cause| {
            let label = match cause {
                RejectCause::FalseAlarm => text("误报", "False alarm"),
                RejectCause::Test => text("测试", "Test"),
                RejectCause::Duplicate => text("重复", "Duplicate"),
                RejectCause::OutOfScope => text("不属于受理范围", "Not ours to handle"),
                RejectCause::NotFound => text("现场未发现", "Nothing found there"),
            };
            choice(cause.as_str(), label)
        })
        .collect()
}

pub(super) fn scores() -> Vec<Choice> {
    (1..=5)
        .map(|score: u8| {
            choice(
                &score.to_string(),
                text(format!("{score} 分"), format!("{score}")),
            )
        })
        .collect()
}

pub(super) fn cards(case: &Case) -> Vec<Choice> {
    Card::ALL
        .iter()
        .filter(|card| **card != case.progress.card)
        .map(|card| {
            let label = match card {
                Card::None => text("撤销督办牌", "Take the card back"),
                Card::Yellow => text("黄牌", "Yellow card"),
                Card::Red => text("红牌", "Red card"),
            };
            choice(card.as_str(), label)
        })
        .collect()
}

pub(super) fn levels() -> Vec<Choice> {
    Level::ALL
        .iter()
        .map(|level| {
            let label = match level {
                Level::I => text("一级（市）", "I (city)"),
                Level::II => text("二级（区联合）", "II (district, joint)"),
                Level::III => text("三级（街道）", "III (street)"),
                Level::IV => text("四级（网格、社区）", "IV (grid, community)"),
            };
            choice(level.as_str(), label)
        })
        .collect()
}

pub(super) fn mode_name(mode: Mode) -> Text {
    match mode {
        Mode::Immediate => text("立即办", "Immediately"),
        Mode::Study => text("研究办", "After study"),
        Mode::Consult => text("会商办", "By consultation"),
        Mode::Transfer => text("移交办", "Transferred"),
        Mode::Urgent => text("紧急办", "Urgently"),
    }
}

pub(super) fn evidence_name(kind: EvidenceKind) -> Text {
    match kind {
        EvidenceKind::Photo => text("现场照片", "photo"),
        EvidenceKind::Report => text("处置报告", "report"),
        EvidenceKind::Sensor => text("设备读数", "reading of a sensor"),
        EvidenceKind::Witness => text("证人或通话记录", "witness or record of a call"),
    }
}
