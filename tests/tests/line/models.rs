//! Anomaly models that change, break and are killed while the agent runs.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use e2e::building::{Building, GATEWAY};
use e2e::line::PATIENCE;
use e2e::mqtt::Publisher;
use e2e::paths::repository;
use e2e::{Line, LineOptions, eventually};
use minisign::KeyPair;
use serde_json::{Value as Json, json};

/// A folder of bundles that a test may change, signed with a key of its own.
struct Bundles {
    folder: tempfile::TempDir,
    pair: KeyPair,
}

impl Bundles {
    fn make() -> Result<Self> {
        let bundles = Self {
            folder: tempfile::tempdir()?,
            pair: KeyPair::generate_unencrypted_keypair()?,
        };
        for id in ["env-fuser", "count-fuser"] {
            std::fs::create_dir(bundles.path(id))?;
            for name in ["manifest.toml", "model.onnx", "golden.csv"] {
                let from = repository().join("models").join(id).join(name);
                std::fs::copy(from, bundles.path(id).join(name))?;
            }
            bundles.sign(id)?;
        }
        Ok(bundles)
    }

    fn path(&self, id: &str) -> PathBuf {
        self.folder.path().join(id)
    }

    fn sign(&self, id: &str) -> Result<()> {
        let manifest = std::fs::read(self.path(id).join("manifest.toml"))?;
        let signature = minisign::sign(None, &self.pair.sk, manifest.as_slice(), None, None)?;
        let path = self.path(id).join("manifest.toml.minisig");
        Ok(std::fs::write(path, signature.to_string())?)
    }

    /// Changes lines of the manifest that begin with a key, and signs it.
    fn set(&self, id: &str, key: &str, value: &str) -> Result<()> {
        let path = self.path(id).join("manifest.toml");
        let text = std::fs::read_to_string(&path)?;
        let begin = format!("{key} = ");
        ensure!(
            text.lines().any(|line| line.starts_with(&begin)),
            "no {key} in {text}"
        );
        let lines: Vec<String> = text
            .lines()
            .map(|line| {
                if line.starts_with(&begin) {
                    format!("{begin}{value}")
                } else {
                    line.to_owned()
                }
            })
            .collect();
        std::fs::write(&path, lines.join("\n") + "\n")?;
        self.sign(id)
    }

    /// The agent's configuration of these models.
    fn config(&self) -> toml::Table {
        let mut model = toml::Table::new();
        model.insert("bundles".into(), text(self.folder.path()));
        let keys = toml::Value::Array(vec![self.pair.pk.to_base64().into()]);
        model.insert("public_keys".into(), keys);
        model.insert("interval_s".into(), 0.1.into());
        let mut config = toml::Table::new();
        config.insert("model".into(), model.into());
        config
    }
}

fn text(path: &Path) -> toml::Value {
    path.display().to_string().into()
}

/// One reading of a room sensor, as Zigbee2MQTT gives it.
fn climate(temperature: f64, humidity: f64) -> String {
    format!(r#"{{"temperature":{temperature:.2},"humidity":{humidity:.1}}}"#)
}

async fn model_metric(line: &Line, name: &str) -> Result<f64> {
    line.agent.metrics().await?.get(&format!("model_{name}"))
}

async fn wait_models(line: &Line, builds: f64) -> Result<()> {
    eventually("the models to run", PATIENCE, async || {
        // Sum over both models.
        let sum = model_metric(line, "build").await.ok()?;
        ((sum - builds).abs() < 0.5).then_some(())
    })
    .await
}

async fn wait_fault(line: &Line, code: &str, is_there: bool) -> Result<()> {
    let what = format!("fault {code} to {}", if is_there { "come" } else { "go" });
    eventually(&what, PATIENCE, async || {
        let faults = line.agent.faults().await.ok()?;
        (faults.iter().any(|fault| fault == code) == is_there).then_some(())
    })
    .await
}

/// The builds of both models as officers see them; heartbeats bring them.
async fn wait_shown_at_hub(line: &Line, builds: &Json) -> Result<()> {
    let path = format!("/gateways/{GATEWAY}/models");
    eventually("the hub to show the builds", PATIENCE, async || {
        let shown = line.officer.get(&path).await.ok()?;
        let items = shown["items"].as_array()?;
        let shown: Vec<&Json> = items.iter().map(|model| &model["build"]).collect();
        (json!(shown) == *builds).then_some(())
    })
    .await
}

fn room() -> Building {
    Building::new().device("zigbee2mqtt/room", "1", "kitchen", 0)
}

#[tokio::test]
async fn model_swapped_in_a_flood_loses_no_reading_and_a_bad_or_older_one_leaves_the_one_that_runs()
-> Result<()> {
    let bundles = Bundles::make()?;
    bundles.set("env-fuser", "build", "100")?;
    bundles.set("count-fuser", "build", "1000")?;
    let options = LineOptions {
        building: room().with(bundles.config()),
        ..LineOptions::default()
    };
    let line = Line::start("models", options).await?;
    wait_models(&line, 1_100.0).await?;
    ensure!(
        !line
            .agent
            .faults()
            .await?
            .iter()
            .any(|fault| fault.starts_with("model"))
    );

    let mut publisher = Publisher::connect(line.broker.port(), "room").await?;
    let before = line.agent.metrics().await?.get("readings")?;
    let mut sent = 0_u32;
    bundles.set("env-fuser", "build", "101")?;
    eventually("the newer build to run", PATIENCE, async || {
        for _ in 0..50 {
            let warm = 21.0 + f64::from(sent % 5) * 0.05;
            publisher
                .publish("zigbee2mqtt/room", climate(warm, 45.0).as_bytes(), false)
                .await
                .ok()?;
            sent += 1;
        }
        let sum = model_metric(&line, "build").await.ok()?;
        (sum > 1_100.5).then_some(())
    })
    .await?;
    let expected = before + 2.0 * f64::from(sent);
    eventually("every reading to arrive", PATIENCE, async || {
        let readings = line.agent.metrics().await.ok()?.get("readings").ok()?;
        (readings >= expected).then_some(())
    })
    .await?;
    let readings = line.agent.metrics().await?.get("readings")?;
    ensure!(
        (readings - expected).abs() < 0.5,
        "{readings} readings of {expected}"
    );
    ensure!(
        line.agent.metrics().await?.get("model_scored")? > 0.0,
        "no row was scored"
    );

    // Refused for its hash, then for its age; each time the one that runs goes on, and a fault says why.
    let raised = line.agent.metrics().await?.get("alerts_raised")?;
    let good = std::fs::read(bundles.path("env-fuser").join("model.onnx"))?;
    std::fs::write(bundles.path("env-fuser").join("model.onnx"), b"no model")?;
    wait_fault(&line, "model_refused", true).await?;
    wait_models(&line, 1_101.0).await?;
    eventually("the device-health alert", PATIENCE, async || {
        let now = line.agent.metrics().await.ok()?.get("alerts_raised").ok()?;
        (now > raised).then_some(())
    })
    .await?;
    std::fs::write(bundles.path("env-fuser").join("model.onnx"), good)?;
    wait_fault(&line, "model_refused", false).await?;
    bundles.set("env-fuser", "build", "100")?;
    wait_fault(&line, "model_refused", true).await?;
    wait_models(&line, 1_101.0).await?;

    // A restart does not forget what was accepted.
    let mut line = line;
    line.agent.kill()?;
    line.agent.start().await?;
    wait_fault(&line, "model_refused", true).await?;
    wait_models(&line, 1_101.0).await?;
    wait_shown_at_hub(&line, &json!([101, 1_000])).await?;
    line.passed()
}

#[tokio::test]
async fn agent_killed_in_an_episode_tells_of_it_once() -> Result<()> {
    let bundles = Bundles::make()?;
    // The statistics decide, whose alerts need no trained fire: heat and humidity rise together.
    for id in ["env-fuser", "count-fuser"] {
        bundles.set(id, "enabled", "false")?;
    }
    // Without rules of its own this room has only the models to speak for it.
    let mut config = bundles.config();
    config.insert("rules".into(), toml::Value::Array(Vec::new()));
    let options = LineOptions {
        building: room().with(config),
        ..LineOptions::default()
    };
    let mut line = Line::start("models-kill", options).await?;
    let port = line.broker.port();
    let mut publisher = Publisher::connect(port, "room").await?;
    let mut warm = 21.0;
    let raised = async |line: &Line| line.agent.metrics().await?.get("alerts_raised");
    // A quiet room first, so that its scales are known.
    for step in 0..300_u32 {
        let quiet = climate(
            21.0 + f64::from(step % 5) * 0.05,
            45.0 + f64::from(step % 3) * 0.2,
        );
        publisher
            .publish("zigbee2mqtt/room", quiet.as_bytes(), false)
            .await?;
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    ensure!(raised(&line).await? < 0.5, "a quiet room is no alert");
    eventually("the models' alert", PATIENCE, async || {
        warm += 0.8;
        let hot = climate(warm, 45.0 + warm);
        publisher
            .publish("zigbee2mqtt/room", hot.as_bytes(), false)
            .await
            .ok()?;
        (raised(&line).await.ok()? > 0.5).then_some(())
    })
    .await?;
    line.wait_cases(1).await?;
    // Its state is kept soon after the alert.
    let state = line.agent.state().join("anomaly-state.jsonl");
    eventually("the state to be kept", PATIENCE, async || {
        state.is_file().then_some(())
    })
    .await?;
    line.agent.kill()?;
    line.agent.start().await?;
    line.agent.wait_subscribed(port).await?;
    let scored = async |line: &Line| line.agent.metrics().await?.get("model_scored");
    let begun = scored(&line).await?;
    eventually("rows after the restart", PATIENCE, async || {
        let hot = climate(warm, 45.0 + warm);
        publisher
            .publish("zigbee2mqtt/room", hot.as_bytes(), false)
            .await
            .ok()?;
        (scored(&line).await.ok()? > begun + 40.0).then_some(())
    })
    .await?;
    let again = raised(&line).await?;
    ensure!(again < 0.5, "{again} alerts after the restart");
    line.wait_cases(1).await?;
    line.passed()
}

/// A shared ONNX Runtime: named by the environment, or the Python package's in `models/.venv`.
fn onnx_runtime() -> Option<PathBuf> {
    if let Some(path) = std::env::var_os("GRIDWATCH_ONNX_RUNTIME") {
        return Some(path.into());
    }
    let entries = |folder: PathBuf| std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries(repository().join("models/.venv/lib"))
        .map(|python| python.path().join("site-packages/onnxruntime/capi"))
        .flat_map(entries)
        .map(|entry| entry.path())
        .find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.starts_with("libonnxruntime.so")
        })
}

#[tokio::test]
async fn both_runtimes_give_the_same_verdicts() -> Result<()> {
    let Some(library) = onnx_runtime() else {
        eprintln!(
            "left out: no ONNX Runtime; `make setup` installs it, or GRIDWATCH_ONNX_RUNTIME names it"
        );
        return Ok(());
    };
    let program = e2e::paths::built_program("examples/model_rows")?;
    for id in ["env-fuser", "count-fuser"] {
        let bundle = repository().join("models").join(id);
        let outputs = |library: Option<&Path>| -> Result<Vec<f32>> {
            let mut command = std::process::Command::new(&program);
            let output = command.arg(&bundle).args(library).output()?;
            ensure!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            let text = String::from_utf8(output.stdout)?;
            text.split_ascii_whitespace()
                .map(|number| number.parse().with_context(|| number.to_owned()))
                .collect()
        };
        let (ours, theirs) = (outputs(None)?, outputs(Some(&library))?);
        ensure!(
            ours.len() > 10_000 && ours.len() == theirs.len(),
            "{} {}",
            ours.len(),
            theirs.len()
        );
        let worst = ours
            .iter()
            .zip(&theirs)
            .map(|(a, b)| (a - b).abs())
            .fold(0.0, f32::max);
        ensure!(worst <= 1e-4, "{id}: outputs differ by {worst}");
        println!("{id}: {} outputs differ by at most {worst:e}", ours.len());
    }
    Ok(())
}
