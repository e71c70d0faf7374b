use gridwatch_protocol::{
    Alert, AlertId, ClockQuality, DetectedBy, DeviceId, Kind, Phase, Place, Quality, Reading,
    Severity, SiteId, Text, Value,
};
use sqlx::SqlitePool;

use super::*;
use crate::config::OutboxConfig;
use crate::health::Health;
use crate::outbox::{
    Entry, Exported, Filter, OutboxOptions, RememberedDevice, export_readings, look, open,
};

const PAGE: usize = 4096;
const KEEP_MS: i64 = 7 * 86_400_000;

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_800_000_000_000)
}

fn alert(number: u128) -> Alert {
    Alert {
        id: AlertId(Uuid::from_u128(number)),
        revision: 0,
        phase: Phase::Raised,
        sequence: None,
        boot_epoch: 0,
        kind: Kind::Smoke,
        severity: Severity::P1,
        device: DeviceId::new(format!("d/{number}")).expect("an id"),
        device_known: true,
        site: SiteId::new("s").expect("an id"),
        place: Place::default(),
        raised_at: now(),
        at: now(),
        clock: ClockQuality::Plausible,
        detected_by: DetectedBy::Rule {
            rule: "smoke".into(),
        },
        score: None,
        reason: Text {
            zh: "烟".repeat(60),
            en: "smoke ".repeat(40),
        },
        evidence: Vec::new(),
        source_event: None,
        is_test: false,
    }
}

fn reading(number: i64) -> Reading {
    Reading {
        device: DeviceId::new("d/1").expect("an id"),
        kind: Kind::Temperature,
        value: Value::Number(20.0),
        unit: Some("°C".into()),
        quality: Quality::Good,
        at: now().plus_ms(number),
        received_at: now(),
        source_event: None,
        retained: false,
        is_test: false,
    }
}

/// An outbox of 50 alerts and 500 readings, closed well.
async fn filled(dir: &Path) {
    let options = OutboxOptions {
        dir: dir.to_owned(),
        config: OutboxConfig {
            telemetry_bytes_max: 64 << 20,
            reserve_bytes: 0,
            keep_accepted_ms: KEEP_MS,
        },
        synchronous: Synchronous::Full,
    };
    let opened = open(options, Arc::new(Health::default()))
        .await
        .expect("opened");
    let writer = tokio::spawn(opened.writer.run());
    let entry = Entry {
        alerts: (0..50).map(alert).collect(),
        readings: (0..500).map(reading).collect(),
        devices: vec![RememberedDevice {
            device: DeviceId::new("d/1").expect("an id"),
            facts: crate::detection::DeviceFacts {
                by: "p".into(),
                ..Default::default()
            },
        }],
        ..Entry::default()
    };
    opened.outbox.append(entry).await.expect("kept");
    drop(opened.outbox);
    writer.await.expect("no panic").expect("closed well");
}

async fn ask(dir: &Path, sql: &'static str) -> i64 {
    let options = connect_options(&dir.join("outbox.db"), Synchronous::Full);
    let pool = SqlitePool::connect_with(options).await.expect("opened");
    let number = sqlx::query_scalar(sql)
        .fetch_one(&pool)
        .await
        .expect("a number");
    pool.close().await;
    number
}

fn damage(dir: &Path, page: usize) {
    let path = dir.join("outbox.db");
    let mut bytes = std::fs::read(&path).expect("the file");
    bytes[(page - 1) * PAGE..page * PAGE].fill(0xA5);
    std::fs::write(&path, bytes).expect("written");
}

#[tokio::test]
async fn a_damaged_index_costs_nothing_and_the_identity_stays() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path()).await;
    let root = ask(
        dir.path(),
        "SELECT rootpage FROM sqlite_master WHERE name = 'alerts_unsent'",
    )
    .await;
    let before = verify::verify(dir.path(), KEEP_MS, now())
        .await
        .expect("read");
    assert!(before.good, "{before:?}");
    damage(dir.path(), usize::try_from(root).expect("a page"));
    let found = verify::verify(dir.path(), KEEP_MS, now())
        .await
        .expect("read");
    assert!(!found.good);
    let repaired = repair(dir.path(), KEEP_MS, now(), false)
        .await
        .expect("repaired");
    assert_eq!(
        (
            repaired.alerts,
            repaired.alerts_unsent,
            repaired.alerts_lost
        ),
        (50, 50, 0)
    );
    assert_eq!(
        (repaired.readings, repaired.readings_lost, repaired.devices),
        (500, 0, 1)
    );
    assert!(repaired.same_stream, "{repaired:?}");
    assert_eq!(Some(repaired.stream.0), before.stream);
    let after = verify::verify(dir.path(), KEEP_MS, now())
        .await
        .expect("read");
    assert!(after.good && after.last_sequence == 50, "{after:?}");
}

#[tokio::test]
async fn lost_readings_are_told_as_a_gap_and_cost_no_alert() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path()).await;
    // A leaf of the readings: a page that holds one of their texts in the middle.
    let bytes = std::fs::read(dir.path().join("outbox.db")).expect("the file");
    let holds = |page: &&usize| {
        let text = String::from_utf8_lossy(&bytes[(**page - 1) * PAGE..**page * PAGE]).into_owned();
        text.contains("temperature") && !text.contains("烟")
    };
    let pages: Vec<usize> = (1..=bytes.len() / PAGE).collect();
    let leaves: Vec<usize> = pages.iter().filter(holds).copied().collect();
    damage(dir.path(), leaves[leaves.len() / 2]);
    let repaired = repair(dir.path(), KEEP_MS, now(), false)
        .await
        .expect("repaired");
    assert_eq!(
        (repaired.alerts, repaired.alerts_lost, repaired.same_stream),
        (50, 0, true),
        "{repaired:?}"
    );
    assert!((1..100).contains(&repaired.readings_lost), "{repaired:?}");
    assert_eq!(repaired.readings as u64 + repaired.readings_lost, 500);
    let told = ask(dir.path(), "SELECT count FROM gaps").await;
    assert_eq!(u64::try_from(told).ok(), Some(repaired.readings_lost));
    let mut count = 0;
    let counting = |exported| {
        assert!(matches!(exported, Exported::Reading(_)));
        count += 1;
        Ok::<(), ()>(())
    };
    let done = export_readings(dir.path(), &Filter::default(), counting)
        .await
        .expect("read");
    assert_eq!((done, count), (Ok(()), repaired.readings));
}

#[tokio::test]
async fn a_count_that_is_behind_gets_a_new_identity() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path()).await;
    ask(dir.path(), "UPDATE meta SET last_sequence = 20 RETURNING 1").await;
    let found = verify::verify(dir.path(), KEEP_MS, now())
        .await
        .expect("read");
    assert!(
        found.problems.iter().any(|p| p.contains("given twice")),
        "{found:?}"
    );
    let repaired = repair(dir.path(), KEEP_MS, now(), false)
        .await
        .expect("repaired");
    assert!(
        !repaired.same_stream && repaired.alerts == 50,
        "{repaired:?}"
    );
}

#[tokio::test]
async fn young_messages_that_are_missing_are_a_loss_and_old_ones_are_not() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path()).await;
    ask(
        dir.path(),
        "DELETE FROM alerts WHERE sequence BETWEEN 10 AND 12 RETURNING 1",
    )
    .await;
    let later = now().plus_ms(2 * KEEP_MS);
    let found = verify::verify(dir.path(), KEEP_MS, later)
        .await
        .expect("read");
    assert!(found.good && found.cleaned_up == [(10, 12)], "{found:?}");
    let found = verify::verify(dir.path(), KEEP_MS, now())
        .await
        .expect("read");
    assert_eq!(found.missing, [(10, 12)]);
    let repaired = repair(dir.path(), KEEP_MS, now(), false)
        .await
        .expect("repaired");
    assert_eq!(
        (repaired.alerts, repaired.alerts_lost, repaired.same_stream),
        (47, 3, false)
    );
    let (backlog, rows) = look(dir.path(), 100).await.expect("read");
    assert_eq!((backlog.alerts, backlog.last_sequence), (47, 47));
    assert!(rows.iter().all(|row| row.alert.sequence <= Some(47)));
}
