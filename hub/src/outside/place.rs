//! Where a matter is: from what people and systems give to a site or grid of the directory. Pure.
//!
//! A site that is named is believed. A point alone belongs to the site that it is next to, else to the grid
//! of the nearest site, else to nobody: such a case is seen by those who see the whole tree, and waits for
//! them to say where it is.

use gridwatch_protocol::SiteId;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::correlation::suggest;
use crate::directory::Directory;
use crate::directory::gcj02;

/// A point this near to a site is taken to be in it, in metres: half the width of a large yard.
const IN_SITE_M: f64 = 100.0;
/// A point this near to a site is taken to be in its grid, in metres: a grid of some 300 to 500
/// households is seldom wider.
const IN_GRID_M: f64 = 500.0;
/// Site of a matter at an unknown place.
const UNKNOWN: &str = "unknown";

/// Coordinates that a position is given in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
#[schema(as = CoordinateSystem)]
pub enum System {
    /// GPS and this API.
    #[default]
    Wgs84,
    /// Chinese web maps; converted and kept as WGS84.
    Gcj02,
}

/// A position as it is given.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GivenPosition)]
pub struct Position {
    /// Latitude in degrees.
    pub lat: f64,
    /// Longitude in degrees.
    pub lon: f64,
    /// In which coordinates; WGS84 when left out.
    #[serde(default)]
    pub system: System,
}

impl Position {
    /// In WGS84; none when it is no place on earth.
    #[must_use]
    pub fn point(self) -> Option<Point> {
        let on_earth = (-90.0..=90.0).contains(&self.lat) && (-180.0..=180.0).contains(&self.lon);
        if !on_earth {
            return None;
        }
        let (lat, lon) = match self.system {
            System::Wgs84 => (self.lat, self.lon),
            System::Gcj02 => gcj02::to_wgs84(self.lat, self.lon),
        };
        Some(Point { lat, lon })
    }
}

/// A position in WGS84 degrees.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = MapPosition)]
pub struct Point {
    /// Latitude.
    pub lat: f64,
    /// Longitude.
    pub lon: f64,
}

impl Point {
    /// Metres to another point, along a great circle.
    #[must_use]
    pub fn metres_to(self, other: Point) -> f64 {
        let at = |point: Point| suggest::Position {
            lat: point.lat,
            lon: point.lon,
        };
        at(self).metres_to(at(other))
    }
}

/// The site, or the code of the area that stands for one, of a matter. `within` is the area that whoever
/// tells of it works for: what lies nowhere known lies there.
#[must_use]
pub fn locate(
    directory: &Directory,
    site: Option<&SiteId>,
    area: Option<&str>,
    point: Option<Point>,
    within: Option<&str>,
) -> SiteId {
    if let Some(site) = site {
        return site.clone();
    }
    let code = area.map(str::to_owned).or_else(|| {
        let found = point.and_then(|point| at(directory, point));
        found.or_else(|| within.map(str::to_owned))
    });
    code.map_or_else(unknown, |code| in_area(&code))
}

/// The site that stands for all of an area, by its code.
#[must_use]
pub fn in_area(code: &str) -> SiteId {
    // Codes of areas have fewer characters than ids of sites may have.
    SiteId::new(code).unwrap_or_else(|_| unknown())
}

/// The site of a matter at an unknown place.
///
/// # Panics
/// Never: the name is a valid id.
#[must_use]
pub fn unknown() -> SiteId {
    SiteId::new(UNKNOWN).expect("letters are an id")
}

/// The site that the point is in, or the grid.
fn at(directory: &Directory, point: Point) -> Option<String> {
    let distance = |lat, lon| point.metres_to(Point { lat, lon });
    let nearest = directory
        .sites()
        .map(|site| (distance(site.lat, site.lon), site))
        .min_by(|(a, _), (b, _)| a.total_cmp(b));
    let near = |most: f64| nearest.filter(|(metres, _)| *metres <= most);
    if let Some((_, site)) = near(IN_SITE_M) {
        return Some(site.id.to_string());
    }
    // Where grids have no outlines yet, a site nearby says which grid it is.
    let drawn = directory.grid_at(point.lat, point.lon);
    let drawn = drawn.map(|area| area.code.clone());
    drawn.or_else(|| near(IN_GRID_M).map(|(_, site)| site.grid.clone()))
}

/// Where a site is on the map.
#[must_use]
pub fn of_site(directory: &Directory, site: &SiteId) -> Option<Point> {
    let site = directory.site(site)?;
    Some(Point {
        lat: site.lat,
        lon: site.lon,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cases::sample::Shipped;

    #[test]
    fn point_finds_its_site_its_grid_or_nobody() {
        let directory = Shipped::load().directory;
        let find =
            |lat, lon| locate(&directory, None, None, Some(Point { lat, lon }), None).to_string();
        assert_eq!(find(23.0209, 113.1522), "xinghe-garden");
        assert_eq!(find(23.0190, 113.1521), "990101001001001");
        assert_eq!(find(30.0, 120.0), "unknown");
        let own = locate(&directory, None, None, None, Some("990101"));
        assert_eq!(own.as_str(), "990101");
    }

    #[test]
    fn point_of_a_web_map_is_moved_back_to_where_it_is() {
        // 23.0208, 113.1521 as a web map has it.
        let (lat, lon) = (23.018_203_970_8, 113.157_543_129_2);
        let given = Position {
            lat,
            lon,
            system: System::Gcj02,
        };
        let there = Point {
            lat: 23.0208,
            lon: 113.1521,
        };
        assert!(given.point().unwrap().metres_to(there) < 0.1);
        let nowhere = Position { lat: 91.0, ..given };
        assert_eq!(nowhere.point(), None);
        let not_a_number = Position {
            lat: f64::NAN,
            ..given
        };
        assert_eq!(not_a_number.point(), None);
    }

    #[test]
    fn degree_of_latitude_is_111_kilometres() {
        let a = Point { lat: 0.0, lon: 0.0 };
        let metres = a.metres_to(Point { lat: 1.0, lon: 0.0 });
        assert!((111_100.0..111_300.0).contains(&metres), "{metres}");
    }
}
