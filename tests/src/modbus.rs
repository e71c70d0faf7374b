//! Modbus TCP units behind one address: real sockets, an own codec, so that a unit can also be silent,
//! late, short, garbled, or answer with an exception.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context, Result};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// How a unit answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// As the standard says.
    Proper,
    /// Not at all.
    Silent,
    /// As the standard says, after this long.
    Late(Duration),
    /// With one register fewer than was asked for.
    Short,
    /// With a frame that is no Modbus.
    Garbled,
    /// With the transaction number of the request before.
    OneBehind,
    /// With this exception code.
    Exception(u8),
}

#[derive(Debug)]
struct Unit {
    manner: Manner,
    registers: BTreeMap<u16, u16>,
    bits: BTreeMap<u16, bool>,
    requests: u64,
}

type Units = Arc<Mutex<HashMap<u8, Unit>>>;

/// A gateway with units behind it.
#[derive(Debug)]
pub struct ModbusSim {
    port: u16,
    units: Units,
    _tasks: JoinSet<()>,
}

impl ModbusSim {
    /// Starts to listen on a free port of loopback.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start() -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("listening for Modbus")?;
        let port = listener.local_addr().context("reading the port")?.port();
        let units = Units::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&units)));
        Ok(Self {
            port,
            units,
            _tasks: tasks,
        })
    }

    /// Its port.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Sets what a smoke and temperature transmitter shows (profile
    /// `modbus-smoke-temperature-transmitter`): °C and obscuration in %/m, alarm word 0.
    pub fn set_transmitter(&self, unit: u8, temperature_c: f32, obscuration: f64) {
        let bits = temperature_c.to_bits().to_be_bytes();
        let high = u16::from_be_bytes([bits[0], bits[1]]);
        let low = u16::from_be_bytes([bits[2], bits[3]]);
        self.set_registers(unit, &[high, low, hundredths(obscuration), 0]);
    }

    /// Sets input registers from address 0 on.
    pub fn set_registers(&self, unit: u8, values: &[u16]) {
        let mut units = lock(&self.units);
        let unit = entry(&mut units, unit);
        unit.registers = (0..).zip(values.iter().copied()).collect();
    }

    /// Sets what a door controller shows (profile `modbus-door-controller`).
    pub fn set_door(&self, unit: u8, open: bool, unlocked: bool, forced: bool) {
        let mut units = lock(&self.units);
        let unit = entry(&mut units, unit);
        unit.bits = (0..).zip([open, unlocked, forced, false, false]).collect();
    }

    /// Sets how a unit answers from now on.
    pub fn set_manner(&self, unit: u8, manner: Manner) {
        entry(&mut lock(&self.units), unit).manner = manner;
    }

    /// How many requests a unit has had.
    #[must_use]
    pub fn requests(&self, unit: u8) -> u64 {
        lock(&self.units).get(&unit).map_or(0, |unit| unit.requests)
    }
}

fn entry(units: &mut HashMap<u8, Unit>, unit: u8) -> &mut Unit {
    units.entry(unit).or_insert_with(|| Unit {
        manner: Manner::Proper,
        registers: BTreeMap::new(),
        bits: BTreeMap::new(),
        requests: 0,
    })
}

fn lock(units: &Units) -> MutexGuard<'_, HashMap<u8, Unit>> {
    units
        .lock()
        .expect("no code panics while it holds the units")
}

/// Obscuration as the transmitter codes it.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "held to 0..=10000 before"
)]
fn hundredths(percent: f64) -> u16 {
    (percent * 100.0).round().clamp(0.0, 10_000.0) as u16
}

async fn accept(listener: TcpListener, units: Units) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        let units = Arc::clone(&units);
        connections.spawn(async move {
            // The agent drops connections on purpose after a time-out: the end is no error here.
            if let Err(error) = serve(stream, &units).await {
                drop(error);
            }
        });
    }
}

async fn serve(mut stream: TcpStream, units: &Units) -> Result<()> {
    loop {
        let mut head = [0; 7];
        stream.read_exact(&mut head).await?;
        let length = usize::from(u16::from_be_bytes([head[4], head[5]]));
        let mut request = vec![0; length.saturating_sub(1)];
        stream.read_exact(&mut request).await?;
        let (manner, answer) = look(units, head[6], &request);
        let transaction = u16::from_be_bytes([head[0], head[1]]);
        match manner {
            Manner::Silent => continue,
            Manner::Late(after) => tokio::time::sleep(after).await,
            _ => {}
        }
        let frame = match manner {
            Manner::Garbled => vec![0xff; 9],
            Manner::OneBehind => frame(transaction.wrapping_sub(1), head[6], &answer),
            _ => frame(transaction, head[6], &answer),
        };
        stream.write_all(&frame).await?;
    }
}

/// Counts a request and makes its answer (PDU).
fn look(units: &Units, number: u8, request: &[u8]) -> (Manner, Vec<u8>) {
    let mut units = lock(units);
    let Some(unit) = units.get_mut(&number) else {
        return (Manner::Silent, Vec::new());
    };
    unit.requests += 1;
    let answer = answer(unit, request)
        .unwrap_or_else(|code| vec![request.first().copied().unwrap_or_default() | 0x80, code]);
    (unit.manner, answer)
}

fn answer(unit: &Unit, request: &[u8]) -> Result<Vec<u8>, u8> {
    let &[function, a, b, c, d] = request else {
        return Err(3);
    };
    if let Manner::Exception(code) = unit.manner {
        return Err(code);
    }
    let address = u16::from_be_bytes([a, b]);
    let count = u16::from_be_bytes([c, d]);
    let given = if unit.manner == Manner::Short {
        count.saturating_sub(1)
    } else {
        count
    };
    let end = address.checked_add(given).ok_or(2)?;
    let data = match function {
        2 => bits(unit, address, end)?,
        3 | 4 => {
            let mut data = Vec::new();
            for at in address..end {
                data.extend(unit.registers.get(&at).ok_or(2)?.to_be_bytes());
            }
            data
        }
        _ => return Err(1),
    };
    let mut answer = vec![function, u8::try_from(data.len()).map_err(|_| 3)?];
    answer.extend(data);
    Ok(answer)
}

fn bits(unit: &Unit, address: u16, end: u16) -> Result<Vec<u8>, u8> {
    let mut data = vec![0; usize::from(end - address).div_ceil(8)];
    for at in address..end {
        if *unit.bits.get(&at).ok_or(2)? {
            let index = usize::from(at - address);
            data[index / 8] |= 1 << (index % 8);
        }
    }
    Ok(data)
}

fn frame(transaction: u16, unit: u8, pdu: &[u8]) -> Vec<u8> {
    let length = u16::try_from(pdu.len() + 1).expect("an answer is shorter than 260 bytes");
    let mut frame = transaction.to_be_bytes().to_vec();
    frame.extend([0, 0]);
    frame.extend(length.to_be_bytes());
    frame.push(unit);
    frame.extend_from_slice(pdu);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(port: u16, request: &[u8]) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", port))
            .await
            .expect("a unit");
        stream.write_all(&frame(7, 1, request)).await.expect("sent");
        let mut answer = vec![0; 256];
        let length = stream.read(&mut answer).await.expect("an answer");
        answer.truncate(length);
        answer
    }

    #[tokio::test]
    async fn a_unit_answers_as_the_standard_says() {
        let sim = ModbusSim::start().await.expect("started");
        sim.set_transmitter(1, 21.5, 0.12);
        sim.set_door(1, true, false, true);
        let registers = ask(sim.port(), &[4, 0, 0, 0, 4]).await;
        assert_eq!(registers[..9], [0, 7, 0, 0, 0, 11, 1, 4, 8]);
        assert_eq!(registers[9..], [0x41, 0xAC, 0, 0, 0, 12, 0, 0]);
        let doors = ask(sim.port(), &[2, 0, 0, 0, 5]).await;
        assert_eq!(doors[7..], [2, 1, 0b101]);
        let beyond = ask(sim.port(), &[4, 0, 2, 0, 4]).await;
        assert_eq!(beyond[7..], [0x84, 2]);
        assert_eq!(sim.requests(1), 3);
    }

    #[tokio::test]
    async fn a_short_answer_lacks_one_register() {
        let sim = ModbusSim::start().await.expect("started");
        sim.set_registers(1, &[1, 2, 3, 4]);
        sim.set_manner(1, Manner::Short);
        let short = ask(sim.port(), &[4, 0, 0, 0, 4]).await;
        assert_eq!(short[7..], [4, 6, 0, 1, 0, 2, 0, 3]);
    }
}
