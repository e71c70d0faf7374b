//! Group robots of WeCom, DingTalk and Feishu.
//!
//! All three answer HTTP 200 also when they refuse: only the code in the body counts. A code that says
//! "too many" pauses the channel and is no try; a code that says that the message itself is wrong ends
//! it; every other code (a wrong key, a robot that was removed, a busy server) is tried again, because
//! people can put it right meanwhile.
//!
//! Formats and codes:
//! - WeCom: <https://developer.work.weixin.qq.com/document/path/91770>, codes
//!   <https://developer.work.weixin.qq.com/document/path/90313>
//! - DingTalk: <https://open.dingtalk.com/document/group/custom-robot-access>, signature
//!   <https://open.dingtalk.com/document/robots/customize-robot-security-settings>
//! - Feishu: <https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot>

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use gridwatch_protocol::Timestamp;
use reqwest::Method;
use reqwest::header::{CONTENT_TYPE, HeaderMap, HeaderValue};
use ring::hmac;
use serde_json::{Value, json};

use super::http::{Answer, Http, Request};
use super::markup::{markdown, safe};
use super::{Outcome, Parcel};
use crate::notify::secret::Secret;
use crate::notify::template::percent;
use crate::notify::text::{Style, Words};

/// Longest content of a WeCom markdown message, in bytes.
const WECOM_BYTES_MAX: usize = 4_096;
/// Longest DingTalk message, in bytes: its error text names the number.
const DINGTALK_BYTES_MAX: usize = 20_000;
/// Longest body for a Feishu robot: 20 KB.
const FEISHU_BYTES_MAX: usize = 20_000;

/// Whose robot it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Provider {
    /// 企业微信
    Wecom,
    /// 钉钉
    Dingtalk,
    /// 飞书
    Feishu,
}

/// How a provider answers.
struct Codes {
    code: &'static str,
    message: &'static str,
    /// Too many messages.
    limited: &'static [i64],
    /// The message itself is wrong.
    refused: &'static [i64],
    /// Silence after "too many", in milliseconds.
    pause_ms: i64,
}

impl Provider {
    fn codes(self) -> Codes {
        match self {
            Provider::Wecom => Codes {
                code: "errcode",
                message: "errmsg",
                // 45009: over the rate; 45033: too many at once.
                limited: &[45_009, 45_033],
                // 40008 message type, 40033 characters, 40035 and 40058 parameters, 44004 empty,
                // 45002 too long.
                refused: &[40_008, 40_033, 40_035, 40_058, 44_004, 45_002],
                pause_ms: 60_000,
            },
            Provider::Dingtalk => Codes {
                code: "errcode",
                message: "errmsg",
                // Both say that messages come too fast.
                limited: &[130_101, 410_100],
                // 40035 parameters, 43004 content type, 400105 message type, 430101 to 430104
                // content that is not allowed.
                refused: &[40_035, 43_004, 400_105, 430_101, 430_102, 430_103, 430_104],
                // "Limited for 10 minutes" after the 21st message in a minute.
                pause_ms: 600_000,
            },
            Provider::Feishu => Codes {
                code: "code",
                message: "msg",
                // 11232: over the rate of the robot; 99991400: over that of the platform.
                limited: &[11_232, 99_991_400],
                // 9499: the body is not of the documented form.
                refused: &[9_499],
                pause_ms: 60_000,
            },
        }
    }
}

/// A robot.
#[derive(Debug)]
pub struct Robot {
    http: Http,
    provider: Provider,
    url: Secret,
    secret: Option<Secret>,
}

impl Robot {
    /// A robot at this address; with a secret, messages are signed.
    #[must_use]
    pub fn new(http: Http, provider: Provider, url: Secret, secret: Option<Secret>) -> Self {
        Self {
            http,
            provider,
            url,
            secret,
        }
    }

    /// Sends a message once.
    pub async fn send(&self, parcel: &Parcel, style: &Style, now: Timestamp) -> Outcome {
        let words = parcel.words(style);
        let secret = self.secret.as_ref();
        let Ok(body) = body(self.provider, &words, secret, now) else {
            return Outcome::refused("the message is too long for the robot");
        };
        let mut headers = HeaderMap::new();
        let json = HeaderValue::from_static("application/json; charset=utf-8");
        headers.insert(CONTENT_TYPE, json);
        let request = Request {
            method: Method::POST,
            url: address(self.provider, &self.url, secret, now),
            headers,
            body: body.into_bytes(),
        };
        match self.http.send(request).await {
            Ok(answer) => outcome(self.provider, &answer),
            Err(outcome) => outcome,
        }
    }
}

fn keyed_hash(key: &str, message: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, key.as_bytes());
    STANDARD.encode(hmac::sign(&key, message.as_bytes()))
}

/// DingTalk: the secret signs time in milliseconds and itself; both stand in the query.
#[must_use]
pub fn dingtalk_sign(secret: &str, time_ms: i64) -> String {
    keyed_hash(secret, &format!("{time_ms}\n{secret}"))
}

/// Feishu: time in seconds and the secret are the key, and nothing is the message.
#[must_use]
pub fn feishu_sign(secret: &str, time_s: i64) -> String {
    keyed_hash(&format!("{time_s}\n{secret}"), "")
}

fn address(provider: Provider, url: &Secret, secret: Option<&Secret>, now: Timestamp) -> Secret {
    let (Provider::Dingtalk, Some(secret)) = (provider, secret) else {
        return url.clone();
    };
    let time = now.unix_ms();
    let sign = percent(&dingtalk_sign(secret.reveal(), time));
    let joint = if url.reveal().contains('?') { '&' } else { '?' };
    Secret::new(format!(
        "{}{joint}timestamp={time}&sign={sign}",
        url.reveal()
    ))
}

/// The body, with as many items as fit; the error is the smallest one, still too long.
fn body(
    provider: Provider,
    words: &Words,
    secret: Option<&Secret>,
    now: Timestamp,
) -> Result<String, String> {
    match provider {
        Provider::Wecom => words
            .fit(markdown, |text| text.len() <= WECOM_BYTES_MAX)
            .map(|text| {
                json!({ "msgtype": "markdown", "markdown": { "content": text } }).to_string()
            }),
        Provider::Dingtalk => words.fit(dingtalk, |body| body.len() <= DINGTALK_BYTES_MAX),
        Provider::Feishu => words.fit(
            |words| feishu(words, secret, now),
            |body| body.len() <= FEISHU_BYTES_MAX,
        ),
    }
}

fn dingtalk(words: &Words) -> String {
    let text = markdown(words);
    json!({
        "msgtype": "markdown",
        "markdown": { "title": safe(&words.title), "text": text },
        "at": { "isAtAll": false },
    })
    .to_string()
}

/// Rich text: values are never read as markup there.
fn feishu(words: &Words, secret: Option<&Secret>, now: Timestamp) -> String {
    let line = |text: String| json!([{ "tag": "text", "text": text }]);
    let link = |text: &str, href: &str| json!([{ "tag": "a", "text": text, "href": href }]);
    let mut content: Vec<Value> = words
        .fields
        .iter()
        .map(|(name, value)| line(format!("{name}{value}")))
        .collect();
    content.extend(words.items.iter().map(|(text, to)| match to {
        Some(to) => link(text, to),
        None => line(text.clone()),
    }));
    content.extend(words.link.iter().map(|to| link(words.link_words, to)));
    let post = json!({ "zh_cn": { "title": words.title, "content": content } });
    let mut body = json!({ "msg_type": "post", "content": { "post": post } });
    if let Some(secret) = secret {
        let time = now.unix_ms().div_euclid(1_000);
        body["timestamp"] = json!(time.to_string());
        body["sign"] = json!(feishu_sign(secret.reveal(), time));
    }
    body.to_string()
}

fn outcome(provider: Provider, answer: &Answer) -> Outcome {
    let codes = provider.codes();
    let receipt = answer.receipt();
    if answer.status.as_u16() == 429 {
        return Outcome::Limited {
            pause_ms: Some(answer.retry_after_ms.unwrap_or(codes.pause_ms)),
            answer: receipt,
        };
    }
    let parsed: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    let Some(code) = parsed[codes.code].as_i64() else {
        return Outcome::Failed {
            error: format!("the robot answered {} without a code", answer.status),
            answer: receipt,
            retry_after_ms: answer.retry_after_ms,
        };
    };
    let message = parsed[codes.message].as_str().unwrap_or_default();
    let too_many = codes.limited.contains(&code) || message.contains("too many");
    match code {
        0 if answer.status.is_success() => Outcome::Delivered { answer: receipt },
        _ if too_many => Outcome::Limited {
            pause_ms: Some(answer.retry_after_ms.unwrap_or(codes.pause_ms)),
            answer: receipt,
        },
        _ if codes.refused.contains(&code) => Outcome::Refused {
            error: format!("the robot refused the message with code {code}"),
            answer: receipt,
        },
        _ => Outcome::Failed {
            error: format!("the robot answered code {code}"),
            answer: receipt,
            retry_after_ms: answer.retry_after_ms,
        },
    }
}

#[cfg(test)]
mod tests;
