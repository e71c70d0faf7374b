//! The response level of a case: grid and community (IV), street (III), district (II), city (I). Pure.
//!
//! It rises by itself and never falls by itself; the numbers are proposals of ours, after the four levels
//! of flood plans in use:
//! - a P1 is the street's matter (III);
//! - cases of one category that are open in three grids or more are the street's (III), in two streets or more
//!   the district's (II), in two districts or more the city's (I);
//! - a red card brings a case one level up, at most to the district (II).

use std::collections::BTreeSet;

use gridwatch_protocol::{Severity, Text};

use crate::cases::{Card, Level, text};
use crate::directory::{AreaStep, Level as AreaLevel};

/// Where cases of one category are open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Spread {
    /// In so many grids.
    pub grids: usize,
    /// In so many streets.
    pub streets: usize,
    /// In so many districts.
    pub districts: usize,
}

impl Spread {
    /// Of cases at the ends of these paths; a case of an unknown place counts nowhere.
    #[must_use]
    pub fn of<'a>(paths: impl Iterator<Item = &'a [AreaStep]>) -> Self {
        let mut seen: [BTreeSet<&str>; 3] = Default::default();
        for step in paths.flatten() {
            let place = match step.level {
                AreaLevel::Grid => 0,
                AreaLevel::Street => 1,
                AreaLevel::District => 2,
                AreaLevel::City | AreaLevel::Community => continue,
            };
            seen[place].insert(&step.code);
        }
        Self {
            grids: seen[0].len(),
            streets: seen[1].len(),
            districts: seen[2].len(),
        }
    }

    fn level(self) -> (Level, Text) {
        if self.districts >= 2 {
            let n = self.districts;
            (
                Level::I,
                text(
                    format!("同类事件已涉及 {n} 个区"),
                    format!("cases of this category are open in {n} districts"),
                ),
            )
        } else if self.streets >= 2 {
            let n = self.streets;
            (
                Level::II,
                text(
                    format!("同类事件已涉及 {n} 个街道"),
                    format!("cases of this category are open in {n} streets"),
                ),
            )
        } else if self.grids >= 3 {
            let n = self.grids;
            (
                Level::III,
                text(
                    format!("同类事件已涉及 {n} 个网格"),
                    format!("cases of this category are open in {n} grids"),
                ),
            )
        } else {
            (Level::IV, text("", ""))
        }
    }
}

/// The level that a case has; one that nobody has set is the grid's.
#[must_use]
pub fn present(level: Option<Level>) -> Level {
    level.unwrap_or(Level::IV)
}

/// The level that a severity alone brings; none when it brings none.
#[must_use]
pub fn by_severity(severity: Severity) -> Option<Level> {
    (severity == Severity::P1).then_some(Level::III)
}

/// The level to which a case rises by its spread; none when it stays.
#[must_use]
pub fn by_spread(now: Option<Level>, spread: Spread) -> Option<(Level, Text)> {
    let (level, why) = spread.level();
    (level < present(now)).then_some((level, why))
}

/// The level to which a red card brings a case; none when it stays.
#[must_use]
pub fn by_card(now: Option<Level>, card: Card) -> Option<Level> {
    let up = match present(now) {
        Level::IV => Level::III,
        Level::III | Level::II | Level::I => Level::II,
    };
    (card == Card::Red && up < present(now)).then_some(up)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spread(grids: usize, streets: usize, districts: usize) -> Spread {
        Spread {
            grids,
            streets,
            districts,
        }
    }

    #[test]
    fn spread_raises_the_level_and_never_lowers_it() {
        let to = |now, spread| by_spread(now, spread).map(|(level, _)| level);
        assert_eq!(to(None, spread(2, 1, 1)), None);
        assert_eq!(to(None, spread(3, 1, 1)), Some(Level::III));
        assert_eq!(to(None, spread(2, 2, 1)), Some(Level::II));
        assert_eq!(to(Some(Level::III), spread(5, 3, 2)), Some(Level::I));
        assert_eq!(to(Some(Level::II), spread(3, 1, 1)), None);
        assert_eq!(to(Some(Level::II), spread(9, 2, 1)), None);
    }

    #[test]
    fn red_card_brings_a_case_one_level_up_to_the_district_at_most() {
        assert_eq!(by_card(None, Card::Yellow), None);
        assert_eq!(by_card(None, Card::Red), Some(Level::III));
        assert_eq!(by_card(Some(Level::III), Card::Red), Some(Level::II));
        assert_eq!(by_card(Some(Level::II), Card::Red), None);
        assert_eq!(by_card(Some(Level::I), Card::Red), None);
    }

    #[test]
    fn places_are_counted_once() {
        let step = |code: &str, level| AreaStep {
            code: code.into(),
            name: text("", ""),
            level,
        };
        let path = |grid: &str, street: &str| {
            vec![
                step("d", AreaLevel::District),
                step(street, AreaLevel::Street),
                step(grid, AreaLevel::Grid),
            ]
        };
        let paths = [
            path("1", "a"),
            path("1", "a"),
            path("2", "a"),
            path("3", "b"),
            vec![],
        ];
        let spread = Spread::of(paths.iter().map(Vec::as_slice));
        assert_eq!((spread.grids, spread.streets, spread.districts), (3, 2, 1));
    }
}
