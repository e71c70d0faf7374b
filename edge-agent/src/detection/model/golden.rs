//! The self-test: rows whose outputs the trainer wrote down, computed again on this machine.

use std::path::Path;

use super::{Model, ModelError, Scored};
use gridwatch_anomaly::features::{Channel, FEATURE_COUNT, FeatureRow, feature_names};

/// Columns after the features.
const OUTPUTS: usize = 1 + Channel::ALL.len();

/// Runs every golden row, in one batch and alone.
pub(super) fn self_test(model: &mut Model, path: &Path, csv: &[u8]) -> Result<(), ModelError> {
    let rows = read(path, csv)?;
    let failed = |source| ModelError::SelfTestFailed {
        path: path.to_owned(),
        source,
    };
    let features: Vec<FeatureRow> = rows.iter().map(|(features, _)| *features).collect();
    let together = model.score(&features).map_err(failed)?;
    let tolerance = model.manifest.golden.tolerance;
    for (index, (features, expected)) in rows.iter().enumerate() {
        let alone = model.score(&[*features]).map_err(failed)?;
        for found in [&together[index], &alone[0]] {
            // The header is line 1.
            compare(path, index + 2, expected, found, tolerance)?;
        }
    }
    Ok(())
}

fn compare(
    path: &Path,
    line: usize,
    expected: &Scored,
    found: &Scored,
    tolerance: f32,
) -> Result<(), ModelError> {
    let outputs = |scored: &Scored| std::iter::once(scored.score).chain(scored.contributions);
    for (index, (expected, found)) in outputs(expected).zip(outputs(found)).enumerate() {
        // Written so that NaN fails too.
        let close = (expected - found).abs() <= tolerance;
        if !close {
            return Err(ModelError::SelfTest {
                path: path.to_owned(),
                line,
                column: output_name(index),
                expected,
                found,
            });
        }
    }
    Ok(())
}

fn read(path: &Path, csv: &[u8]) -> Result<Vec<(FeatureRow, Scored)>, ModelError> {
    let wrong = |line: usize, problem: String| ModelError::GoldenRow {
        path: path.to_owned(),
        line,
        problem,
    };
    let mut reader = csv::Reader::from_reader(csv);
    let header = reader
        .headers()
        .map_err(|error| wrong(1, error.to_string()))?
        .clone();
    let expected = feature_names().chain((0..OUTPUTS).map(output_name));
    if !header.iter().eq(expected) {
        return Err(wrong(
            1,
            "the columns are not the features and the outputs".into(),
        ));
    }
    let mut rows = Vec::new();
    for (index, record) in reader.deserialize::<Vec<f32>>().enumerate() {
        let numbers = record.map_err(|error| wrong(index + 2, error.to_string()))?;
        rows.push(split(&numbers).ok_or_else(|| wrong(index + 2, "has too few numbers".into()))?);
    }
    if rows.is_empty() {
        return Err(wrong(2, "there is no row to test with".into()));
    }
    Ok(rows)
}

fn split(numbers: &[f32]) -> Option<(FeatureRow, Scored)> {
    let (features, outputs) = numbers.split_first_chunk::<FEATURE_COUNT>()?;
    let (score, contributions) = outputs.split_first()?;
    let scored = Scored {
        score: *score,
        contributions: contributions.try_into().ok()?,
    };
    Some((*features, scored))
}

fn output_name(index: usize) -> String {
    match index.checked_sub(1).and_then(|i| Channel::ALL.get(i)) {
        Some(channel) => format!("contribution.{channel}"),
        None => "score".into(),
    }
}
