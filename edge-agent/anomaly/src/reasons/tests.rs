//! Sentences, word by word.

use expect_test::{Expect, expect};
use gridwatch_protocol::Timestamp;

use super::*;

fn view(value: f64, usual: (f64, f64), per_minute: f64) -> Option<ChannelView> {
    Some(ChannelView {
        value,
        usual_low: usual.0,
        usual_high: usual.1,
        per_minute,
        learned_s: 21_600.0,
        fault: None,
    })
}

/// Contributions to the class as given, for each group.
fn verdict(class: usize, score: f32, moves: &[(usize, f32)]) -> Verdict {
    let mut prob = vec![0.02; 4];
    prob[class] = 0.94;
    let mut contributions = vec![0.0; 4 * (CONTEXT_GROUP + 1)];
    for (group, moved) in moves {
        contributions[group * 4 + class] = *moved;
    }
    Verdict {
        score,
        prob,
        contributions,
    }
}

fn check(
    verdict: &Verdict,
    views: &[Option<ChannelView>; 7],
    context: &ContextView,
    expected: Expect,
) {
    let reason = explain(verdict, class_to_explain(verdict), views, context);
    expected.assert_eq(&format!("{}\n{}\n", reason.text.en, reason.text.zh));
}

#[test]
fn fire_is_told_with_values_usual_ranges_and_trends_for_and_against() {
    let views = [
        view(4.1, (0.0, 0.3), 1.9),
        None,
        view(35.0, (0.0, 4.0), 3.2),
        None,
        view(23.4, (20.8, 21.9), 0.02),
        view(62.0, (40.0, 50.0), -2.0),
        None,
    ];
    let moves = [(0, 3.1), (2, 1.4), (4, 0.1), (5, -0.6)];
    check(
        &verdict(FIRE, 0.93, &moves),
        &views,
        &ContextView::default(),
        expect![[r#"
            like a fire (score 0.93): smoke 4.1 %/m, usually 0 to 0.3 at this hour, rising 1.9 a minute; carbon monoxide 35 ppm, usually 0 to 4 at this hour, rising 3 a minute, speaks for it; humidity 62 %, usually 40 to 50 at this hour, falling 2 a minute, speaks against it
            像火情（评分 0.93）：烟雾 4.1 %/m，此时段通常 0～0.3，每分钟上升 1.9；一氧化碳 35 ppm，此时段通常 0～4，每分钟上升 3，也支持此判断；湿度 62 %，此时段通常 40～50，每分钟下降 2，不支持此判断
        "#]],
    );
}

#[test]
fn broken_sensor_is_told_by_what_is_wrong_with_it() {
    let mut stuck = view(21.0, (20.0, 22.0), 0.0);
    if let Some(view) = &mut stuck {
        view.fault = Some(Fault::Flat);
        view.learned_s = 1200.0;
    }
    check(
        &verdict(FAULT, 0.01, &[(4, 4.0)]),
        &[None, None, None, None, stuck, None, None],
        &ContextView::default(),
        expect![[r#"
            like a broken sensor (score 0.01): temperature 21 °C, usually 20 to 22 at this hour, steady, has not changed for unusually long (watched for 20 min only)
            像传感器故障（评分 0.01）：温度 21 °C，此时段通常 20～22，平稳，读数长时间不变（仅观察了 20 分钟）
        "#]],
    );
}

#[test]
fn camera_and_water_in_the_air_are_told_as_such() {
    let camera = ContextView {
        camera_fire: Some(0.8),
        absolute_humidity: Some(6.3),
        ..ContextView::default()
    };
    check(
        &verdict(FIRE, 0.6, &[(CONTEXT_GROUP, 1.0)]),
        &[None; 7],
        &camera,
        expect![[r#"
            like a fire (score 0.60): a camera sees smoke or fire (0.80)
            像火情（评分 0.60）：摄像机看到烟雾或火焰（0.80）
        "#]],
    );
    let water = ContextView {
        absolute_humidity: Some(6.3),
        ..ContextView::default()
    };
    check(
        &verdict(NUISANCE, 0.1, &[(CONTEXT_GROUP, 1.0)]),
        &[None; 7],
        &water,
        expect![[r#"
            like a nuisance, not a fire (score 0.10): 6.3 g/kg more water in the air than usual
            像非火灾干扰（评分 0.10）：空气含水量比平时多 6.3 g/kg
        "#]],
    );
}

#[test]
fn fire_is_explained_before_a_broken_sensor_as_soon_as_it_outweighs_the_rest() {
    let both = Verdict {
        score: 0.7,
        prob: vec![0.05, 0.15, 0.05, 0.75],
        contributions: vec![0.0; 32],
    };
    let reason = room(&both, &RoomFeatures::new());
    assert_eq!(reason.class, "fire");
    assert!(reason.text.en.ends_with("no channel stands out"));
}

#[test]
fn words_of_a_real_room_come_from_its_own_readings() {
    let mut room_features = RoomFeatures::new();
    for step in 0..720_i64 {
        let at = Timestamp::from_unix_ms(1_700_000_000_000 + step * 10_000);
        let noise = if step % 2 == 0 { 0.1 } else { 0.0 };
        room_features.update(Channel::Smoke, at, noise);
    }
    let at = Timestamp::from_unix_ms(1_700_000_000_000 + 720 * 10_000);
    room_features.update(Channel::Smoke, at, 6.0);
    let reason = room(&verdict(FIRE, 0.9, &[(0, 3.0)]), &room_features);
    let en = &reason.text.en;
    assert!(
        en.contains("smoke 6 %/m, usually 0 to 0.7 at this hour, rising "),
        "{en}"
    );
    assert_eq!(reason.speaks_for, [(0, 3.0)]);
}

#[test]
fn verdict_with_too_few_numbers_is_no_panic() {
    let empty = Verdict {
        score: f32::NAN,
        prob: Vec::new(),
        contributions: vec![f32::NAN; 3],
    };
    assert!(!room(&empty, &RoomFeatures::new()).text.zh.is_empty());
}
