//! Modbus units behind one address: real sockets, an own codec, so that a unit can also be silent, late,
//! short, garbled, stale, or answer with an exception. Modbus TCP, or RTU frames in a TCP stream.

mod rig;
mod rtu;

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use anyhow::{Context, Result};
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

pub use rig::{Bus, BusLine, Unit as BusUnit};

/// Latest answer of a unit that answers at random.
const LATEST_MS: u64 = 150;

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
    /// As the standard says, twice in a row.
    Twice,
    /// With only the first bytes of the answer, and then nothing.
    Cut,
    /// With the answer to the request before, whatever was asked, numbered as it was then.
    Stale,
    /// So many answers of a hundred in one of the wrong manners, chosen at random.
    Random(u8),
}

#[derive(Debug)]
struct Unit {
    manner: Manner,
    /// By function (3 holding, 4 input) and address.
    registers: BTreeMap<(u8, u16), u16>,
    bits: BTreeMap<u16, bool>,
    requests: u64,
    wrong: u64,
    before: Vec<u8>,
    random: StdRng,
}

type Units = Arc<Mutex<HashMap<u8, Unit>>>;

/// What goes over the line for one request.
#[derive(Debug, Default)]
struct Reply {
    after: Duration,
    /// Frames without what the transport adds: unit, answer, and whether they carry the number of the
    /// request before.
    parts: Vec<Part>,
}

#[derive(Debug)]
struct Part {
    pdu: Vec<u8>,
    /// So many requests back.
    behind: u16,
    /// Only so many bytes of the frame are sent.
    cut: Option<usize>,
    /// This byte of the frame is changed by this much.
    change: Option<(usize, u8)>,
}

impl Part {
    fn proper(pdu: &[u8]) -> Self {
        Self {
            pdu: pdu.to_vec(),
            behind: 0,
            cut: None,
            change: None,
        }
    }

    /// The frame as it is sent.
    fn spoil(&self, mut frame: Vec<u8>) -> Vec<u8> {
        if let Some((at, by)) = self.change {
            let at = at % frame.len().max(1);
            if let Some(byte) = frame.get_mut(at) {
                *byte ^= by;
            }
        }
        frame.truncate(self.cut.unwrap_or(usize::MAX));
        frame
    }
}

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
        Self::listen(false).await
    }

    /// Starts to listen on a free port of loopback, for RTU frames in the TCP stream. Units answer each by
    /// itself, as on a serial line: a late answer of one may come in the midst of another's exchange.
    ///
    /// # Errors
    /// When there is none.
    pub async fn start_rtu() -> Result<Self> {
        Self::listen(true).await
    }

    async fn listen(is_rtu: bool) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")
            .await
            .context("listening for Modbus")?;
        let port = listener.local_addr().context("reading the port")?.port();
        let units = Units::default();
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, Arc::clone(&units), is_rtu));
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
        let at = |(address, value): (u16, &u16)| [((3, address), *value), ((4, address), *value)];
        unit.registers = (0..).zip(values).flat_map(at).collect();
    }

    /// Gives a unit input and holding registers from 0 on that each say where they belong: see
    /// [`Self::encoded`].
    pub fn set_encoded(&self, unit: u8, count: u16) {
        let at = |function| {
            (0..count).map(move |at| ((function, at), Self::encoded(unit, function, at)))
        };
        entry(&mut lock(&self.units), unit).registers = at(3).chain(at(4)).collect();
    }

    /// What a register of [`Self::set_encoded`] holds: unit (1 to 15), table, address (0 to 2047).
    #[must_use]
    pub fn encoded(unit: u8, function: u8, address: u16) -> u16 {
        (u16::from(unit) & 15) << 12 | u16::from(function == 3) << 11 | (address & 0x7ff)
    }

    /// What units with [`Manner::Random`] do follows from this.
    pub fn set_seed(&self, seed: u64) {
        for (number, unit) in lock(&self.units).iter_mut() {
            unit.random = StdRng::seed_from_u64(seed.wrapping_add(u64::from(*number)));
        }
    }

    /// How many answers a unit has given in a wrong manner, or not at all.
    #[must_use]
    pub fn wrong(&self, unit: u8) -> u64 {
        lock(&self.units).get(&unit).map_or(0, |unit| unit.wrong)
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
        wrong: 0,
        before: Vec::new(),
        random: StdRng::seed_from_u64(0),
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

async fn accept(listener: TcpListener, units: Units, is_rtu: bool) {
    let mut connections = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // The far end answers at once; without this an answer would wait for the next.
        stream.set_nodelay(true).ok();
        let units = Arc::clone(&units);
        connections.spawn(async move {
            // The agent drops connections on purpose after a time-out: the end is no error here.
            let end = if is_rtu {
                rtu::serve(stream, &units).await
            } else {
                serve(stream, &units).await
            };
            if let Err(error) = end {
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
        let reply = look(units, head[6], &request);
        let transaction = u16::from_be_bytes([head[0], head[1]]);
        tokio::time::sleep(reply.after).await;
        for part in reply.parts {
            let transaction = transaction.wrapping_sub(part.behind);
            // TCP's own checksum keeps the values; what a bad gateway gets wrong is the head: number,
            // protocol, length, unit, function, count.
            let part = Part {
                change: part.change.map(|(at, by)| (at % 9, by)),
                ..part
            };
            let frame = part.spoil(frame(transaction, head[6], &part.pdu));
            stream.write_all(&frame).await?;
        }
    }
}

/// Counts a request and says what comes back.
fn look(units: &Units, number: u8, request: &[u8]) -> Reply {
    let mut units = lock(units);
    let Some(unit) = units.get_mut(&number) else {
        return Reply::default();
    };
    unit.requests += 1;
    let manner = match unit.manner {
        Manner::Random(percent) => wrong_at_random(&mut unit.random, percent),
        manner => manner,
    };
    unit.wrong += u64::from(manner != Manner::Proper);
    let answer = answer(unit, manner, request)
        .unwrap_or_else(|code| vec![request.first().copied().unwrap_or_default() | 0x80, code]);
    let before = std::mem::replace(&mut unit.before, answer.clone());
    let mut reply = Reply::default();
    let mut part = Part::proper(&answer);
    match manner {
        Manner::Silent => return reply,
        Manner::Late(after) => reply.after = after,
        Manner::Garbled => {
            let by = unit.random.random_range(1..=255);
            part.change = Some((unit.random.random_range(0..250), by));
        }
        Manner::Cut => part.cut = Some(unit.random.random_range(1..=answer.len() + 2)),
        Manner::OneBehind => part.behind = 1,
        Manner::Twice => reply.parts.push(Part::proper(&answer)),
        Manner::Stale if before.is_empty() => return reply,
        Manner::Stale => {
            part.pdu = before;
            part.behind = 1;
        }
        Manner::Proper | Manner::Short | Manner::Exception(_) | Manner::Random(_) => {}
    }
    reply.parts.push(part);
    reply
}

fn wrong_at_random(random: &mut StdRng, percent: u8) -> Manner {
    if random.random_range(0..100) >= percent {
        return Manner::Proper;
    }
    let late = Duration::from_millis(random.random_range(20..LATEST_MS));
    let manners = [
        Manner::Silent,
        Manner::Late(late),
        Manner::Short,
        Manner::Garbled,
        Manner::Exception(4),
        Manner::Twice,
        Manner::Cut,
        Manner::Stale,
    ];
    manners[random.random_range(0..manners.len())]
}

fn answer(unit: &Unit, manner: Manner, request: &[u8]) -> Result<Vec<u8>, u8> {
    let &[function, a, b, c, d] = request else {
        return Err(3);
    };
    if let Manner::Exception(code) = manner {
        return Err(code);
    }
    let address = u16::from_be_bytes([a, b]);
    let count = u16::from_be_bytes([c, d]);
    let given = if manner == Manner::Short {
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
                data.extend(unit.registers.get(&(function, at)).ok_or(2)?.to_be_bytes());
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
mod tests;
