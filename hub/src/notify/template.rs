//! Templates of SMS gateways: `${name}` in a URL or a body, escaped for what it stands in. Pure.
//!
//! A value can never break out of its place: it comes from places and names that others typed.

use std::fmt::Write as _;

/// The names that a template can have.
pub const NAMES: [&str; 9] = [
    "to", "text", "number", "severity", "category", "place", "time", "id", "secret",
];

/// How a value is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Escape {
    /// In a JSON string.
    Json,
    /// In a URL, or in a form body: everything but letters, digits, `-`, `.`, `_` and `~` as `%XX`.
    Percent,
    /// In XML text or an attribute.
    Xml,
    /// In plain text: only control characters become blanks.
    Plain,
}

impl Escape {
    /// For the body of this content type; none when there is no rule for it.
    #[must_use]
    pub fn for_content_type(content_type: &str) -> Option<Self> {
        let kind = content_type.split(';').next().unwrap_or_default().trim();
        match kind.to_ascii_lowercase().as_str() {
            "application/json" => Some(Self::Json),
            "application/x-www-form-urlencoded" => Some(Self::Percent),
            "application/xml" | "text/xml" => Some(Self::Xml),
            "text/plain" => Some(Self::Plain),
            _ => None,
        }
    }

    /// The value as it may stand there.
    #[must_use]
    pub fn apply(self, value: &str) -> String {
        match self {
            Self::Json => {
                let quoted = serde_json::Value::from(value).to_string();
                quoted[1..quoted.len() - 1].to_owned()
            }
            Self::Percent => percent(value),
            Self::Xml => xml(value),
            Self::Plain => value
                .chars()
                .map(|c| if c.is_control() { ' ' } else { c })
                .collect(),
        }
    }
}

/// Percent-encodes everything but the unreserved characters of RFC 3986.
#[must_use]
pub fn percent(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(char::from(byte));
        } else {
            write!(text, "%{byte:02X}").expect("writing to a String does not fail");
        }
    }
    text
}

fn xml(value: &str) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        match c {
            '&' => text.push_str("&amp;"),
            '<' => text.push_str("&lt;"),
            '>' => text.push_str("&gt;"),
            '"' => text.push_str("&quot;"),
            '\'' => text.push_str("&apos;"),
            c if c.is_control() => text.push(' '),
            c => text.push(c),
        }
    }
    text
}

/// Names in a template that are none, and placeholders that do not end.
#[must_use]
pub fn problems(template: &str) -> Vec<String> {
    parts(template)
        .into_iter()
        .filter_map(|part| match part {
            Part::Name(name) if !NAMES.contains(&name) => Some(format!(
                "`${{{name}}}` is not a name; names are {}",
                NAMES.join(", ")
            )),
            Part::Open(rest) => Some(format!("`{rest}` has no closing brace")),
            _ => None,
        })
        .collect()
}

/// Fills a template; `value` gives what stands for a name.
#[must_use]
pub fn fill(template: &str, escape: Escape, value: impl Fn(&str) -> String) -> String {
    parts(template)
        .into_iter()
        .map(|part| match part {
            Part::Text(text) | Part::Open(text) => text.to_owned(),
            Part::Name(name) => escape.apply(&value(name)),
        })
        .collect()
}

enum Part<'a> {
    Text(&'a str),
    Name(&'a str),
    Open(&'a str),
}

fn parts(mut template: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    while let Some(start) = template.find("${") {
        parts.push(Part::Text(&template[..start]));
        let rest = &template[start..];
        let Some(end) = rest.find('}') else {
            parts.push(Part::Open(rest));
            return parts;
        };
        parts.push(Part::Name(&rest[2..end]));
        template = &rest[end + 1..];
    }
    parts.push(Part::Text(template));
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_are_filled_and_unknown_ones_are_told() {
        let value = |name: &str| format!("<{name}>");
        assert_eq!(
            fill("a ${to} b ${text}!", Escape::Plain, value),
            "a <to> b <text>!"
        );
        let told = problems("${to} ${tow} ${text").join("\n");
        assert!(told.contains("`${tow}` is not a name") && told.contains("no closing brace"));
    }

    #[test]
    fn content_type_decides_the_escape() {
        assert_eq!(
            Escape::for_content_type("Application/JSON; charset=utf-8"),
            Some(Escape::Json)
        );
        assert_eq!(Escape::for_content_type("image/png"), None);
        assert_eq!(Escape::Percent.apply("a b&京"), "a%20b%26%E4%BA%AC");
        assert_eq!(Escape::Xml.apply("<'\"&\n"), "&lt;&apos;&quot;&amp; ");
    }

    proptest! {
        #[test]
        fn any_value_stays_inside_its_json_string(value in "\\PC*|.*") {
            let body = fill("{\"text\":\"${text}\",\"n\":1}", Escape::Json, |_| value.clone());
            let parsed: serde_json::Value = serde_json::from_str(&body).unwrap();
            prop_assert_eq!(parsed["text"].as_str(), Some(value.as_str()));
            prop_assert_eq!(parsed.as_object().unwrap().len(), 2);
        }

        #[test]
        fn any_value_stays_inside_its_form_field(value in ".*") {
            let body = fill("to=${to}&x=1", Escape::Percent, |_| value.clone());
            prop_assert_eq!(body.matches('&').count(), 1);
            prop_assert!(body.bytes().all(|b| b.is_ascii_graphic()));
        }
    }
}
