//! Why a room got its score, in a sentence for the duty officer.
//!
//! The contributions are exact (the score is their sum, bent into 0 to 1), so the sentence is
//! arithmetic and no guess. It names at most three channels, those that speak loudest.

use std::fmt::Write;

use gridwatch_protocol::Text;

use super::Scored;
use gridwatch_anomaly::features::{Channel, ChannelView};

/// At most so many channels in the sentence.
const NAMED_MAX: usize = 3;
/// A channel that adds less than this to the logit is not worth naming.
const NAMED_MIN: f32 = 0.2;

/// The loudest channels with value, usual range and trend; what speaks against is said too.
#[must_use]
pub fn explain(scored: &Scored, views: &[Option<ChannelView>; Channel::ALL.len()]) -> Text {
    let mut loudest: Vec<(Channel, f32)> = Channel::ALL
        .into_iter()
        .zip(scored.contributions)
        .filter(|(_, contribution)| contribution.abs() >= NAMED_MIN)
        .collect();
    loudest.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
    loudest.truncate(NAMED_MAX);
    let mut text = Text {
        zh: format!("模型评分 {:.2}", scored.score),
        en: format!("model score {:.2}", scored.score),
    };
    for (index, (channel, contribution)) in loudest.iter().enumerate() {
        let (zh_sep, en_sep) = if index == 0 {
            ("：", ": ")
        } else {
            ("；", "; ")
        };
        text.zh.push_str(zh_sep);
        text.en.push_str(en_sep);
        channel_words(
            &mut text,
            *channel,
            *contribution,
            views[channel.index()].as_ref(),
        );
    }
    text
}

fn channel_words(text: &mut Text, channel: Channel, contribution: f32, view: Option<&ChannelView>) {
    let (zh_name, en_name) = name(channel);
    let unit = channel.unit();
    text.zh.push_str(zh_name);
    text.en.push_str(en_name);
    if let Some(view) = view {
        let digits = digits(channel);
        let ChannelView {
            value,
            usual_low,
            usual_high,
            per_minute,
            ..
        } = view;
        let written = write!(
            text.zh,
            " {value:.digits$} {unit}（平时 {usual_low:.digits$}～{usual_high:.digits$}，每分钟 {per_minute:+.digits$}）"
        )
        .and_then(|()| {
            write!(
                text.en,
                " {value:.digits$} {unit} (usually {usual_low:.digits$} to {usual_high:.digits$}, {per_minute:+.digits$} per min)"
            )
        });
        debug_assert!(written.is_ok(), "writing to a String cannot fail");
    }
    let (zh_side, en_side) = if contribution > 0.0 {
        ("支持", "speaks for")
    } else {
        ("反对", "speaks against")
    };
    text.zh.push_str(&format!("{zh_side} {contribution:+.1}"));
    text.en
        .push_str(&format!(" {en_side} it, {contribution:+.1}"));
}

fn name(channel: Channel) -> (&'static str, &'static str) {
    match channel {
        Channel::Smoke => ("烟雾", "smoke"),
        Channel::CarbonMonoxide => ("一氧化碳", "carbon monoxide"),
        Channel::Voc => ("挥发性有机物", "VOC"),
        Channel::Temperature => ("温度", "temperature"),
        Channel::Humidity => ("湿度", "humidity"),
        Channel::Co2 => ("二氧化碳", "carbon dioxide"),
    }
}

fn digits(channel: Channel) -> usize {
    match channel {
        Channel::Smoke | Channel::Temperature => 1,
        Channel::CarbonMonoxide | Channel::Voc | Channel::Humidity | Channel::Co2 => 0,
    }
}
