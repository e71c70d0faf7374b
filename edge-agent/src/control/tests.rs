//! The desk between tools and the detector: nothing that a request raises is lost.

use std::collections::HashMap;

use gridwatch_protocol::{AlertId, Kind, Quality, Reading, Value};
use uuid::Uuid;

use super::*;
use crate::config::DetectionConfig;
use crate::detection::{RuleConfig, When};

fn detector() -> Detector {
    let rule = RuleConfig {
        name: "smoke".to_owned(),
        kind: Kind::Smoke,
        when: When::State { state: true },
        severity: gridwatch_protocol::Severity::P1,
        devices: Vec::new(),
        unit: None,
        hours: None,
        alert_kind: None,
    };
    let config = DetectionConfig {
        rules: vec![rule],
        timezone: jiff::tz::TimeZone::UTC,
        chatter_raisings: 3,
        chatter_window_ms: 60_000,
    };
    let site = SiteId::new("site").expect("valid");
    let now = Moment::at_ms(0);
    Detector::new(site, &config, Vec::new(), Vec::new(), HashMap::new(), now)
}

fn smoke() -> Reading {
    let at = Timestamp::from_unix_ms(2_000);
    Reading {
        device: DeviceId::new("k").expect("valid"),
        kind: Kind::Smoke,
        value: Value::Bool(true),
        unit: None,
        quality: Quality::Good,
        at,
        received_at: at,
        source_event: None,
        retained: false,
        is_test: false,
    }
}

fn scope() -> WalkTestScope {
    WalkTestScope {
        devices: BTreeSet::new(),
        minutes: 10,
        by: "zhang".to_owned(),
    }
}

fn mint() -> AlertId {
    AlertId(Uuid::now_v7())
}

#[test]
fn alarm_that_stands_is_raised_however_often_the_end_is_asked_for() {
    let (mut desk, mut line) = desk();
    let mut detector = detector();
    let (reply, mut answer) = oneshot::channel();
    line.asks
        .try_send(Ask::Start(scope(), reply))
        .expect("room");
    desk.serve(&mut detector, Moment::at_ms(1_000));
    assert!(answer.try_recv().expect("answered").is_ok());
    detector.observe(&smoke(), Moment::at_ms(2_000), &mut mint);
    for _ in 0..3 {
        line.asks.try_send(Ask::End).expect("room");
    }
    let findings = desk.serve(&mut detector, Moment::at_ms(3_000));
    let real: Vec<_> = findings.alerts.iter().filter(|a| !a.is_test).collect();
    assert_eq!(real.len(), 1, "{:?}", findings.alerts);
    let news = line.news.try_recv().expect("a press");
    assert_eq!(news.walk_test.presses.len(), 1);
    let news = line.news.try_recv().expect("the end");
    assert!(news.walk_test.ended.is_some());
    assert_eq!(
        line.news.try_recv().map(|_| ()),
        Err(mpsc::error::TryRecvError::Empty)
    );
}

#[test]
fn test_that_nobody_waits_for_does_not_run_and_says_nothing() {
    let (mut desk, mut line) = desk();
    let mut detector = detector();
    let (reply, answer) = oneshot::channel();
    drop(answer);
    line.asks
        .try_send(Ask::Start(scope(), reply))
        .expect("room");
    desk.serve(&mut detector, Moment::at_ms(1_000));
    assert!(!detector.is_under_test(&DeviceId::new("k").expect("valid")));
    assert!(line.news.try_recv().is_err());
}
