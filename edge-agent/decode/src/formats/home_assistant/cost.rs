//! What a template may cost, judged before it runs: fuel bounds its time, but not how large a text it
//! may make out of a small one.

/// Longest template: the longest seen in the field have about 2 KiB.
const SOURCE_BYTES_MAX: usize = 8 * 1024;
/// How often a template may at most multiply what it is given, by putting texts together.
const GROWTH_MAX: u64 = 256;
/// Multiplications: each may repeat a text.
const PRODUCTS_MAX: usize = 8;
/// Tags by which a template could call itself or others, or hide what it does.
const TAGS_REFUSED: [&str; 8] = [
    "macro", "call", "include", "import", "from", "extends", "block", "raw",
];

/// Whether a template can be let run.
///
/// # Errors
/// A sentence that says why not.
pub(super) fn acceptable(source: &str) -> Result<(), String> {
    if source.len() > SOURCE_BYTES_MAX {
        return Err(format!("a template of {} bytes is too long", source.len()));
    }
    for tag in source.split("{%").skip(1) {
        let word = tag
            .trim_start_matches(['-', '+'])
            .split_whitespace()
            .next()
            .unwrap_or_default();
        if TAGS_REFUSED.contains(&word) || (word == "for" && tag.contains("recursive")) {
            return Err(format!("a template with `{word}` of that kind is not run"));
        }
    }
    let code = code(source);
    let growth = code
        .iter()
        .filter(|part| part.is_tag)
        .fold(1, |growth: u64, tag| {
            growth.saturating_mul(joins(&tag.text).saturating_add(1))
        });
    let joined = code
        .iter()
        .filter(|part| !part.is_tag)
        .fold(1, |sum: u64, print| sum.saturating_add(joins(&print.text)));
    let products: usize = code.iter().map(|part| part.text.matches('*').count()).sum();
    if growth.saturating_mul(joined) > GROWTH_MAX || products > PRODUCTS_MAX {
        return Err("a template that puts so many texts together is not run".to_owned());
    }
    if code.iter().any(|part| repeats_text(&part.text)) {
        return Err("a template that repeats a text is not run".to_owned());
    }
    Ok(())
}

/// What stands between `{{` and `}}` or `{%` and `%}`, with every text in quotes as `''`.
struct Code {
    is_tag: bool,
    text: String,
}

fn code(source: &str) -> Vec<Code> {
    let mut parts = Vec::new();
    let mut rest = source;
    while let Some(at) = rest.find("{") {
        let (_, from) = rest.split_at(at);
        rest = if let Some(inside) = from.strip_prefix("{#") {
            inside.split_once("#}").map_or("", |(_, after)| after)
        } else if let Some(inside) = from.strip_prefix("{{") {
            let (text, after) = inner(inside, "}}");
            parts.push(Code {
                is_tag: false,
                text,
            });
            after
        } else if let Some(inside) = from.strip_prefix("{%") {
            let (text, after) = inner(inside, "%}");
            parts.push(Code { is_tag: true, text });
            after
        } else {
            from.get(1..).unwrap_or_default()
        };
    }
    parts
}

/// The code up to its end, and what follows. The braces of a dictionary do not end it.
fn inner<'s>(source: &'s str, end: &str) -> (String, &'s str) {
    let mut text = String::new();
    let mut quote = None;
    let mut escaped = false;
    let mut depth: u32 = 0;
    for (at, c) in source.char_indices() {
        match quote {
            Some(_) if escaped => escaped = false,
            Some(_) if c == '\\' => escaped = true,
            Some(open) if c == open => {
                quote = None;
                text.push('\'');
            }
            Some(_) => {}
            None if depth == 0 && source.get(at..).is_some_and(|rest| rest.starts_with(end)) => {
                return (text, source.get(at + end.len()..).unwrap_or_default());
            }
            None => {
                match c {
                    '{' => depth = depth.saturating_add(1),
                    '}' => depth = depth.saturating_sub(1),
                    '\'' | '"' => quote = Some(c),
                    _ => {}
                }
                text.push(if c == '"' { '\'' } else { c });
            }
        }
    }
    (text, "")
}

/// Whether a product has a text as a factor: the payload, or a text in quotes.
fn repeats_text(code: &str) -> bool {
    let is_text = |factor: &str| factor == "value" || factor.contains('\'');
    let ends = |c: char| !c.is_alphanumeric() && !matches!(c, '_' | '.' | '\'');
    let parts: Vec<&str> = code.split('*').collect();
    parts.windows(2).any(|pair| {
        let before = pair.first().and_then(|p| p.trim_end().rsplit(ends).next());
        let after = pair.get(1).and_then(|p| p.trim_start().split(ends).next());
        before.into_iter().chain(after).any(is_text)
    })
}

/// How many times code puts two values together.
fn joins(code: &str) -> u64 {
    code.bytes()
        .filter(|b| matches!(b, b'~' | b'+' | b'*'))
        .count()
        .try_into()
        .unwrap_or(u64::MAX)
}
