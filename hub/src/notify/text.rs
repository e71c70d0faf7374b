//! What messages say, in Chinese or in English. Pure.
//!
//! Names and places come from gateways and files; here they lose control characters and what is too
//! long. What a provider's own markup would read something into is taken out by its sender.

use gridwatch_protocol::{Severity, Text, Timestamp};

use super::policy::{self, News};

/// A value is cut after this many characters.
const VALUE_CHARACTERS_MAX: usize = 200;

/// Language of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Language {
    /// 中文
    Zh,
    /// English
    En,
}

impl Language {
    /// The text in this language.
    #[must_use]
    pub fn of(self, text: &Text) -> &str {
        match self {
            Language::Zh => &text.zh,
            Language::En => &text.en,
        }
    }

    fn pick(self, zh: &'static str, en: &'static str) -> &'static str {
        match self {
            Language::Zh => zh,
            Language::En => en,
        }
    }
}

/// What all messages of a channel have in common.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// The language.
    pub language: Language,
    /// Where officers reach the hub; empty when it has no address of its own.
    pub public_url: String,
    /// Minutes east of UTC in which times are told.
    pub utc_offset_minutes: i32,
}

/// A message in words, before a sender gives it its form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// One line that says it all.
    pub title: String,
    /// Name and value, in order.
    pub fields: Vec<(&'static str, String)>,
    /// Cases of a digest, the most urgent first: a line and where it leads.
    pub items: Vec<(String, Option<String>)>,
    /// Where the case is, if the hub has an address.
    pub link: Option<String>,
    /// The words on that link.
    pub link_words: &'static str,
    /// The most urgent severity in it.
    pub severity: Severity,
    /// How to say that a number of items is left out.
    more: (&'static str, &'static str),
}

impl Words {
    /// Says that so many items are left out.
    #[must_use]
    pub fn left_out(&self, count: usize) -> String {
        format!("{}{count}{}", self.more.0, self.more.1)
    }

    /// Everything as plain lines.
    #[must_use]
    pub fn lines(&self) -> Vec<String> {
        let fields = self
            .fields
            .iter()
            .map(|(name, value)| format!("{name}{value}"));
        let items = self.items.iter().map(|(line, _)| format!("- {line}"));
        let link = self.link.iter().cloned();
        fields.chain(items).chain(link).collect()
    }

    /// The first form that fits: all items, then fewer and fewer with a line that says how many are
    /// left out.
    ///
    /// # Errors
    /// The smallest form when even that does not fit.
    pub fn fit<T>(&self, render: impl Fn(&Words) -> T, fits: impl Fn(&T) -> bool) -> Result<T, T> {
        let mut shown = self.items.len();
        loop {
            let mut part = self.clone();
            part.items.truncate(shown);
            if shown < self.items.len() {
                part.items
                    .push((self.left_out(self.items.len() - shown), None));
            }
            let form = render(&part);
            if fits(&form) {
                return Ok(form);
            }
            if shown == 0 {
                return Err(form);
            }
            shown = shown * 3 / 4;
        }
    }
}

/// The severity in words, such as `特急（P1）`.
#[must_use]
pub fn severity(severity: Severity, language: Language) -> String {
    let (zh, en) = match severity {
        Severity::P1 => ("特急", "Critical"),
        Severity::P2 => ("紧急", "Urgent"),
        Severity::P3 => ("一般", "Normal"),
        Severity::P4 => ("提示", "Notice"),
    };
    match language {
        Language::Zh => format!("{zh}（{severity}）"),
        Language::En => format!("{en} ({severity})"),
    }
}

/// A change in words; one that is not known here keeps its code.
#[must_use]
pub fn change(code: &str, language: Language) -> String {
    let (zh, en) = match code {
        "opened" => ("新事件", "new case"),
        "joined" => ("又有报警", "another alert"),
        "updated" => ("有更新", "updated"),
        "acknowledged" => ("已确认", "acknowledged"),
        "filed" => ("立案", "filed"),
        "dispatched" => ("派遣", "dispatched"),
        "returned" => ("回退", "returned"),
        "closed" => ("结案", "closed"),
        "rejected" => ("不予立案", "rejected"),
        "reopened" => ("重新打开", "reopened"),
        "noted" => ("有记录", "note added"),
        "alert_cleared" => ("报警解除，事件未结", "alert cleared, the case stays open"),
        "escalated" => ("升级：无人确认", "escalated: not acknowledged"),
        "reported_again" => ("有新情况，须重新确认", "something new: acknowledge again"),
        "reminder" => ("催办", "reminder"),
        "yellow_card" => ("黄牌预警", "yellow card"),
        "red_card" => ("红牌督办", "red card"),
        policy::MORE_URGENT => ("级别升高", "more urgent"),
        "test" => ("测试消息", "test message"),
        "completed" => ("办结", "completed"),
        other => return plain(other),
    };
    language.pick(zh, en).to_owned()
}

/// A message about one case.
#[must_use]
pub fn one(news: &News, style: &Style) -> Words {
    let language = style.language;
    let case = &news.case;
    let pick = |zh, en| language.pick(zh, en);
    let mut fields = vec![
        (pick("事件：", "Case: "), plain(&case.number)),
        (
            pick("级别：", "Severity: "),
            severity(case.severity, language),
        ),
        (
            pick("类别：", "Category: "),
            plain(language.of(&case.category_name)),
        ),
        (pick("地点：", "Place: "), plain(language.of(&case.place))),
        (pick("时间：", "Time: "), local(news.at, style)),
        (pick("变化：", "Change: "), changes(news, language)),
    ];
    if let Some(due) = &case.due {
        let what = plain(language.of(&due.what));
        let at = local(due.at, style);
        let value = match language {
            Language::Zh => format!("{at} 前{what}"),
            Language::En => format!("{what} by {at}"),
        };
        fields.push((pick("时限：", "Due: "), value));
    }
    Words {
        title: title(news, language),
        fields,
        items: Vec::new(),
        link: link(case.id, style),
        link_words: pick("打开事件", "Open the case"),
        severity: case.severity,
        more: ("", ""),
    }
}

/// A message about many cases, given with the most urgent first.
#[must_use]
pub fn digest(news: &[News], style: &Style) -> Words {
    let language = style.language;
    let count = news.len();
    let most = news
        .iter()
        .map(|one| one.case.severity)
        .min()
        .unwrap_or(Severity::P4);
    let worst = severity(most, language);
    let title = match language {
        Language::Zh => format!("【{worst}】{count} 起事件的汇总"),
        Language::En => format!("[{worst}] digest of {count} cases"),
    };
    let drill = news.iter().all(|one| one.case.is_drill);
    Words {
        title: if drill {
            format!("{}{title}", drill_mark(language))
        } else {
            title
        },
        fields: Vec::new(),
        items: news.iter().map(|one| item(one, style)).collect(),
        link: (!style.public_url.is_empty()).then(|| style.public_url.clone()),
        link_words: language.pick("打开值班台", "Open the board"),
        severity: most,
        more: match language {
            Language::Zh => ("另有 ", " 起，见值班台"),
            Language::En => ("and ", " more, on the board"),
        },
    }
}

/// What is missing at a desk.
#[must_use]
pub fn duty(news: &News, style: &Style) -> Words {
    let language = style.language;
    let case = &news.case;
    let pick = |zh, en| language.pick(zh, en);
    let detail = plain(language.of(&case.title));
    let severity_words = severity(case.severity, language);
    let mark = pick("值班", "duty");
    Words {
        title: match language {
            Language::Zh => format!("【{severity_words}】{mark}：{detail}"),
            Language::En => format!("[{severity_words}] {mark}: {detail}"),
        },
        fields: vec![
            (pick("值班台：", "Desk: "), plain(language.of(&case.place))),
            (pick("开始：", "Since: "), local(case.opened_at, style)),
            (pick("时间：", "Time: "), local(news.at, style)),
        ],
        items: Vec::new(),
        link: (!style.public_url.is_empty()).then(|| style.public_url.clone()),
        link_words: pick("打开值班台", "Open the board"),
        severity: case.severity,
        more: ("", ""),
    }
}

/// The message to somebody who reported a matter: no more than that it is done.
#[must_use]
pub fn completion(news: &News, style: &Style) -> Words {
    let language = style.language;
    let number = plain(&news.case.number);
    let name = plain(language.of(&news.case.category_name));
    let title = match language {
        _ if news.said.is_some() => news.said.clone().unwrap_or_default(),
        Language::Zh => format!("您反映的事项“{name}”（{number}）已办结，感谢您的反映。"),
        Language::En => format!(
            "The matter that you reported, \"{name}\" ({number}), has been completed. Thank you."
        ),
    };
    Words {
        title,
        fields: Vec::new(),
        items: Vec::new(),
        link: None,
        link_words: "",
        severity: news.case.severity,
        more: ("", ""),
    }
}

fn drill_mark(language: Language) -> &'static str {
    language.pick("【演练】", "[DRILL] ")
}

fn title(news: &News, language: Language) -> String {
    let severity = severity(news.case.severity, language);
    let about = plain(language.of(&news.case.title));
    let change = change(&news.change, language);
    let drill = if news.case.is_drill {
        drill_mark(language)
    } else {
        ""
    };
    match language {
        Language::Zh => format!("{drill}【{severity}】{change}：{about}"),
        Language::En => format!("{drill}[{severity}] {change}: {about}"),
    }
}

fn item(news: &News, style: &Style) -> (String, Option<String>) {
    let language = style.language;
    let line = format!(
        "{} {} {}",
        local(news.at, style),
        plain(&news.case.number),
        title(news, language)
    );
    (line, link(news.case.id, style))
}

fn changes(news: &News, language: Language) -> String {
    let all = news.earlier.iter().chain([&news.change]);
    let words: Vec<String> = all.map(|code| change(code, language)).collect();
    words.join(language.pick("，", ", "))
}

fn link(case: i64, style: &Style) -> Option<String> {
    let base = style.public_url.trim_end_matches('/');
    (!base.is_empty() && case > 0).then(|| format!("{base}/cases/{case}"))
}

/// Local time to the second.
pub(crate) fn local(at: Timestamp, style: &Style) -> String {
    let shifted = at.plus_ms(i64::from(style.utc_offset_minutes) * 60_000);
    let text = shifted.to_string();
    let end = text.len().min(19);
    text[..end].replace('T', " ")
}

/// One line without control characters or marks that turn the direction of text, cut to a bearable
/// length.
#[must_use]
pub fn plain(value: &str) -> String {
    let bad = |c: char| {
        c.is_control()
            || matches!(c, '\u{2028}' | '\u{2029}' | '\u{200e}' | '\u{200f}')
            || ('\u{202a}'..='\u{202e}').contains(&c)
            || ('\u{2066}'..='\u{2069}').contains(&c)
    };
    let mut text: String = value
        .chars()
        .take(VALUE_CHARACTERS_MAX)
        .map(|c| if bad(c) { ' ' } else { c })
        .collect();
    if value.chars().count() > VALUE_CHARACTERS_MAX {
        text.push('…');
    }
    text
}

/// The message of `hub notify test`.
#[must_use]
pub fn test_news(at: Timestamp) -> News {
    let words = |zh: &str, en: &str| crate::cases::text(zh, en);
    News {
        said: None,
        head: None,
        seq: 0,
        at,
        change: "test".to_owned(),
        earlier: Vec::new(),
        first: true,
        case: policy::Facts {
            id: 0,
            number: "TEST".to_owned(),
            severity: Severity::P4,
            category: "test".to_owned(),
            category_name: words("测试", "test"),
            site: gridwatch_protocol::SiteId::new("test").expect("a valid site id"),
            title: words("网格哨通知测试", "test of Gridwatch notifications"),
            place: words("无", "none"),
            areas: Vec::new(),
            state: "test".to_owned(),
            is_drill: true,
            in_flood: false,
            opened_at: at,
            due: None,
        },
    }
}

#[cfg(test)]
pub use tests::sample;

#[cfg(test)]
mod tests;
