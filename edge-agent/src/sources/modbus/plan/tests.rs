//! Values are read whole, within the limits, and told apart.

use proptest::prelude::*;

use super::*;

fn plan(spans: &[(u16, u16)], limits: Limits) -> Plan {
    Plan::of(BTreeMap::from([(Table::Holding, spans.to_vec())]), limits)
}

fn shown(plan: &Plan) -> Vec<(u16, u16)> {
    plan.requests.iter().map(|r| (r.address, r.count)).collect()
}

#[test]
fn neighbours_are_read_together_and_blocks_of_one_length_are_told_apart() {
    let spans = [(0, 1), (2, 3), (10, 10), (100, 100), (200, 200)];
    let limits = Limits::default();
    assert_eq!(shown(&plan(&spans, limits)), [(0, 11), (100, 1), (200, 2)]);
    let limits = limits.more_exact().expect("without gaps");
    assert_eq!(
        shown(&plan(&spans, limits)),
        [(0, 4), (10, 1), (100, 1), (200, 1)]
    );
    let limits = limits.more_exact().expect("one by one");
    assert_eq!(
        shown(&plan(&spans, limits)),
        [(0, 2), (2, 2), (10, 1), (100, 1), (200, 1)]
    );
    assert_eq!(limits.more_exact(), None);
}

#[test]
fn only_the_request_that_was_refused_is_made_more_exact() {
    let spans = [(0, 1), (2, 3), (10, 10), (100, 100)];
    let mut plan = plan(&spans, Limits::default());
    assert_eq!(shown(&plan), [(0, 11), (100, 1)]);
    assert!(plan.more_exact(0));
    assert_eq!(shown(&plan), [(0, 4), (10, 1), (100, 1)]);
    assert!(plan.more_exact(0));
    assert_eq!(shown(&plan), [(0, 2), (2, 2), (10, 1), (100, 1)]);
    assert!(!plan.more_exact(0));
    assert!(!plan.more_exact(3));
    assert!(!plan.more_exact(9));
}

#[test]
fn a_value_is_never_split_even_where_the_device_takes_less() {
    // Three values of four registers, at most six in a request.
    let limits = Limits {
        registers_max: 6,
        gap_max: 0,
        ..Limits::default()
    };
    let spans = [(0, 3), (4, 7), (8, 11)];
    assert_eq!(shown(&plan(&spans, limits)), [(0, 4), (4, 4), (8, 4)]);
    // A value longer than the device's limit is asked for whole; longer than the protocol's, not at all.
    let spans = [(0, 9), (1_000, 1_199)];
    let long = plan(&spans, limits);
    assert_eq!(shown(&long), [(0, 10)]);
    assert_eq!(long.too_long, [1_000]);
}

#[test]
fn a_unit_is_brought_into_step_by_a_length_that_no_request_has() {
    let plan = plan(&[(0, 1), (100, 102)], Limits::default());
    assert_eq!(shown(&plan), [(0, 2), (100, 3)]);
    let step = plan.in_step(0).expect("a step");
    assert_eq!((step.address, step.count), (0, 1));
    let bit = Request {
        table: Table::Coil,
        address: 5,
        count: 3,
    };
    let longer = steps(&[bit]);
    assert!(longer.iter().all(|r| r.answer_bytes() > 1), "{longer:?}");
}

proptest! {
    #[test]
    fn every_value_is_read_whole_within_the_limits(
        spans in prop::collection::vec((0u16..=u16::MAX, 0u16..125), 1..80),
        registers_max in 1u16..=125,
        gap_max in 0u16..9,
        merge: bool,
    ) {
        let limits = Limits { registers_max, gap_max, merge, ..Limits::default() };
        let spans: Vec<(u16, u16)> =
            spans.into_iter().map(|(a, n)| (a, a.saturating_add(n))).collect();
        let plan = plan(&spans, limits);
        for (first, last) in spans {
            let whole = plan.requests.iter().any(|r| {
                r.address <= first && u32::from(last) < r.end()
            });
            prop_assert!(whole, "{first} to {last} not in {:?}", plan.requests);
        }
        for request in &plan.requests {
            prop_assert!((1..=REGISTERS_MAX).contains(&request.count));
            prop_assert!(request.end() <= 1 << 16);
        }
        for turn in 0..8 {
            if let Some(step) = plan.in_step(turn) {
                prop_assert!(step.count <= REGISTERS_MAX);
                prop_assert!(plan.requests.iter().all(|r| r.answer_bytes() != step.answer_bytes()));
            }
        }
    }
}
