//! Why a room got its verdict, in words for the duty officer, Chinese and English.
//!
//! The contributions are exact (logit = bias + their sum), so what speaks for and against is arithmetic
//! and no guess. Told are the groups that speak loudest, with value, unit, what is usual at this hour of
//! the week and trend. Trap: a sentence must stay true when little is known, so it says when a channel was
//! watched for less than an hour.

use std::fmt::Write;

use gridwatch_protocol::Text;

use crate::features::{CONTEXT_GROUP, Channel, ChannelView, ContextView, Fault, RoomFeatures};
use crate::model::Verdict;

/// Classes of the room model, in the order of its outputs.
pub const ROOM_CLASSES: [&str; 4] = ["normal", "fire", "nuisance", "fault"];
const NORMAL: usize = 0;
const FIRE: usize = 1;
const NUISANCE: usize = 2;
const FAULT: usize = 3;
/// At most so many groups that speak for it are told …
const FOR_MAX: usize = 3;
/// … and so many that speak against it.
const AGAINST_MAX: usize = 2;
/// A group that moves the logit by less is not worth naming.
const NAMED_MIN: f32 = 0.2;
/// Watched for less, what is "usual" deserves a word of warning.
const WATCHED_S_MIN: f64 = 3600.0;

/// Why a room got its verdict.
#[derive(Debug, Clone, PartialEq)]
pub struct Reason {
    /// The class that is explained, one of [`ROOM_CLASSES`].
    pub class: &'static str,
    /// The sentence.
    pub text: Text,
    /// Groups that speak for the class against `normal`, loudest first: how far each moves the logit.
    pub speaks_for: Vec<(usize, f32)>,
    /// Groups that speak against it, loudest first.
    pub speaks_against: Vec<(usize, f32)>,
}

/// Explains what the room model said of `room`, whose newest row it was given: fire if the room is more
/// like fire than like what is normal or a nuisance, else the likeliest class that is not normal.
#[must_use]
pub fn room(verdict: &Verdict, room: &RoomFeatures) -> Reason {
    let class = class_to_explain(verdict);
    explain(verdict, class, &room.views(), &room.context_view())
}

/// [`room`] for a chosen class (a place in [`ROOM_CLASSES`]) and what a person would see of the room.
#[must_use]
pub fn explain(
    verdict: &Verdict,
    class: usize,
    views: &[Option<ChannelView>; Channel::ALL.len()],
    context: &ContextView,
) -> Reason {
    let class = class.min(ROOM_CLASSES.len() - 1);
    let mut moves: Vec<(usize, f32)> = (0..=CONTEXT_GROUP)
        .map(|group| {
            let moved = verdict.contribution(group, class) - verdict.contribution(group, NORMAL);
            (group, moved)
        })
        .filter(|(_, moved)| moved.abs() >= NAMED_MIN)
        .collect();
    moves.sort_by(|(_, a), (_, b)| b.abs().total_cmp(&a.abs()));
    let (speaks_for, speaks_against): (Vec<_>, Vec<_>) =
        moves.into_iter().partition(|(_, moved)| *moved > 0.0);
    let mut text = opening(class, verdict.score);
    for (index, (group, _)) in speaks_for.iter().take(FOR_MAX).enumerate() {
        separate(&mut text, index);
        describe(&mut text, *group, views, context);
        if index > 0 {
            add(&mut text, "，也支持此判断", ", speaks for it");
        }
    }
    if speaks_for.is_empty() {
        separate(&mut text, 0);
        add(&mut text, "没有突出的通道", "no channel stands out");
    }
    for (group, _) in speaks_against.iter().take(AGAINST_MAX) {
        separate(&mut text, 1);
        describe(&mut text, *group, views, context);
        add(&mut text, "，不支持此判断", ", speaks against it");
    }
    Reason {
        class: ROOM_CLASSES[class],
        text,
        speaks_for,
        speaks_against,
    }
}

fn class_to_explain(verdict: &Verdict) -> usize {
    let prob = |class: usize| verdict.prob.get(class).copied().unwrap_or(0.0);
    let others = prob(NORMAL) + prob(NUISANCE);
    if prob(FIRE) >= others {
        return FIRE;
    }
    [FIRE, NUISANCE, FAULT]
        .into_iter()
        .max_by(|a, b| prob(*a).total_cmp(&prob(*b)))
        .unwrap_or(FIRE)
}

fn opening(class: usize, score: f32) -> Text {
    let (zh, en) = match class {
        NORMAL => ("正常", "as usual"),
        NUISANCE => ("像非火灾干扰", "like a nuisance, not a fire"),
        FAULT => ("像传感器故障", "like a broken sensor"),
        _ => ("像火情", "like a fire"),
    };
    Text {
        zh: format!("{zh}（评分 {score:.2}）"),
        en: format!("{en} (score {score:.2})"),
    }
}

fn separate(text: &mut Text, index: usize) {
    if index == 0 {
        add(text, "：", ": ");
    } else {
        add(text, "；", "; ");
    }
}

fn describe(
    text: &mut Text,
    group: usize,
    views: &[Option<ChannelView>; Channel::ALL.len()],
    context: &ContextView,
) {
    match Channel::ALL.get(group) {
        Some(channel) => describe_channel(text, *channel, views[group].as_ref()),
        None => describe_context(text, context),
    }
}

fn describe_channel(text: &mut Text, channel: Channel, view: Option<&ChannelView>) {
    let (zh_name, en_name) = name(channel);
    add(text, zh_name, en_name);
    let Some(view) = view else {
        add(text, "（当前无读数）", " (no reading now)");
        return;
    };
    let unit = match channel.unit() {
        "" => String::new(),
        unit => format!(" {unit}"),
    };
    let number = |value| number(value, digits(channel));
    let (low, high) = (number(view.usual_low), number(view.usual_high));
    let value = number(view.value);
    add(
        text,
        &format!(" {value}{unit}，此时段通常 {low}～{high}"),
        &format!(" {value}{unit}, usually {low} to {high} at this hour"),
    );
    trend(text, &number(view.per_minute.abs()), view.per_minute);
    if let Some(fault) = view.fault {
        let (zh, en) = fault_words(fault);
        add(text, &format!("，{zh}"), &format!(", {en}"));
    }
    if view.learned_s < WATCHED_S_MIN {
        let minutes = number_of_minutes(view.learned_s);
        add(
            text,
            &format!("（仅观察了 {minutes} 分钟）"),
            &format!(" (watched for {minutes} min only)"),
        );
    }
}

fn trend(text: &mut Text, amount: &str, per_minute: f64) {
    if amount == "0" {
        add(text, "，平稳", ", steady");
    } else if per_minute > 0.0 {
        let (zh, en) = (
            format!("，每分钟上升 {amount}"),
            format!(", rising {amount} a minute"),
        );
        add(text, &zh, &en);
    } else {
        let (zh, en) = (
            format!("，每分钟下降 {amount}"),
            format!(", falling {amount} a minute"),
        );
        add(text, &zh, &en);
    }
}

/// The loudest thing of the context: a camera, much more water in the air, or channels together.
fn describe_context(text: &mut Text, context: &ContextView) {
    if let Some(score) = context.camera_fire {
        let (zh, en) = (
            format!("摄像机看到烟雾或火焰（{score:.2}）"),
            format!("a camera sees smoke or fire ({score:.2})"),
        );
        add(text, &zh, &en);
    } else if let Some(water) = context.absolute_humidity.filter(|g_kg| g_kg.abs() >= 0.5) {
        let amount = number(water.abs(), 1);
        let (zh_more, en_more) = if water > 0.0 {
            ("多", "more")
        } else {
            ("少", "less")
        };
        let (zh, en) = (
            format!("空气含水量比平时{zh_more} {amount} g/kg"),
            format!("{amount} g/kg {en_more} water in the air than usual"),
        );
        add(text, &zh, &en);
    } else {
        add(text, "几个通道的共同变化", "what the channels say together");
    }
}

fn fault_words(fault: Fault) -> (&'static str, &'static str) {
    match fault {
        Fault::OutOfRange => ("读数超出物理范围", "which cannot be"),
        Fault::Step => ("跳变后不再变化", "jumped and has stood still since"),
        Fault::Flat => ("读数长时间不变", "has not changed for unusually long"),
    }
}

fn name(channel: Channel) -> (&'static str, &'static str) {
    match channel {
        Channel::Smoke => ("烟雾", "smoke"),
        Channel::Pm25 => ("细颗粒物", "fine dust"),
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
        Channel::Pm25
        | Channel::CarbonMonoxide
        | Channel::Voc
        | Channel::Humidity
        | Channel::Co2 => 0,
    }
}

/// With at most so many decimals, and none that is 0.
fn number(value: f64, digits: usize) -> String {
    let text = format!("{value:.digits$}");
    let short = text.strip_suffix(".0").unwrap_or(&text);
    if short == "-0" { "0" } else { short }.to_owned()
}

fn number_of_minutes(seconds: f64) -> String {
    number((seconds / 60.0).max(1.0), 0)
}

fn add(text: &mut Text, zh: &str, en: &str) {
    let written = text.zh.write_str(zh).and_then(|()| text.en.write_str(en));
    debug_assert!(written.is_ok(), "writing to a String cannot fail");
}

#[cfg(test)]
mod tests;
