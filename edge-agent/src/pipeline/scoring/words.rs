//! Why the statistics found a room unusual, for the duty officer.

use std::fmt::Write as _;

use gridwatch_anomaly::features::{Channel, RoomFeatures};
use gridwatch_protocol::Text;

use crate::health::text;

/// Channels that are named at most.
const NAMED_MAX: usize = 2;

/// The channels that rose most, with value and usual range. `loudness` is a channel's rise in scales.
pub(super) fn room_by_statistics(room: &RoomFeatures, loudness: impl Fn(usize) -> f32) -> Text {
    let mut channels = Channel::ALL;
    channels.sort_by(|a, b| loudness(b.index()).total_cmp(&loudness(a.index())));
    let mut words = text(
        "数值同时异常上升",
        "values rise together as they usually do not",
    );
    let named = channels
        .into_iter()
        .filter_map(|channel| Some((channel, room.view(channel)?)));
    for (index, (channel, view)) in named.take(NAMED_MAX).enumerate() {
        let unit = channel.unit();
        let (zh_between, en_between) = if index == 0 {
            ("：", ": ")
        } else {
            ("；", "; ")
        };
        let written = write!(
            words.zh,
            "{zh_between}{} {:.1} {unit}（平时 {:.1}～{:.1}）",
            zh(channel),
            view.value,
            view.usual_low,
            view.usual_high
        )
        .and_then(|()| {
            write!(
                words.en,
                "{en_between}{channel} {:.1} {unit} (usually {:.1} to {:.1})",
                view.value, view.usual_low, view.usual_high
            )
        });
        written.expect("writing to a String cannot fail");
    }
    words
}

fn zh(channel: Channel) -> &'static str {
    match channel {
        Channel::Smoke => "烟雾",
        Channel::Pm25 => "细颗粒物",
        Channel::CarbonMonoxide => "一氧化碳",
        Channel::Voc => "挥发性有机物",
        Channel::Temperature => "温度",
        Channel::Humidity => "湿度",
        Channel::Co2 => "二氧化碳",
    }
}
