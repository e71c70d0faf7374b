//! Readings a second through broker and agent at QoS 1 with none lost; CPU and memory of the agent.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use e2e::line::PATIENCE;
use e2e::metrics::usage;
use e2e::zigbee::topic;
use e2e::{Line, LineOptions, Publisher, eventually};

const DROPPED: &str = "$SYS/broker/publish/messages/dropped";

pub(crate) async fn measure(messages: u32, sensors: u32) -> Result<()> {
    let mut line = Line::start("throughput", LineOptions::default()).await?;
    let mut publisher = Publisher::connect(line.broker.port(), "flood").await?;
    // One full message makes a sensor known; afterwards it sends what has changed.
    for sensor in 0..sensors {
        let payload = br#"{"smoke":false,"temperature":21.5,"battery":98,"linkquality":120}"#;
        publisher
            .send(&topic(&name(sensor)), payload, false)
            .await?;
    }
    publisher.settle().await?;
    let known = f64::from(sensors);
    eventually("all sensors to be known", PATIENCE, async || {
        let devices = line.agent.metrics().await.ok()?.get("devices").ok()?;
        (devices >= known).then_some(())
    })
    .await?;
    let pid = line.agent.process()?.pid()?;
    let (before, counted) = (usage(pid)?, counters(&line).await?);

    let start = Instant::now();
    for number in 0..messages {
        let warmth = 21.0 + f64::from(number % 97) / 100.0;
        let payload = format!("{{\"temperature\":{warmth:.2}}}");
        let sensor = topic(&name(number % sensors));
        publisher.send(&sensor, payload.as_bytes(), false).await?;
    }
    publisher.settle().await?;
    let published = start.elapsed();
    let goal = counted.0 + f64::from(messages);
    eventually(
        "the agent to take all",
        Duration::from_secs(300),
        async || (counters(&line).await.ok()?.0 >= goal).then_some(()),
    )
    .await?;
    let (took, after, now) = (start.elapsed(), usage(pid)?, counters(&line).await?);

    let readings = now.1 - counted.1;
    ensure!(
        readings >= f64::from(messages),
        "{messages} readings were published, {readings} decoded"
    );
    let dropped = dropped(line.broker.port()).await?;
    ensure!(dropped == 0, "the broker dropped {dropped} messages");
    let cpu = after.cpu.saturating_sub(before.cpu);
    println!(
        "messages  sensors  published/s  through/s  CPU µs each  cores  RSS idle MiB  RSS peak MiB  dropped"
    );
    println!(
        "{messages:8}  {sensors:7}  {:11.0}  {:9.0}  {:11.1}  {:5.2}  {:12.1}  {:12.1}  {dropped:7}",
        f64::from(messages) / published.as_secs_f64(),
        f64::from(messages) / took.as_secs_f64(),
        cpu.as_secs_f64() * 1e6 / f64::from(messages),
        cpu.as_secs_f64() / took.as_secs_f64(),
        mebibytes(before.rss_kib),
        mebibytes(after.rss_peak_kib),
    );
    line.passed()
}

/// Messages received and readings decoded.
async fn counters(line: &Line) -> Result<(f64, f64)> {
    let metrics = line.agent.metrics().await?;
    Ok((metrics.get("mqtt_in")?, metrics.get("readings")?))
}

/// What the broker says that it has dropped.
async fn dropped(port: u16) -> Result<u64> {
    let mut listener = Publisher::connect(port, "dropped").await?;
    listener.subscribe(DROPPED).await?;
    let message = listener.receive(PATIENCE).await?;
    let text = String::from_utf8_lossy(&message.payload).into_owned();
    text.parse()
        .with_context(|| format!("`{text}` is no number"))
}

fn name(sensor: u32) -> String {
    format!("t{sensor:03}")
}

fn mebibytes(kibibytes: u64) -> f64 {
    kibibytes as f64 / 1024.0
}
