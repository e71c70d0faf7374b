//! How many alarms somebody had to take, by ANSI/ISA-18.2-2016 (IEC 62682). Pure: instants in, figures out.
//!
//! An alarm is what is announced: a case that was opened. An alert that joins an open case is not announced
//! anew and is no alarm; it counts among the activations of its point, of which chattering and the most
//! frequent points are told.
//!
//! Published targets: about 1 alarm in 10 minutes, 2 at most; fewer than 1 % of 10-minute periods with more
//! than 10; a flood begins with more than 10 in 10 minutes and ends with fewer than 5; no chattering; fewer than
//! 5 stale alarms on any day; 80/15/5 % of low, medium and high priority.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::figures::ratio;

/// Ten minutes, in milliseconds: the period of the standard.
pub const PERIOD_MS: i64 = 600_000;
/// More in one period are a flood.
pub const FLOOD_ABOVE: usize = 10;
/// Fewer in the last period end it.
pub const FLOOD_BELOW: usize = 5;
/// An alarm that stands longer is stale, in milliseconds.
pub const STALE_MS: i64 = 86_400_000;
/// So many activations of one point within [`CHATTER_MS`] are chattering (the rule in common use; the
/// standard has no number).
pub const CHATTER_COUNT: i64 = 3;
/// See [`CHATTER_COUNT`]; in milliseconds.
pub const CHATTER_MS: i64 = 60_000;

/// A stretch of time, in milliseconds since 1970; the end is not in it.
pub type Stretch = (i64, i64);

/// How many alarms came to one desk or officer.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlarmLoad {
    /// For how long, in milliseconds.
    pub watched_ms: i64,
    /// Alarms in that time.
    pub alarms: i64,
    /// Alarms in 10 minutes, on average.
    pub per_ten_minutes: Option<f64>,
    /// Most alarms in one 10-minute period.
    pub per_ten_minutes_most: i64,
    /// 10-minute periods, counted from the beginning of each stretch; the last of each may be shorter.
    pub periods: i64,
    /// Periods with more than 10 alarms.
    pub periods_over_ten: i64,
    /// Their share.
    pub periods_over_ten_share: Option<f64>,
    /// Floods: from more than 10 alarms in the last 10 minutes until fewer than 5.
    pub floods: i64,
    /// For how long, in milliseconds.
    pub flood_ms: i64,
    /// The share of time in flood.
    pub flood_share: Option<f64>,
}

/// Of alarms at these instants (ascending) within these stretches (ascending, apart). Alarms outside of them
/// are nobody's.
#[must_use]
pub fn load(alarms: &[i64], watched: &[Stretch]) -> AlarmLoad {
    let mut load = AlarmLoad::default();
    for (from, until) in watched.iter().filter(|(from, until)| from < until) {
        let first = alarms.partition_point(|at| at < from);
        let last = alarms.partition_point(|at| at < until);
        stretch(&mut load, &alarms[first..last], (*from, *until));
    }
    load.per_ten_minutes = ratio(load.alarms * PERIOD_MS, load.watched_ms);
    load.periods_over_ten_share = ratio(load.periods_over_ten, load.periods);
    load.flood_share = ratio(load.flood_ms, load.watched_ms);
    load
}

fn stretch(load: &mut AlarmLoad, alarms: &[i64], (from, until): Stretch) {
    load.watched_ms += until - from;
    load.alarms += count(alarms.len());
    load.periods += (until - from + PERIOD_MS - 1) / PERIOD_MS;
    for period in alarms.chunk_by(|a, b| (a - from) / PERIOD_MS == (b - from) / PERIOD_MS) {
        load.per_ten_minutes_most = load.per_ten_minutes_most.max(count(period.len()));
        load.periods_over_ten += i64::from(period.len() > FLOOD_ABOVE);
    }
    for (begin, end) in floods(alarms, until) {
        load.floods += 1;
        load.flood_ms += end - begin;
    }
}

fn count(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// Floods among alarms at these instants; one that has not ended by `until` ends then.
#[must_use]
pub fn floods(alarms: &[i64], until: i64) -> Vec<Stretch> {
    let (mut floods, mut since, mut oldest) = (Vec::new(), None, 0);
    for (newest, at) in alarms.iter().enumerate() {
        // Alarms leave the last ten minutes one by one before the next one comes.
        while alarms[oldest] + PERIOD_MS <= *at {
            oldest += 1;
            if newest - oldest < FLOOD_BELOW
                && let Some(begin) = since.take()
            {
                floods.push((begin, alarms[oldest - 1] + PERIOD_MS));
            }
        }
        if newest + 1 - oldest > FLOOD_ABOVE {
            since.get_or_insert(*at);
        }
    }
    if let Some(begin) = since {
        // The flood ends when the fifth of the newest leaves.
        let leaves = alarms[alarms.len() - FLOOD_BELOW] + PERIOD_MS;
        floods.push((begin, leaves.min(until).max(begin)));
    }
    floods
}

/// Stretches put together where they touch, and cut to `within`.
#[must_use]
pub fn together(mut stretches: Vec<Stretch>, within: Stretch) -> Vec<Stretch> {
    stretches.sort_unstable();
    let mut joined: Vec<Stretch> = Vec::new();
    for (from, until) in stretches {
        let (from, until) = (from.max(within.0), until.min(within.1));
        match joined.last_mut() {
            _ if from >= until => {}
            Some(last) if from <= last.1 => last.1 = last.1.max(until),
            _ => joined.push((from, until)),
        }
    }
    joined
}

/// How many alarms fell into each step of so many milliseconds, for charts; steps without alarms are 0.
#[must_use]
pub fn series(alarms: &[i64], (from, until): Stretch, step_ms: i64) -> Vec<i64> {
    let steps = usize::try_from((until - from + step_ms - 1) / step_ms).unwrap_or(0);
    let mut counts = vec![0; steps];
    for at in alarms {
        let step = usize::try_from((at - from).div_euclid(step_ms)).ok();
        if let Some(count) = step.and_then(|step| counts.get_mut(step)) {
            *count += 1;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MINUTE: i64 = 60_000;

    #[test]
    fn eleven_in_ten_minutes_are_a_flood_until_fewer_than_five_are_left() {
        // One alarm each half minute from 0:00 to 5:00 are 11; the eleventh begins the flood at 5:00. From
        // 10:00 on one leaves each half minute; with the seventh, at 13:00, four are left.
        let alarms: Vec<i64> = (0..11).map(|n| n * MINUTE / 2).collect();
        assert_eq!(floods(&alarms, 60 * MINUTE), [(5 * MINUTE, 13 * MINUTE)]);
        let load = load(&alarms, &[(0, 60 * MINUTE)]);
        assert_eq!(
            (load.alarms, load.periods, load.periods_over_ten),
            (11, 6, 1)
        );
        assert_eq!((load.floods, load.flood_ms), (1, 8 * MINUTE));
        assert_eq!(load.per_ten_minutes, Some(1.8333));
        assert_eq!(load.flood_share, Some(0.1333));
        // Ten are none, however dense.
        assert!(floods(&[1; 10], MINUTE).is_empty());
    }

    #[test]
    fn alarms_outside_of_the_watch_are_nobodys() {
        let load = load(&[1, 5, 10, 99], &[(5, 10), (50, 60)]);
        assert_eq!((load.alarms, load.watched_ms), (1, 15));
        assert_eq!(
            together(vec![(5, 9), (1, 3), (3, 4), (8, 20)], (2, 12)),
            [(2, 4), (5, 12)]
        );
        assert_eq!(series(&[0, 1, 59, 60, 400], (0, 130), 60), [3, 1, 0]);
    }

    /// Looks at every instant at which something changes.
    fn slow(alarms: &[i64], until: i64) -> Vec<Stretch> {
        let mut instants: Vec<i64> = alarms.iter().flat_map(|at| [*at, at + PERIOD_MS]).collect();
        instants.sort_unstable();
        instants.dedup();
        let (mut floods, mut since) = (Vec::new(), None);
        for now in instants {
            let last = |at: &&i64| **at > now - PERIOD_MS && **at <= now;
            // What leaves at an instant leaves before what comes at it.
            let stayed = alarms.iter().filter(|at| last(at) && **at < now).count();
            if stayed < FLOOD_BELOW
                && let Some(begin) = since.take()
            {
                floods.push((begin, now));
            }
            if alarms.iter().filter(last).count() > FLOOD_ABOVE {
                since.get_or_insert(now);
            }
        }
        assert_eq!(since, None);
        floods
            .into_iter()
            .map(|(b, e)| (b, e.min(until).max(b)))
            .collect()
    }

    proptest! {
        #[test]
        fn floods_are_those_of_the_definition(mut alarms in proptest::collection::vec(0_i64..40 * MINUTE, 0..80)) {
            alarms.sort_unstable();
            let until = 60 * MINUTE;
            prop_assert_eq!(floods(&alarms, until), slow(&alarms, until));
        }
    }
}
