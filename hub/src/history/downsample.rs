//! Fewer points for a chart, with every peak still in it. Pure.

use serde::{Serialize, Serializer, ser::SerializeTuple};

/// A value as charts take it.
#[derive(Debug, Clone, PartialEq)]
pub enum PointValue {
    /// A number; a state is 0 or 1.
    Number(f64),
    /// A word.
    Text(String),
}

/// A point of a chart: `[milliseconds since 1970, value]`.
#[derive(Debug, Clone, PartialEq)]
pub struct Point {
    /// Milliseconds since 1970-01-01T00:00:00Z.
    pub at: i64,
    /// The value.
    pub value: PointValue,
}

impl Serialize for Point {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut pair = serializer.serialize_tuple(2)?;
        pair.serialize_element(&self.at)?;
        match &self.value {
            PointValue::Number(number) => pair.serialize_element(number)?,
            PointValue::Text(text) => pair.serialize_element(text)?,
        }
        pair.end()
    }
}

/// At most `max` points (at least 2). Of each span of time the lowest and the highest number stay, and
/// so do the very first and the very last point; of words, those that differ from the one before.
#[must_use]
pub fn downsample(mut points: Vec<Point>, max: usize) -> Vec<Point> {
    let max = max.max(2);
    if points.len() <= max {
        return points;
    }
    points.dedup_by(|next, before| {
        matches!(next.value, PointValue::Text(_)) && next.value == before.value
    });
    if points.len() <= max {
        return points;
    }
    let (first, last) = (points[0].clone(), points[points.len() - 1].clone());
    let spans = (max - 2) / 2;
    let mut kept = vec![first];
    if spans > 0 {
        let inner = &points[1..points.len() - 1];
        for span in inner.chunks(inner.len().div_ceil(spans)) {
            extremes(span, &mut kept);
        }
    }
    kept.push(last);
    kept
}

/// The lowest and the highest point of a span, in the order of time.
fn extremes(span: &[Point], kept: &mut Vec<Point>) {
    let number = |point: &Point| match &point.value {
        PointValue::Number(number) => *number,
        PointValue::Text(_) => f64::NAN,
    };
    let lowest = (0..span.len()).min_by(|a, b| number(&span[*a]).total_cmp(&number(&span[*b])));
    let highest = (0..span.len()).max_by(|a, b| number(&span[*a]).total_cmp(&number(&span[*b])));
    let mut indexes: Vec<usize> = lowest.into_iter().chain(highest).collect();
    indexes.sort_unstable();
    indexes.dedup();
    kept.extend(indexes.into_iter().map(|index| span[index].clone()));
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(values: &[f64]) -> Vec<Point> {
        let point = |(at, value): (usize, &f64)| Point {
            at: i64::try_from(at).unwrap(),
            value: PointValue::Number(*value),
        };
        values.iter().enumerate().map(point).collect()
    }

    proptest! {
        #[test]
        fn keeps_order_ends_and_both_extremes(
            values in prop::collection::vec(-100.0..100.0f64, 1..400),
            max in 4usize..50,
        ) {
            let all = points(&values);
            let few = downsample(all.clone(), max);
            prop_assert!(few.len() <= max.max(2));
            prop_assert_eq!(few.first(), all.first());
            prop_assert_eq!(few.last(), all.last());
            prop_assert!(few.windows(2).all(|w| w[0].at < w[1].at));
            let top = |points: &[Point]| points.iter().map(|p| match p.value {
                PointValue::Number(n) => n,
                PointValue::Text(_) => unreachable!(),
            }).fold(f64::MIN, f64::max);
            prop_assert_eq!(top(&few), top(&all));
        }
    }

    #[test]
    fn words_that_repeat_are_told_once() {
        let words = ["a", "a", "b", "b", "b", "a"];
        let all: Vec<Point> = (0..)
            .zip(words)
            .map(|(at, word)| Point {
                at,
                value: PointValue::Text(word.into()),
            })
            .collect();
        let at: Vec<i64> = downsample(all, 4).iter().map(|point| point.at).collect();
        assert_eq!(at, [0, 2, 5]);
    }
}
