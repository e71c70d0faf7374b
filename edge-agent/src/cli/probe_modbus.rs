//! `probe modbus`: reads a block of registers and shows every way to understand them, so that an
//! installer need not guess byte orders and off-by-one addresses by hand.
//!
//! It only reads, one request at a time. On a serial port that an agent has open it fails: two masters on
//! one line spoil each other's answers.

mod guess;
mod show;

use std::io::Write as _;
use std::path::PathBuf;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, Instant};

use anyhow::Context as _;
use clap::ValueEnum;
use gridwatch_decode::profile::Table;
use tokio_modbus::ExceptionCode;

use crate::config::{ModbusTransport, Parity, SerialConfig};
use crate::sources::modbus::plan::Request;
use crate::sources::modbus::wire::{Trouble, Wire};
use show::{Block, Unit};

/// Nothing answered.
const EXIT_NOTHING: u8 = 1;
/// Most registers of one probe: eight full requests.
const COUNT_MAX: u16 = 1_000;
/// Most registers and bits in one request (Modbus application protocol 1.1b3, sections 6.1 and 6.3).
const REGISTERS_MAX: u16 = 125;
const BITS_MAX: u16 = 2_000;
/// When a block is refused, so many addresses are tried one by one.
const SINGLES_MAX: u16 = 125;

/// What to read, and over which line.
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:
  edge-agent probe modbus --tcp 192.0.2.10:502 --unit 1 --address 0 --count 20
  edge-agent probe modbus --serial /dev/ttyUSB0 --baud 9600 --unit 1-32
  edge-agent probe modbus --serial /dev/ttyUSB0 --baud 19200 --parity even --unit 7 --table input
  edge-agent probe modbus --rtu-over-tcp 192.0.2.11:4001 --unit 3 --table holding --address 256 --json

A manual that says 40101 means holding register 100 (--table holding --address 100); 30101 is input register
100. Some manuals count from 0: then it is 101. The table shows both.

Exit codes: 0 a unit gave values, 1 none did, 2 wrong usage, 70 failed")]
pub(super) struct ProbeModbusArgs {
    #[command(flatten)]
    line: LineArgs,
    /// Bits a second of the serial line.
    #[arg(long, default_value_t = 9600, value_parser = clap::value_parser!(u32).range(300..=1_000_000))]
    baud: u32,
    /// Parity of the serial port.
    #[arg(long, value_enum, default_value_t = ParityArg::None)]
    parity: ParityArg,
    /// Stop bits of the serial port.
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    stop_bits: u8,
    /// Unit to read, or a range to search, such as 1-32.
    #[arg(long, default_value = "1", value_name = "N|A-B")]
    unit: UnitRange,
    /// Table to read.
    #[arg(long, value_enum, default_value_t = TableArg::Holding)]
    table: TableArg,
    /// First address as it is on the wire, counted from 0.
    #[arg(long, default_value_t = 0)]
    address: u16,
    /// How many registers or bits.
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u16).range(1..=i64::from(COUNT_MAX)))]
    count: u16,
    /// Longest wait for one answer, in milliseconds.
    #[arg(long, default_value_t = 500, value_parser = clap::value_parser!(u64).range(10..=60_000))]
    timeout_ms: u64,
    /// Print JSON instead of text.
    #[arg(long)]
    json: bool,
}

#[derive(Debug, clap::Args)]
#[group(required = true, multiple = false)]
struct LineArgs {
    /// Modbus TCP.
    #[arg(long, value_name = "HOST:PORT")]
    tcp: Option<HostPort>,
    /// RTU on a serial port.
    #[arg(long, value_name = "PATH")]
    serial: Option<PathBuf>,
    /// RTU frames in a TCP stream: a serial device server.
    #[arg(long, value_name = "HOST:PORT")]
    rtu_over_tcp: Option<HostPort>,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum ParityArg {
    None,
    Even,
    Odd,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
enum TableArg {
    Holding,
    Input,
    Coil,
    Discrete,
}

impl From<TableArg> for Table {
    fn from(table: TableArg) -> Table {
        match table {
            TableArg::Holding => Table::Holding,
            TableArg::Input => Table::Input,
            TableArg::Coil => Table::Coil,
            TableArg::Discrete => Table::Discrete,
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct HostPort {
    host: String,
    port: u16,
}

impl FromStr for HostPort {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (host, port) = match text.rsplit_once(':') {
            // An IPv6 address without a port has colons too.
            Some((host, port)) if !host.contains(':') || host.ends_with(']') => (
                host.trim_matches(['[', ']']),
                port.parse()
                    .map_err(|_| format!("`{port}` is not a port, 1 to 65535"))?,
            ),
            _ => (text.trim_matches(['[', ']']), 502),
        };
        if host.is_empty() || port == 0 {
            return Err("give HOST:PORT, such as 192.0.2.10:502".to_owned());
        }
        Ok(Self {
            host: host.to_owned(),
            port,
        })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct UnitRange {
    first: u8,
    last: u8,
}

impl FromStr for UnitRange {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = |text: &str| {
            text.trim()
                .parse::<u8>()
                .map_err(|_| format!("`{text}` is not a unit, 0 to 255"))
        };
        let (first, last) = match text.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None => (number(text)?, number(text)?),
        };
        if first > last {
            return Err(format!(
                "{first}-{last}: the first is greater than the last"
            ));
        }
        Ok(Self { first, last })
    }
}

/// Reads and shows.
///
/// # Errors
/// When the line cannot be opened, or nothing can be printed.
pub(super) async fn run(args: &ProbeModbusArgs) -> anyhow::Result<ExitCode> {
    let mut probe = Probe {
        wire: Wire::new(
            transport(args),
            Duration::from_millis(args.timeout_ms.max(3_000)),
            Duration::ZERO,
            Duration::ZERO,
        ),
        limit: Duration::from_millis(args.timeout_ms),
    };
    let mut units = Vec::new();
    for number in args.unit.first..=args.unit.last {
        let unit = probe.unit(number, args).await?;
        if !args.json && (unit.is_there() || args.unit.first == args.unit.last) {
            print(&show::text(&unit))?;
        }
        units.push(unit);
    }
    if args.json {
        print(&format!("{}\n", show::json(&units)))?;
    } else {
        print(&show::summary(&units))?;
    }
    Ok(if units.iter().any(Unit::gave_values) {
        ExitCode::SUCCESS
    } else {
        ExitCode::from(EXIT_NOTHING)
    })
}

fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())
        .and_then(|()| out.flush())
        .context("printing")
}

fn transport(args: &ProbeModbusArgs) -> ModbusTransport {
    let LineArgs {
        tcp,
        serial,
        rtu_over_tcp,
    } = &args.line;
    match (tcp, serial, rtu_over_tcp) {
        (Some(HostPort { host, port }), _, _) => ModbusTransport::Tcp {
            host: host.clone(),
            port: *port,
        },
        (None, _, Some(HostPort { host, port })) => ModbusTransport::RtuOverTcp {
            host: host.clone(),
            port: *port,
            baud_rate: args.baud,
        },
        // The group lets exactly one of the three through.
        (None, device, None) => ModbusTransport::Rtu(SerialConfig {
            device: device.clone().unwrap_or_default(),
            baud_rate: args.baud,
            data_bits: 8,
            parity: match args.parity {
                ParityArg::None => Parity::None,
                ParityArg::Even => Parity::Even,
                ParityArg::Odd => Parity::Odd,
            },
            stop_bits: args.stop_bits,
        }),
    }
}

struct Probe {
    wire: Wire,
    limit: Duration,
}

impl Probe {
    /// Reads the block from one unit. What the unit says is a result, a line that is not there an error.
    async fn unit(&mut self, number: u8, args: &ProbeModbusArgs) -> anyhow::Result<Unit> {
        let table = Table::from(args.table);
        let most = match table {
            Table::Coil | Table::Discrete => BITS_MAX,
            Table::Holding | Table::Input => REGISTERS_MAX,
        };
        let start = Instant::now();
        let mut unit = Unit::new(number, table);
        let (mut address, mut left) = (args.address, args.count);
        while left > 0 {
            let count = left.min(most).min(u16::MAX - address);
            let request = Request {
                table,
                address,
                // The last address of all.
                count: count.max(1),
            };
            match self.read(number, request).await? {
                Ok(values) => unit.blocks.push(Block { address, values }),
                Err(trouble) => {
                    let is_address = is_about_the_address(&trouble);
                    unit.troubles.push(explain(&trouble, &args.line));
                    unit.answers |= trouble.is_from_the_unit();
                    if !trouble.is_from_the_unit() {
                        break;
                    }
                    if is_address && request.count > 1 {
                        self.one_by_one(&mut unit, request).await?;
                    }
                }
            }
            left = left.saturating_sub(request.count);
            match address.checked_add(request.count) {
                Some(next) => address = next,
                None => break,
            }
        }
        unit.took = start.elapsed();
        Ok(unit)
    }

    /// A block of which the unit does not have every address: which it has.
    async fn one_by_one(&mut self, unit: &mut Unit, request: Request) -> anyhow::Result<()> {
        for offset in 0..request.count.min(SINGLES_MAX) {
            let Some(address) = request.address.checked_add(offset) else {
                break;
            };
            let single = Request {
                address,
                count: 1,
                ..request
            };
            match self.read(unit.number, single).await? {
                Ok(values) => unit.add(address, values),
                Err(trouble) if trouble.is_from_the_unit() => {}
                Err(_) => break,
            }
        }
        Ok(())
    }

    /// One read; an answer to an earlier one is given a second chance to be out of the way.
    async fn read(
        &mut self,
        unit: u8,
        request: Request,
    ) -> anyhow::Result<Result<Vec<u16>, Trouble>> {
        let mut outcome = self.wire.read(unit, request, self.limit).await;
        if matches!(outcome, Err(Trouble::Wrong(_))) {
            outcome = self.wire.read(unit, request, self.limit).await;
        }
        match outcome {
            Ok(block) => Ok(Ok(block.values)),
            Err(Trouble::NoLine(why)) => Err(anyhow::anyhow!(why)),
            Err(trouble) => Ok(Err(trouble)),
        }
    }
}

fn is_about_the_address(trouble: &Trouble) -> bool {
    matches!(
        trouble,
        Trouble::Refused {
            exception: ExceptionCode::IllegalDataAddress | ExceptionCode::IllegalDataValue,
            ..
        }
    )
}

/// What went wrong and what to try.
fn explain(trouble: &Trouble, line: &LineArgs) -> String {
    match trouble {
        Trouble::Refused {
            address,
            count,
            exception,
            ..
        } => format!(
            "refused {count} from address {address}: exception {}, {}",
            u8::from(*exception),
            in_words(*exception)
        ),
        Trouble::NoAnswer(ms) if line.serial.is_some() || line.rtu_over_tcp.is_some() => format!(
            "no answer within {ms} ms: is it this unit number? try --baud 19200 or 4800, --parity even, swap the wires A and B; a slow unit needs --timeout-ms 2000"
        ),
        Trouble::NoAnswer(ms) => format!(
            "no answer within {ms} ms: the host is there, the unit is not; units behind a gateway have numbers (--unit 1-32), a unit of its own often listens to 1 or 255; a slow one needs --timeout-ms 2000"
        ),
        Trouble::Wrong(why) | Trouble::NoLine(why) => why.clone(),
    }
}

/// Exception codes in words (Modbus application protocol 1.1b3, section 7).
fn in_words(exception: ExceptionCode) -> &'static str {
    match exception {
        ExceptionCode::IllegalFunction => {
            "illegal function: the unit does not have this table, try another --table"
        }
        ExceptionCode::IllegalDataAddress => {
            "illegal data address: it does not have all of these addresses, try a smaller --count or the address one less"
        }
        ExceptionCode::IllegalDataValue => {
            "illegal data value: it does not give so many at once, try a smaller --count"
        }
        ExceptionCode::ServerDeviceFailure => "the unit failed while reading",
        ExceptionCode::Acknowledge => "the unit needs longer, ask again later",
        ExceptionCode::ServerDeviceBusy => "the unit is busy, ask again later",
        ExceptionCode::MemoryParityError => "memory parity error in the unit",
        ExceptionCode::GatewayPathUnavailable => {
            "gateway path unavailable: the gateway is not set up for this unit"
        }
        ExceptionCode::GatewayTargetDevice => {
            "the gateway got no answer from the unit: wrong unit number, speed or wiring behind it"
        }
        ExceptionCode::Custom(_) => "a code of the maker, see its manual",
    }
}

#[cfg(test)]
mod tests;
