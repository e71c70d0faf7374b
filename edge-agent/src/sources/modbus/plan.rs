//! Which requests read all registers of a profile: neighbours are read together. Pure.

use std::collections::BTreeMap;

use gridwatch_decode::profile::{Channel, Origin, Table};

/// Most registers in one request (Modbus application protocol 1.1b3, section 6.3).
const REGISTERS_MAX: u16 = 125;
/// Most bits in one request (section 6.1).
const BITS_MAX: u16 = 2_000;
/// Unused registers that are read along rather than making a second request.
const GAP_MAX: u16 = 8;

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

/// The requests that read the registers of some channels, each register once.
#[must_use]
pub fn plan(channels: &[Channel]) -> Vec<Request> {
    let mut spans: BTreeMap<Table, Vec<(u16, u16)>> = BTreeMap::new();
    for channel in channels {
        if let Origin::Register(register) = &channel.origin {
            let last = register.address + (register.raw.registers() - 1);
            spans
                .entry(register.table)
                .or_default()
                .push((register.address, last));
        }
    }
    spans
        .into_iter()
        .flat_map(|(table, spans)| merge(table, spans))
        .collect()
}

fn merge(table: Table, mut spans: Vec<(u16, u16)>) -> Vec<Request> {
    let most = match table {
        Table::Coil | Table::Discrete => BITS_MAX,
        Table::Holding | Table::Input => REGISTERS_MAX,
    };
    spans.sort_unstable();
    let mut requests: Vec<(u16, u16)> = Vec::new();
    for (first, last) in spans {
        match requests.last_mut() {
            Some((start, end))
                if first <= end.saturating_add(GAP_MAX + 1) && last - *start < most =>
            {
                *end = last.max(*end);
            }
            _ => requests.push((first, last)),
        }
    }
    requests
        .into_iter()
        .map(|(first, last)| Request {
            table,
            address: first,
            count: last - first + 1,
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_register_is_read_within_the_limits(
            spans in prop::collection::vec((0u16..2000, 0u16..2), 1..80)
        ) {
            let spans: Vec<(u16, u16)> = spans.into_iter().map(|(a, n)| (a, a + n)).collect();
            let requests = merge(Table::Holding, spans.clone());
            for (first, last) in spans {
                prop_assert!(requests.iter().any(|r| r.address <= first && last < r.address + r.count));
            }
            prop_assert!(requests.iter().all(|r| (1..=REGISTERS_MAX).contains(&r.count)));
        }
    }
}
