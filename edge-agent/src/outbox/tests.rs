//! The promises of the outbox, on real files.

use gridwatch_protocol::{
    AlertId, ClockQuality, DetectedBy, Kind, Phase, Place, Quality, ReceiptItem, ReceiptStatus,
    Severity, SiteId, Text, Value,
};
use uuid::Uuid;

use super::*;
use crate::config::OutboxConfig;
use crate::detection::{EpisodeKey, OpenEpisode};
use crate::health::Health;

fn options(dir: &std::path::Path) -> OutboxOptions {
    OutboxOptions {
        dir: dir.to_owned(),
        config: OutboxConfig {
            telemetry_bytes_max: 512 * 1024,
            reserve_bytes: 256 * 1024,
            keep_accepted_ms: 1_000,
        },
        synchronous: Synchronous::Full,
    }
}

struct Running {
    opened_episodes: Vec<OpenEpisode>,
    outbox: Outbox,
    writer: tokio::task::JoinHandle<Result<(), OutboxError>>,
    health: Arc<Health>,
}

async fn start(dir: &std::path::Path) -> Running {
    let health = Arc::new(Health::default());
    let opened = open(options(dir), health.clone()).await.expect("opened");
    Running {
        opened_episodes: opened.episodes,
        outbox: opened.outbox,
        writer: tokio::spawn(opened.writer.run()),
        health,
    }
}

impl Running {
    async fn stop(self) {
        drop(self.outbox);
        self.writer.await.expect("no panic").expect("closed well");
    }
}

fn alert(number: u128, kind: Kind) -> Alert {
    let at = Timestamp::from_unix_ms(1_000);
    Alert {
        id: AlertId(Uuid::from_u128(number)),
        revision: 0,
        phase: Phase::Raised,
        sequence: None,
        boot_epoch: 0,
        kind,
        severity: Severity::P2,
        device: DeviceId::new("d|1").expect("valid"),
        device_known: false,
        site: SiteId::new("s").expect("valid"),
        place: Place::default(),
        raised_at: at,
        at,
        clock: ClockQuality::Plausible,
        detected_by: DetectedBy::Rule { rule: "r".into() },
        score: None,
        reason: Text::default(),
        evidence: Vec::new(),
        source_event: Some(format!("event-{number}")),
        is_test: false,
    }
}

fn alerts(alerts: Vec<Alert>) -> Entry {
    Entry {
        alerts,
        ..Entry::default()
    }
}

fn receipt(alerts: &[Alert], status: &ReceiptStatus) -> Receipt {
    Receipt {
        items: alerts
            .iter()
            .map(|alert| ReceiptItem {
                sequence: alert.sequence.expect("stored"),
                id: alert.id,
                status: status.clone(),
            })
            .collect(),
        readings: 0,
        gaps: 0,
        hub_time: Timestamp::from_unix_ms(0),
    }
}

#[tokio::test]
async fn sequence_goes_on_without_gaps_over_restarts_and_epochs_count_the_starts() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let mut sequences = Vec::new();
    let mut stream = None;
    for start_number in 1..=3_u64 {
        let running = start(dir.path()).await;
        assert_eq!(running.outbox.boot_epoch(), start_number);
        assert_eq!(
            *stream.get_or_insert(running.outbox.stream()),
            running.outbox.stream()
        );
        for n in 0..5 {
            let id = u128::from(start_number * 100 + n);
            let stored = running
                .outbox
                .append(alerts(vec![alert(id, Kind::Door)]))
                .await
                .expect("stored");
            assert_eq!(stored[0].boot_epoch, start_number);
            sequences.push(stored[0].sequence.expect("given"));
        }
        running.stop().await;
    }
    assert_eq!(sequences, (1..=15).collect::<Vec<u64>>());
}

#[tokio::test]
async fn life_safety_is_taken_first_and_its_newest_first() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let running = start(dir.path()).await;
    let kinds = [Kind::Door, Kind::Smoke, Kind::Door, Kind::Gas];
    let entry = alerts((0..).zip(kinds).map(|(n, kind)| alert(n, kind)).collect());
    running.outbox.append(entry).await.expect("stored");
    let taken = running.outbox.take_alerts(3).await.expect("taken");
    let order: Vec<_> = taken
        .alerts
        .iter()
        .map(|a| a.sequence.expect("given"))
        .collect();
    assert_eq!(order, [4, 2, 1]);
    running.stop().await;
}

#[tokio::test]
async fn only_a_receipt_settles_and_a_second_one_changes_nothing() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let running = start(dir.path()).await;
    let outbox = &running.outbox;
    let stored = outbox
        .append(alerts(vec![
            alert(1, Kind::Smoke),
            alert(2, Kind::Smoke),
            alert(3, Kind::Smoke),
        ]))
        .await
        .expect("stored");
    let now = Timestamp::from_unix_ms(10_000);
    for _ in 0..2 {
        let done = receipt(&stored[..1], &ReceiptStatus::Accepted);
        outbox
            .settle(done, vec![], vec![], now)
            .await
            .expect("settled");
    }
    let refused = ReceiptStatus::Rejected {
        reason: "no".into(),
    };
    let kept_aside = receipt(&stored[1..2], &refused);
    outbox
        .settle(kept_aside, vec![], vec![], now)
        .await
        .expect("settled");
    let backlog = outbox.backlog().await.expect("read");
    assert_eq!(
        (backlog.alerts, backlog.rejected, backlog.last_sequence),
        (1, 1, 3)
    );
    let states: Vec<RowState> = outbox
        .list(10)
        .await
        .expect("read")
        .into_iter()
        .map(|r| r.state)
        .collect();
    assert_eq!(
        states,
        [
            RowState::Unsent,
            RowState::Rejected {
                reason: "no".into()
            },
            RowState::Accepted
        ]
    );
    // The hub was set back: what it has lost is sent again, what was never accepted stays as it is.
    assert_eq!(outbox.send_again(vec![(1, 3)]).await.expect("marked"), 1);
    assert_eq!(outbox.backlog().await.expect("read").alerts, 2);
    running.stop().await;
}

#[tokio::test]
async fn accepted_alerts_are_deleted_after_their_time_and_others_never() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let running = start(dir.path()).await;
    let outbox = &running.outbox;
    let stored = outbox
        .append(alerts(vec![alert(1, Kind::Smoke), alert(2, Kind::Smoke)]))
        .await
        .expect("stored");
    let settled = Timestamp::from_unix_ms(10_000);
    let done = receipt(&stored[..1], &ReceiptStatus::Duplicate);
    outbox
        .settle(done, vec![], vec![], settled)
        .await
        .expect("settled");
    outbox
        .clean_up(settled.plus_ms(500))
        .await
        .expect("cleaned");
    assert_eq!(outbox.list(10).await.expect("read").len(), 2);
    outbox
        .clean_up(settled.plus_ms(5_000))
        .await
        .expect("cleaned");
    let left = outbox.list(10).await.expect("read");
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].state, RowState::Unsent);
    running.stop().await;
}

#[tokio::test]
async fn open_episodes_devices_and_source_events_come_back() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let running = start(dir.path()).await;
    let device = DeviceId::new("d|1").expect("valid");
    let key = EpisodeKey::new("r", &device);
    let episode = OpenEpisode {
        key: key.clone(),
        alert: alert(1, Kind::Smoke),
        held: false,
    };
    let remembered = RememberedDevice {
        device: device.clone(),
        facts: crate::detection::DeviceFacts {
            by: "p".into(),
            silent_after_ms: Some(1),
            ..Default::default()
        },
    };
    let entry = Entry {
        alerts: vec![alert(1, Kind::Smoke)],
        episodes: vec![crate::detection::EpisodeChange::Opened(Box::new(
            episode.clone(),
        ))],
        devices: vec![remembered.clone()],
        ..Entry::default()
    };
    running.outbox.append(entry).await.expect("stored");
    running.stop().await;
    let health = Arc::new(Health::default());
    let opened = open(options(dir.path()), health).await.expect("opened");
    assert_eq!(opened.episodes, [episode]);
    assert_eq!(opened.devices, [remembered]);
    assert_eq!(opened.source_events[&key], ["event-1"]);
}

#[tokio::test]
async fn telemetry_over_its_budget_is_given_up_counted_and_told_and_alerts_stay() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let running = start(dir.path()).await;
    let at = Timestamp::from_unix_ms(5_000);
    let reading = Reading {
        device: DeviceId::new("d".repeat(200)).expect("valid"),
        kind: Kind::Temperature,
        value: Value::Number(21.5),
        unit: Some("°C".into()),
        quality: Quality::Good,
        at,
        received_at: at,
        source_event: None,
        retained: false,
        is_test: false,
    };
    for n in 0..80 {
        let entry = Entry {
            alerts: vec![alert(n, Kind::Door)],
            readings: vec![reading.clone(); 100],
            ..Entry::default()
        };
        running.outbox.append(entry).await.expect("stored");
    }
    let evicted = running.health.readings_evicted.get();
    assert!(evicted > 0);
    let backlog = running.outbox.backlog().await.expect("read");
    assert_eq!(backlog.alerts, 80);
    assert_eq!(backlog.readings + evicted, 8_000);
    let gaps = running.outbox.take_telemetry(0).await.expect("taken").gaps;
    assert_eq!(gaps.iter().map(|gap| gap.count).sum::<u64>(), evicted);
    assert_eq!(gaps[0].from, at);
    running.stop().await;
}

#[tokio::test]
async fn a_second_agent_on_the_same_outbox_is_refused() {
    let dir = tempfile::tempdir().expect("a temp dir");
    let running = start(dir.path()).await;
    let error = open(options(dir.path()), Arc::new(Health::default()))
        .await
        .expect_err("refused");
    assert!(matches!(error, OutboxError::InUse { .. }), "{error}");
    assert_eq!(running.opened_episodes, []);
    running.stop().await;
}

#[tokio::test]
async fn an_outbox_of_a_newer_agent_and_a_file_that_is_none_are_refused_with_what_to_do() {
    let dir = tempfile::tempdir().expect("a temp dir");
    start(dir.path()).await.stop().await;
    let file = dir.path().join("outbox.db");
    let url = format!("sqlite://{}", file.display());
    let pool = SqlitePool::connect(&url).await.expect("connected");
    sqlx::raw_sql("PRAGMA user_version = 99")
        .execute(&pool)
        .await
        .expect("set");
    pool.close().await;
    let error = open(options(dir.path()), Arc::new(Health::default()))
        .await
        .expect_err("refused");
    assert!(
        error.to_string().contains("install that version again"),
        "{error}"
    );
    std::fs::write(
        &file,
        b"this is no database, but long enough to be looked at",
    )
    .expect("written");
    for side in ["outbox.db-wal", "outbox.db-shm"] {
        std::fs::remove_file(dir.path().join(side)).ok();
    }
    let error = open(options(dir.path()), Arc::new(Health::default()))
        .await
        .expect_err("refused");
    assert!(error.to_string().contains("outbox.db"), "{error}");
}
