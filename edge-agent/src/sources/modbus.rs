//! Modbus TCP source: polls units by the register map of their profile.
//!
//! A value can never come from another register: after any time-out or broken answer the connection
//! is dropped, the transaction identifier is checked by the library, and the length of an answer is
//! checked here (the library passes short answers on). A unit that does not answer is asked less and
//! less often and, with a connection of its own, delays nobody.

mod plan;

pub use plan::{Request, plan};

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::mpsc::Sender;
use tokio::time::Instant;
use tokio_modbus::client::{Context, Reader, tcp};
use tokio_modbus::{ExceptionCode, Slave};
use tokio_util::sync::CancellationToken;

use super::{Body, Frame};
use crate::clock::Clock;
use crate::config::{ModbusConfig, ModbusUnit};
use crate::health::Health;
use gridwatch_decode::profile::{Profile, Table};
use gridwatch_decode::{RegisterBlock, Registers};

/// Failures in a row after which a unit is asked only now and then.
const BREAKER_FAILURES: u32 = 3;
/// Pause between two tries of a unit that does not answer, doubled up to the second value.
const PROBE_MIN: Duration = Duration::from_secs(2);
const PROBE_MAX: Duration = Duration::from_secs(30);

/// Why a poll gave nothing.
#[derive(Debug, thiserror::Error)]
enum PollError {
    /// The unit answered that it will not: the line is good.
    #[error(
        "the unit refused to read {table:?} {address}: {exception}; check the profile's register map"
    )]
    Refused {
        table: Table,
        address: u16,
        exception: ExceptionCode,
    },
    /// The line is not good; the connection must not be used again.
    #[error("{0}")]
    Broken(String),
}

/// Runs one line (one connection) with its units until `stop`.
pub async fn run(
    config: ModbusConfig,
    profiles: Vec<Profile>,
    clock: Clock,
    frames: Sender<Frame>,
    health: Arc<Health>,
    stop: CancellationToken,
) {
    let mut line = Line {
        units: config
            .units
            .iter()
            .filter_map(|unit| {
                let profile = profiles.iter().find(|p| p.id == unit.profile)?;
                Some(Unit::new(unit.clone(), plan(&profile.channels)))
            })
            .collect(),
        config,
        connection: None,
        clock,
        frames,
        health,
    };
    // A poll that is cut off by `stop` is read again after the next start.
    tokio::select! {
        () = stop.cancelled() => {}
        () = line.run() => {}
    }
}

struct Unit {
    config: ModbusUnit,
    requests: Vec<Request>,
    due: Instant,
    failures: u32,
    probe: Duration,
    reported: Option<bool>,
}

impl Unit {
    fn new(config: ModbusUnit, requests: Vec<Request>) -> Self {
        Self {
            config,
            requests,
            due: Instant::now(),
            failures: 0,
            probe: PROBE_MIN,
            reported: None,
        }
    }

    /// When to ask again after a success or a failure. Polls keep their rhythm; missed ones are not
    /// made up for.
    fn reschedule(&mut self, succeeded: bool) {
        let period = Duration::from_millis(self.config.interval_ms);
        let now = Instant::now();
        if succeeded {
            self.failures = 0;
            self.probe = PROBE_MIN;
        } else {
            self.failures += 1;
        }
        if self.failures >= BREAKER_FAILURES {
            self.due = now + self.probe;
            self.probe = (self.probe * 2).min(PROBE_MAX);
            return;
        }
        self.due += period;
        if self.due < now {
            self.due = now + period;
        }
    }
}

struct Line {
    config: ModbusConfig,
    units: Vec<Unit>,
    connection: Option<Context>,
    clock: Clock,
    frames: Sender<Frame>,
    health: Arc<Health>,
}

impl Line {
    async fn run(&mut self) {
        loop {
            let Some(next) = (0..self.units.len()).min_by_key(|index| self.units[*index].due)
            else {
                return;
            };
            tokio::time::sleep_until(self.units[next].due).await;
            let outcome = self.poll(next).await;
            let unit = &mut self.units[next];
            unit.reschedule(outcome.is_ok());
            let changed = unit.reported != Some(outcome.is_ok());
            unit.reported = Some(outcome.is_ok());
            let source: Arc<str> =
                format!("{}/{}", self.config.name, self.units[next].config.unit).into();
            let mut bodies = Vec::with_capacity(2);
            match outcome {
                Ok(registers) => {
                    self.health.modbus_in.inc();
                    if changed {
                        bodies.push(Body::Link(Ok(())));
                    }
                    bodies.push(Body::Registers(registers));
                }
                Err(error) => {
                    self.health.modbus_failed.inc();
                    if changed {
                        tracing::warn!(%source, %error, "Modbus unit gives no readings; asking it now and then");
                        bodies.push(Body::Link(Err(error.to_string())));
                    }
                }
            }
            for body in bodies {
                let frame = Frame {
                    source: source.clone(),
                    received: self.clock.now(),
                    body,
                };
                if self.frames.send(frame).await.is_err() {
                    return;
                }
            }
        }
    }

    async fn poll(&mut self, index: usize) -> Result<Registers, PollError> {
        let timeout = Duration::from_millis(self.config.timeout_ms);
        let outcome = self.read_all(index, timeout).await;
        if matches!(outcome, Err(PollError::Broken(_))) {
            // A late answer must never be taken for the next one's.
            self.connection = None;
        }
        let unit = &self.units[index].config;
        outcome.map(|blocks| Registers {
            device: unit.device.clone(),
            profile: unit.profile.clone(),
            blocks,
        })
    }

    async fn read_all(
        &mut self,
        index: usize,
        timeout: Duration,
    ) -> Result<Vec<RegisterBlock>, PollError> {
        if self.connection.is_none() {
            self.connection = Some(connect(&self.config.host, self.config.port, timeout).await?);
        }
        let connection = self.connection.as_mut().expect("made above");
        let unit = &self.units[index];
        tokio_modbus::prelude::SlaveContext::set_slave(connection, Slave(unit.config.unit));
        let mut blocks = Vec::with_capacity(unit.requests.len());
        for request in &unit.requests {
            let read = read(connection, *request);
            let block = tokio::time::timeout(timeout, read).await.map_err(|_| {
                PollError::Broken(format!(
                    "no answer within {} ms; check wiring, unit number and address",
                    timeout.as_millis()
                ))
            })??;
            blocks.push(block);
        }
        Ok(blocks)
    }
}

async fn connect(host: &str, port: u16, timeout: Duration) -> Result<Context, PollError> {
    let broken = |why: String| PollError::Broken(format!("no connection to {host}:{port}: {why}"));
    let connect = async {
        let address = tokio::net::lookup_host((host, port))
            .await?
            .next()
            .ok_or_else(|| std::io::Error::other("the name has no address"))?;
        dial(address).await
    };
    match tokio::time::timeout(timeout, connect).await {
        Ok(Ok(connection)) => Ok(connection),
        Ok(Err(error)) => Err(broken(error.to_string())),
        Err(_) => Err(broken(format!("not within {} ms", timeout.as_millis()))),
    }
}

async fn dial(address: SocketAddr) -> std::io::Result<Context> {
    let stream = tokio::net::TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    Ok(tcp::attach(stream))
}

async fn read(connection: &mut Context, request: Request) -> Result<RegisterBlock, PollError> {
    let Request {
        table,
        address,
        count,
    } = request;
    let bits = |bits: Vec<bool>| bits.into_iter().map(u16::from).collect::<Vec<u16>>();
    let answer = match table {
        Table::Coil => map(connection.read_coils(address, count).await, bits),
        Table::Discrete => map(connection.read_discrete_inputs(address, count).await, bits),
        Table::Holding => map(
            connection.read_holding_registers(address, count).await,
            |w| w,
        ),
        Table::Input => map(connection.read_input_registers(address, count).await, |w| w),
    };
    let mut values = match answer {
        Ok(Ok(values)) => values,
        Ok(Err(exception)) => {
            return Err(PollError::Refused {
                table,
                address,
                exception,
            });
        }
        Err(error) => return Err(PollError::Broken(error.to_string())),
    };
    let is_bits = matches!(table, Table::Coil | Table::Discrete);
    let wanted = usize::from(count);
    // Bits come in whole bytes.
    if values.len() < wanted || (!is_bits && values.len() > wanted) {
        return Err(PollError::Broken(format!(
            "asked for {wanted} values at {table:?} {address}, got {}",
            values.len()
        )));
    }
    values.truncate(wanted);
    Ok(RegisterBlock {
        table,
        address,
        values,
    })
}

type Answer<T> = Result<Result<T, ExceptionCode>, tokio_modbus::Error>;

fn map<T>(answer: Answer<T>, to: impl FnOnce(T) -> Vec<u16>) -> Answer<Vec<u16>> {
    answer.map(|inner| inner.map(to))
}
