//! Small memories that forget: which credentials were seen, how long something usually takes, which labels
//! are usual at which time of day, how many of how many.
//!
//! All of constant size. The credentials' memory holds bits of pseudonyms only: it can say "not seen", but
//! nobody can be listed from it.

use serde::{Deserialize, Serialize};

use super::tail;

/// Bits of one generation: 64 × 128. With [`GENERATION_MAX`] members one in 22 newcomers is taken for known.
const WORDS: usize = 128;
/// A generation takes so many members, then the older one is forgotten.
const GENERATION_MAX: u32 = 1000;

/// Which credentials were seen lately: two Bloom filters, the older of which is forgotten when the newer is
/// full. Who comes regularly stays known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct SeenBefore {
    newer: Vec<u64>,
    older: Vec<u64>,
    members: u32,
}

impl SeenBefore {
    pub(super) fn new() -> Self {
        Self {
            newer: vec![0; WORDS],
            older: vec![0; WORDS],
            members: 0,
        }
    }

    /// Whether it was seen; from now on it was.
    pub(super) fn see(&mut self, credential: u64) -> bool {
        let in_newer = holds(&self.newer, credential);
        let known = in_newer || holds(&self.older, credential);
        if !in_newer {
            if self.members >= GENERATION_MAX {
                self.older = std::mem::replace(&mut self.newer, vec![0; WORDS]);
                self.members = 0;
            }
            for (word, bit) in places(credential) {
                self.newer[word] |= bit;
            }
            self.members += 1;
        }
        known
    }

    pub(super) fn is_sound(&self) -> bool {
        self.newer.len() == WORDS && self.older.len() == WORDS && self.members <= GENERATION_MAX
    }
}

fn holds(words: &[u64], credential: u64) -> bool {
    places(credential).all(|(word, bit)| words[word] & bit != 0)
}

/// Two bits, from both halves of a mixed pseudonym (SplitMix64's finaliser).
fn places(credential: u64) -> impl Iterator<Item = (usize, u64)> {
    let mut mixed = credential.wrapping_add(0x9e37_79b9_7f4a_7c15);
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^= mixed >> 31;
    [mixed, mixed >> 32].into_iter().map(|half| {
        let word = usize::try_from((half >> 6) & 127).expect("seven bits");
        (word, 1 << (half & 63))
    })
}

/// Durations before one is compared.
const DURATIONS_MIN: f64 = 10.0;
/// Durations that are remembered, about.
const DURATIONS_MAX: f64 = 200.0;
/// The spread of logarithmic durations is never taken as less: a third longer or shorter is nothing.
const SPREAD_MIN: f64 = 0.3;
/// Durations are held to between a tenth of a second and a month.
const SECONDS: (f64, f64) = (0.1, 2_592_000.0);
/// z goes no further.
const Z_MAX: f64 = 8.0;

/// How long something usually takes, on a logarithmic scale.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Durations {
    seen: f64,
    mean: f64,
    square: f64,
}

impl Durations {
    /// z of a duration, 0 when it is not longer than usual or too few were seen; learned afterwards, at most
    /// 3 z of it.
    pub(super) fn take(&mut self, seconds: f64) -> f64 {
        let value = if seconds.is_finite() { seconds } else { 0.0 };
        let value = value.clamp(SECONDS.0, SECONDS.1).ln();
        let spread = self.square.sqrt().max(SPREAD_MIN);
        let z = (value - self.mean) / spread;
        let known = self.seen >= DURATIONS_MIN;
        let difference = if known {
            z.clamp(-3.0, 3.0) * spread
        } else {
            value - self.mean
        };
        self.seen = (self.seen + 1.0).min(DURATIONS_MAX);
        let part = 1.0 / self.seen;
        self.mean += part * difference;
        self.square += part * (difference * difference * (1.0 - part) - self.square);
        if known { z.clamp(0.0, Z_MAX) } else { 0.0 }
    }

    pub(super) fn is_sound(&self) -> bool {
        (0.0..=DURATIONS_MAX).contains(&self.seen)
            && self.mean.abs() <= 20.0
            && (0.0..=1e3).contains(&self.square)
    }
}

/// Labels of one stream; the rarest gives way.
const LABELS_MAX: usize = 16;
/// Times of day: four quarters.
const QUARTERS: usize = 4;
/// What a quarter's counts keep when it is full.
const QUARTER_MAX: f64 = 1000.0;
/// Sightings in a quarter of the day before one is called rare.
const SIGHTINGS_MIN: f64 = 20.0;
/// Rarity goes no further.
const RARITY_MAX: f64 = 4.0;

/// Which labels are usual at which quarter of the day.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Labels(Vec<(u64, [f64; QUARTERS])>);

impl Labels {
    /// Surprise of this label at this half-hour of the day, learned afterwards.
    pub(super) fn take(&mut self, label: u64, half_hour: usize) -> f64 {
        let quarter = (half_hour / 12).min(QUARTERS - 1);
        let total: f64 = self.0.iter().map(|(_, counts)| counts[quarter]).sum();
        let index = self.place(label);
        let own = self.0[index].1[quarter];
        let share = (own + 0.5) / (total + 0.5 * (float(self.0.len()) + 1.0));
        self.0[index].1[quarter] += 1.0;
        if total + 1.0 > QUARTER_MAX {
            for (_, counts) in &mut self.0 {
                counts[quarter] /= 2.0;
            }
        }
        if total < SIGHTINGS_MIN {
            return 0.0;
        }
        // A label is unusual only as far as it is rarer than an even share.
        (-share.log10() - float(self.0.len()).log10()).clamp(0.0, RARITY_MAX)
    }

    fn place(&mut self, label: u64) -> usize {
        if let Some(index) = self.0.iter().position(|(known, _)| *known == label) {
            return index;
        }
        if self.0.len() < LABELS_MAX {
            self.0.push((label, [0.0; QUARTERS]));
            return self.0.len() - 1;
        }
        let total = |counts: &[f64; QUARTERS]| counts.iter().sum::<f64>();
        let rarest = (0..self.0.len())
            .min_by(|&a, &b| total(&self.0[a].1).total_cmp(&total(&self.0[b].1)))
            .unwrap_or(0);
        self.0[rarest] = (label, [0.0; QUARTERS]);
        rarest
    }

    pub(super) fn is_sound(&self) -> bool {
        self.0.len() <= LABELS_MAX
            && self
                .0
                .iter()
                .all(|(_, counts)| counts.iter().all(|c| (0.0..=QUARTER_MAX + 1.0).contains(c)))
    }
}

/// How many of how many; both halve when full.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Ratio {
    some: f64,
    of: f64,
}

/// Both are remembered up to about here.
const RATIO_MAX: f64 = 5000.0;

impl Ratio {
    pub(super) fn add(&mut self, some: f64, of: f64) {
        self.some += some;
        self.of += of;
        if self.of.max(self.some) > RATIO_MAX {
            self.some /= 2.0;
            self.of /= 2.0;
        }
    }

    pub(super) fn of(&self) -> f64 {
        self.of
    }

    /// The ratio, where before anything was seen `some` of `of` are assumed.
    pub(super) fn with_prior(&self, some: f64, of: f64) -> f64 {
        (self.some + some) / (self.of + of)
    }

    pub(super) fn is_sound(&self) -> bool {
        (0.0..=2.0 * RATIO_MAX).contains(&self.some) && (0.0..=2.0 * RATIO_MAX).contains(&self.of)
    }
}

/// Surprise of at least `hits` of `of`, where a share of `share` is usual (binomial).
pub(super) fn binomial_upper(hits: f64, of: f64, share: f64) -> f64 {
    if hits < 0.5 || of < hits {
        return 0.0;
    }
    let share = share.clamp(1e-6, 1.0 - 1e-6);
    tail::surprise(tail::ln_beta_share(
        share,
        1.0 - share,
        hits,
        of - hits + 1.0,
    ))
}

#[expect(clippy::cast_precision_loss, reason = "at most 16")]
fn float(n: usize) -> f64 {
    n as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_comes_regularly_stays_known_and_who_stays_away_is_forgotten() {
        let mut seen = SeenBefore::new();
        assert!(!seen.see(7));
        let mut taken_for_known = 0;
        for stranger in 1000..4000 {
            taken_for_known += u32::from(seen.see(stranger));
            assert!(seen.see(7));
        }
        assert!(taken_for_known < 300, "{taken_for_known} of 3000");
        assert!(!seen.see(1000) || !seen.see(1001) || !seen.see(1002));
    }

    #[test]
    fn only_what_lasts_longer_than_usual_stands_out() {
        let mut durations = Durations::default();
        for i in 0..40 {
            assert!(durations.take(8.0 + f64::from(i % 5)) < 3.0);
        }
        assert_eq!(durations.take(1.0), 0.0);
        assert!(durations.take(300.0) > 6.0);
        for broken in [f64::NAN, f64::INFINITY, -5.0, 1e300] {
            assert!((0.0..=Z_MAX).contains(&durations.take(broken)));
            assert!(durations.is_sound());
        }
    }

    #[test]
    fn a_label_is_rare_for_its_time_of_day() {
        let mut labels = Labels::default();
        for _ in 0..200 {
            labels.take(1, 20);
            labels.take(2, 2);
        }
        assert!(labels.take(1, 20) < 0.1);
        assert!(labels.take(1, 2) > 1.5);
        for label in 0..10_000 {
            labels.take(label, 2);
        }
        assert!(labels.is_sound());
    }

    #[test]
    fn refusals_are_compared_with_the_usual_share() {
        assert!(binomial_upper(1.0, 10.0, 0.05) < 1.0);
        assert!((binomial_upper(3.0, 3.0, 0.1) - 3.0).abs() < 1e-9);
        assert!(binomial_upper(5.0, 5.0, 0.02) > 8.0);
        assert_eq!(binomial_upper(0.0, 5.0, 0.02), 0.0);
    }
}
