//! Every recorded case of every format comes out as it must, and nothing comes out that must not.
//!
//! The cases stand in `tests/formats` at the top of the repository, one folder per format, with their
//! sources. The pass rate per format is printed: `cargo test --test formats -- --nocapture`.

use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};

use gridwatch_decode::by_profile::ByProfile;
use gridwatch_decode::case::{Case, CaseOutcome, CaseReading, run};
use gridwatch_decode::profile::Profile;
use gridwatch_decode::{Decoder, Pseudonyms};
use gridwatch_protocol::{Kind, Value};

/// The folders of the formats; one for each format, and none is left out.
fn formats() -> Vec<String> {
    let mut formats: Vec<String> = std::fs::read_dir(top().join("tests/formats"))
        .expect("the folder of the formats")
        .map(|entry| entry.expect("an entry"))
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .collect();
    formats.sort();
    assert!(formats.len() >= 15, "{formats:?}");
    formats
}

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The cases of a format, with the shipped profile that reads a Modbus case.
fn cases(format: &str) -> Vec<(Case, Option<Profile>)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(top().join("tests/formats").join(format))
        .expect("the folder of the format")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    files
        .iter()
        .map(|path| {
            let case: Case =
                serde_json::from_str(&read(path)).unwrap_or_else(|e| panic!("{path:?}: {e}"));
            let profile = case.profile.as_ref().map(|id| {
                let path = top().join(format!("configs/devices/{id}.toml"));
                Profile::parse(&read(&path)).unwrap_or_else(|e| panic!("{path:?}: {e:#?}"))
            });
            (case, profile)
        })
        .collect()
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|e| panic!("{path:?}: {e}"))
}

/// Why a case fails, if it does.
fn failure(case: &Case, profile: Option<&Profile>) -> Option<String> {
    let profiles: Vec<Profile> = profile.cloned().into_iter().collect();
    let mut decoder = Decoder::new(
        ByProfile::new(profiles, [], []),
        jiff::tz::TimeZone::UTC,
        Pseudonyms::new(&[0; 32]),
    );
    let outcome = match run(&mut decoder, case, profile.map(|p| p.id.as_str())) {
        Ok(outcome) => outcome,
        Err(why) => return Some(why),
    };
    let why = missing(case, &outcome).or_else(|| unwanted(case, &outcome.readings))?;
    Some(format!(
        "{}: {why}\n  got {:#?}\n  problems {:#?}",
        case.id, outcome.readings, outcome.problems
    ))
}

/// The expected readings must come out in the order of the messages, one for each, with one device for
/// each expected one.
fn missing(case: &Case, outcome: &CaseOutcome) -> Option<String> {
    let mut names: HashMap<&str, &str> = HashMap::new();
    let mut used = vec![false; outcome.readings.len()];
    let mut message = 0;
    for expect in &case.expect {
        let fits = |index: &usize| {
            let reading = &outcome.readings[*index];
            let same_device = match names.get(expect.device.as_str()) {
                Some(name) => *name == reading.device,
                None => !names.values().any(|name| *name == reading.device),
            };
            same_device
                && !used[*index]
                && outcome.from[*index] >= message
                && reading.kind == expect.kind
                && same_value(&reading.value, &expect.value)
                && reading.unit == expect.unit
                && same_time(reading.time.as_deref(), expect.time.as_deref())
        };
        // Two devices may say the same in one case: the one that bears the name comes first.
        let named = |index: &usize| outcome.readings[*index].device.ends_with(&expect.device);
        let all = || 0..outcome.readings.len();
        let first = all().find(|index| named(index) && fits(index));
        let Some(index) = first.or_else(|| all().find(fits)) else {
            return Some(format!(
                "missing, out of order, or of a wrong device: {expect:?}"
            ));
        };
        used[index] = true;
        message = outcome.from[index];
        names.insert(&expect.device, &outcome.readings[index].device);
    }
    None
}

fn unwanted(case: &Case, readings: &[CaseReading]) -> Option<String> {
    if case.expect.is_empty() && !readings.is_empty() {
        return Some("a reading came out where none may".to_owned());
    }
    for forbidden in &case.forbid {
        let came = readings.iter().any(|reading| {
            reading.kind == forbidden.kind
                && forbidden
                    .value
                    .as_ref()
                    .is_none_or(|value| same_value(value, &reading.value))
        });
        if came {
            return Some(format!(
                "forbidden: {} {:?}: {}",
                forbidden.kind, forbidden.value, forbidden.why
            ));
        }
    }
    // Events come out exactly once, however often they are told.
    for kind in [Kind::AccessGranted, Kind::AccessDenied, Kind::LineCrossing] {
        let count = |list: &[CaseReading]| {
            list.iter()
                .filter(|r| r.kind == kind.as_str() && r.value != Value::Bool(false))
                .count()
        };
        if count(readings) != count(&case.expect) {
            return Some(format!("{kind} came out {} times", count(readings)));
        }
    }
    None
}

fn same_value(one: &Value, other: &Value) -> bool {
    match (one.as_number(), other.as_number()) {
        (Some(one), Some(other)) => (one - other).abs() <= 1e-6 * other.abs().max(1.0),
        _ => one == other,
    }
}

fn same_time(one: Option<&str>, other: Option<&str>) -> bool {
    use gridwatch_decode::time::SourceTime;
    match (one, other) {
        (Some(one), Some(other)) => SourceTime::from_text(one).is(other),
        (one, other) => one == other,
    }
}

#[test]
fn recorded_cases_of_every_format_come_out_right() {
    let mut failures = BTreeMap::new();
    for format in formats() {
        let cases = cases(&format);
        let failed: Vec<String> = cases
            .iter()
            .filter_map(|(case, profile)| failure(case, profile.as_ref()))
            .collect();
        println!(
            "format {format}: {} of {} cases pass",
            cases.len() - failed.len(),
            cases.len()
        );
        if !failed.is_empty() {
            failures.insert(format, failed);
        }
    }
    for failed in failures.values().flatten() {
        println!("{failed}");
    }
    assert!(failures.is_empty(), "{:?}", failures.keys());
}
