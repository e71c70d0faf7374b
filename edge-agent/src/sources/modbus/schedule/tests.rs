//! The scheduler in simulated time.

use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

/// A line in simulated time: what each request of a unit costs, and whether it answers.
struct Simulation {
    schedule: Schedule,
    now: Instant,
    start: Instant,
    requests: Vec<u32>,
    cost: Vec<Duration>,
    dead: Vec<bool>,
    left: Vec<u32>,
    polls: Vec<u64>,
    missed: Vec<u64>,
    late: Vec<Vec<Duration>>,
    probes: u64,
}

impl Simulation {
    fn new(intervals: &[u32], requests: &[u32], cost_ms: &[u32], timeout_ms: u32) -> Self {
        let start = Instant::now();
        let intervals: Vec<Duration> = intervals.iter().map(|ms| MS * *ms).collect();
        let units = intervals.len();
        Self {
            schedule: Schedule::new(&intervals, MS * timeout_ms, MS * 25, start),
            now: start,
            start,
            requests: requests.to_vec(),
            cost: cost_ms.iter().map(|ms| MS * *ms).collect(),
            dead: vec![false; units],
            left: vec![0; units],
            polls: vec![0; units],
            missed: vec![0; units],
            late: vec![Vec::new(); units],
            probes: 0,
        }
    }

    fn run(&mut self, until: Duration) {
        while self.now < self.start + until {
            match self.schedule.next(self.now) {
                Next::Wait(at) => {
                    assert!(at > self.now, "the scheduler spins");
                    self.now = at;
                }
                Next::Ask(index) => self.ask(index),
                Next::Probe(index, limit) => {
                    self.probes += 1;
                    self.now += if self.dead[index] {
                        limit + MS * 20
                    } else {
                        self.cost[index]
                    };
                    self.schedule.probed(index, !self.dead[index], self.now);
                }
                Next::Nothing => panic!("there are units"),
            }
        }
    }

    fn ask(&mut self, index: usize) {
        if self.left[index] == 0 {
            self.left[index] = self.requests[index];
            let late = self.now - self.schedule.due(index);
            self.late[index].push(late);
        }
        if self.dead[index] {
            self.now += self.schedule.timeout;
            self.left[index] = 0;
            self.missed[index] += self.schedule.ended(index, Heard::No, self.now);
            return;
        }
        self.now += self.cost[index];
        self.schedule.learn(self.cost[index]);
        self.left[index] -= 1;
        if self.left[index] == 0 {
            self.polls[index] += 1;
            self.missed[index] += self.schedule.ended(index, Heard::Yes, self.now);
        } else {
            self.schedule.goes_on(index, self.now);
        }
    }
}

#[test]
fn one_dead_unit_of_eight_makes_nobody_late_once_its_breaker_is_open() {
    let mut line = Simulation::new(&[1_000; 8], &[1; 8], &[5; 8], 500);
    line.dead[3] = true;
    line.run(MS * 5_000);
    assert!(line.schedule.is_open(3));
    let before = line.polls.clone();
    line.late.iter_mut().for_each(Vec::clear);
    line.run(MS * 605_000);
    for unit in [0, 1, 2, 4, 5, 6, 7] {
        assert_eq!(line.missed[unit], 0, "unit {unit}");
        assert_eq!(line.polls[unit] - before[unit], 600, "unit {unit}");
        let worst = line.late[unit].iter().max().expect("polls");
        assert!(*worst < MS * 5, "unit {unit} was late by {worst:?}");
    }
    assert!((15..30).contains(&line.probes), "{} probes", line.probes);
    // It answers again: it is found, and polled by the clock.
    line.dead[3] = false;
    line.run(MS * 650_000);
    assert!(!line.schedule.is_open(3));
    assert!(line.polls[3] > 10, "{}", line.polls[3]);
}

#[test]
fn a_dead_unit_costs_one_time_out_per_cycle_until_its_breaker_opens() {
    let mut line = Simulation::new(&[1_000; 4], &[3; 4], &[5; 4], 500);
    line.dead[0] = true;
    line.run(MS * 1_900);
    assert_eq!(line.late[0].len(), 2, "one try in each cycle");
    line.run(MS * 2_900);
    assert!(line.schedule.is_open(0));
    assert_eq!(line.missed[1..], [0, 0, 0]);
}

#[test]
fn a_unit_with_many_requests_does_not_starve_the_others() {
    // The first unit alone would fill the line.
    let mut line = Simulation::new(&[100, 100, 100], &[50, 1, 1], &[5, 5, 5], 500);
    line.run(MS * 60_000);
    for unit in [1, 2] {
        assert!(line.polls[unit] >= 590, "unit {unit}: {}", line.polls[unit]);
        let worst = line.late[unit].iter().max().expect("polls");
        assert!(*worst <= MS * 15, "unit {unit} was late by {worst:?}");
    }
    assert!(line.missed[0] > 0, "what was left out is counted");
}

#[test]
fn a_line_without_free_time_probes_at_last_and_seldom() {
    // Two units of 45 ms in 100 ms leave gaps of 5 ms.
    let mut line = Simulation::new(&[100, 100, 100], &[1, 1, 1], &[45, 45, 5], 200);
    line.dead[2] = true;
    line.run(MS * 120_000);
    assert!((2..=10).contains(&line.probes), "{} probes", line.probes);
}

#[test]
fn a_line_that_is_down_opens_no_breaker() {
    let now = Instant::now();
    let mut schedule = Schedule::new(&[MS * 100], MS * 10, MS, now);
    for _ in 0..10 {
        schedule.ended(0, Heard::NoLine, now);
    }
    assert!(!schedule.is_open(0));
}

proptest! {
    #[test]
    fn every_unit_that_answers_is_served(
        units in prop::collection::vec((20u32..2_000, 1u32..6, 1u32..60, any::<bool>()), 1..9)
    ) {
        let intervals: Vec<u32> = units.iter().map(|u| u.0).collect();
        let requests: Vec<u32> = units.iter().map(|u| u.1).collect();
        let cost: Vec<u32> = units.iter().map(|u| u.2).collect();
        let mut line = Simulation::new(&intervals, &requests, &cost, 100);
        line.dead = units.iter().map(|u| u.3).collect();
        line.run(MS * 60_000);
        // However crowded: in a round of all, each unit that is ready has one request.
        let round: u32 = cost.iter().sum::<u32>() + 100 * 8;
        for (unit, config) in units.iter().enumerate().filter(|(_, u)| !u.3) {
            let period = config.0.max(round * config.1) * 2;
            let least = u64::from(60_000 / period / 2);
            prop_assert!(line.polls[unit] >= least, "unit {unit}: {} < {least}", line.polls[unit]);
        }
    }
}
