//! Reports: what the figures of cases and alarms mean, and how they are worked out. Pure.
//!
//! - [`facts`]: what one case contributes, from the case and its clocks.
//! - [`counts`]: the counts of a group of cases; the definition of each is its SQL expression.
//! - [`figures`]: rates and times from the counts; numerator, denominator, exclusions.
//! - [`alarms`]: how many alarms somebody had to take, by ISA-18.2.
//! - [`period`]: local days to instants.
//! - [`table`]: figures as CSV that a spreadsheet opens without harm.
//! - [`config`]: the targets of the configuration.
//!
//! Rules that hold for every figure of cases:
//! - A case counts in the period in which it was **reported**, by the hub's clock and the calendar's local
//!   days, with what has become of it by now. So a figure of a past month can still change.
//! - Drills and tests count in no figure but their own number.
//! - A merged case (并案) counts as reported and as merged, and in nothing else: what happens to the matter is
//!   counted at the case that took it in. When merging is undone it counts again.
//! - A case that was opened again counts once, with the times of its last run; that it was opened again is
//!   counted beside it. Reworks, units that sent it back, extensions and suspensions are of its whole life.
//! - Times are on the clock that the step's limit runs by: working hours where the limit is in working
//!   time, without suspensions. Only steps that were finished have a time.
//! - A case counts for the unit that has it; one that was sent back and not dispatched anew, for none.
//! - An appeal that succeeds (申诉) never changes a raw figure: the figure with the exempted cases taken out
//!   stands beside it.
//! - Forced closings (强制结案) are counted apart and are in no rate of handling or closing.
//!
//! Sources: names of the figures from the assessment tables of city systems in use (立案率, 按期处置率,
//! 结案率, 按期结案率, 返工率, 重复率); the formulas of GB/T 30428.4 are not public, so those here are ours,
//! each told at its field. Alarms: ANSI/ISA-18.2-2016 (IEC 62682).

pub mod alarms;
pub mod config;
pub mod counts;
pub mod facts;
pub mod figures;
pub mod period;
pub mod table;
