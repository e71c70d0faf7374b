//! The outline of an area: a polygon or several, in WGS84 degrees.
//!
//! Made only from GeoJSON or from a list of corners, and only when it is a valid shape, so that whoever
//! holds one can ask it anything. Distances and areas are on the ellipsoid or a plane that touches it.

use geo::algorithm::validation::Validation;
use geo::{
    BooleanOps, BoundingRect, Distance, Euclidean, GeodesicArea, InteriorPoint, Intersects,
    LineString, MapCoords, MultiPolygon, Point, Polygon, Rect, coord,
};
use geojson::{Geometry, GeometryValue, PolygonType};
use serde_json::Value;

use super::gcj02;
use super::rows::Datum;

/// Corners of one outline: a street's edge every metre round a whole city grid stays below it.
pub const CORNERS_MAX: usize = 20_000;

/// See the module's page.
#[derive(Debug, Clone, PartialEq)]
pub struct Outline {
    shape: MultiPolygon<f64>,
    bounds: Rect<f64>,
    /// In which coordinates it was given.
    pub datum: Datum,
}

/// Where two outlines cover the same ground.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Overlap {
    /// How much, in square metres.
    pub area_m2: f64,
    /// How wide it is on average, in metres: twice the area by the perimeter.
    pub width_m: f64,
    /// How much of the smaller of the two it is, 0 to 1.
    pub share: f64,
}

impl Outline {
    /// Reads a GeoJSON geometry of type Polygon or MultiPolygon.
    ///
    /// # Errors
    /// What is wrong with it and what to do.
    pub fn from_geometry(geometry: &Geometry, datum: Datum) -> Result<Self, String> {
        let polygons: &[PolygonType] = match &geometry.value {
            GeometryValue::Polygon { coordinates } => std::slice::from_ref(coordinates),
            GeometryValue::MultiPolygon { coordinates } => coordinates,
            other => {
                return Err(format!(
                    "the geometry is a {}; give a Polygon or a MultiPolygon",
                    other.type_name()
                ));
            }
        };
        let rings = polygons.iter().map(|rings| {
            let ring = |ring: &Vec<geojson::Position>| {
                ring.iter().map(|at| at.as_slice().to_vec()).collect()
            };
            rings.iter().map(ring).collect()
        });
        Self::from_rings(rings.collect(), datum)
    }

    /// From one ring of `[longitude, latitude]`; it is closed when it is not.
    ///
    /// # Errors
    /// What is wrong with it and what to do.
    pub fn from_corners(mut corners: Vec<Vec<f64>>, datum: Datum) -> Result<Self, String> {
        if corners.first() != corners.last() {
            corners.extend(corners.first().cloned());
        }
        Self::from_rings(vec![vec![corners]], datum)
    }

    /// Reads what [`Outline::to_geojson`] writes.
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn from_geojson(text: &str, datum: Datum) -> Result<Self, String> {
        let geometry: Geometry = serde_json::from_str(text).map_err(|why| why.to_string())?;
        Self::from_geometry(&geometry, datum)
    }

    fn from_rings(polygons: Vec<Vec<Vec<Vec<f64>>>>, datum: Datum) -> Result<Self, String> {
        let corners: usize = polygons.iter().flatten().map(Vec::len).sum();
        if corners > CORNERS_MAX {
            return Err(format!(
                "the outline has {corners} corners, at most {CORNERS_MAX} are taken; simplify it"
            ));
        }
        let mut read = Vec::new();
        for rings in polygons {
            let mut rings = rings.into_iter().map(|ring| read_ring(&ring, datum));
            let outer = rings
                .next()
                .ok_or("a polygon has no ring; give at least four positions")??;
            let holes = rings.collect::<Result<Vec<_>, _>>()?;
            read.push(Polygon::new(outer, holes));
        }
        let shape = MultiPolygon::new(read);
        let bounds = shape
            .bounding_rect()
            .ok_or("the outline is empty; give at least four positions")?;
        shape.check_validation().map_err(|why| {
            format!("the outline is not a valid shape: {why}; mend it in the map program")
        })?;
        let datum = if datum == Datum::Gcj02 {
            Datum::Converted
        } else {
            datum
        };
        Ok(Self {
            shape,
            bounds,
            datum,
        })
    }

    /// As a GeoJSON geometry: a Polygon when it is one, else a MultiPolygon.
    #[must_use]
    pub fn to_geojson(&self) -> Value {
        let geometry = match self.shape.0.as_slice() {
            [one] => Geometry::new(GeometryValue::from(one)),
            _ => Geometry::new(GeometryValue::from(&self.shape)),
        };
        serde_json::to_value(geometry).expect("positions are finite numbers")
    }

    /// Its corners as `[longitude, latitude]`, when it is one polygon without holes.
    #[must_use]
    pub fn corners(&self) -> Option<Vec<Vec<f64>>> {
        let [one] = self.shape.0.as_slice() else {
            return None;
        };
        let ring = one.exterior().0.iter().map(|at| vec![at.x, at.y]);
        one.interiors().is_empty().then(|| ring.collect())
    }

    /// Whether a position is in it or on its edge.
    #[must_use]
    pub fn contains(&self, lat: f64, lon: f64) -> bool {
        let point = Point::new(lon, lat);
        self.bounds.intersects(&point) && self.shape.intersects(&point)
    }

    /// How far a position is from it, in metres; 0 inside. Exact to a few per mille nearby, which is
    /// where it matters.
    #[must_use]
    pub fn distance_m(&self, lat: f64, lon: f64) -> f64 {
        /// A degree of a meridian, and of the equator, in metres (WGS84).
        const DEGREE_M: (f64, f64) = (111_133.0, 111_320.0);
        let east_m = DEGREE_M.1 * lat.to_radians().cos();
        let plane = self.shape.map_coords(|at| {
            coord! { x: (at.x - lon) * east_m, y: (at.y - lat) * DEGREE_M.0 }
        });
        Euclidean.distance(&Point::new(0.0, 0.0), &plane)
    }

    /// The least and the greatest longitude and latitude: west, south, east, north.
    #[must_use]
    pub fn bounds(&self) -> [f64; 4] {
        let (low, high) = (self.bounds.min(), self.bounds.max());
        [low.x, low.y, high.x, high.y]
    }

    /// A position well inside of it, latitude first.
    #[must_use]
    pub fn middle(&self) -> Option<(f64, f64)> {
        self.shape.interior_point().map(|at| (at.y(), at.x()))
    }

    /// Where both cover the same ground; none when they are apart or only touch.
    #[must_use]
    pub fn overlap(&self, other: &Self) -> Option<Overlap> {
        if !self.bounds.intersects(&other.bounds) {
            return None;
        }
        let both = self.shape.intersection(&other.shape);
        let (perimeter_m, area_m2) = both.geodesic_perimeter_area_unsigned();
        if area_m2 <= 0.0 || perimeter_m <= 0.0 {
            return None;
        }
        let smaller = self
            .shape
            .geodesic_area_unsigned()
            .min(other.shape.geodesic_area_unsigned());
        Some(Overlap {
            area_m2,
            width_m: 2.0 * area_m2 / perimeter_m,
            share: (area_m2 / smaller).min(1.0),
        })
    }
}

fn read_ring(ring: &[Vec<f64>], datum: Datum) -> Result<LineString<f64>, String> {
    if ring.len() < 4 {
        return Err(format!(
            "a ring has {} positions; it takes at least four, the last the same as the first",
            ring.len()
        ));
    }
    if ring.first() != ring.last() {
        return Err(
            "a ring is not closed; its last position must be the same as its first".to_owned(),
        );
    }
    let corners = ring.iter().map(|at| {
        let [lon, lat, ..] = at.as_slice() else {
            return Err(
                "a position has fewer than two numbers; write [longitude, latitude]".to_owned(),
            );
        };
        check_position(*lat, *lon)?;
        let (lat, lon) = if datum == Datum::Gcj02 {
            gcj02::to_wgs84(*lat, *lon)
        } else {
            (*lat, *lon)
        };
        Ok(coord! { x: lon, y: lat })
    });
    corners.collect::<Result<Vec<_>, _>>().map(LineString::new)
}

/// Whether these are degrees of a place on earth.
///
/// # Errors
/// What is wrong and what to do.
pub fn check_position(lat: f64, lon: f64) -> Result<(), String> {
    if (-90.0..=90.0).contains(&lat) && (-180.0..=180.0).contains(&lon) {
        return Ok(());
    }
    let hint = if (-90.0..=90.0).contains(&lon) && (-180.0..=180.0).contains(&lat) {
        "latitude and longitude seem to be exchanged"
    } else {
        "give degrees, latitude -90 to 90 and longitude -180 to 180"
    };
    Err(format!(
        "latitude {lat}, longitude {lon} is not a position on earth; {hint}"
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn square(west: f64, south: f64, side: f64) -> Outline {
        let (east, north) = (west + side, south + side);
        let corners = [[west, south], [east, south], [east, north], [west, north]];
        let corners = corners.iter().map(|at| at.to_vec()).collect();
        Outline::from_corners(corners, Datum::Wgs84).unwrap()
    }

    #[test]
    fn overlap_is_measured_and_touching_edges_are_none() {
        let one = square(113.0, 23.0, 0.01);
        assert_eq!(one.overlap(&square(113.01, 23.0, 0.01)), None);
        assert_eq!(one.overlap(&square(113.01, 23.01, 0.01)), None);
        let half = one.overlap(&square(113.005, 23.0, 0.01)).unwrap();
        // 0.005 degrees of longitude by 0.01 of latitude at 23 degrees north: 512 m by 1,107 m.
        assert!((half.area_m2 / 567_500.0 - 1.0).abs() < 0.01, "{half:?}");
        assert!((half.share - 0.5).abs() < 0.01, "{half:?}");
        assert!((300.0..400.0).contains(&half.width_m), "{half:?}");
    }

    #[test]
    fn distance_is_in_metres_and_zero_inside() {
        let one = square(113.0, 23.0, 0.01);
        assert!(one.contains(23.005, 113.005) && one.contains(23.0, 113.0));
        assert!(!one.contains(23.02, 113.005));
        let (lat, lon) = one.middle().unwrap();
        assert!(one.contains(lat, lon), "{lat}, {lon}");
        assert!(one.distance_m(23.005, 113.005).abs() < 1e-9);
        let away = one.distance_m(23.011, 113.005);
        assert!((away - 111.1).abs() < 0.5, "{away}");
    }

    #[test]
    fn shapes_that_are_none_say_what_to_do() {
        let told = |geometry: &str| Outline::from_geojson(geometry, Datum::Wgs84).unwrap_err();
        for (geometry, expected) in [
            (
                r#"{"type":"Point","coordinates":[1,2]}"#,
                "is a Point; give a Polygon",
            ),
            (r#"{"type":"Polygon","coordinates":[]}"#, "no ring"),
            (r#"{"type":"MultiPolygon","coordinates":[]}"#, "is empty"),
            (
                r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[0,0]]]}"#,
                "at least four",
            ),
            (
                r#"{"type":"Polygon","coordinates":[[[0,0],[1,0],[1,1],[0,1]]]}"#,
                "not closed",
            ),
            (
                r#"{"type":"Polygon","coordinates":[[[0],[1,0],[1,1],[0]]]}"#,
                "fewer than two",
            ),
            (
                r#"{"type":"Polygon","coordinates":[[[23,113],[23,114],[24,114],[23,113]]]}"#,
                "exchanged",
            ),
            (
                r#"{"type":"Polygon","coordinates":[[[0,0],[1,1],[1,0],[0,1],[0,0]]]}"#,
                "self-intersection",
            ),
        ] {
            let error = told(geometry);
            assert!(error.contains(expected), "{geometry}: {error}");
        }
    }

    #[test]
    fn shifted_corners_are_converted_once() {
        let corners = vec![
            vec![121.53, 31.17],
            vec![121.54, 31.17],
            vec![121.54, 31.18],
        ];
        let converted = Outline::from_corners(corners, Datum::Gcj02).unwrap();
        assert_eq!(converted.datum, Datum::Converted);
        assert!(
            (converted.bounds()[0] - 121.5257).abs() < 0.0005,
            "{converted:?}"
        );
        let again = Outline::from_geojson(&converted.to_geojson().to_string(), Datum::Converted);
        assert_eq!(again.unwrap(), converted);
    }
}
