//! Single events of a door or a camera zone, binned by their own times into half-hours.
//!
//! While a bin is open, what is in it already is compared with what the whole bin usually holds: too many is
//! said at once, too few only when the bin is over. Silence is zeros, but only while somebody listens:
//! [`EventStream::tick`] must be called at least every few minutes, and time that was not ticked through is a
//! gap, of which nothing is known.
//!
//! | input | what happens |
//! |---|---|
//! | the same event again (time, sort, credential), among the last eight | refused as a duplicate |
//! | an event of a bin that is over | refused as late; the third in a row is a clock step |
//! | `tick` goes back by more than a bin | a clock step: the open bin starts anew, the weeks stay |
//! | nothing, no tick, for more than two hours | a gap: the open bin is dropped |

use gridwatch_protocol::Timestamp;
use serde::{Deserialize, Serialize};

use super::event::{Counted, Event, What};
use super::habits::{Bin, Habits};
use super::state::float;
use super::stream::{CountStream, CountView, Learning, StoredCountsError, Update};
use super::tail::COUNT_MAX;
use super::week::{LocalHour, SLOT_MS};
use super::{COUNT_FEATURES, COUNTS_VERSION, CountRow, at, narrow};

/// More than so many bins without a tick are a gap.
const SILENT_BINS_MAX: i64 = 4;
/// Late events in a row that are a clock step.
const LATE_IN_ROW_MAX: u8 = 3;
/// The last events are remembered, to know a duplicate.
const LAST_EVENTS: usize = 8;
/// A fire alarm that nobody renews or clears is over after a day.
const FIRE_MS_MAX: i64 = 86_400_000;
/// The hour after a fire alarm is not as usual either.
const AFTER_FIRE_MS: i64 = 3_600_000;
/// A door that closes so long after it opened was another opening.
const OPEN_MS_MAX: i64 = 30 * 86_400_000;

/// The state of one stream of events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Stored", into = "Stored")]
pub struct EventStream {
    state: State,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct State {
    counted: Counted,
    stream: CountStream,
    offset_s: i32,
    bin_start: Option<Timestamp>,
    /// Latest tick or event.
    heard: Timestamp,
    late_in_row: u8,
    open: Bin,
    closed: Bin,
    last: Vec<(Timestamp, u64)>,
    opened_at: Option<Timestamp>,
    fire: Option<(Timestamp, bool)>,
    habits: Habits,
}

/// [`EventStream`] as it is saved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Stored {
    counts_version: u32,
    state: State,
}

impl EventStream {
    /// A stream that nothing is known of.
    #[must_use]
    pub fn new(counted: Counted) -> Self {
        Self {
            state: State {
                counted,
                stream: CountStream::with_interval(SLOT_MS),
                offset_s: 0,
                bin_start: None,
                heard: Timestamp::from_unix_ms(0),
                late_in_row: 0,
                open: Bin::default(),
                closed: Bin::default(),
                last: Vec::with_capacity(LAST_EVENTS),
                opened_at: None,
                fire: None,
                habits: Habits::new(),
            },
        }
    }

    /// Takes an event, where clocks are `offset_s` seconds ahead of UTC.
    pub fn take(&mut self, event: Event, offset_s: i32, learning: Learning) -> Update {
        let state = &mut self.state;
        let key = (event.at, event.what.key());
        if state.last.contains(&key) {
            return Update::Duplicate;
        }
        if state.bin_start.is_some_and(|start| event.at < start) {
            state.late_in_row += 1;
            if state.late_in_row < LATE_IN_ROW_MAX {
                return Update::Late;
            }
            state.step_to(event.at);
        }
        state.late_in_row = 0;
        if state.last.len() == LAST_EVENTS {
            state.last.remove(0);
        }
        state.last.push(key);
        state.offset_s = offset_s;
        state.advance(event.at, learning);
        state.note(event);
        Update::Taken
    }

    /// Tells that the stream was listened to until `now`: bins that ended are closed, with zeros if need be.
    pub fn tick(&mut self, now: Timestamp, offset_s: i32, learning: Learning) {
        self.state.offset_s = offset_s;
        if let Some(start) = self.state.bin_start
            && now.plus_ms(SLOT_MS) < start
        {
            self.state.step_to(now);
        }
        self.state.advance(now, learning);
    }

    /// Tells that what happens is not heard (broker down, sensor silent): the open bin is dropped.
    pub fn lost(&mut self) {
        self.state.drop_bin();
    }

    /// The features now: of the open bin, or, while nothing is in it, of the one before.
    #[must_use]
    pub fn row(&self) -> CountRow {
        let state = &self.state;
        let Some(start) = state.bin_start else {
            return [0.0; COUNT_FEATURES];
        };
        let bin = if state.open.is_empty() {
            &state.closed
        } else {
            &state.open
        };
        let mut row = if state.open.is_empty() && state.stream.newest().is_some() {
            state.stream.row_at(state.heard)
        } else {
            state
                .stream
                .row_growing(start, state.open.count, state.offset_s, 0.0)
        };
        for (feature, told) in row.iter_mut().zip(bin.told) {
            if told > 0.0 {
                *feature = narrow(told);
            }
        }
        row[at::FIRE] = narrow(state.fire_now());
        row
    }

    /// The bin of [`EventStream::row`], in words to come.
    #[must_use]
    pub fn view(&self) -> Option<CountView> {
        let state = &self.state;
        if state.open.is_empty() && state.stream.newest().is_some() {
            return state.stream.view();
        }
        let start = state.bin_start?;
        Some(
            state
                .stream
                .view_growing(start, state.open.count, state.offset_s),
        )
    }

    /// The expectation of the counts.
    #[must_use]
    pub fn counts(&self) -> &CountStream {
        &self.state.stream
    }
}

impl State {
    fn advance(&mut self, now: Timestamp, learning: Learning) {
        let start = *self.bin_start.get_or_insert_with(|| bin_of(now));
        let bins = now.ms_since(start).div_euclid(SLOT_MS);
        if now.ms_since(self.heard) > SILENT_BINS_MAX * SLOT_MS && bins > 0 {
            self.drop_bin();
            self.bin_start = Some(bin_of(now));
        } else {
            for _ in 0..bins.max(0) {
                self.close_bin(learning);
            }
        }
        self.heard = self.heard.max(now);
    }

    fn close_bin(&mut self, learning: Learning) {
        let Some(start) = self.bin_start else { return };
        let count = self.open.count.min(COUNT_MAX);
        self.stream.update(start, count, self.offset_s, learning);
        self.habits.close(&self.open);
        self.closed = std::mem::take(&mut self.open);
        self.bin_start = Some(start.plus_ms(SLOT_MS));
    }

    fn drop_bin(&mut self) {
        self.open = Bin::default();
        self.closed = Bin::default();
        self.opened_at = None;
        self.stream.gap();
    }

    fn step_to(&mut self, at: Timestamp) {
        self.drop_bin();
        self.bin_start = Some(bin_of(at));
        self.heard = at;
        self.last.clear();
        self.late_in_row = 0;
    }

    fn note(&mut self, event: Event) {
        match event.what {
            What::Opened => {
                self.count(Counted::Openings);
                self.opened_at = Some(event.at);
            }
            What::Closed => self.closed_at(event.at),
            What::Granted { credential } => {
                self.count(Counted::Entries);
                self.open.granted += 1.0;
                self.habits.attempt(&mut self.open, credential);
                self.habits.compare_persons(&mut self.open, &self.closed);
            }
            What::Denied { credential } => {
                self.count(Counted::Refusals);
                self.open.denied += 1.0;
                self.habits.attempt(&mut self.open, credential);
                self.habits.compare_refusals(&mut self.open, &self.closed);
            }
            What::Seen {
                label,
                score,
                is_person,
            } => {
                self.count(Counted::Sightings);
                let half_hour = LocalHour::of(event.at, self.offset_s).half_hour;
                let rarity = self.habits.labels.take(label, half_hour);
                self.open.tell(at::LABEL_RARITY, rarity);
                if score.is_finite() {
                    self.open.tell(at::DETECTOR, score.clamp(0.0, 1.0));
                }
                self.open.persons += f64::from(u8::from(is_person));
                self.habits.compare_persons(&mut self.open, &self.closed);
            }
            What::Left { stayed_s } => {
                let z = self.habits.stays.take(stayed_s);
                self.open.tell(at::DWELL, z);
            }
            What::Fire { active } => self.fire = Some((event.at, active)),
        }
    }

    fn count(&mut self, counted: Counted) {
        if counted == self.counted {
            self.open.count += 1.0;
        }
    }

    fn closed_at(&mut self, closed: Timestamp) {
        if let Some(opened) = self.opened_at.take() {
            let ms = closed.ms_since(opened);
            if (0..=OPEN_MS_MAX).contains(&ms) {
                let z = self.habits.held_open.take(float(ms) / 1000.0);
                self.open.tell(at::HELD_OPEN, z);
            }
        }
    }

    fn fire_now(&self) -> f64 {
        let Some((since, active)) = self.fire else {
            return 0.0;
        };
        let ms = self.heard.ms_since(since).max(0);
        match active {
            true if ms <= FIRE_MS_MAX => 1.0,
            false if ms < AFTER_FIRE_MS => 1.0 - float(ms) / float(AFTER_FIRE_MS),
            _ => 0.0,
        }
    }

    fn is_sound(&self) -> bool {
        self.open.is_sound()
            && self.closed.is_sound()
            && self.last.len() <= LAST_EVENTS
            && self.late_in_row < LATE_IN_ROW_MAX
            && self.habits.is_sound()
    }
}

fn bin_of(at: Timestamp) -> Timestamp {
    Timestamp::from_unix_ms(at.unix_ms().div_euclid(SLOT_MS) * SLOT_MS)
}

impl From<EventStream> for Stored {
    fn from(stream: EventStream) -> Self {
        Self {
            counts_version: COUNTS_VERSION,
            state: stream.state,
        }
    }
}

impl TryFrom<Stored> for EventStream {
    type Error = StoredCountsError;
    fn try_from(stored: Stored) -> Result<Self, Self::Error> {
        StoredCountsError::check(stored.counts_version, || stored.state.is_sound())?;
        Ok(Self {
            state: stored.state,
        })
    }
}
