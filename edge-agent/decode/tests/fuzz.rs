//! Mutations of every recorded message, of every shipped profile and of register dumps, against the
//! decoder with all formats and all profiles. Whatever comes in:
//!
//! - nothing panics;
//! - every number is finite, and every device is one;
//! - what comes out is bounded by what came in.
//!
//! Inputs that once failed stand in `tests/corpus` and are read first. `FUZZ_RUNS=100000 cargo test
//! --release --test fuzz` looks longer; a failure prints the input as a file for the corpus.

use std::path::{Path, PathBuf};

use gridwatch_decode::by_profile::ByProfile;
use gridwatch_decode::case::{Case, CaseMessage};
use gridwatch_decode::decoder::Decoded;
use gridwatch_decode::profile::{Matcher, Profile, check_golden};
use gridwatch_decode::{Decoder, Message, Pseudonyms, RegisterBlock, Registers};
use gridwatch_protocol::{DeviceId, Timestamp};
use jiff::tz::TimeZone;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

mod mutate;
use mutate::{Change, Frame};

/// Runs of each test unless `FUZZ_RUNS` says otherwise: a few seconds in all.
const RUNS: u32 = 2_000;
/// What may come out of a message without any regard to its size, and for each byte of it.
const READINGS_BASE: usize = 1_024;
const READINGS_PER_BYTE: usize = 8;

fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn files(folder: &Path, extension: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, extension));
        } else if path.extension().is_some_and(|ext| ext == extension) {
            found.push(path);
        }
    }
    found.sort();
    found
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

fn case(path: &Path) -> Case {
    serde_json::from_str(&read(path)).unwrap_or_else(|error| panic!("{path:?}: {error}"))
}

fn profile_texts() -> Vec<String> {
    files(&top().join("configs/devices"), "toml")
        .iter()
        .map(|path| read(path))
        .collect()
}

fn profiles() -> Vec<Profile> {
    profile_texts()
        .iter()
        .map(|text| Profile::parse(text).expect("a shipped profile"))
        .collect()
}

fn frame(message: &CaseMessage) -> Frame {
    Frame {
        topic: message.topic.clone(),
        payload: message.bytes().expect("a payload"),
    }
}

/// The messages of every recorded case, case by case, and those of the profiles' samples.
fn recorded() -> Vec<Vec<Frame>> {
    let cases = files(&top().join("tests/formats"), "json");
    let cases = cases
        .iter()
        .map(|path| case(path).messages.iter().map(frame).collect());
    cases
        .chain(profile_texts().iter().map(|text| samples(text)))
        .filter(|frames: &Vec<Frame>| !frames.is_empty())
        .collect()
}

/// The messages of a profile's golden samples.
fn samples(profile: &str) -> Vec<Frame> {
    let profile: toml::Table = toml::from_str(profile).expect("a shipped profile");
    let samples = profile["golden"].as_array().expect("samples");
    samples
        .iter()
        .filter_map(|sample| {
            Some(Frame {
                topic: sample.get("topic")?.as_str()?.to_owned(),
                payload: sample.get("payload")?.as_str()?.as_bytes().to_vec(),
            })
        })
        .collect()
}

fn runner() -> TestRunner {
    let runs = std::env::var("FUZZ_RUNS").ok();
    TestRunner::new(Config {
        cases: runs.and_then(|text| text.parse().ok()).unwrap_or(RUNS),
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..Config::default()
    })
}

/// Runs a check over inputs, and prints the smallest one that fails as a file for the corpus.
fn all<S: Strategy>(
    strategy: &S,
    print: impl Fn(&S::Value) -> String,
    check: impl Fn(&S::Value) -> Result<(), TestCaseError>,
) {
    let outcome = runner().run(strategy, |input| check(&input));
    if let Err(proptest::test_runner::TestError::Fail(why, input)) = outcome {
        panic!("{why}\nkeep it in tests/corpus:\n{}", print(&input));
    }
    outcome.expect("the inputs can be made");
}

fn mqtt_decoder(profiles: &[Profile]) -> Decoder {
    let profiles = profiles
        .iter()
        .filter(|profile| !matches!(profile.matcher, Matcher::Modbus))
        .cloned()
        .collect();
    new_decoder(profiles)
}

/// Feeds messages in order and looks at everything that comes out.
fn feed(decoder: &mut Decoder, frames: &[Frame]) -> Result<(), TestCaseError> {
    let now = Timestamp::from_unix_ms(1_800_000_000_000);
    for frame in frames {
        for retained in [false, true] {
            let message = Message::new(&frame.topic, &frame.payload, retained, now);
            if let Ok(decoded) = decoder.message(&message) {
                let most = READINGS_BASE + READINGS_PER_BYTE * frame.payload.len();
                sound(&decoded, most)?;
            }
        }
    }
    let later = Timestamp::from_unix_ms(1_800_000_600_000);
    sound(&decoder.tick(later), READINGS_BASE)
}

fn sound(decoded: &Decoded, most: usize) -> Result<(), TestCaseError> {
    for reading in &decoded.readings {
        let number = reading.value.as_number();
        prop_assert!(number.is_none_or(f64::is_finite), "{reading:?}");
        prop_assert!(
            DeviceId::new(reading.device.as_str()).is_ok(),
            "{reading:?}"
        );
    }
    prop_assert!(
        decoded.readings.len() <= most,
        "{} readings where {most} are the most",
        decoded.readings.len()
    );
    prop_assert!(
        decoded.problems.len() <= most,
        "{} problems where {most} are the most",
        decoded.problems.len()
    );
    Ok(())
}

fn registers(profile: &Profile, blocks: Vec<RegisterBlock>) -> Result<(), TestCaseError> {
    let mut decoder = new_decoder(vec![profile.clone()]);
    let poll = Registers {
        device: DeviceId::new("unit").expect("an id"),
        profile: profile.id.clone(),
        blocks,
    };
    let now = Timestamp::from_unix_ms(1_800_000_000_000);
    let decoded = decoder.registers(&poll, now).expect("a loaded profile");
    sound(&decoded, profile.channels.len())
}

/// What a profile would read, filled with these words over and over.
fn filled(profile: &Profile, words: &[u16]) -> Vec<RegisterBlock> {
    let mut words = words.iter().copied().cycle();
    profile
        .registers()
        .into_iter()
        .map(|span| RegisterBlock {
            table: span.table,
            address: span.address,
            values: words.by_ref().take(usize::from(span.count)).collect(),
        })
        .collect()
}

fn try_profile(text: &str) -> Result<(), TestCaseError> {
    if let Ok(profile) = Profile::parse(text) {
        // Whether the samples still come out is not the question: only that they can be run.
        drop(check_golden(&profile));
        if matches!(profile.matcher, Matcher::Modbus) {
            registers(&profile, filled(&profile, &[0xFFFF, 1, 0x7FC0, 0]))?;
        }
    }
    Ok(())
}

#[test]
fn inputs_that_once_failed_are_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let shipped = profiles();
    let mut read_files = 0;
    for path in files(&folder, "json") {
        let case = case(&path);
        let frames: Vec<Frame> = case.messages.iter().map(frame).collect();
        feed(&mut mqtt_decoder(&shipped), &frames).unwrap_or_else(|why| panic!("{path:?}: {why}"));
        if let (Some(unit), Some(id)) = (&case.modbus, &case.profile) {
            let profile = shipped.iter().find(|profile| profile.id == *id);
            let blocks = unit.registers.iter().map(|block| RegisterBlock {
                table: block.table,
                address: block.address,
                values: block.values.clone(),
            });
            registers(profile.expect("a shipped profile"), blocks.collect())
                .unwrap_or_else(|why| panic!("{path:?}: {why}"));
        }
        read_files += 1;
    }
    for path in files(&folder, "toml") {
        try_profile(&read(&path)).unwrap_or_else(|why| panic!("{path:?}: {why}"));
        read_files += 1;
    }
    assert!(read_files > 0, "the corpus is empty");
}

#[test]
fn mutated_messages_never_break_the_decoder() {
    let cases = recorded();
    assert!(
        cases.len() > 100,
        "only {} cases with messages",
        cases.len()
    );
    let everything: Vec<Frame> = cases.iter().flatten().cloned().collect();
    let shipped = profiles();
    let strategy = (
        any::<prop::sample::Index>(),
        prop::collection::vec(any::<Change>(), 1..5),
        prop::collection::vec(any::<prop::sample::Index>(), 1..5),
    );
    let sequence =
        |(case, changes, at): &(prop::sample::Index, Vec<Change>, Vec<prop::sample::Index>)| {
            let mut frames = case.get(&cases).clone();
            for (change, at) in changes.iter().zip(at.iter().cycle()) {
                let changed = change.apply(at.get(&frames), &everything);
                let place = at.index(frames.len());
                // The first change of a message stands beside the original, so that states are reached.
                if frames.len() < 2 * case.get(&cases).len() {
                    frames.insert(place + 1, changed);
                } else {
                    frames[place] = changed;
                }
            }
            frames
        };
    all(
        &strategy,
        |input| mutate::corpus_file(&sequence(input)),
        |input| feed(&mut mqtt_decoder(&shipped), &sequence(input)),
    );
}

#[test]
fn mutated_profiles_are_refused_or_work() {
    let texts = profile_texts();
    let frames: Vec<Frame> = texts
        .iter()
        .map(|text| Frame {
            topic: String::new(),
            payload: text.clone().into_bytes(),
        })
        .collect();
    let strategy = (
        any::<prop::sample::Index>(),
        prop::collection::vec(any::<Change>(), 1..4),
    );
    let text = |(at, changes): &(prop::sample::Index, Vec<Change>)| {
        let changed = changes
            .iter()
            .fold(at.get(&frames).clone(), |frame, change| {
                change.apply(&frame, &frames)
            });
        String::from_utf8_lossy(&changed.payload).into_owned()
    };
    all(&strategy, text, |input| try_profile(&text(input)));
}

#[test]
fn any_registers_give_sound_readings() {
    let modbus: Vec<Profile> = profiles()
        .into_iter()
        .filter(|profile| matches!(profile.matcher, Matcher::Modbus))
        .collect();
    let word = prop_oneof![
        any::<u16>(),
        prop::sample::select(vec![
            0, 1, 0x7FC0, 0x7F80, 0xFF80, 0x7FFF, 0x8000, 0xFFFF, 0x7C00
        ]),
    ];
    let strategy = (
        any::<prop::sample::Index>(),
        prop::collection::vec(word, 1..40),
    );
    all(
        &strategy,
        |(at, words)| format!("profile {} with words {words:?}", at.get(&modbus).id),
        |(at, words)| {
            let profile = at.get(&modbus);
            registers(profile, filled(profile, words))
        },
    );
}

fn new_decoder(profiles: Vec<Profile>) -> Decoder {
    Decoder::new(
        ByProfile::new(profiles, [], []),
        TimeZone::UTC,
        Pseudonyms::new(&[0; 32]),
    )
}
