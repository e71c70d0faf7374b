//! One physical line: a TCP connection, a serial port, or RTU frames in a TCP stream. Asks one request
//! at a time and says of every answer whether it can be the right one.
//!
//! TCP: the library compares transaction numbers; after any time-out or wrong answer the connection is
//! dropped.
//!
//! RTU frames carry no number, and the library takes whatever comes next for the answer. So here every
//! byte passes through a tap: what is on the line before a request is sent is thrown away; an answer
//! counts only if exactly its bytes came, no more; after a time-out or a wrong answer the line is read
//! until it has been silent, at least a frame's time. Between frames the line rests 3.5 characters.
//!
//! The library checks the length of an answer in a debug assertion only; it is checked here in every build.

use std::time::Duration;

use tokio::time::{Instant, sleep_until, timeout};
use tokio_modbus::client::{Context, Reader, rtu};
use tokio_modbus::prelude::SlaveContext;
use tokio_modbus::{Error, ExceptionCode, ProtocolError, Slave};

use super::plan::Request;
use super::tap::{Open, Tap, open, shown};
pub use super::trouble::Trouble;
use crate::config::{ModbusTransport, Parity};
use gridwatch_decode::RegisterBlock;
use gridwatch_decode::profile::Table;

/// Above 19,200 bits a second the silence between frames is fixed (Modbus over serial line 1.02,
/// section 2.5.1.1).
const SILENCE_FAST: Duration = Duration::from_micros(1_750);
/// After something went wrong a serial line must be silent for so long: adapters and device servers
/// hand on what they receive in portions up to 16 ms apart.
const SILENCE_AFTER_TROUBLE: Duration = Duration::from_millis(20);
/// A line that is still not silent after this long is broken.
const DRAIN_MAX: Duration = Duration::from_millis(300);
/// A device server that says nothing at all for so many requests in a row may have lost the connection
/// without a word.
const SILENT_MAX: u32 = 3;
/// Pause between two tries to connect, doubled up to the second value.
const RECONNECT_MIN: Duration = Duration::from_millis(500);
const RECONNECT_MAX: Duration = Duration::from_secs(10);

/// Times of a serial line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Timing {
    character: Duration,
    silence: Duration,
}

impl Timing {
    fn new(baud_rate: u32, bits: u32) -> Self {
        let character = Duration::from_secs(1) * bits / baud_rate.max(1);
        let silence = if baud_rate > 19_200 {
            SILENCE_FAST
        } else {
            character * 7 / 2
        };
        Self { character, silence }
    }

    fn of(transport: &ModbusTransport) -> Option<Self> {
        match transport {
            ModbusTransport::Tcp { .. } => None,
            // Parity and stop bits of the far line are not known: the longest character.
            ModbusTransport::RtuOverTcp { baud_rate, .. } => Some(Self::new(*baud_rate, 11)),
            ModbusTransport::Rtu(serial) => {
                let parity = u32::from(serial.parity != Parity::None);
                let bits = 1 + u32::from(serial.data_bits) + parity + u32::from(serial.stop_bits);
                Some(Self::new(serial.baud_rate, bits))
            }
        }
    }
}

/// The line.
pub struct Wire {
    transport: ModbusTransport,
    timing: Option<Timing>,
    connect_limit: Duration,
    pause: Duration,
    settle: Duration,
    open: Option<Open>,
    /// Nothing may be sent before.
    quiet_until: Instant,
    /// Something may still be on its way from an earlier request.
    dirty: bool,
    silent: u32,
    reconnect: Option<Reconnect>,
}

#[derive(Debug)]
struct Reconnect {
    at: Instant,
    pause: Duration,
    why: String,
}

impl Wire {
    /// A line that is opened with the first request. `connect_limit` is the longest wait for a connection,
    /// `settle` the pause after it is made.
    #[must_use]
    pub fn new(
        transport: ModbusTransport,
        connect_limit: Duration,
        pause: Duration,
        settle: Duration,
    ) -> Self {
        Self {
            timing: Timing::of(&transport),
            transport,
            connect_limit,
            pause,
            settle,
            open: None,
            quiet_until: Instant::now(),
            dirty: false,
            silent: 0,
            reconnect: None,
        }
    }

    /// How long the bytes of a request and its answer take on a serial line.
    #[must_use]
    pub fn bytes_take(&self, request: Request) -> Duration {
        let Some(timing) = self.timing else {
            return Duration::ZERO;
        };
        // Request 8 bytes; answer: unit, function, length, data, checksum; the silence between.
        let characters = 8 + 5 + u32::from(request.answer_bytes());
        timing.character * characters + timing.silence
    }

    /// Reads one block from a unit. `limit` is the longest wait, beside [`Self::bytes_take`].
    ///
    /// # Errors
    /// What went wrong; nothing of a wrong answer is passed on.
    pub async fn read(
        &mut self,
        unit: u8,
        request: Request,
        limit: Duration,
    ) -> Result<RegisterBlock, Trouble> {
        self.make_ready().await?;
        sleep_until_if_later(self.quiet_until).await;
        self.discard().await?;
        let limit = limit + self.bytes_take(request);
        let open = self.open.as_mut().expect("made ready above");
        open.context.set_slave(Slave(unit));
        let answer = timeout(limit, ask(&mut open.context, request)).await;
        let received = open.tap.as_ref().map(Tap::received);
        let outcome = match answer {
            Err(_) => Err(Trouble::NoAnswer(limit.as_millis())),
            Ok(answer) => judge(request, answer, received),
        };
        self.settle(&outcome, received);
        outcome
    }

    /// What the outcome means for the next request.
    fn settle(&mut self, outcome: &Result<RegisterBlock, Trouble>, received: Option<usize>) {
        let silence = self.timing.map_or(Duration::ZERO, |t| t.silence);
        self.quiet_until = Instant::now() + silence.max(self.pause);
        match outcome {
            Ok(_) | Err(Trouble::Refused { .. }) => {
                self.silent = 0;
                return;
            }
            Err(Trouble::NoAnswer(_)) if received == Some(0) => self.silent += 1,
            Err(_) => self.silent = 0,
        }
        let is_serial = matches!(self.transport, ModbusTransport::Rtu(_));
        match self.open.take() {
            Some(Open { tap: Some(tap), .. }) if is_serial || self.silent < SILENT_MAX => {
                // The library's own buffer goes; the stream stays.
                self.dirty = true;
                self.open = Some(Open {
                    context: rtu::attach(tap.clone()),
                    tap: Some(tap),
                });
            }
            _ => self.silent = 0,
        }
    }

    /// Connects where needed, and reads a serial line until it is silent after trouble.
    async fn make_ready(&mut self) -> Result<(), Trouble> {
        if self.open.is_none() {
            self.connect().await?;
        }
        if self.dirty {
            self.drain(SILENCE_AFTER_TROUBLE).await?;
            self.dirty = false;
        }
        Ok(())
    }

    /// Throws away what came without being asked for: a late answer, or an echo.
    async fn discard(&mut self) -> Result<(), Trouble> {
        let Some(tap) = self.open.as_ref().and_then(|open| open.tap.clone()) else {
            return Ok(());
        };
        match timeout(Duration::ZERO, tap.skip()).await {
            Err(_) => {}
            Ok(Ok(0)) => return self.lost("the other side closed the connection"),
            Ok(Err(error)) => return self.lost(&error.to_string()),
            Ok(Ok(_)) => self.drain(SILENCE_AFTER_TROUBLE).await?,
        }
        tap.forget();
        Ok(())
    }

    /// Reads until nothing has come for `silence`.
    async fn drain(&mut self, silence: Duration) -> Result<(), Trouble> {
        let Some(tap) = self.open.as_ref().and_then(|open| open.tap.clone()) else {
            return Ok(());
        };
        let silence = self.timing.map_or(silence, |t| t.silence.max(silence));
        let until = Instant::now() + DRAIN_MAX.max(silence * 4);
        loop {
            match timeout(silence, tap.skip()).await {
                Err(_) => break,
                Ok(Ok(0)) => return self.lost("the other side closed the connection"),
                Ok(Err(error)) => return self.lost(&error.to_string()),
                Ok(Ok(_)) => {}
            }
            if Instant::now() > until {
                self.dirty = true;
                return Err(Trouble::Wrong(
                    "the line is never silent: somebody else talks on it, or speed and parity are wrong"
                        .to_owned(),
                ));
            }
        }
        tap.forget();
        Ok(())
    }

    fn lost(&mut self, why: &str) -> Result<(), Trouble> {
        self.open = None;
        Err(Trouble::Wrong(format!(
            "{} was lost: {why}",
            shown(&self.transport)
        )))
    }

    async fn connect(&mut self) -> Result<(), Trouble> {
        if let Some(reconnect) = &self.reconnect
            && Instant::now() < reconnect.at
        {
            return Err(Trouble::NoLine(reconnect.why.clone()));
        }
        let opened = timeout(self.connect_limit, open(&self.transport)).await;
        let why = match opened {
            Ok(Ok(open)) => {
                self.open = Some(open);
                self.reconnect = None;
                self.dirty = self.timing.is_some();
                self.quiet_until = Instant::now() + self.settle;
                return Ok(());
            }
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("not within {} ms", self.connect_limit.as_millis()),
        };
        let pause = self
            .reconnect
            .as_ref()
            .map_or(RECONNECT_MIN, |r| (r.pause * 2).min(RECONNECT_MAX));
        let why = format!("no connection to {}: {why}", shown(&self.transport));
        self.reconnect = Some(Reconnect {
            at: Instant::now() + pause,
            pause,
            why: why.clone(),
        });
        Err(Trouble::NoLine(why))
    }
}

/// Timers tick in milliseconds: a time that has passed must not cost one.
async fn sleep_until_if_later(at: Instant) {
    if at > Instant::now() {
        sleep_until(at).await;
    }
}

type Answer = Result<Result<Vec<u16>, ExceptionCode>, Error>;

async fn ask(context: &mut Context, request: Request) -> Answer {
    let Request {
        table,
        address,
        count,
    } = request;
    let bits = |answer: Result<Result<Vec<bool>, ExceptionCode>, Error>| {
        answer.map(|inner| inner.map(|bits| bits.into_iter().map(u16::from).collect()))
    };
    match table {
        Table::Coil => bits(context.read_coils(address, count).await),
        Table::Discrete => bits(context.read_discrete_inputs(address, count).await),
        Table::Holding => context.read_holding_registers(address, count).await,
        Table::Input => context.read_input_registers(address, count).await,
    }
}

/// Whether an answer can be the one to a request. `received` are all bytes since it was sent, for RTU.
fn judge(
    request: Request,
    answer: Answer,
    received: Option<usize>,
) -> Result<RegisterBlock, Trouble> {
    let Request {
        table,
        address,
        count,
    } = request;
    let wrong = |why: String| Err(Trouble::Wrong(why));
    let mut values = match answer {
        Ok(Ok(values)) => values,
        // An exception is unit, function, code and checksum.
        Ok(Err(_)) if received.is_some_and(|bytes| bytes != 5) => {
            return wrong("more came than the answer: a late answer, or another master".to_owned());
        }
        Ok(Err(exception)) => {
            return Err(Trouble::Refused {
                table,
                address,
                count,
                exception,
            });
        }
        Err(Error::Protocol(ProtocolError::HeaderMismatch { .. })) => {
            return wrong(
                "the answer is of another unit or to another request: a late answer".to_owned(),
            );
        }
        Err(Error::Protocol(ProtocolError::FunctionCodeMismatch { .. })) => {
            return wrong("the answer is to another function: a late answer".to_owned());
        }
        Err(Error::Transport(error)) if error.raw_os_error() == Some(0) => {
            return wrong("the other side closed the connection".to_owned());
        }
        Err(Error::Transport(error)) => return wrong(format!("no usable answer: {error}")),
    };
    let wanted = usize::from(count);
    let is_bits = matches!(table, Table::Coil | Table::Discrete);
    // Bits come in whole bytes; the library cuts what is too much.
    if values.len() < wanted || (!is_bits && values.len() > wanted) {
        return wrong(format!(
            "asked for {wanted} values at {table:?} {address}, got {}",
            values.len()
        ));
    }
    let frame = 5 + usize::from(request.answer_bytes());
    if let Some(bytes) = received.filter(|bytes| *bytes != frame) {
        return wrong(format!(
            "the answer has {frame} bytes and {bytes} came: a late answer, or another master"
        ));
    }
    values.truncate(wanted);
    Ok(RegisterBlock {
        table,
        address,
        values,
    })
}
