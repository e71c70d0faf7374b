//! Readings: the ring, and the copy to a server with the InfluxDB write API.

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gridwatch_protocol::{Kind, Timestamp};
use reqwest::Client;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::harness::{Hub, alert, batch, client_builder, eventually, reading};

fn rising(count: i32, end: Timestamp) -> Vec<gridwatch_protocol::Reading> {
    (0..count)
        .map(|n| {
            let value = if n == count / 2 {
                99.0
            } else {
                f64::from(n) / 100.0
            };
            reading(
                "meter",
                Kind::Temperature,
                value,
                end.plus_ms(i64::from(n - count) * 1_000),
            )
        })
        .collect()
}

#[tokio::test]
async fn chart_keeps_the_peak_when_points_are_thinned_out() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let mut sent = batch(vec![alert(1, "meter", Kind::Temperature)]);
    sent.readings = rising(1_500, hub::now());
    assert_eq!(hub.send(&sent).await.readings, 1_500);
    hub.send(&sent).await;
    let chart = eventually("the readings are in the ring", || async {
        let chart = duty
            .get("/api/v1/readings?device=meter&kind=temperature&max_points=100")
            .await;
        (chart["points"].as_array().unwrap().len() > 50).then_some(chart)
    })
    .await;
    let points = chart["points"].as_array().unwrap();
    assert!(points.len() <= 100 && chart["truncated"] == true);
    assert!(
        points.iter().any(|point| point[1] == 99.0),
        "the peak is in the chart"
    );
    assert_eq!(chart["unit"], "°C");
    let whole = duty
        .get("/api/v1/readings?device=meter&kind=temperature&max_points=2000")
        .await;
    assert_eq!(
        whole["points"].as_array().unwrap().len(),
        1_500,
        "sent twice, stored once"
    );
    let of_case = duty
        .get("/api/v1/cases/1/series?before_s=600&after_s=60")
        .await;
    assert_eq!(of_case["series"][0]["device"], "meter");
    assert_eq!(of_case["marks"][0]["label"]["en"], "reason");
    let devices = duty.get("/api/v1/gateways/gw-1/devices").await;
    assert_eq!(devices["items"], json!([]), "devices come with heartbeats");
}

#[tokio::test]
async fn readings_far_too_old_are_counted_and_readings_from_the_future_are_kept() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let now = hub::now();
    let mut sent = batch(vec![]);
    sent.readings.push(reading(
        "meter",
        Kind::Temperature,
        1.0,
        Timestamp::from_unix_ms(0),
    ));
    sent.readings.push(reading(
        "meter",
        Kind::Temperature,
        2.0,
        now.plus_ms(400_000_000_000),
    ));
    hub.send(&sent).await;
    eventually("the future reading, under its arrival", || async {
        let chart = duty
            .get("/api/v1/readings?device=meter&kind=temperature")
            .await;
        (chart["points"][0][1] == 2.0).then_some(())
    })
    .await;
    let text = hub
        .client
        .get(hub.url("/metrics"))
        .send()
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    assert!(
        text.contains("gridwatch_hub_readings_dropped_total 1"),
        "{text}"
    );
}

struct Server(Child);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn victoria_metrics(port: u16, dir: &TempDir) -> Server {
    let child = Command::new("victoria-metrics")
        .arg(format!("-httpListenAddr=127.0.0.1:{port}"))
        .arg(format!("-storageDataPath={}", dir.path().display()))
        .arg("-retentionPeriod=1")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .expect("victoria-metrics is not installed; `apt-get install victoria-metrics` gives it");
    Server(child)
}

fn free_port() -> u16 {
    std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

async fn exported(client: &Client, port: u16) -> Vec<Value> {
    let url = format!("http://127.0.0.1:{port}/api/v1/export?match[]=temperature_value");
    let Ok(response) = client.get(url).send().await else {
        return vec![];
    };
    let text = response.text().await.unwrap_or_default();
    text.lines()
        .filter_map(|line| serde_json::from_str(line).ok())
        .collect()
}

#[tokio::test]
async fn readings_reach_the_server_even_when_it_starts_later_than_the_hub() {
    let (port, dir) = (free_port(), TempDir::new().unwrap());
    let hub = Hub::start_with(|config| {
        config.influxdb.enabled = true;
        config.influxdb.url = format!("http://127.0.0.1:{port}");
    })
    .await;
    let mut sent = batch(vec![]);
    sent.readings = rising(100, hub::now());
    assert_eq!(
        hub.send(&sent).await.readings,
        100,
        "the hub works without the server"
    );
    let failed = async || {
        let text = hub
            .client
            .get(hub.url("/metrics"))
            .send()
            .await
            .unwrap()
            .text()
            .await
            .unwrap();
        (!text.contains("gridwatch_hub_influx_failures_total 0")).then_some(())
    };
    eventually("a first write fails", failed).await;
    let _server = victoria_metrics(port, &dir);
    let client = client_builder()
        .timeout(Duration::from_secs(5))
        .build()
        .unwrap();
    let rows = eventually("the points are on the server", || async {
        let rows = exported(&client, port).await;
        let points: usize = rows
            .iter()
            .map(|row| row["values"].as_array().unwrap().len())
            .sum();
        (points >= 100).then_some(rows)
    })
    .await;
    assert_eq!(rows[0]["metric"]["gateway"], "gw-1");
    assert_eq!(rows[0]["metric"]["device"], "meter");
    assert_eq!(rows[0]["metric"]["unit"], "°C");
    assert!(
        rows.iter()
            .flat_map(|row| row["values"].as_array().unwrap())
            .any(|value| *value == 99.0)
    );
}
