//! `decode`: recorded cases in, readings out. Nothing is configured but what the messages carry.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use gridwatch_decode::case::{Case, CaseReading, run as run_case};
use gridwatch_decode::profile::{Matcher, Profile};
use serde::Serialize;

use super::common::{Known, ProfileArguments, exit, read_file, say};

const EXAMPLES: &str = "Examples:
  edge-agent decode tests/formats/zigbee2mqtt/*.json
  edge-agent decode cellar.json --profile configs/devices/modbus-door-controller.toml

Prints one JSON object a line: id, device, kind, value, unit, time. Problems go to standard error.

Exit codes: 0 every file was read, 1 a file, a message or a profile was not, 2 wrong usage";

#[derive(clap::Args)]
#[command(after_help = EXAMPLES)]
pub(super) struct DecodeArgs {
    /// Case files: messages or registers with the id of the case.
    #[arg(value_name = "CASE.json", required = true)]
    cases: Vec<PathBuf>,
    #[command(flatten)]
    profiles: ProfileArguments,
}

/// A reading, with the case that it came out of.
#[derive(Serialize)]
struct Line<'a> {
    id: &'a str,
    #[serde(flatten)]
    reading: &'a CaseReading,
}

pub(super) fn run(args: &DecodeArgs) -> anyhow::Result<ExitCode> {
    let known = args.profiles.load()?;
    let mut all_well = known.report();
    for path in &args.cases {
        match decode(path, &known) {
            Ok(well) => all_well &= well?,
            Err(why) => {
                eprintln!("edge-agent: {}: {why}", path.display());
                all_well = false;
            }
        }
    }
    Ok(exit(all_well))
}

/// Outer error: the case is broken. Inner: the output cannot be written.
fn decode(path: &Path, known: &Known) -> Result<anyhow::Result<bool>, String> {
    let case = read_case(path)?;
    let profile = profile_of(&case, known)?;
    let outcome = run_case(&mut known.decoder(), &case, profile.as_deref())?;
    for problem in &outcome.problems {
        eprintln!("edge-agent: {}: {problem}", path.display());
    }
    for reading in &outcome.readings {
        let line = Line {
            id: &case.id,
            reading,
        };
        let line = serde_json::to_string(&line).map_err(|error| error.to_string())?;
        if let Err(error) = say(line) {
            return Ok(Err(error));
        }
    }
    Ok(Ok(outcome.problems.is_empty()))
}

/// A case file.
pub(super) fn read_case(path: &Path) -> Result<Case, String> {
    let bytes = read_file(path).map_err(|error| format!("{error:#}"))?;
    serde_json::from_slice(&bytes).map_err(|error| {
        format!("not a case file: {error}; it needs `id` and `messages` or `modbus`")
    })
}

/// The profile that reads a case's registers: the one that the case names, else the only one there is.
pub(super) fn profile_of(case: &Case, known: &Known) -> Result<Option<String>, String> {
    if case.modbus.is_none() {
        return Ok(None);
    }
    let modbus: Vec<&Profile> = known
        .profiles
        .iter()
        .filter(|profile| matches!(profile.matcher, Matcher::Modbus))
        .collect();
    let named = case.profile.as_ref();
    if let Some(profile) = modbus.iter().find(|p| Some(&p.id) == named) {
        return Ok(Some(profile.id.clone()));
    }
    match (modbus.as_slice(), named) {
        ([only], _) => Ok(Some(only.id.clone())),
        ([], None) => {
            Err("it holds registers: give the profile that reads them with --profile".to_owned())
        }
        ([], Some(named)) => Err(format!(
            "it holds registers: give profile `{named}` with --profile"
        )),
        (several, _) => Err(format!(
            "it holds registers, and {} Modbus profiles are given: give one, or name it in the case as `profile`",
            several.len()
        )),
    }
}
