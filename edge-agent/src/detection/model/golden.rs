//! The self-test: rows whose outputs the trainer wrote down, computed again on this machine.

use std::path::Path;

use gridwatch_anomaly::model::Verdict;

use super::{Manifest, Model, ModelError};

/// Fewer rows than this test nothing.
const ROWS_MIN: usize = 10;
/// More than this would make starting slow.
const ROWS_MAX: usize = 10_000;

/// Runs every golden row, in one batch and alone.
pub(super) fn self_test(model: &mut Model, path: &Path, csv: &[u8]) -> Result<(), ModelError> {
    let rows = read(model.manifest(), path, csv)?;
    let failed = |source| ModelError::SelfTestFailed {
        path: path.to_owned(),
        source,
    };
    let flat: Vec<f32> = rows.iter().flat_map(|row| &row.features).copied().collect();
    let together = model.score(&flat).map_err(failed)?;
    for (index, row) in rows.iter().enumerate() {
        let alone = model.score(&row.features).map_err(failed)?;
        for found in [&together[index], &alone[0]] {
            // The header is line 1.
            compare(model.manifest(), path, index + 2, &row.outputs, found)?;
        }
    }
    Ok(())
}

struct Row {
    features: Vec<f32>,
    outputs: Vec<f32>,
}

fn compare(
    manifest: &Manifest,
    path: &Path,
    line: usize,
    expected: &[f32],
    found: &Verdict,
) -> Result<(), ModelError> {
    let found = std::iter::once(&found.score)
        .chain(&found.prob)
        .chain(&found.contributions);
    for (index, (expected, found)) in expected.iter().zip(found).enumerate() {
        // Written so that NaN fails too.
        let close = (expected - found).abs() <= manifest.golden.tolerance;
        if !close {
            return Err(ModelError::SelfTest {
                path: path.to_owned(),
                line,
                column: output_names(manifest)[index].clone(),
                expected: *expected,
                found: *found,
            });
        }
    }
    Ok(())
}

fn read(manifest: &Manifest, path: &Path, csv: &[u8]) -> Result<Vec<Row>, ModelError> {
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
    let mut expected = manifest.engine.feature_names();
    let width = expected.len();
    expected.extend(output_names(manifest));
    if let Some(index) = (0..expected.len().max(header.len()))
        .find(|index| header.get(*index) != expected.get(*index).map(String::as_str))
    {
        let name = |name: Option<&str>| name.unwrap_or("nothing").to_owned();
        return Err(wrong(
            1,
            format!(
                "column {} is `{}`, `{}` is needed",
                index + 1,
                name(header.get(index)),
                name(expected.get(index).map(String::as_str))
            ),
        ));
    }
    let mut rows = Vec::new();
    for (index, record) in reader.deserialize::<Vec<f32>>().enumerate() {
        let line = index + 2;
        if index == ROWS_MAX {
            return Err(wrong(line, format!("more than {ROWS_MAX} rows")));
        }
        let mut features = record.map_err(|error| wrong(line, error.to_string()))?;
        if features.len() != expected.len() {
            return Err(wrong(line, format!("has {} numbers", features.len())));
        }
        let outputs = features.split_off(width);
        rows.push(Row { features, outputs });
    }
    if rows.len() < ROWS_MIN {
        return Err(wrong(
            rows.len() + 2,
            format!("at least {ROWS_MIN} rows are needed for a self-test"),
        ));
    }
    Ok(rows)
}

/// `score`, `prob.<class>`, `contribution.<group>.<class>`.
fn output_names(manifest: &Manifest) -> Vec<String> {
    let classes = &manifest.classes;
    let of_groups = manifest.groups.iter().flat_map(|group| {
        classes
            .iter()
            .map(move |class| format!("contribution.{group}.{class}"))
    });
    std::iter::once("score".to_owned())
        .chain(classes.iter().map(|class| format!("prob.{class}")))
        .chain(of_groups)
        .collect()
}
