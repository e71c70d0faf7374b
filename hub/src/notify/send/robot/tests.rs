//! Forms, signatures and codes of the robots.

use gridwatch_protocol::Severity;
use reqwest::StatusCode;

use super::*;
use crate::notify::text::{Language, digest, one, sample};

const PROVIDERS: [Provider; 3] = [Provider::Wecom, Provider::Dingtalk, Provider::Feishu];

fn style() -> Style {
    Style {
        language: Language::Zh,
        public_url: "https://hub.example".into(),
        utc_offset_minutes: 480,
    }
}

fn now() -> Timestamp {
    Timestamp::from_unix_ms(1_700_000_000_000)
}

/// The signatures were computed with Python's `hmac` and `base64` as the providers' documents show.
#[test]
fn signatures_are_those_of_the_documents() {
    assert_eq!(
        dingtalk_sign("this is secret", 1_700_000_000_000),
        DINGTALK_SIGN
    );
    assert_eq!(feishu_sign("this is secret", 1_700_000_000), FEISHU_SIGN);
    let url = Secret::new("https://oapi.dingtalk.com/robot/send?access_token=X");
    let secret = Secret::new("this is secret");
    let signed = address(Provider::Dingtalk, &url, Some(&secret), now());
    let query = format!("&timestamp=1700000000000&sign={}", percent(DINGTALK_SIGN));
    assert!(signed.reveal().ends_with(&query), "{}", signed.reveal());
}
const DINGTALK_SIGN: &str = "sSFWELbV2YwjdDQhWZwTcWlX5BWUx5J6TPpsZmuPii0=";
const FEISHU_SIGN: &str = "OfGzRzoUICBOoc8wVra1e4A1hPfbZ9zqXozA8CWVUuY=";

#[test]
fn bodies_have_the_documented_form() {
    let words = one(&sample(Severity::P1, "opened"), &style());
    let parse = |provider, secret: Option<&Secret>| -> Value {
        serde_json::from_str(&body(provider, &words, secret, now()).unwrap()).unwrap()
    };
    let wecom = parse(Provider::Wecom, None);
    assert_eq!(wecom["msgtype"], "markdown");
    assert!(
        wecom["markdown"]["content"]
            .as_str()
            .unwrap()
            .contains("事件：20261122-000012")
    );
    let dingtalk = parse(Provider::Dingtalk, None);
    assert_eq!(dingtalk["msgtype"], "markdown");
    assert_eq!(dingtalk["at"]["isAtAll"], false);
    assert_eq!(
        dingtalk["markdown"]["title"],
        "【特急（P1）】新事件：疑似火警 · 星河花园 3栋"
    );
    let feishu = parse(Provider::Feishu, Some(&Secret::new("s")));
    assert_eq!(feishu["msg_type"], "post");
    let content = &feishu["content"]["post"]["zh_cn"]["content"];
    assert_eq!(content[0][0]["text"], "事件：20261122-000012");
    assert_eq!(content[7][0]["href"], "https://hub.example/cases/12");
    assert_eq!(feishu["timestamp"], "1700000000");
    assert!(feishu["sign"].is_string());
}

#[test]
fn digest_of_a_hundred_cases_fits_every_robot() {
    let many = vec![sample(Severity::P2, "opened"); 100];
    let words = digest(&many, &style());
    for (provider, max) in PROVIDERS.into_iter().zip([8_192, 20_000, 20_000]) {
        let body = body(provider, &words, None, now()).unwrap();
        assert!(body.len() <= max, "{provider:?}: {} bytes", body.len());
        let shown = body.matches("【紧急（P2）】新事件").count();
        let says_so = body.contains(&format!("另有 {} 起，见值班台", 100 - shown));
        assert!(shown == 100 || says_so, "{provider:?} names {shown}");
    }
    let wecom: Value =
        serde_json::from_str(&body(Provider::Wecom, &words, None, now()).unwrap()).unwrap();
    assert!(wecom["markdown"]["content"].as_str().unwrap().len() <= 4_096);
}

fn by(provider: Provider, status: u16, body: &str) -> Outcome {
    let answer = Answer {
        status: StatusCode::from_u16(status).unwrap(),
        retry_after_ms: None,
        body: body.into(),
    };
    outcome(provider, &answer)
}

#[test]
fn only_code_zero_is_delivered_and_too_many_is_no_try() {
    let cases = [
        (Provider::Wecom, "errcode", 45_009, 60_000),
        (Provider::Dingtalk, "errcode", 130_101, 600_000),
        (Provider::Dingtalk, "errcode", 410_100, 600_000),
        (Provider::Feishu, "code", 11_232, 60_000),
    ];
    for (provider, key, code, pause) in cases {
        let body = |code: i64| json!({ key: code }).to_string();
        let delivered = by(provider, 200, &body(0));
        assert!(
            matches!(delivered, Outcome::Delivered { .. }),
            "{delivered:?}"
        );
        let limited = by(provider, 200, &body(code));
        assert!(
            matches!(limited, Outcome::Limited { pause_ms: Some(ms), .. } if ms == pause),
            "{limited:?}"
        );
        let unknown = by(provider, 200, &body(123_456));
        assert!(matches!(unknown, Outcome::Failed { .. }), "{unknown:?}");
        for nonsense in ["", "ok", "{}", "{\"errcode\":\"0\",\"code\":\"0\"}"] {
            let failed = by(provider, 200, nonsense);
            assert!(matches!(failed, Outcome::Failed { .. }), "{failed:?}");
        }
        let down = by(provider, 502, "<html>");
        assert!(matches!(down, Outcome::Failed { .. }), "{down:?}");
        let busy = by(provider, 429, "");
        assert!(matches!(busy, Outcome::Limited { .. }), "{busy:?}");
    }
}

#[test]
fn message_of_a_wrong_form_is_refused_and_a_wrong_signature_tried_again() {
    let refused = by(
        Provider::Feishu,
        200,
        "{\"code\":9499,\"msg\":\"Bad Request\"}",
    );
    assert!(matches!(refused, Outcome::Refused { .. }), "{refused:?}");
    let limited = by(
        Provider::Feishu,
        200,
        "{\"code\":9499,\"msg\":\"too many request\"}",
    );
    assert!(matches!(limited, Outcome::Limited { .. }), "{limited:?}");
    let sign = by(
        Provider::Feishu,
        200,
        "{\"code\":19021,\"msg\":\"sign match fail\"}",
    );
    assert!(matches!(sign, Outcome::Failed { .. }), "{sign:?}");
    let sign = by(
        Provider::Dingtalk,
        200,
        "{\"errcode\":310000,\"errmsg\":\"sign not match\"}",
    );
    assert!(matches!(sign, Outcome::Failed { .. }), "{sign:?}");
}
