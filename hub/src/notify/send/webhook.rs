//! Webhooks: CloudEvents 1.0 in structured JSON, signed as Standard Webhooks 1.0 has it.
//!
//! `webhook-id` is the id of the row, the same at every try: a receiver that keeps ids takes each event
//! once. `webhook-timestamp` is the time of this try in seconds; receivers refuse what is more than a
//! few minutes old, so a recorded request cannot be played again. `webhook-signature` is `v1,` and the
//! HMAC-SHA256 of `id.timestamp.body`.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gridwatch_protocol::Timestamp;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use ring::hmac;
use serde_json::{Value, json};

use super::http::{Http, Request};
use super::{Outcome, Parcel};
use crate::notify::policy::{self, News};
use crate::notify::secret::Secret;
use crate::notify::text::Style;

/// What a secret of Standard Webhooks begins with; the key follows in Base64.
const SECRET_PREFIX: &str = "whsec_";
/// The type of an event with a signed head of the audit.
const AUDIT_HEAD: &str = "gridwatch.audit.head";
/// Where events come from when the hub has no address of its own.
const SOURCE: &str = "urn:gridwatch:hub";

/// A receiver of events.
#[derive(Debug)]
pub struct Webhook {
    http: Http,
    url: Secret,
    key: hmac::Key,
}

impl Webhook {
    /// A receiver at this address, with the secret that it shares with the hub: `whsec_` and Base64,
    /// or any other text as it is.
    #[must_use]
    pub fn new(http: Http, url: Secret, secret: &Secret) -> Self {
        Self {
            http,
            url,
            key: key(secret.reveal()),
        }
    }

    /// Sends the event once.
    pub async fn send(&self, parcel: &Parcel, style: &Style, now: Timestamp) -> Outcome {
        let [news] = parcel.news.as_slice() else {
            return Outcome::refused("a webhook takes one event at a time");
        };
        let body = event(&parcel.id, news, style).to_string();
        let time = now.unix_ms().div_euclid(1_000).to_string();
        let sign = signature(&self.key, &parcel.id, &time, &body);
        let mut headers = HeaderMap::new();
        headers.insert(
            CONTENT_TYPE,
            HeaderValue::from_static("application/cloudevents+json; charset=utf-8"),
        );
        for (name, value) in [
            ("webhook-id", &parcel.id),
            ("webhook-timestamp", &time),
            ("webhook-signature", &sign),
        ] {
            let Ok(value) = HeaderValue::from_str(value) else {
                return Outcome::refused("the id of the message does not fit into a header");
            };
            headers.insert(HeaderName::from_static(name), value);
        }
        let request = Request {
            method: Method::POST,
            url: self.url.clone(),
            headers,
            body: body.into_bytes(),
        };
        match self.http.send(request).await {
            Ok(answer) => answer.by_status(),
            Err(outcome) => outcome,
        }
    }
}

fn key(secret: &str) -> hmac::Key {
    let bytes = secret
        .strip_prefix(SECRET_PREFIX)
        .and_then(|rest| STANDARD.decode(rest).ok())
        .unwrap_or_else(|| secret.as_bytes().to_vec());
    hmac::Key::new(hmac::HMAC_SHA256, &bytes)
}

/// The value of `webhook-signature`.
fn signature(key: &hmac::Key, id: &str, time: &str, body: &str) -> String {
    let signed = hmac::sign(key, format!("{id}.{time}.{body}").as_bytes());
    format!("v1,{}", STANDARD.encode(signed))
}

/// The event, as CloudEvents 1.0 with the extension `sequence`.
fn event(id: &str, news: &News, style: &Style) -> Value {
    let base = style.public_url.trim_end_matches('/');
    let mut event = json!({
        "specversion": "1.0",
        "id": id,
        "source": if base.is_empty() { SOURCE } else { base },
        "time": news.at,
        "sequence": format!("{:020}", news.seq),
        "datacontenttype": "application/json",
    });
    let (about, subject, data) = match &news.head {
        Some(head) => (
            AUDIT_HEAD.to_owned(),
            format!("epoch {}", head.line.heads.epoch),
            json!(head),
        ),
        None => (type_of(news), news.case.number.clone(), data_of(news, base)),
    };
    event["type"] = json!(about);
    event["subject"] = json!(subject);
    event["data"] = data;
    event
}

fn type_of(news: &News) -> String {
    let desk = news.case.category == policy::DUTY;
    let about = if desk { "desk" } else { "case" };
    format!("gridwatch.{about}.{}", news.change)
}

fn data_of(news: &News, base: &str) -> Value {
    let mut data = json!({
        "change": news.change,
        "earlier_changes": news.earlier,
        "case": news.case,
    });
    if !base.is_empty() && news.case.id > 0 {
        data["link"] = json!(format!("{base}/cases/{}", news.case.id));
    }
    data
}

#[cfg(test)]
mod tests {
    use gridwatch_protocol::Severity;

    use super::*;
    use crate::notify::text::{Language, sample};

    /// The example of the Standard Webhooks libraries.
    #[test]
    fn signature_is_that_of_the_standards_own_example() {
        let key = key("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw");
        let sign = signature(
            &key,
            "msg_p5jXN8AQM9LWM0D4loKWxJek",
            "1614265330",
            "{\"test\": 2432232314}",
        );
        assert_eq!(sign, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
    }

    #[test]
    fn event_has_every_attribute_that_cloudevents_requires() {
        let style = Style {
            language: Language::En,
            public_url: "https://hub.example/".into(),
            utc_offset_minutes: 480,
        };
        let event = event("0190", &sample(Severity::P1, "opened"), &style);
        assert_eq!(event["specversion"], "1.0");
        assert_eq!(event["id"], "0190");
        assert_eq!(event["source"], "https://hub.example");
        assert_eq!(event["type"], "gridwatch.case.opened");
        assert_eq!(event["subject"], "20261122-000012");
        assert_eq!(event["time"], "2026-11-22T02:20:33.000Z");
        assert_eq!(event["data"]["case"]["severity"], "P1");
        assert_eq!(event["data"]["link"], "https://hub.example/cases/12");
    }
}
