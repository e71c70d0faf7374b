//! Words as the markdown that WeCom and DingTalk robots understand. Pure.

use crate::notify::text::Words;

/// A value that markdown reads nothing into: no link, no mention of everybody, no tag.
pub(super) fn safe(value: &str) -> String {
    value
        .chars()
        .map(|c| match c {
            '<' => '＜',
            '>' => '＞',
            '[' => '［',
            ']' => '］',
            '`' => '｀',
            '*' => '＊',
            '#' => '＃',
            '@' => '＠',
            '\\' => '＼',
            c => c,
        })
        .collect()
}

/// A heading, the fields as a quotation, the items as a list, and the link.
pub(super) fn markdown(words: &Words) -> String {
    let mut text = format!("### {}\n", safe(&words.title));
    for (name, value) in &words.fields {
        text.push_str(&format!("> {name}{}\n\n", safe(value)));
    }
    for (line, link) in &words.items {
        match link {
            Some(link) => text.push_str(&format!("- [{}]({link})\n", safe(line))),
            None => text.push_str(&format!("- {}\n", safe(line))),
        }
    }
    if let Some(link) = &words.link {
        text.push_str(&format!("\n[{}]({link})\n", words.link_words));
    }
    text
}

#[cfg(test)]
mod tests {
    use gridwatch_protocol::Severity;

    use super::*;
    use crate::notify::text::{Language, Style, one, sample};

    #[test]
    fn place_cannot_make_a_link_or_mention_everybody() {
        let mut news = sample(Severity::P1, "opened");
        news.case.place.zh = "[点我](http://evil) <@all> **x**".into();
        let style = Style {
            language: Language::Zh,
            public_url: "https://hub.example".into(),
            utc_offset_minutes: 480,
        };
        let text = markdown(&one(&news, &style));
        assert!(
            !text.contains("](http://evil)") && !text.contains("<@all>"),
            "{text}"
        );
        assert!(text.contains("[打开事件](https://hub.example/cases/12)"));
        assert!(text.starts_with("### 【特急（P1）】新事件："));
    }
}
