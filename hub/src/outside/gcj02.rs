//! From GCJ-02, the shifted coordinates of Chinese web maps, to WGS84. Pure.
//!
//! The shift is not published; the approximation that everybody uses is exact to some metres, and its
//! inversion here to less than a centimetre. Outside China's bounding box nothing is shifted.

/// Half axis of the Krasovsky 1940 ellipsoid, in metres.
const AXIS: f64 = 6_378_245.0;
/// Square of its eccentricity.
const ECCENTRICITY: f64 = 0.006_693_421_622_965_943;
/// Every round makes the error about a thousand times smaller; it begins with about 700 m.
const ROUNDS: usize = 4;

/// Latitude and longitude in WGS84 degrees of a point in GCJ-02 degrees.
#[must_use]
pub fn to_wgs84(lat: f64, lon: f64) -> (f64, f64) {
    let (mut wgs_lat, mut wgs_lon) = (lat, lon);
    for _ in 0..ROUNDS {
        let (shifted_lat, shifted_lon) = from_wgs84(wgs_lat, wgs_lon);
        wgs_lat += lat - shifted_lat;
        wgs_lon += lon - shifted_lon;
    }
    (wgs_lat, wgs_lon)
}

/// Latitude and longitude in GCJ-02 degrees of a point in WGS84 degrees.
#[must_use]
pub fn from_wgs84(lat: f64, lon: f64) -> (f64, f64) {
    if !(0.829_3..=55.827_1).contains(&lat) || !(72.004..=137.834_7).contains(&lon) {
        return (lat, lon);
    }
    let (x, y) = (lon - 105.0, lat - 35.0);
    let radians = lat.to_radians();
    let magic = 1.0 - ECCENTRICITY * radians.sin().powi(2);
    let meridian = AXIS * (1.0 - ECCENTRICITY) / (magic * magic.sqrt());
    let parallel = AXIS / magic.sqrt() * radians.cos();
    (
        lat + (northward(x, y) / meridian).to_degrees(),
        lon + (eastward(x, y) / parallel).to_degrees(),
    )
}

/// Waves that both directions have in common, in metres.
fn common(x: f64) -> f64 {
    let pi = std::f64::consts::PI;
    (20.0 * (6.0 * x * pi).sin() + 20.0 * (2.0 * x * pi).sin()) * 2.0 / 3.0
}

/// Shift to the north, in metres.
fn northward(x: f64, y: f64) -> f64 {
    let pi = std::f64::consts::PI;
    let plane = -100.0 + 2.0 * x + 3.0 * y + 0.2 * y * y + 0.1 * x * y + 0.2 * x.abs().sqrt();
    let short = (20.0 * (y * pi).sin() + 40.0 * (y / 3.0 * pi).sin()) * 2.0 / 3.0;
    let long = (160.0 * (y / 12.0 * pi).sin() + 320.0 * (y * pi / 30.0).sin()) * 2.0 / 3.0;
    plane + common(x) + short + long
}

/// Shift to the east, in metres.
fn eastward(x: f64, y: f64) -> f64 {
    let pi = std::f64::consts::PI;
    let plane = 300.0 + x + 2.0 * y + 0.1 * x * x + 0.1 * x * y + 0.1 * x.abs().sqrt();
    let short = (20.0 * (x * pi).sin() + 40.0 * (x / 3.0 * pi).sin()) * 2.0 / 3.0;
    let long = (150.0 * (x / 12.0 * pi).sin() + 300.0 * (x / 30.0 * pi).sin()) * 2.0 / 3.0;
    plane + common(x) + short + long
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shift_in_guangdong_is_some_hundreds_of_metres_to_the_south_east() {
        let (lat, lon) = from_wgs84(23.0208, 113.1521);
        let north_m = (lat - 23.0208) * 111_000.0;
        let east_m = (lon - 113.1521) * 102_000.0;
        assert!((-400.0..-200.0).contains(&north_m), "{north_m}");
        assert!((400.0..700.0).contains(&east_m), "{east_m}");
    }

    #[test]
    fn nothing_is_shifted_outside_china() {
        assert_eq!(to_wgs84(48.2, 16.37), (48.2, 16.37));
    }

    proptest! {
        #[test]
        fn there_and_back_is_the_same_place(lat in 18.0..53.0_f64, lon in 75.0..134.0_f64) {
            let (shifted_lat, shifted_lon) = from_wgs84(lat, lon);
            let (back_lat, back_lon) = to_wgs84(shifted_lat, shifted_lon);
            prop_assert!((back_lat - lat).abs() < 1e-7 && (back_lon - lon).abs() < 1e-7);
        }
    }
}
