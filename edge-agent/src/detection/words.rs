//! Why an alert was raised or cleared, in words for a duty officer, Chinese and English. Pure.

use gridwatch_protocol::{Kind, Reading, Text, Value};

use super::rule::{Measure, RuleConfig, When};
use crate::health::text;

/// Name of a kind in both languages.
#[must_use]
pub(crate) fn kind_name(kind: Kind) -> (&'static str, &'static str) {
    match kind {
        Kind::Smoke => ("烟雾", "smoke"),
        Kind::Heat => ("高温报警", "heat alarm"),
        Kind::Gas => ("可燃气体", "combustible gas"),
        Kind::CarbonMonoxide => ("一氧化碳", "carbon monoxide"),
        Kind::Co2 => ("二氧化碳", "carbon dioxide"),
        Kind::Voc => ("挥发性有机物", "volatile organic compounds"),
        Kind::Pm25 => ("PM2.5", "PM2.5"),
        Kind::Temperature => ("温度", "temperature"),
        Kind::Humidity => ("湿度", "humidity"),
        Kind::WaterLeak => ("漏水", "water leak"),
        Kind::WaterLevel => ("水位", "water level"),
        Kind::Door => ("门", "door"),
        Kind::Lock => ("门锁", "lock"),
        Kind::DoorForced => ("强行开门", "door forced"),
        Kind::DoorHeld => ("门超时未关", "door held open"),
        Kind::AccessGranted => ("准许通行", "access granted"),
        Kind::AccessDenied => ("拒绝通行", "access denied"),
        Kind::Tamper => ("防拆", "tamper"),
        Kind::Motion => ("移动", "motion"),
        Kind::Occupancy => ("有人", "occupancy"),
        Kind::CameraObject => ("摄像机目标", "object seen by camera"),
        Kind::CameraMotion => ("画面移动", "movement in picture"),
        Kind::LineCrossing => ("越线", "line crossing"),
        Kind::VideoLoss => ("视频丢失", "video loss"),
        Kind::Vibration => ("振动", "vibration"),
        Kind::Power => ("电源", "power"),
        Kind::Battery => ("电池", "battery"),
        Kind::LinkQuality => ("信号质量", "link quality"),
        Kind::Availability => ("在线状态", "availability"),
        Kind::AlarmTest => ("测试按钮", "test button"),
        Kind::Other => ("其他", "other"),
    }
}

fn number(value: f64) -> String {
    let text = format!("{value:.2}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

fn unit(rule: &RuleConfig) -> String {
    let unit = rule.unit.as_deref().unwrap_or(match rule.kind {
        Kind::Temperature => "°C",
        _ => "",
    });
    if unit.is_empty() {
        String::new()
    } else {
        format!(" {unit}")
    }
}

pub(super) fn raised(rule: &RuleConfig, measure: &Measure, is_test: bool) -> Text {
    let (zh, en) = kind_name(rule.kind);
    let unit = unit(rule);
    let mut words = match (&rule.when, measure) {
        (When::Above { above, hold_s, .. }, Measure::Number(value)) => {
            let (value, limit, hold) = (number(*value), number(*above), number(*hold_s));
            text(
                format!("{zh} {value}{unit}，超过 {limit}{unit} 达 {hold} 秒"),
                format!("{en} {value}{unit}, above {limit}{unit} for {hold} s"),
            )
        }
        (When::Below { below, .. }, Measure::Number(value)) => {
            let (value, limit) = (number(*value), number(*below));
            text(
                format!("{zh} {value}{unit}，低于 {limit}{unit}"),
                format!("{en} {value}{unit}, below {limit}{unit}"),
            )
        }
        (When::Rise { per_s, .. }, Measure::Rise { by, now }) => {
            let (by, now, per) = (number(*by), number(*now), number(*per_s));
            text(
                format!("{zh}在 {per} 秒内上升 {by}{unit}，现为 {now}{unit}"),
                format!("{en} rose by {by}{unit} within {per} s, now {now}{unit}"),
            )
        }
        (_, Measure::Word(word)) => {
            let (word_zh, word_en) = label(word);
            text(format!("{zh}：{word_zh}"), format!("{en}: {word_en}"))
        }
        _ => text(format!("{zh}报警"), format!("{en} alarm")),
    };
    if is_test {
        words.zh.push_str("（测试）");
        words.en.push_str(" (test)");
    }
    words
}

/// Common camera labels in both languages; others stay as they are.
fn label(word: &str) -> (&str, &str) {
    let zh = match word {
        "person" => "人员",
        "car" => "汽车",
        "truck" => "货车",
        "motorcycle" => "摩托车",
        "bicycle" => "自行车",
        "fire" => "火焰",
        "smoke" => "烟雾",
        "dog" => "狗",
        _ => word,
    };
    (zh, word)
}

pub(super) fn cleared(rule: &RuleConfig, measure: &Measure) -> Text {
    let (zh, en) = kind_name(rule.kind);
    let unit = unit(rule);
    match measure {
        Measure::Rise { now: value, .. } => {
            let value = number(*value);
            text(
                format!("{zh}不再快速上升，现为 {value}{unit}"),
                format!("{en} no longer rises fast, now {value}{unit}"),
            )
        }
        Measure::Number(value) => {
            let value = number(*value);
            text(
                format!("{zh}恢复正常：{value}{unit}"),
                format!("{en} back to normal: {value}{unit}"),
            )
        }
        Measure::Quiet => text(format!("{zh}：不再出现"), format!("{en}: no longer seen")),
        Measure::State(_) | Measure::Word(_) => {
            text(format!("{zh}报警解除"), format!("{en} alarm ended"))
        }
    }
}

pub(super) fn chatter(rule: &str, raisings: usize, window_ms: i64) -> Text {
    let seconds = window_ms / 1000;
    text(
        format!(
            "规则“{rule}”在 {seconds} 秒内触发 {raisings} 次：疑似抖动，报警已锁定，请检修该传感器"
        ),
        format!(
            "rule `{rule}` raised {raisings} times within {seconds} s: chattering, the alarm is latched; have the sensor checked"
        ),
    )
}

pub(super) fn calm() -> Text {
    text("已恢复稳定", "quiet again")
}

pub(super) fn restarted() -> Text {
    text(
        "边缘代理已重启，重新判断",
        "the agent was restarted and judges anew",
    )
}

pub(super) fn walk_test_press(kind: Kind, by: &str) -> Text {
    let (zh, en) = kind_name(kind);
    text(
        format!("巡检测试（{by}）：{zh}"),
        format!("walk test by {by}: {en}"),
    )
}

pub(super) fn walk_test_released() -> Text {
    text("测试按压结束", "the press is over")
}

pub(super) fn walk_test_over() -> Text {
    text("巡检测试结束", "the walk test is over")
}

pub(super) fn stands_after_walk_test(reason: &Text) -> Text {
    text(
        format!("巡检测试结束后报警仍未消除：{}", reason.zh),
        format!("still so after the walk test: {}", reason.en),
    )
}

pub(super) fn rule_removed() -> Text {
    text(
        "该规则已从配置中移除",
        "the rule was removed from the configuration",
    )
}

pub(super) fn silent(silent_ms: i64, limit_ms: i64) -> Text {
    let (silent, limit) = (silent_ms / 1000, limit_ms / 1000);
    text(
        format!("传感器失联：{silent} 秒没有消息，允许 {limit} 秒"),
        format!("sensor silent: nothing heard for {silent} s, {limit} s allowed"),
    )
}

pub(super) fn offline() -> Text {
    text(
        "传感器离线：其网络报告无法连接",
        "sensor offline: its network reports that it cannot be reached",
    )
}

pub(super) fn battery_low(value: &Value, unit: Option<&str>) -> Text {
    let (zh, en) = match (value, unit) {
        (Value::Number(level), Some(unit)) => {
            let level = number(*level);
            (
                format!("，剩余 {level} {unit}"),
                format!(", {level} {unit} left"),
            )
        }
        _ => (String::new(), String::new()),
    };
    text(
        format!("电池电量低{zh}，请更换"),
        format!("battery low{en}: replace it"),
    )
}

pub(super) fn battery_ok() -> Text {
    text("电池电量恢复正常", "battery good again")
}

pub(super) fn stuck(kind: Kind, value: f64, unit: Option<&str>, since_ms: i64) -> Text {
    let (zh, en) = kind_name(kind);
    let (value, unit) = (number(value), unit.unwrap_or_default());
    #[expect(clippy::cast_precision_loss, reason = "hours for people")]
    let hours = number(since_ms as f64 / 3_600_000.0);
    text(
        format!("{zh}读数 {hours} 小时停在 {value} {unit} 不变：疑似传感器卡死，请检修"),
        format!(
            "{en} has stood at {value} {unit} for {hours} h: the sensor may be stuck, have it checked"
        ),
    )
}

pub(super) fn moves_again(kind: Kind) -> Text {
    let (zh, en) = kind_name(kind);
    text(format!("{zh}读数恢复变化"), format!("{en} moves again"))
}

pub(super) fn clock_wrong() -> Text {
    text(
        "设备时钟错误：其时间不可信，已改用网关接收时间",
        "the device's clock is wrong: its times are not used, the times of receipt are",
    )
}

pub(super) fn clock_right() -> Text {
    text("设备时钟恢复正常", "the device's clock is right again")
}

pub(super) fn flapping(losses: usize, window_ms: i64) -> Text {
    let minutes = window_ms / 60_000;
    text(
        format!("传感器在 {minutes} 分钟内掉线 {losses} 次：连接不稳定，请检修"),
        format!(
            "the sensor was lost {losses} times within {minutes} min: its connection comes and goes, have it checked"
        ),
    )
}

/// What a device last said, for an alert that it is lost.
pub(super) fn last_known(mut words: Text, last: &[&Reading]) -> Text {
    if last.is_empty() {
        return words;
    }
    let (mut zh, mut en) = (Vec::new(), Vec::new());
    for reading in last {
        let (name_zh, name_en) = kind_name(reading.kind);
        let unit = reading
            .unit
            .as_deref()
            .map(|u| format!(" {u}"))
            .unwrap_or_default();
        let value = match &reading.value {
            Value::Bool(true) => ("是".to_owned(), "yes".to_owned()),
            Value::Bool(false) => ("否".to_owned(), "no".to_owned()),
            Value::Number(value) => (number(*value), number(*value)),
            Value::Text(word) => (word.clone(), word.clone()),
        };
        zh.push(format!("{name_zh} {}{unit}", value.0));
        en.push(format!("{name_en} {}{unit}", value.1));
    }
    words.zh.push_str(&format!("；最后状态：{}", zh.join("，")));
    words
        .en
        .push_str(&format!("; last known: {}", en.join(", ")));
    words
}

pub(super) fn heard_again() -> Text {
    text("传感器恢复在线", "sensor heard again")
}

pub(super) fn source_lost(why: &str) -> Text {
    text(
        format!("网关与数据源的连接中断，其下所有传感器不可见：{why}"),
        format!("the gateway lost this source, and with it sight of all its sensors: {why}"),
    )
}

pub(super) fn source_back() -> Text {
    text("数据源恢复连接", "source connected again")
}
