//! Reasons in words, Chinese and English.

use gridwatch_protocol::Text;

use crate::recording::ChannelSpec;
use crate::series::{SeriesView, Sign};

/// A fixed sentence.
pub(super) struct Sentence {
    zh: &'static str,
    en: &'static str,
}

/// The row has no time that can be read.
pub(super) const NO_TIME: Sentence = Sentence {
    zh: "无法读取时间，未评分",
    en: "no score: the time cannot be read",
};
/// The row has a time and nothing to score.
pub(super) const NO_SCORE: Sentence = Sentence {
    zh: "没有数值或到达过晚，未评分",
    en: "no score: no number in this row, or it is older than the row before",
};
/// The row is as always.
pub(super) const NOTHING: Sentence = Sentence {
    zh: "无异常",
    en: "nothing unusual",
};

impl Sentence {
    pub(super) fn text(&self) -> Text {
        Text {
            zh: self.zh.to_owned(),
            en: self.en.to_owned(),
        }
    }
}

/// What the series says of its most telling channel.
#[derive(Debug, Clone, Copy)]
pub(super) struct SeriesReason {
    pub(super) channel: usize,
    pub(super) sign: Sign,
    pub(super) view: SeriesView,
}

impl SeriesReason {
    /// Such as "Pressure 3.1 bar, usually 1.9 to 2.2; rising; far from the usual level".
    pub(super) fn text(&self, channels: &[ChannelSpec]) -> Text {
        let (name, unit) = channels.get(self.channel).map_or(("", ""), |channel| {
            (
                channel.column.as_str(),
                channel.unit.as_deref().unwrap_or_default(),
            )
        });
        let space = if unit.is_empty() { "" } else { " " };
        let value = short(self.view.value);
        let (low, high) = (short(self.view.usual_low), short(self.view.usual_high));
        let (sign_zh, sign_en) = match self.sign {
            Sign::Value => ("数值远离常态", "far from the usual level"),
            Sign::Average => ("持续偏离常态", "away from the usual level for some time"),
            Sign::Jump => ("突变", "sudden change"),
            Sign::Variation => ("波动异常", "varies more than usual"),
        };
        let (trend_zh, trend_en) = self.trend();
        Text {
            zh: format!("{name} {value}{space}{unit}，通常 {low} 至 {high}；{trend_zh}；{sign_zh}"),
            en: format!(
                "{name} {value}{space}{unit}, usually {low} to {high}; {trend_en}; {sign_en}"
            ),
        }
    }

    /// A tenth of the usual range within the last samples is a trend.
    fn trend(&self) -> (&'static str, &'static str) {
        let change = self.view.recent - self.view.before;
        let range = self.view.usual_high - self.view.usual_low;
        if change > 0.1 * range {
            ("上升", "rising")
        } else if change < -0.1 * range {
            ("下降", "falling")
        } else {
            ("平稳", "steady")
        }
    }
}

/// Four significant digits.
fn short(value: f64) -> String {
    let size = value.abs();
    if size != 0.0 && !(1e-3..1e7).contains(&size) {
        return format!("{value:.3e}");
    }
    let digits = [1000.0, 100.0, 10.0, 1.0, 0.1]
        .iter()
        .position(|limit| size >= *limit)
        .unwrap_or(5);
    let text = format!("{value:.digits$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}
