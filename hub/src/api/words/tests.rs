use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::*;

#[test]
fn sentences_are_found_with_what_they_were_made_with() {
    assert_eq!(
        chinese("there is no case 7").unwrap(),
        "没有编号为 7 的事件"
    );
    assert_eq!(
        chinese("gateway `g` shows no sample of `a/` any more` any more").unwrap(),
        "网关“g”已没有“a/` any more”的样本"
    );
    assert_eq!(chinese("there is no case"), None);
    assert_eq!(chinese("nobody says this"), None);
    assert_eq!(title("not-signed-in", Language::Chinese), "未登录");
    assert_eq!(title("never-heard-of", Language::Chinese), "never heard of");
}

#[test]
fn every_line_keeps_its_arguments() {
    for (en, zh) in SENTENCES {
        assert_eq!(en.matches("{}").count(), zh.matches("{}").count(), "{en}");
        assert!(!zh.is_ascii(), "{zh}");
    }
}

/// Reads the hub's source: every sentence of a problem, and every type of one, is known in Chinese.
#[test]
fn every_problem_of_the_hub_has_both_languages() {
    let mut files = Vec::new();
    sources(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut files,
    );
    assert!(files.len() > 50, "{files:?}");
    let (mut seen, mut lacking) = (0, BTreeSet::new());
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        // What tests say is no problem of the hub.
        let source = source.split("\n#[cfg(test)]").next().unwrap();
        for made in ["invalid(", "not_found(", "not_allowed(", "busy(", "new("] {
            for (at, _) in source.match_indices(&format!("Problem::{made}")) {
                let call = call_from(&source[at..]);
                if call.contains("text(") || call.contains("Text {") {
                    seen += 1;
                    continue;
                }
                let mut texts = strings(call);
                if made == "new(" && texts.first().is_some_and(|text| !text.contains(' ')) {
                    let kind = texts.remove(0);
                    if !TITLES.iter().any(|(known, ..)| *known == kind) {
                        lacking.insert(format!("the type `{kind}` has no title"));
                    }
                }
                for text in texts.iter().filter(|text| text.trim().contains(' ')) {
                    seen += 1;
                    if chinese(&as_made(text)).is_none() {
                        lacking.insert(format!("{text} ({})", file.display()));
                    }
                }
            }
        }
    }
    assert!(seen > 30, "only {seen} sentences were found");
    assert!(
        lacking.is_empty(),
        "these need a line in `SENTENCES` or `TITLES`, or a `Text` where they are made:\n{}",
        lacking.into_iter().collect::<Vec<_>>().join("\n")
    );
}

fn sources(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        if path.is_dir() {
            sources(&path, files);
        } else if name.ends_with(".rs") && !name.contains("tests") {
            files.push(path);
        }
    }
}

/// A call with its arguments, to its closing bracket.
fn call_from(source: &str) -> &str {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    for (at, c) in source.char_indices() {
        match c {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted => {
                depth -= 1;
                if depth == 0 {
                    return &source[..at];
                }
            }
            _ => {}
        }
    }
    source
}

/// The string literals of a piece of source.
fn strings(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = source;
    while let Some(start) = rest.find('"') {
        let mut text = String::new();
        let mut characters = rest[start + 1..].char_indices();
        let mut end = rest.len();
        while let Some((at, c)) = characters.next() {
            match c {
                '\\' => {
                    // A line that goes on; other escapes stand for themselves.
                    match characters.next() {
                        Some((_, '\n')) => {
                            while rest.as_bytes()[start + 1..]
                                .get(characters.offset())
                                .is_some_and(u8::is_ascii_whitespace)
                            {
                                characters.next();
                            }
                        }
                        Some((_, c)) => text.push(c),
                        None => {}
                    }
                }
                '"' => {
                    end = start + 1 + at + 1;
                    break;
                }
                c => text.push(c),
            }
        }
        found.push(text);
        rest = &rest[end..];
    }
    found
}

/// A format string with something in the place of its arguments.
fn as_made(format: &str) -> String {
    let mut text = String::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        match after.split_once('}') {
            Some((_, after)) => {
                text.push_str("17");
                rest = after;
            }
            None => return text + after,
        }
    }
    text + rest
}
