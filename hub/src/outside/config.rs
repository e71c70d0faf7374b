//! Section `[outside]`: read and checked with the rest, every problem told at once.
//!
//! What the keys mean stands in `configs/hub.toml`.

use serde::Deserialize;

use super::mapping::Rule;
use crate::notify::config::Notify;

/// The section `[outside]`.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described key by key in configs/hub.toml")]
pub struct Outside {
    pub reporter_days: u32,
    pub completion: Completion,
    pub open311: Open311,
    pub pagerduty: Machines,
    pub alertmanager: Machines,
}

/// How reporters are told that their matter is done.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described key by key in configs/hub.toml")]
pub struct Completion {
    pub channels: Vec<String>,
    pub language: String,
    pub done_zh: String,
    pub done_en: String,
    pub rejected_zh: String,
    pub rejected_en: String,
}

/// The public door.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described key by key in configs/hub.toml")]
pub struct Open311 {
    pub enabled: bool,
    pub jurisdiction_id: String,
    pub contact: String,
    pub key_service: String,
    pub reads_per_minute: u32,
    pub repeat_minutes: u32,
}

/// A door for systems that watch.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
#[expect(missing_docs, reason = "described key by key in configs/hub.toml")]
pub struct Machines {
    pub enabled: bool,
    pub rules: Vec<Rule>,
}

/// Names that the texts to reporters can have in `${…}`.
pub const NAMES: [&str; 2] = ["number", "category"];

impl Outside {
    /// Tells what is wrong; channels are those of the section `[notify]`.
    pub fn check(&self, notify: &Notify, problems: &mut Vec<String>) {
        let mut need = |ok: bool, sentence: &str| {
            if !ok {
                problems.push(sentence.to_owned());
            }
        };
        need(
            self.reporter_days >= 1,
            "`outside.reporter_days` must be at least 1",
        );
        need(
            ["zh", "en"].contains(&self.completion.language.as_str()),
            "`outside.completion.language` must be `zh` or `en`",
        );
        need(
            self.open311.reads_per_minute >= 1,
            "`outside.open311.reads_per_minute` must be at least 1",
        );
        need(
            self.open311.repeat_minutes >= 1,
            "`outside.open311.repeat_minutes` must be at least 1",
        );
        for name in &self.completion.channels {
            let channel = notify.channels.iter().find(|channel| channel.name == *name);
            let fits = channel.is_some_and(|channel| matches!(channel.kind(), "email" | "sms"));
            need(
                fits,
                &format!(
                    "`outside.completion.channels`: `{name}` is no channel of kind email or sms"
                ),
            );
        }
        let texts = &self.completion;
        for (key, text) in [
            ("done_zh", &texts.done_zh),
            ("done_en", &texts.done_en),
            ("rejected_zh", &texts.rejected_zh),
            ("rejected_en", &texts.rejected_en),
        ] {
            for problem in text_problems(text) {
                need(false, &format!("`outside.completion.{key}`: {problem}"));
            }
        }
        for (door, machines) in [
            ("pagerduty", &self.pagerduty),
            ("alertmanager", &self.alertmanager),
        ] {
            for (place, rule) in machines.rules.iter().enumerate() {
                for problem in rule.problems() {
                    need(
                        false,
                        &format!("`outside.{door}.rules`, rule {}: {problem}", place + 1),
                    );
                }
            }
        }
    }
}

fn text_problems(text: &str) -> Vec<String> {
    let mut problems = Vec::new();
    if text.trim().is_empty() {
        problems.push("it is empty".to_owned());
    }
    let names = text.split("${").skip(1).map(|rest| rest.split_once('}'));
    for name in names {
        match name {
            None => problems.push("a `${` has no closing brace".to_owned()),
            Some((name, _)) if !NAMES.contains(&name) => problems.push(format!(
                "`${{{name}}}` is not a name; names are {}",
                NAMES.join(", ")
            )),
            Some(_) => {}
        }
    }
    problems
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    #[test]
    fn doors_are_shut_by_default_and_reporters_forgotten_after_ninety_days() {
        let outside = crate::config::parse("", Path::new("")).unwrap().outside;
        assert!(!outside.open311.enabled && !outside.pagerduty.enabled);
        assert!(!outside.alertmanager.enabled);
        assert_eq!(outside.reporter_days, 90);
        assert!(outside.completion.channels.is_empty());
    }

    #[test]
    fn every_mistake_of_the_section_is_told_at_once() {
        let text = "[outside]\nreporter_days = 0\n[outside.completion]\nchannels = [\"pigeon\"]\nlanguage = \"fr\"\ndone_zh = \"${name}\"\n[[outside.alertmanager.rules]]\nseverity = \"P1\"\n[[outside.alertmanager.rules]]\nwhen = { a = \"b\" }\n";
        let problems = crate::config::parse(text, Path::new(""))
            .unwrap_err()
            .join("\n");
        for expected in [
            "reporter_days",
            "`pigeon`",
            "`zh` or `en`",
            "`${name}`",
            "rule 1",
            "rule 2",
        ] {
            assert!(
                problems.contains(expected),
                "{expected} is not in:\n{problems}"
            );
        }
    }
}
