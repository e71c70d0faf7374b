//! Which requests read all registers of a profile: neighbours are read together, a value is never
//! split over two requests. Pure.
//!
//! A serial answer does not say which registers it holds: the address is in the request alone, so a late
//! answer is told from the right one only by its length. Therefore the requests of a unit have different
//! lengths wherever the device allows to read a few registers more, and [`Plan::in_step`] gives requests
//! of a length that no other has, by which a unit is brought back into step after a time-out.

use std::collections::{BTreeMap, BTreeSet};

use gridwatch_decode::profile::{Profile, Table};

/// Most registers in one request (Modbus application protocol 1.1b3, section 6.3).
const REGISTERS_MAX: u16 = 125;
/// Most bits in one request (section 6.1).
const BITS_MAX: u16 = 2_000;
/// Unused registers that are read along rather than making a second request: 8 registers take as long
/// on the wire as the head and tail of a request.
const GAP_MAX: u16 = 8;
/// At most so many lengths are used to bring a unit back into step.
const STEPS_MAX: u16 = 4;

/// What a device can take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Most registers in one request.
    pub registers_max: u16,
    /// Most bits in one request.
    pub bits_max: u16,
    /// Registers that no channel asks for may be read along, up to so many in a row; 0: none at all.
    pub gap_max: u16,
    /// Neighbouring values may be read together.
    pub merge: bool,
    /// Least pause before a request to the device.
    pub pause_ms: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            registers_max: REGISTERS_MAX,
            bits_max: BITS_MAX,
            gap_max: GAP_MAX,
            merge: true,
            pause_ms: 0,
        }
    }
}

impl From<&Profile> for Limits {
    /// What the profile says of its device; a profile that says nothing gets what the standard allows.
    fn from(profile: &Profile) -> Self {
        let bus = &profile.bus;
        Self {
            registers_max: bus.max_registers_per_request,
            bits_max: bus.max_bits_per_request,
            gap_max: bus.max_gap,
            merge: !bus.read_one_by_one,
            pause_ms: u64::from(bus.pause_between_requests_ms),
        }
    }
}

impl Limits {
    /// For a device that refuses a request because of an address that it does not have: first nothing
    /// is read but what is asked for, then each value by itself. `None`: it cannot be done more exactly.
    #[must_use]
    pub fn more_exact(self) -> Option<Self> {
        if self.gap_max > 0 {
            return Some(Self { gap_max: 0, ..self });
        }
        self.merge.then_some(Self {
            merge: false,
            ..self
        })
    }

    fn most(&self, table: Table) -> u16 {
        match table {
            Table::Coil | Table::Discrete => self.bits_max.clamp(1, BITS_MAX),
            Table::Holding | Table::Input => self.registers_max.clamp(1, REGISTERS_MAX),
        }
    }
}

/// One read request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Request {
    /// The table.
    pub table: Table,
    /// Zero-based address of the first.
    pub address: u16,
    /// How many.
    pub count: u16,
}

impl Request {
    /// Bytes of data in its answer; what a serial answer is known by.
    #[must_use]
    pub fn answer_bytes(&self) -> u16 {
        match self.table {
            Table::Coil | Table::Discrete => self.count.div_ceil(8),
            Table::Holding | Table::Input => self.count.saturating_mul(2),
        }
    }

    fn end(&self) -> u32 {
        u32::from(self.address) + u32::from(self.count)
    }
}

/// The requests of a unit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The requests, each register once.
    pub requests: Vec<Request>,
    /// Addresses of values that are longer than one request can be.
    pub too_long: Vec<u16>,
    /// Of each request, what it was planned with.
    limits: Vec<Limits>,
    values: BTreeMap<Table, Vec<(u16, u16)>>,
    steps: Vec<Request>,
}

impl Plan {
    /// The requests that read all registers of a profile, those of its conditions and limits included.
    #[must_use]
    pub fn new(profile: &Profile, limits: Limits) -> Self {
        let mut spans: BTreeMap<Table, Vec<(u16, u16)>> = BTreeMap::new();
        for span in profile.registers() {
            let last = span.address.saturating_add(span.count.saturating_sub(1));
            spans
                .entry(span.table)
                .or_default()
                .push((span.address, last));
        }
        Self::of(spans, limits)
    }

    fn of(spans: BTreeMap<Table, Vec<(u16, u16)>>, limits: Limits) -> Self {
        let mut too_long = Vec::new();
        let mut requests = Vec::new();
        let mut values = spans;
        for (&table, spans) in &mut values {
            let longest = match table {
                Table::Coil | Table::Discrete => BITS_MAX,
                Table::Holding | Table::Input => REGISTERS_MAX,
            };
            spans.retain(|(first, last)| {
                let fits = last - first < longest;
                if !fits {
                    too_long.push(*first);
                }
                fits
            });
            spans.sort_unstable();
            spans.dedup();
            let mut of_table = merge(table, spans, limits);
            if limits.gap_max > 0 {
                tell_apart(&mut of_table, limits.most(table));
            }
            requests.extend(of_table);
        }
        Self {
            steps: steps(&requests),
            limits: vec![limits; requests.len()],
            requests,
            too_long,
            values,
        }
    }

    /// After a device has refused a request because of an address: reads the same values more exactly,
    /// by several requests in its place. False when it cannot be done more exactly.
    pub fn more_exact(&mut self, index: usize) -> bool {
        let (Some(request), Some(limits)) = (self.requests.get(index), self.limits.get(index))
        else {
            return false;
        };
        let (request, mut limits) = (*request, *limits);
        let inside: Vec<(u16, u16)> = self
            .values
            .get(&request.table)
            .into_iter()
            .flatten()
            .filter(|(first, last)| *first >= request.address && u32::from(*last) < request.end())
            .copied()
            .collect();
        while let Some(exact) = limits.more_exact() {
            limits = exact;
            let instead = merge(request.table, &inside, limits);
            if instead != [request] && !instead.is_empty() {
                self.limits
                    .splice(index..=index, instead.iter().map(|_| limits));
                self.requests.splice(index..=index, instead);
                self.steps = steps(&self.requests);
                return true;
            }
        }
        false
    }

    /// A read whose answer cannot be that of any request of the plan: once it is answered, every answer
    /// to an earlier request is in the past, because a unit answers in order. `turn` chooses among
    /// several, so that two of them in a row differ too.
    #[must_use]
    pub fn in_step(&self, turn: usize) -> Option<Request> {
        let index = turn.checked_rem(self.steps.len())?;
        self.steps.get(index).copied()
    }
}

/// `spans` are sorted.
fn merge(table: Table, spans: &[(u16, u16)], limits: Limits) -> Vec<Request> {
    let most = limits.most(table);
    let mut merged: Vec<(u16, u16)> = Vec::new();
    for &(first, last) in spans {
        match merged.last_mut() {
            // Inside what is read already.
            Some((start, end)) if *start <= first && last <= *end => {}
            Some((start, end))
                if limits.merge
                    && first <= end.saturating_add(limits.gap_max).saturating_add(1)
                    && last - *start < most =>
            {
                *end = last.max(*end);
            }
            _ => merged.push((first, last)),
        }
    }
    merged
        .into_iter()
        .map(|(first, last)| Request {
            table,
            address: first,
            count: (last - first).saturating_add(1),
        })
        .collect()
}

/// Makes requests of one table longer until their answers differ in length, as far as `GAP_MAX` and
/// the limits allow.
fn tell_apart(requests: &mut [Request], most: u16) {
    let mut used = BTreeSet::new();
    for request in requests {
        let room = match request.table {
            Table::Coil | Table::Discrete => GAP_MAX * 8,
            Table::Holding | Table::Input => GAP_MAX,
        };
        let longer = (0..=room).map(|more| Request {
            count: request.count.saturating_add(more),
            ..*request
        });
        let found = longer
            .take_while(|r| r.count <= most.max(request.count) && r.end() <= 1 << 16)
            .find(|r| !used.contains(&r.answer_bytes()));
        if let Some(found) = found {
            *request = found;
        }
        used.insert(request.answer_bytes());
    }
}

/// Reads at the first address of a plan in lengths that no request of the same table has: shorter ones
/// where there are any, because every register of theirs exists.
fn steps(requests: &[Request]) -> Vec<Request> {
    let Some(first) = requests.first() else {
        return Vec::new();
    };
    let unit = match first.table {
        Table::Coil | Table::Discrete => 8,
        Table::Holding | Table::Input => 1,
    };
    let used: BTreeSet<u16> = requests
        .iter()
        .filter(|r| r.table == first.table)
        .map(Request::answer_bytes)
        .collect();
    let free = |range: std::ops::RangeInclusive<u16>| -> Vec<Request> {
        range
            .map(|step| Request {
                count: step.saturating_mul(unit),
                ..*first
            })
            .filter(|r| !used.contains(&r.answer_bytes()) && r.end() <= 1 << 16)
            .take(usize::from(STEPS_MAX))
            .collect()
    };
    let longest = first.count.div_ceil(unit);
    let shorter = free(1..=longest.saturating_sub(1));
    if shorter.is_empty() {
        let most = if unit == 1 {
            REGISTERS_MAX
        } else {
            BITS_MAX / 8
        };
        return free(1..=most);
    }
    shorter
}

#[cfg(test)]
mod tests;
