//! SMS through a provider's HTTP gateway, by template: every provider has its own form.
//!
//! URL, body and headers are templates; values are escaped for the place in which they stand. Success
//! is a status, and where the provider answers 200 to everything, a value in its JSON answer.

use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde_json::Value;

use super::http::{Answer, Http, Request};
use super::{Outcome, Parcel};
use crate::notify::config::SmsSettings;
use crate::notify::secret::Secret;
use crate::notify::template::{self, Escape};
use crate::notify::text::{self, Style, Words};

/// An SMS has at most this many characters: 5 parts of a long Chinese SMS (67 characters each).
const CHARACTERS_MAX: usize = 335;

/// A gateway.
#[derive(Debug)]
pub struct Sms {
    http: Http,
    settings: SmsSettings,
    url: Secret,
    secret: Option<Secret>,
}

impl Sms {
    /// Reads the secrets of a gateway.
    ///
    /// # Errors
    /// A sentence that names what cannot be read.
    pub fn new(http: Http, settings: &SmsSettings) -> Result<Self, String> {
        let secret = settings.secret.as_ref().map(|source| source.read());
        Ok(Self {
            http,
            settings: settings.clone(),
            url: settings.url.read()?,
            secret: secret.transpose()?,
        })
    }

    /// Sends a message once.
    pub async fn send(&self, parcel: &Parcel, style: &Style) -> Outcome {
        let Ok(text) = parcel
            .words(style)
            .fit(short, |text| text.chars().count() <= CHARACTERS_MAX)
        else {
            return Outcome::refused("the message is too long for an SMS");
        };
        let request = match self.request(parcel, style, &text) {
            Ok(request) => request,
            Err(error) => return Outcome::refused(error),
        };
        match self.http.send(request).await {
            Ok(answer) => self.outcome(&answer),
            Err(outcome) => outcome,
        }
    }

    fn request(&self, parcel: &Parcel, style: &Style, text: &str) -> Result<Request, String> {
        let value = |name: &str| self.value(name, parcel, style, text);
        let escape = Escape::for_content_type(&self.settings.content_type)
            .ok_or("the content type has no rule for its values")?;
        let mut headers = HeaderMap::new();
        let content_type = HeaderValue::from_str(&self.settings.content_type)
            .map_err(|_| "the content type does not fit into a header")?;
        headers.insert(CONTENT_TYPE, content_type);
        for (name, template) in &self.settings.headers {
            let wrong = || format!("the header `{name}` is none");
            let filled = template::fill(template, Escape::Plain, value);
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            let mut filled = HeaderValue::from_str(&filled).map_err(|_| wrong())?;
            filled.set_sensitive(true);
            headers.insert(name, filled);
        }
        Ok(Request {
            method: Method::from_bytes(self.settings.method.as_bytes())
                .map_err(|_| "the method is none of HTTP")?,
            url: Secret::new(template::fill(self.url.reveal(), Escape::Percent, value)),
            headers,
            body: template::fill(&self.settings.body, escape, value).into_bytes(),
        })
    }

    fn value(&self, name: &str, parcel: &Parcel, style: &Style, text: &str) -> String {
        let language = style.language;
        let case = parcel.news.first().map(|news| &news.case);
        let of_case = |value: &dyn Fn(&crate::notify::policy::Facts) -> String| {
            case.map(value).unwrap_or_default()
        };
        match name {
            "to" => parcel.recipient.clone(),
            "text" => text.to_owned(),
            "id" => parcel.id.clone(),
            "secret" => self
                .secret
                .as_ref()
                .map(|secret| secret.reveal().to_owned())
                .unwrap_or_default(),
            "number" => of_case(&|case| text::plain(&case.number)),
            "severity" => of_case(&|case| text::severity(case.severity, language)),
            "category" => of_case(&|case| text::plain(language.of(&case.category_name))),
            "place" => of_case(&|case| text::plain(language.of(&case.place))),
            "time" => parcel
                .news
                .first()
                .map(|news| text::local(news.at, style))
                .unwrap_or_default(),
            _ => String::new(),
        }
    }

    fn outcome(&self, answer: &Answer) -> Outcome {
        let receipt = self.hide(&answer.receipt());
        let status = answer.status.as_u16();
        if !self.settings.success_status.contains(&status) {
            return match answer.by_status() {
                // A success for the web that is none for this provider.
                Outcome::Delivered { .. } => Outcome::Failed {
                    error: format!("the gateway answered {status}, which is no success here"),
                    answer: receipt,
                    retry_after_ms: answer.retry_after_ms,
                },
                other => other,
            };
        }
        let Some(pointer) = &self.settings.success_pointer else {
            return Outcome::Delivered { answer: receipt };
        };
        let parsed: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let found = parsed.pointer(pointer).map(|value| match value {
            Value::String(text) => text.clone(),
            other => other.to_string(),
        });
        if found.as_deref() == Some(self.settings.success_value.as_str()) {
            return Outcome::Delivered { answer: receipt };
        }
        let found = found.map_or_else(
            || "nothing".to_owned(),
            |found| format!("`{}`", self.hide(&text::plain(&found))),
        );
        Outcome::Failed {
            error: format!(
                "the gateway's answer has {found} at `{pointer}`, not `{}`",
                self.settings.success_value
            ),
            answer: receipt,
            retry_after_ms: answer.retry_after_ms,
        }
    }

    fn hide(&self, text: &str) -> String {
        match &self.secret {
            Some(secret) => secret.hide_in(text),
            None => text.to_owned(),
        }
    }
}

/// Title, what is due, and the items of a digest.
fn short(words: &Words) -> String {
    let due = words
        .fields
        .iter()
        .filter(|(name, _)| matches!(*name, "时限：" | "Due: " | "事件：" | "Case: "))
        .map(|(name, value)| format!("{name}{value}"));
    let items = words.items.iter().map(|(line, _)| line.clone());
    let parts: Vec<String> = [words.title.clone()]
        .into_iter()
        .chain(due)
        .chain(items)
        .collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests {
    use gridwatch_protocol::Severity;
    use reqwest::StatusCode;

    use super::*;
    use crate::notify::guard::Guard;
    use crate::notify::secret::Source;
    use crate::notify::send::Kind;
    use crate::notify::text::{Language, sample};

    fn sms(change: impl FnOnce(&mut SmsSettings)) -> Sms {
        let mut settings = SmsSettings {
            method: "POST".into(),
            url: Source::Inline(Secret::new("https://sms.example/send?to=${to}")),
            secret: Some(Source::Inline(Secret::new("k3y"))),
            content_type: "application/json".into(),
            headers: [("authorization".to_owned(), "Bearer ${secret}".to_owned())].into(),
            body: "{\"phone\":\"${to}\",\"params\":[\"${number}\",\"${text}\"]}".into(),
            success_status: vec![200],
            success_pointer: Some("/Code".into()),
            success_value: "OK".into(),
            to: vec!["+8613800000000".into()],
        };
        change(&mut settings);
        Sms::new(Http::new(Guard::default(), None).unwrap(), &settings).unwrap()
    }

    fn parcel(count: usize) -> Parcel {
        Parcel {
            id: "id".into(),
            recipient: "+8613800000000".into(),
            kind: Kind::Case,
            news: vec![sample(Severity::P2, "opened"); count],
        }
    }

    fn style() -> Style {
        Style {
            language: Language::Zh,
            public_url: String::new(),
            utc_offset_minutes: 480,
        }
    }

    #[test]
    fn templates_are_filled_and_escaped_for_their_place() {
        let mut parcel = parcel(1);
        parcel.news[0].case.title.zh = "\"引号\"\n".into();
        let text = short(&parcel.words(&style()));
        let request = sms(|_| {}).request(&parcel, &style(), &text).unwrap();
        assert_eq!(
            request.url.reveal(),
            "https://sms.example/send?to=%2B8613800000000"
        );
        assert_eq!(request.headers["authorization"], "Bearer k3y");
        let body: Value = serde_json::from_slice(&request.body).unwrap();
        assert_eq!(body["params"][0], "20261122-000012");
        assert!(body["params"][1].as_str().unwrap().contains("\"引号\""));
    }

    #[test]
    fn digest_is_cut_to_what_an_sms_holds() {
        let words = parcel(50).words(&style());
        let text = words
            .fit(short, |text| text.chars().count() <= CHARACTERS_MAX)
            .unwrap();
        assert!(
            text.contains("50 起事件的汇总") && text.contains("另有"),
            "{text}"
        );
    }

    #[test]
    fn success_is_the_status_and_the_value_at_the_pointer() {
        let sms = sms(|_| {});
        let by = |status: u16, body: &str| {
            let answer = Answer {
                status: StatusCode::from_u16(status).unwrap(),
                retry_after_ms: None,
                body: body.into(),
            };
            sms.outcome(&answer)
        };
        assert!(matches!(
            by(200, "{\"Code\":\"OK\"}"),
            Outcome::Delivered { .. }
        ));
        let failed = by(200, "{\"Code\":\"isv.LIMIT k3y\"}");
        let Outcome::Failed { error, answer, .. } = failed else {
            panic!("{failed:?}");
        };
        assert!(
            error.contains("isv.LIMIT ***") && !answer.contains("k3y"),
            "{error} {answer}"
        );
        assert!(matches!(by(200, "nonsense"), Outcome::Failed { .. }));
        assert!(matches!(by(204, ""), Outcome::Failed { .. }));
        assert!(matches!(by(429, ""), Outcome::Limited { .. }));
        assert!(matches!(by(400, ""), Outcome::Refused { .. }));
    }
}
