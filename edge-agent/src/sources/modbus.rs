//! Modbus source: polls units by the register map of their profile, over TCP, a serial port, or RTU
//! frames in a TCP stream.
//!
//! One task for each physical line asks one request at a time, in the order of [`schedule`]; what a
//! request reads is decided by [`plan`]; whether an answer can be the right one by [`wire`].
//!
//! **No value may ever come from another register.** An answer counts only if its length, unit, function
//! and, over TCP, transaction number are right. Serial answers carry no number: after a time-out or a
//! wrong answer the line is read until it is silent, and the unit is *out of step* until it has answered
//! a read of a length that none of its requests has. What remains on a serial line: an answer that a
//! unit sends twice, or so late that it outlives that exchange, can be taken for a later one of the same
//! length; the plan gives a unit's requests different lengths where the device allows it, and then
//! such an answer is refused too. Bytes changed on a TCP connection cannot be noticed here.
//!
//! A unit that does not answer is probed in free time only and delays nobody; how late each unit is
//! polled is published in [`crate::health::ModbusHealth`].
//!
//! It must never write to a unit.

pub mod plan;
pub mod schedule;
mod tap;
mod trouble;
mod unit;
pub mod wire;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};
use tokio_modbus::ExceptionCode;
use tokio_util::sync::CancellationToken;

use super::{Body, Frame};
use crate::clock::Clock;
use crate::config::{ModbusConfig, ModbusTransport};
use crate::health::Health;
use gridwatch_decode::profile::Profile;
use gridwatch_decode::{RegisterBlock, Registers};
use schedule::{Heard, Next, Schedule};
use unit::{Poll, Unit};
use wire::{Trouble, Wire};

/// What a failed probe may cost beside its wait: silence on a serial line, a new connection otherwise,
/// and the timer's tick.
const PROBE_OVERHEAD: Duration = Duration::from_millis(30);

/// Runs one line with its units until `stop`.
pub async fn run(
    config: ModbusConfig,
    mut profiles: watch::Receiver<Arc<[Profile]>>,
    clock: Clock,
    frames: Sender<Frame>,
    health: Arc<Health>,
    stop: CancellationToken,
) {
    loop {
        let present = profiles.borrow_and_update().clone();
        let mut line = Line::new(&config, &present, &clock, &frames, &health);
        // A poll that is cut off is read again.
        tokio::select! {
            () = stop.cancelled() => return,
            () = line.run() => return,
            Ok(()) = profiles.changed() => {
                tracing::info!(line = config.name, "polling by the changed profiles");
            }
        }
    }
}

struct Line {
    wire: Wire,
    schedule: Schedule,
    units: Vec<Unit>,
    timeout: Duration,
    clock: Clock,
    frames: Sender<Frame>,
    health: Arc<Health>,
}

impl Line {
    fn new(
        config: &ModbusConfig,
        profiles: &[Profile],
        clock: &Clock,
        frames: &Sender<Frame>,
        health: &Arc<Health>,
    ) -> Self {
        let units: Vec<Unit> = config
            .units
            .iter()
            .filter_map(|unit| {
                let profile = profiles.iter().find(|p| p.id == unit.profile)?;
                Unit::new(&config.name, unit, profile, health)
            })
            .collect();
        let timeout = Duration::from_millis(config.timeout_ms);
        let intervals: Vec<Duration> = units.iter().map(|unit| unit.interval).collect();
        let pause = Duration::from_millis(config.pause_ms);
        let settle = units.iter().map(|unit| unit.settle).max();
        if let ModbusTransport::Rtu(serial) = &config.transport {
            tracing::info!(line = config.name, device = %serial.device.display(), "Modbus on a serial port");
        }
        Self {
            wire: Wire::new(
                config.transport.clone(),
                timeout,
                pause,
                settle.unwrap_or_default(),
            ),
            schedule: Schedule::new(&intervals, timeout, PROBE_OVERHEAD + pause, Instant::now()),
            units,
            timeout,
            clock: clock.clone(),
            frames: frames.clone(),
            health: health.clone(),
        }
    }

    /// Ends when nobody takes the frames any more.
    async fn run(&mut self) {
        loop {
            let goes_on = match self.schedule.next(Instant::now()) {
                Next::Wait(at) => {
                    sleep_until(at).await;
                    true
                }
                Next::Ask(index) => self.ask(index).await,
                Next::Probe(index, limit) => self.probe(index, limit).await,
                // No unit has anything to read: the line stays, so that its task does.
                Next::Nothing => std::future::pending().await,
            };
            if !goes_on {
                return;
            }
        }
    }

    /// Sends one request of a unit's poll. False when nobody takes the frames any more.
    async fn ask(&mut self, index: usize) -> bool {
        let now = Instant::now();
        let lateness = now.saturating_duration_since(self.schedule.due(index));
        let unit = &mut self.units[index];
        let poll = unit.poll.get_or_insert_with(|| Poll::new(now, lateness));
        let Some(request) = unit.plan.requests.get(poll.next).copied() else {
            return self.end(index).await;
        };
        let limit = unit.timeout.unwrap_or(self.timeout);
        let outcome = match self.bring_into_step(index, limit).await {
            Ok(()) => self.read(index, request, limit).await,
            Err(trouble) => Err(trouble),
        };
        let unit = &mut self.units[index];
        let Some(poll) = &mut unit.poll else {
            return true;
        };
        let more = match outcome {
            Ok(block) => {
                poll.blocks.push(block);
                poll.next += 1;
                poll.next < unit.plan.requests.len()
            }
            Err(trouble) if is_about_the_address(&trouble) && unit.plan.more_exact(poll.next) => {
                unit.health.trouble("refused_together");
                tracing::info!(source = %unit.source, %trouble, "reading the same values by smaller requests from now on");
                true
            }
            Err(trouble) if trouble.is_from_the_unit() => {
                // The other blocks may be readable all the same.
                unit.health.trouble(trouble.kind());
                poll.refused = Some(trouble);
                poll.next += 1;
                poll.next < unit.plan.requests.len()
            }
            Err(trouble @ Trouble::Wrong(_)) if !poll.retried => {
                unit.health.trouble(trouble.kind());
                tracing::debug!(source = %unit.source, %trouble, "asking again");
                poll.retried = true;
                true
            }
            Err(trouble) => {
                poll.failed = Some(trouble);
                false
            }
        };
        if more {
            let ready = Instant::now() + unit.pause;
            self.schedule.goes_on(index, ready);
            return true;
        }
        self.end(index).await
    }

    /// A unit that is out of step is brought back by a read that cannot be mistaken.
    async fn bring_into_step(&mut self, index: usize, limit: Duration) -> Result<(), Trouble> {
        let unit = &mut self.units[index];
        if unit.in_step {
            return Ok(());
        }
        let Some(step) = unit.plan.in_step(unit.turn) else {
            return Ok(());
        };
        unit.turn = unit.turn.wrapping_add(1);
        match self.read(index, step, limit).await {
            Err(trouble) if !trouble.is_from_the_unit() => Err(trouble),
            _ => {
                self.units[index].in_step = true;
                Ok(())
            }
        }
    }

    async fn read(
        &mut self,
        index: usize,
        request: plan::Request,
        limit: Duration,
    ) -> Result<RegisterBlock, Trouble> {
        let unit = &mut self.units[index];
        let asked = Instant::now();
        let outcome = self.wire.read(unit.number, request, limit).await;
        unit.asked = Some(asked);
        match &outcome {
            Ok(_) => {
                let bytes = self.wire.bytes_take(request);
                self.schedule.learn(asked.elapsed().saturating_sub(bytes));
            }
            Err(trouble) => unit.in_step &= trouble.is_from_the_unit(),
        }
        outcome
    }

    /// Counts and hands on what became of a poll.
    async fn end(&mut self, index: usize) -> bool {
        let unit = &mut self.units[index];
        let Some(poll) = unit.poll.take() else {
            return true;
        };
        let (lateness, took) = (poll.lateness, poll.started.elapsed());
        let outcome = poll.outcome();
        let heard = match &outcome {
            Err(Trouble::NoLine(_)) => Heard::NoLine,
            Err(trouble) if !trouble.is_from_the_unit() => Heard::No,
            _ => Heard::Yes,
        };
        let missed = self.schedule.ended(index, heard, Instant::now());
        unit.health.missed(missed);
        unit.health.set_open(self.schedule.is_open(index));
        match &outcome {
            Ok(_) => {
                unit.health.answered(lateness, took);
                self.health.modbus_in.inc();
            }
            Err(trouble) => {
                unit.health.failed(trouble.kind(), lateness, took);
                self.health.modbus_failed.inc();
            }
        }
        self.tell(index, outcome).await
    }

    /// Sees whether a unit answers again.
    async fn probe(&mut self, index: usize, limit: Duration) -> bool {
        let unit = &mut self.units[index];
        unit.health.probed();
        let long_ago = unit
            .asked
            .is_none_or(|asked| asked.elapsed() >= schedule::PROBE_MIN);
        unit.plain_probe = long_ago && !unit.plain_probe;
        let outcome = match unit.plan.requests.first().copied() {
            // Some devices answer nothing but the reads that they know. After so long without a
            // request no answer is on its way.
            Some(request) if unit.plain_probe => self.read(index, request, limit).await.map(drop),
            _ => self.bring_into_step(index, limit).await,
        };
        let answered = match &outcome {
            Ok(()) => true,
            Err(trouble) => trouble.is_from_the_unit(),
        };
        let unit = &mut self.units[index];
        unit.in_step |= answered;
        self.schedule.probed(index, answered, Instant::now());
        unit.health.set_open(self.schedule.is_open(index));
        if answered {
            tracing::info!(source = %unit.source, "Modbus unit answers again");
        }
        true
    }

    /// Hands on what was read; whether the unit can be read, only when that has changed.
    async fn tell(&mut self, index: usize, outcome: Result<Vec<RegisterBlock>, Trouble>) -> bool {
        let unit = &mut self.units[index];
        let changed = unit.readable != Some(outcome.is_ok());
        unit.readable = Some(outcome.is_ok());
        let mut bodies = Vec::with_capacity(2);
        match outcome {
            Ok(blocks) => {
                if changed {
                    bodies.push(Body::Link(Ok(())));
                }
                bodies.push(Body::Registers(Registers {
                    device: unit.device.clone(),
                    profile: unit.profile.clone(),
                    blocks,
                }));
            }
            Err(error) if changed => {
                tracing::warn!(source = %unit.source, %error, "Modbus unit gives no readings");
                bodies.push(Body::Link(Err(error.to_string())));
            }
            Err(_) => {}
        }
        for body in bodies {
            let frame = Frame {
                source: unit.source.clone(),
                received: self.clock.now(),
                body,
            };
            if self.frames.send(frame).await.is_err() {
                return false;
            }
        }
        true
    }
}

/// Whether smaller requests may be answered where this one was not.
fn is_about_the_address(trouble: &Trouble) -> bool {
    matches!(
        trouble,
        Trouble::Refused {
            exception: ExceptionCode::IllegalDataAddress | ExceptionCode::IllegalDataValue,
            ..
        }
    )
}

#[cfg(test)]
mod tests;
