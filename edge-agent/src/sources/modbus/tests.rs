//! The source on a pseudo terminal, as on a serial port: right values, and no wrong ones.

use std::collections::BTreeMap;
use std::sync::Mutex;

use gridwatch_decode::profile::Table;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::sync::mpsc;
use tokio_serial::{SerialPort as _, SerialStream};

use super::*;
use crate::config::{ModbusUnit, Parity, SerialConfig};

const PATIENCE: Duration = Duration::from_secs(30);

/// How a unit on the pseudo terminal answers a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Manner {
    Proper,
    Silent,
    /// After this long; the line is busy meanwhile.
    Late(Duration),
    /// Without its last bytes.
    Cut,
    /// With one byte changed.
    Garbled,
    /// Twice in a row, the second before the next request can be sent.
    Twice,
    /// First the answer to the request before.
    Stale,
}

type Manners = Arc<Mutex<BTreeMap<u8, Vec<Manner>>>>;

/// Says which unit and address a register is, so that a wrong one is known.
fn value(unit: u8, table: Table, address: u16) -> u16 {
    let table = u16::from(table == Table::Holding);
    u16::from(unit) << 12 | table << 11 | (address & 0x7ff)
}

fn checksum(bytes: &[u8]) -> [u8; 2] {
    let sum = bytes.iter().fold(0xffff_u16, |sum, byte| {
        (0..8).fold(sum ^ u16::from(*byte), |sum, _| {
            let shifted = sum >> 1;
            if sum & 1 == 1 {
                shifted ^ 0xa001
            } else {
                shifted
            }
        })
    });
    sum.to_le_bytes()
}

fn answer(request: &[u8]) -> Vec<u8> {
    let word = |at: usize| u16::from_be_bytes([request[at], request[at + 1]]);
    let (unit, function, address, count) = (request[0], request[1], word(2), word(4));
    let table = if function == 3 {
        Table::Holding
    } else {
        Table::Input
    };
    let bytes = u8::try_from(count * 2).expect("at most 125 registers");
    let mut frame = vec![unit, function, bytes];
    for at in address..address + count {
        frame.extend(value(unit, table, at).to_be_bytes());
    }
    frame.extend(checksum(&frame));
    frame
}

/// Answers for all units on the master side; the next manner of a unit's list, then properly.
async fn serve(mut port: SerialStream, manners: Manners) {
    let mut before: BTreeMap<u8, Vec<u8>> = BTreeMap::new();
    let mut request = [0; 8];
    while port.read_exact(&mut request).await.is_ok() {
        let unit = request[0];
        assert_eq!(request[6..], checksum(&request[..6]), "a broken request");
        let manner = {
            let mut manners = manners.lock().expect("no panic");
            let list = manners.entry(unit).or_default();
            match list.first() {
                Some(Manner::Silent) if list.len() == 1 => Manner::Silent,
                Some(_) => list.remove(0),
                None => Manner::Proper,
            }
        };
        let good = answer(&request);
        let mut frame = good.clone();
        match manner {
            Manner::Proper => {}
            Manner::Silent => continue,
            Manner::Late(after) => tokio::time::sleep(after).await,
            Manner::Cut => frame.truncate(frame.len() - 3),
            Manner::Garbled => frame[4] ^= 0x15,
            Manner::Twice => frame.extend_from_slice(&good),
            Manner::Stale => {
                frame = before.get(&unit).cloned().unwrap_or_default();
            }
        }
        before.insert(unit, good);
        if port.write_all(&frame).await.is_err() {
            return;
        }
    }
}

const PROFILE: &str = r#"
schema = 1
id = "blocks"
name = { zh = "块", en = "blocks" }
source = "a test"
match = { transport = "modbus" }
[[channels]]
register = { table = "input", address = 0, type = "uint16" }
kind = "other"
type = "number"
[[channels]]
register = { table = "input", address = 100, type = "uint16" }
kind = "other"
type = "number"
[[channels]]
register = { table = "holding", address = 7, type = "float32" }
kind = "other"
type = "number"
"#;

struct Rig {
    frames: mpsc::Receiver<Frame>,
    manners: Manners,
    health: Arc<Health>,
    stop: CancellationToken,
    /// Keeps the pseudo terminal alive while nobody has it open.
    _open: std::fs::File,
}

/// Starts the source on a pseudo terminal with these units, polled every 20 ms.
fn start(units: &[u8], manners: &[(u8, &[Manner])]) -> Rig {
    let (master, mut slave) = SerialStream::pair().expect("a pseudo terminal");
    slave.set_exclusive(false).expect("shared");
    let device = slave.name().expect("a name");
    let open = std::fs::File::options()
        .read(true)
        .write(true)
        .open(&device)
        .expect("open");
    // The library locks a port as long as it has it.
    drop(slave);
    let manners: Manners = Arc::new(Mutex::new(
        manners.iter().map(|(u, m)| (*u, m.to_vec())).collect(),
    ));
    tokio::spawn(serve(master, manners.clone()));
    let config = ModbusConfig {
        name: "riser".to_owned(),
        transport: ModbusTransport::Rtu(SerialConfig {
            device: device.into(),
            baud_rate: 115_200,
            data_bits: 8,
            parity: Parity::None,
            stop_bits: 1,
        }),
        timeout_ms: 100,
        pause_ms: 0,
        units: units
            .iter()
            .map(|unit| ModbusUnit {
                unit: *unit,
                device: gridwatch_protocol::DeviceId::new(format!("riser/{unit}")).expect("an id"),
                profile: "blocks".to_owned(),
                interval_ms: 20,
            })
            .collect(),
    };
    let profile = Profile::parse(PROFILE).expect("a profile");
    let (sender, frames) = mpsc::channel(64);
    let (health, stop) = (Arc::new(Health::default()), CancellationToken::new());
    tokio::spawn(run(
        config,
        tokio::sync::watch::channel([profile].into()).1,
        Clock::start(1.0),
        sender,
        health.clone(),
        stop.clone(),
    ));
    Rig {
        frames,
        manners,
        health,
        stop,
        _open: open,
    }
}

impl Rig {
    /// Waits for so many polls of a unit, and checks every value of every unit on the way.
    async fn polls(&mut self, unit: u8, count: usize) {
        let mut seen = 0;
        while seen < count {
            let frame = tokio::time::timeout(PATIENCE, self.frames.recv())
                .await
                .expect("a poll in time")
                .expect("the source runs");
            let registers = match frame.body {
                Body::Registers(registers) => registers,
                Body::Link(Err(why)) => {
                    eprintln!("{}: {why}", frame.source);
                    continue;
                }
                _ => continue,
            };
            let number: u8 = registers.device.as_str()[6..].parse().expect("a number");
            for block in &registers.blocks {
                for (at, got) in (block.address..).zip(&block.values) {
                    let wanted = value(number, block.table, at);
                    assert_eq!(*got, wanted, "unit {number} {:?} {at}", block.table);
                }
            }
            assert_eq!(registers.blocks.len(), 3);
            seen += usize::from(number == unit);
        }
    }

    fn failed(&self, unit: u8, why: &str) -> u64 {
        let status = self.health.modbus.status();
        let unit = status.iter().find(|s| s.unit == unit).expect("the unit");
        unit.polls_failed.get(why).copied().unwrap_or_default()
    }
}

#[tokio::test]
async fn units_on_a_serial_port_are_polled() {
    let mut rig = start(&[1, 2, 9], &[]);
    for unit in [1, 2, 9] {
        rig.polls(unit, 5).await;
    }
    let status = rig.health.modbus.status();
    assert_eq!(status.len(), 3);
    assert!(
        status.iter().all(|unit| unit.polls_failed.is_empty()),
        "{status:?}"
    );
    assert!(
        status.iter().all(|unit| unit.duration_ms_p99 > 0.0),
        "{status:?}"
    );
    rig.stop.cancel();
}

#[tokio::test]
async fn a_late_answer_is_never_taken_for_the_next_one() {
    use Manner::{Late, Proper, Silent};
    let late = Late(Duration::from_millis(130));
    let later = Late(Duration::from_millis(190));
    let mut rig = start(
        &[1, 2],
        &[(
            1,
            &[
                Proper, late, Proper, later, later, Silent, Proper, late, late, late,
            ],
        )],
    );
    rig.polls(1, 20).await;
    rig.polls(2, 20).await;
    assert!(rig.failed(1, "no_answer") >= 2);
}

#[tokio::test]
async fn answers_that_are_cut_garbled_doubled_or_stale_give_no_value() {
    use Manner::{Cut, Garbled, Proper, Stale, Twice};
    // Bad ones in every position of a poll of three requests, far enough apart for the breaker.
    let bad = [Cut, Garbled, Twice, Stale, Stale, Twice, Garbled, Stale];
    let manners: Vec<Manner> = bad
        .iter()
        .flat_map(|bad| [*bad].into_iter().chain([Proper; 6]))
        .collect();
    let mut rig = start(&[1, 2], &[(1, &manners), (2, &manners)]);
    rig.polls(1, 20).await;
    rig.polls(2, 20).await;
    assert!(
        rig.failed(1, "wrong_answer") >= 2,
        "{:?}",
        rig.health.modbus.status()
    );
    assert!(rig.manners.lock().expect("no panic")[&1].is_empty());
}

#[tokio::test]
async fn a_dead_unit_on_a_serial_line_is_probed_and_found_again() {
    let mut rig = start(&[1, 2], &[(2, &[Manner::Silent])]);
    let open = |rig: &Rig| {
        let status = rig.health.modbus.status();
        status
            .iter()
            .any(|unit| unit.unit == 2 && unit.breaker_open)
    };
    let start = std::time::Instant::now();
    while !open(&rig) {
        assert!(start.elapsed() < PATIENCE, "the breaker never opened");
        rig.polls(1, 1).await;
    }
    rig.polls(1, 50).await;
    assert_eq!(
        rig.failed(2, "no_answer"),
        u64::from(schedule::FAILURES_MAX)
    );
    rig.manners.lock().expect("no panic").remove(&2);
    rig.polls(2, 3).await;
    assert!(!open(&rig));
}

#[tokio::test]
async fn a_port_that_is_not_there_is_said_and_tried_again() {
    let mut rig = start(&[1], &[]);
    rig.polls(1, 1).await;
    rig.stop.cancel();
    let mut wire = Wire::new(
        ModbusTransport::Rtu(SerialConfig {
            device: "/dev/ttyNONE".into(),
            baud_rate: 9_600,
            data_bits: 8,
            parity: Parity::Even,
            stop_bits: 1,
        }),
        Duration::from_millis(100),
        Duration::ZERO,
        Duration::ZERO,
    );
    let request = plan::Request {
        table: Table::Input,
        address: 0,
        count: 1,
    };
    let trouble = wire
        .read(1, request, Duration::from_millis(100))
        .await
        .expect_err("no port");
    assert_eq!(trouble.kind(), "no_line");
    assert!(trouble.to_string().contains("/dev/ttyNONE"), "{trouble}");
}
