//! From GCJ-02, the shifted coordinates of Chinese web maps, to WGS84.
//!
//! The shift is secret; the formula in use everywhere is the one that was published with the code of
//! the "EvilTransform" project (2013) and is written down in Wikipedia, "Restrictions on geographic data in
//! China", section GCJ-02: a polynomial with sines over the Krasovsky 1940 ellipsoid. It agrees with maps to
//! 1 to 2 m. It only shifts forward; the way back is found by iteration, to far less than that.

use std::f64::consts::PI;

/// Semi-major axis of the Krasovsky 1940 ellipsoid, in metres.
const AXIS_M: f64 = 6_378_245.0;
/// Square of its eccentricity.
const ECCENTRICITY_2: f64 = 0.006_693_421_622_965_943;
/// Each step of the iteration divides the error by about 1,000; the shift is about 0.005 degrees at first.
const STEPS: usize = 6;

/// Whether a position lies where maps are shifted (the rectangle of the published formula).
#[must_use]
pub fn is_shifted_there(lat: f64, lon: f64) -> bool {
    (0.8293..=55.8271).contains(&lat) && (72.004..=137.8347).contains(&lon)
}

/// WGS84 latitude and longitude of a GCJ-02 position; a position outside China is not shifted.
#[must_use]
pub fn to_wgs84(lat: f64, lon: f64) -> (f64, f64) {
    if !is_shifted_there(lat, lon) {
        return (lat, lon);
    }
    let (mut found_lat, mut found_lon) = (lat, lon);
    for _ in 0..STEPS {
        let (shift_lat, shift_lon) = shift(found_lat, found_lon);
        (found_lat, found_lon) = (lat - shift_lat, lon - shift_lon);
    }
    (found_lat, found_lon)
}

/// How far GCJ-02 lies from this WGS84 position, in degrees.
fn shift(lat: f64, lon: f64) -> (f64, f64) {
    let (x, y) = (lon - 105.0, lat - 35.0);
    let both = 20.0 * (6.0 * PI * x).sin() + 20.0 * (2.0 * PI * x).sin();
    let waves = |v: f64, long: f64, longest: f64| {
        let short = 20.0 * (PI * v).sin() + 40.0 * (PI * v / 3.0).sin();
        short + long * (PI * v / 12.0).sin() + longest * (PI * v / 30.0).sin()
    };
    let north_m = -100.0
        + 2.0 * x
        + 3.0 * y
        + 0.2 * y * y
        + 0.1 * x * y
        + 0.2 * x.abs().sqrt()
        + (both + waves(y, 160.0, 320.0)) * 2.0 / 3.0;
    let east_m = 300.0
        + x
        + 2.0 * y
        + 0.1 * x * x
        + 0.1 * x * y
        + 0.1 * x.abs().sqrt()
        + (both + waves(x, 150.0, 300.0)) * 2.0 / 3.0;
    let radians = lat.to_radians();
    let w2 = 1.0 - ECCENTRICITY_2 * radians.sin().powi(2);
    let meridian_m = AXIS_M * (1.0 - ECCENTRICITY_2) / (w2 * w2.sqrt());
    let parallel_m = AXIS_M / w2.sqrt() * radians.cos();
    (
        (north_m / meridian_m).to_degrees(),
        (east_m / parallel_m).to_degrees(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// WGS84 and GCJ-02 of Shanghai, Shenzhen and Beijing, as the published formula gives them.
    const PAIRS: [(f64, f64, f64, f64); 3] = [
        (
            31.177_427_6,
            121.527_210_6,
            31.175_303_983_6,
            121.531_541_859_2,
        ),
        (22.543_847, 113.912_316, 22.540_796_131_7, 113.917_176_480_8),
        (39.911_954, 116.377_817, 39.913_345_455_4, 116.384_047_224_6),
    ];

    #[test]
    fn known_positions_come_back_to_a_millimetre() {
        for (lat, lon, shifted_lat, shifted_lon) in PAIRS {
            let (found_lat, found_lon) = to_wgs84(shifted_lat, shifted_lon);
            // 1e-8 degrees are about a millimetre.
            assert!((found_lat - lat).abs() < 1e-8, "{lat}: {found_lat}");
            assert!((found_lon - lon).abs() < 1e-8, "{lon}: {found_lon}");
        }
    }

    #[test]
    fn positions_outside_china_stay() {
        assert_eq!(to_wgs84(48.8584, 2.2945), (48.8584, 2.2945));
    }
}
