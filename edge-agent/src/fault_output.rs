//! Local fault output: when an alert has not been accepted by the hub for too long (EN 54-21: 100 s),
//! people at the site must be able to see or hear it.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::process::Command;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::FaultOutputConfig;
use crate::health::{Health, text};
use crate::outbox::{Backlog, Outbox, OutboxError};

/// How often the outbox is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(500);
/// A switching command that takes longer is stopped.
const COMMAND_MAX: Duration = Duration::from_secs(10);

/// Watches the outbox until `stop`; leaves the output as it is then, since the alerts are still not delivered.
///
/// # Errors
/// When the outbox cannot be read.
pub async fn run(
    config: FaultOutputConfig,
    outbox: Outbox,
    clock: Clock,
    health: Arc<Health>,
    stop: CancellationToken,
) -> Result<(), OutboxError> {
    let mut output = Output {
        config,
        clock,
        health,
        looks: VecDeque::new(),
        on: None,
    };
    loop {
        tokio::select! {
            () = stop.cancelled() => return Ok(()),
            () = tokio::time::sleep(LOOK_EVERY) => {}
        }
        let backlog = outbox.backlog().await?;
        output.health.backlog_alerts.set(backlog.alerts);
        output.health.backlog_readings.set(backlog.readings);
        output.look(backlog).await;
    }
}

struct Output {
    config: FaultOutputConfig,
    clock: Clock,
    health: Arc<Health>,
    /// Highest sequence number at each look within the limit, oldest first: on the monotonic clock, so
    /// that a step of the wall clock changes nothing.
    looks: VecDeque<(Instant, u64)>,
    on: Option<bool>,
}

impl Output {
    /// Switches on when a message that was there `after_ms` ago is still not accepted.
    async fn look(&mut self, backlog: Backlog) {
        let now = Instant::now();
        let limit = Duration::from_millis(self.config.after_ms.unsigned_abs());
        self.looks.push_back((now, backlog.last_sequence));
        while self
            .looks
            .get(1)
            .is_some_and(|(at, _)| now.duration_since(*at) >= limit)
        {
            self.looks.pop_front();
        }
        let then = self
            .looks
            .front()
            .filter(|(at, _)| now.duration_since(*at) >= limit);
        let on = backlog
            .oldest_unsent_sequence
            .zip(then)
            .is_some_and(|(oldest, (_, there))| oldest <= *there);
        let waiting = backlog.alerts;
        if self.on == Some(on) {
            return;
        }
        // The first look finds out what an earlier run left on.
        let was_on = self
            .on
            .unwrap_or_else(|| self.config.file.as_deref().is_some_and(Path::exists) && !on);
        self.on = Some(on);
        if on || was_on {
            self.switch(on, waiting).await;
        }
    }

    async fn switch(&self, on: bool, waiting: u64) {
        let seconds = self.config.after_ms / 1000;
        if on {
            tracing::error!(
                waiting,
                "alerts have not been accepted by the hub for {seconds} s: local fault output ON"
            );
            let detail = text(
                format!("报警超过 {seconds} 秒未被中心接收，本地故障输出已打开"),
                format!("alerts not accepted by the hub for {seconds} s: local fault output on"),
            );
            self.health
                .raise_fault("alerts_not_delivered", "", self.clock.now().wall, detail);
        } else {
            tracing::info!("all alerts are accepted: local fault output off");
            self.health.clear_fault("alerts_not_delivered", "");
        }
        if let Some(file) = &self.config.file
            && let Err(error) = self.write(file, on, waiting)
        {
            tracing::error!(file = %file.display(), %error, "switching the local fault output's file");
        }
        if let Some((program, arguments)) = self.config.command.split_first() {
            self.command(program, arguments, on).await;
        }
    }

    fn write(&self, file: &Path, on: bool, waiting: u64) -> std::io::Result<()> {
        if !on {
            return match std::fs::remove_file(file) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
                _ => Ok(()),
            };
        }
        let now = self.clock.now().wall;
        std::fs::write(
            file,
            format!("{now} {waiting} alerts are not accepted by the hub\n"),
        )
    }

    async fn command(&self, program: &str, arguments: &[String], on: bool) {
        let child = Command::new(program)
            .args(arguments)
            .arg(if on { "on" } else { "off" })
            .kill_on_drop(true)
            .output();
        let why = match tokio::time::timeout(COMMAND_MAX, child).await {
            Ok(Ok(output)) if output.status.success() => return,
            Ok(Ok(output)) => format!(
                "{}: {}",
                output.status,
                String::from_utf8_lossy(&output.stderr).trim_end()
            ),
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("not done within {} s", COMMAND_MAX.as_secs()),
        };
        tracing::error!(program, why, "the local fault output's command failed");
    }
}
