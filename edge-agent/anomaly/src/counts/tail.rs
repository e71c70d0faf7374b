//! How improbable a count is: tails of the negative binomial distribution.
//!
//! A count with mean `m` and over-dispersion `phi` has variance m + phi·m². With phi = 0 it would be a
//! Poisson count; phi is never below [`PHI_MIN`], so that one formula serves. The tails are regularised
//! incomplete beta functions: P(X ≥ x) = I(q; x, r) with r = 1/phi and q = m/(m + r) (Johnson, Kemp,
//! Kotz, "Univariate Discrete Distributions", 2005, section 5.6), computed by Lentz's continued fraction
//! (DLMF 8.17.22), whose length grows with the root of the count and is cut at [`STEPS_MAX`].

/// Over-dispersion is never taken as less.
pub(super) const PHI_MIN: f64 = 0.001;
/// Over-dispersion is never taken as more: the standard deviation is then twice the mean.
pub(super) const PHI_MAX: f64 = 4.0;
/// Counts are held to this: a billion per interval.
pub(super) const COUNT_MAX: f64 = 1e9;
/// A mean is never taken as less: once in a thousand intervals.
pub(super) const MEAN_MIN: f64 = 1e-3;
/// −log10 of a tail goes no further.
pub(super) const TAIL_MAX: f64 = 30.0;
/// Terms of the continued fraction. Counts up to 10⁶ with phi ≥ 0.001 need fewer than 200.
const STEPS_MAX: u32 = 400;

/// −log10 P(X ≥ `count`); 0 for a count of 0.
#[must_use]
pub(super) fn upper(count: f64, mean: f64, phi: f64) -> f64 {
    if count < 0.5 {
        return 0.0;
    }
    let (mean, phi) = hold(mean, phi);
    let r = 1.0 / phi;
    surprise(ln_beta_share(mean / (mean + r), r / (mean + r), count, r))
}

/// −log10 P(X ≤ `count`).
#[must_use]
pub(super) fn lower(count: f64, mean: f64, phi: f64) -> f64 {
    let (mean, phi) = hold(mean, phi);
    let r = 1.0 / phi;
    surprise(ln_beta_share(
        r / (mean + r),
        mean / (mean + r),
        r,
        count + 1.0,
    ))
}

/// −ln P(X = 0).
#[must_use]
pub(super) fn ln_nobody(mean: f64, phi: f64) -> f64 {
    let (mean, phi) = hold(mean, phi);
    (1.0 + phi * mean).ln() / phi
}

/// The smallest count that is exceeded with a probability of at most `share`.
#[must_use]
pub(super) fn quantile_above(mean: f64, phi: f64, share: f64) -> f64 {
    let limit = -share.log10();
    let (mut low, mut high) = (-1.0, (mean.max(1.0) * 2.0).ceil());
    while upper(high + 1.0, mean, phi) < limit && high < COUNT_MAX {
        (low, high) = (high, high * 2.0);
    }
    while high - low > 1.0 {
        let middle = ((low + high) / 2.0).floor();
        if upper(middle + 1.0, mean, phi) >= limit {
            high = middle;
        } else {
            low = middle;
        }
    }
    high
}

/// The largest count below which lies a probability of at most `share`.
#[must_use]
pub(super) fn quantile_below(mean: f64, phi: f64, share: f64) -> f64 {
    let limit = -share.log10();
    let (mut low, mut high) = (0.0, mean.max(1.0).ceil());
    // Invariant: P(X < low) ≤ share < P(X < high + 1).
    while high - low > 0.5 {
        let middle = ((low + high + 1.0) / 2.0).floor();
        if lower(middle - 1.0, mean, phi) >= limit {
            low = middle;
        } else {
            high = middle - 1.0;
        }
    }
    low
}

fn hold(mean: f64, phi: f64) -> (f64, f64) {
    (mean.clamp(MEAN_MIN, COUNT_MAX), phi.clamp(PHI_MIN, PHI_MAX))
}

pub(super) fn surprise(ln_probability: f64) -> f64 {
    (-ln_probability / std::f64::consts::LN_10).clamp(0.0, TAIL_MAX)
}

/// ln I(x; a, b), with y = 1 − x given exactly.
pub(super) fn ln_beta_share(x: f64, y: f64, a: f64, b: f64) -> f64 {
    let ln_front = a * x.ln() + b * y.ln() - (ln_gamma(a) + ln_gamma(b) - ln_gamma(a + b));
    if x < (a + 1.0) / (a + b + 2.0) {
        ln_front + fraction(x, a, b).ln() - a.ln()
    } else {
        let rest = (ln_front + fraction(y, b, a).ln() - b.ln()).exp();
        (-rest.min(1.0)).ln_1p().max(-700.0)
    }
}

/// Continued fraction of the incomplete beta function, by Lentz's method.
fn fraction(x: f64, a: f64, b: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let not_zero = |v: f64| if v.abs() < TINY { TINY } else { v };
    let mut c = 1.0;
    let mut d = 1.0 / not_zero(1.0 - (a + b) * x / (a + 1.0));
    let mut result = d;
    for step in 1..=STEPS_MAX {
        let m = f64::from(step);
        let even = m * (b - m) * x / ((a + 2.0 * m - 1.0) * (a + 2.0 * m));
        d = 1.0 / not_zero(1.0 + even * d);
        c = not_zero(1.0 + even / c);
        result *= d * c;
        let odd = -(a + m) * (a + b + m) * x / ((a + 2.0 * m) * (a + 2.0 * m + 1.0));
        d = 1.0 / not_zero(1.0 + odd * d);
        c = not_zero(1.0 + odd / c);
        let change = d * c;
        result *= change;
        if (change - 1.0).abs() < 1e-10 {
            break;
        }
    }
    result.max(TINY)
}

/// ln Γ(z) for z > 0: Stirling's series (DLMF 5.11.1) after moving z above 10; good to 1e-12.
fn ln_gamma(z: f64) -> f64 {
    let mut shift = 1.0;
    let mut z = z;
    while z < 10.0 {
        shift *= z;
        z += 1.0;
    }
    let w = 1.0 / (z * z);
    let series =
        (1.0 / 12.0 - w * (1.0 / 360.0 - w * (1.0 / 1260.0 - w * (1.0 / 1680.0 - w / 1188.0)))) / z;
    (z - 0.5) * z.ln() - z + 0.918_938_533_204_672_7 + series - shift.ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// P(X ≥ count) added up term by term, from the definition.
    fn added_up(count: u32, mean: f64, phi: f64) -> f64 {
        let r = 1.0 / phi;
        let q = mean / (mean + r);
        let mut term = (r * (1.0 - q).ln()).exp();
        let mut below = 0.0;
        for k in 0..count {
            below += term;
            term *= q * (f64::from(k) + r) / f64::from(k + 1);
        }
        let mut above = 0.0;
        for k in count..count + 5000 {
            above += term;
            term *= q * (f64::from(k) + r) / f64::from(k + 1);
        }
        assert!((above + below - 1.0).abs() < 1e-9);
        above
    }

    #[test]
    fn tails_are_the_sums_that_they_stand_for() {
        for (count, mean, phi) in [
            (1, 0.05, 0.02),
            (4, 0.1, 0.02),
            (4, 0.1, 0.5),
            (30, 12.0, 0.02),
            (12, 12.0, 0.1),
            (3, 12.0, 0.1),
            (400, 200.0, 0.01),
            (150, 200.0, 0.01),
        ] {
            let expected = added_up(count, mean, phi);
            let got = 10f64.powf(-upper(f64::from(count), mean, phi));
            assert!(
                (got / expected - 1.0).abs() < 1e-6,
                "P(X ≥ {count} | {mean}, {phi}): {got} instead of {expected}"
            );
            let below = 10f64.powf(-lower(f64::from(count) - 1.0, mean, phi));
            assert!(
                (below + expected - 1.0).abs() < 1e-6,
                "P(X < {count} | {mean}, {phi})"
            );
        }
    }

    #[test]
    fn tails_are_finite_for_whatever_they_are_fed() {
        for count in [0.0, 1.0, 1e3, 1e9] {
            for mean in [0.0, 1e-9, 1.0, 1e5, 1e12, f64::MAX] {
                for phi in [0.0, 1e-5, 0.1, 1e9] {
                    for value in [upper(count, mean, phi), lower(count, mean, phi)] {
                        assert!((0.0..=TAIL_MAX).contains(&value), "{count} {mean} {phi}");
                    }
                }
            }
        }
    }

    #[test]
    fn the_usual_range_holds_nine_in_ten() {
        for (mean, phi) in [(0.05, 0.02), (0.7, 0.1), (12.0, 0.05), (15_000.0, 0.01)] {
            let (low, high) = (
                quantile_below(mean, phi, 0.05),
                quantile_above(mean, phi, 0.05),
            );
            let outside = 10f64.powf(-upper(high + 1.0, mean, phi));
            let more = 10f64.powf(-upper(high, mean, phi));
            assert!(outside <= 0.05 && more > 0.05, "{mean} {phi}: {high}");
            assert!(
                low <= mean && high + 1.0 >= mean,
                "{mean} {phi}: {low} {high}"
            );
            if low > 0.0 {
                assert!(10f64.powf(-lower(low - 1.0, mean, phi)) <= 0.05);
            }
            assert!(10f64.powf(-lower(low, mean, phi)) > 0.05);
        }
    }
}
