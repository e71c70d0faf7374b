//! Open cases that may be the same matter as a new one. Pure: a score with its reasons.
//!
//! Only a suggestion: the hub merges nothing that people have to decide on. Near is the same grid or within
//! 200 m; alike is the same category, or one of the same family; and both within a day.

use gridwatch_protocol::{Text, Timestamp};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::cases::{CaseId, text};
use crate::catalogue::Catalogue;

/// Further apart than this, and in different grids, cases are not near, in metres.
pub const NEAR_M: f64 = 200.0;
/// Cases opened further apart in time are not suggested, in milliseconds.
pub const WINDOW_MS: i64 = 86_400_000;
/// At most this many suggestions.
pub const SUGGESTIONS_MAX: usize = 10;
/// Mean radius of the earth in metres (IUGG).
const EARTH_M: f64 = 6_371_008.8;

/// A position, WGS84 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Position {
    /// Latitude.
    pub lat: f64,
    /// Longitude.
    pub lon: f64,
}

impl Position {
    /// Distance along the surface, in metres.
    #[must_use]
    pub fn metres_to(self, other: Self) -> f64 {
        let (a, b) = (self.lat.to_radians(), other.lat.to_radians());
        let half = |x: f64, y: f64| ((y - x) / 2.0).sin().powi(2);
        let h =
            half(a, b) + a.cos() * b.cos() * half(self.lon.to_radians(), other.lon.to_radians());
        2.0 * EARTH_M * h.sqrt().min(1.0).asin()
    }
}

/// What a case is compared by.
#[derive(Debug, Clone, PartialEq)]
pub struct Matter {
    /// Its category.
    pub category: String,
    /// Code of its grid, if known.
    pub grid: Option<String>,
    /// Its site, or the code of its area.
    pub site: String,
    /// The building within the site.
    pub building: Option<String>,
    /// Where it is, if known.
    pub position: Option<Position>,
    /// When it began.
    pub at: Timestamp,
}

/// A case that may be the same matter.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Likeness {
    /// How alike, 0 to 100.
    pub score: u8,
    /// Why, most telling first.
    pub reasons: Vec<Text>,
    /// Metres apart, where both positions are known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metres: Option<u32>,
}

/// A suggestion.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Suggestion {
    /// The case.
    pub case: CaseId,
    /// How alike it is.
    #[serde(flatten)]
    pub likeness: Likeness,
}

/// How alike two matters are; none when they are not near, not alike or not of one time.
#[must_use]
pub fn likeness(a: &Matter, b: &Matter, catalogue: &Catalogue) -> Option<Likeness> {
    let mut reasons = Vec::new();
    let what = same_kind(a, b, catalogue, &mut reasons)?;
    let (place, metres) = near(a, b, &mut reasons)?;
    let apart = a.at.ms_since(b.at).abs();
    if apart >= WINDOW_MS {
        return None;
    }
    let minutes = apart / 60_000;
    let time = match minutes {
        0..10 => 20,
        10..60 => 15,
        60..360 => 10,
        _ => 5,
    };
    reasons.push(text(
        format!("相隔 {minutes} 分钟"),
        format!("{minutes} minutes apart"),
    ));
    Some(Likeness {
        score: what + place + time,
        reasons,
        metres,
    })
}

fn same_kind(a: &Matter, b: &Matter, catalogue: &Catalogue, reasons: &mut Vec<Text>) -> Option<u8> {
    if a.category == b.category {
        reasons.push(text("类别相同", "the same category"));
        return Some(40);
    }
    let family = |code: &str| catalogue.get(code).and_then(|c| c.family.clone());
    let (one, other) = (family(&a.category)?, family(&b.category)?);
    (one == other).then(|| {
        reasons.push(text("同一类事项", "categories of the same family"));
        20
    })
}

fn near(a: &Matter, b: &Matter, reasons: &mut Vec<Text>) -> Option<(u8, Option<u32>)> {
    let metres = a.position.zip(b.position).map(|(a, b)| a.metres_to(b));
    let shown = metres.map(whole);
    if a.site == b.site {
        let same_building = a.building.is_some() && a.building == b.building;
        reasons.push(if same_building {
            text("同一楼栋", "the same building")
        } else {
            text("同一地点", "the same site")
        });
        return Some((if same_building { 40 } else { 30 }, shown));
    }
    if let Some(metres) = metres.filter(|metres| *metres <= NEAR_M) {
        let metres = whole(metres);
        reasons.push(text(
            format!("相距 {metres} 米"),
            format!("{metres} m apart"),
        ));
        return Some((25, shown));
    }
    let same_grid = a.grid.is_some() && a.grid == b.grid;
    same_grid.then(|| {
        reasons.push(text("同一网格", "the same grid"));
        (15, shown)
    })
}

/// Whole metres; half the earth's girth fits.
fn whole(metres: f64) -> u32 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and 20,015,115"
    )]
    let whole = metres.round().clamp(0.0, 30_000_000.0) as u32;
    whole
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::sample::Shipped;

    fn matter(category: &str, site: &str, grid: &str, metres_north: f64, minutes: i64) -> Matter {
        Matter {
            category: category.into(),
            grid: Some(grid.into()),
            site: site.into(),
            building: None,
            position: Some(Position {
                lat: 23.0 + metres_north / 111_195.0,
                lon: 113.0,
            }),
            at: Timestamp::from_unix_ms(1_795_316_400_000 + minutes * 60_000),
        }
    }

    fn score(a: &Matter, b: &Matter) -> Option<u8> {
        let catalogue = Shipped::load().catalogue;
        let forth = likeness(a, b, &catalogue);
        assert_eq!(forth, likeness(b, a, &catalogue), "both ways");
        forth.map(|likeness| likeness.score)
    }

    #[test]
    fn near_and_alike_scores_by_what_where_and_when() {
        let here = matter("flooding", "a", "g1", 0.0, 0);
        assert_eq!(
            score(&here, &matter("flooding", "a", "g1", 0.0, 5)),
            Some(90)
        );
        assert_eq!(
            score(&here, &matter("flooding", "b", "g2", 150.0, 5)),
            Some(85)
        );
        assert_eq!(
            score(&here, &matter("flooding", "b", "g1", 900.0, 5)),
            Some(75)
        );
        assert_eq!(score(&here, &matter("flooding", "b", "g2", 250.0, 5)), None);
        assert_eq!(
            score(&here, &matter("drain_blocked", "a", "g1", 0.0, 90)),
            Some(60)
        );
        assert_eq!(score(&here, &matter("door_held", "a", "g1", 0.0, 5)), None);
        assert_eq!(
            score(&here, &matter("flooding", "a", "g1", 0.0, 24 * 60)),
            None
        );
    }

    #[test]
    fn distance_is_that_along_the_surface() {
        let guangzhou = Position {
            lat: 23.1291,
            lon: 113.2644,
        };
        let foshan = Position {
            lat: 23.0218,
            lon: 113.1219,
        };
        let metres = guangzhou.metres_to(foshan);
        assert!((metres - 18_850.0).abs() < 100.0, "{metres}");
        assert!(guangzhou.metres_to(guangzhou) < 1e-6);
    }
}
