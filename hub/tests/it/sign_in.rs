//! Signing in and out.

use reqwest::{Method, StatusCode};
use serde_json::{Value, json};

use super::harness::{Hub, PASSWORD};

#[tokio::test]
async fn wrong_name_and_wrong_password_look_the_same() {
    let hub = Hub::start().await;
    let mut answers = Vec::new();
    for (name, password) in [("duty", "not the password"), ("nobody", PASSWORD)] {
        let response = hub.try_sign_in(name, password).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        assert!(!response.headers().contains_key("set-cookie"));
        answers.push(response.text().await.unwrap());
    }
    assert_eq!(answers[0], answers[1]);
    assert!(answers[0].contains("wrong-credentials"));
}

#[tokio::test]
async fn session_cookie_is_closed_to_scripts_and_other_sites() {
    let hub = Hub::start().await;
    let response = hub.try_sign_in("duty", PASSWORD).await;
    let cookie = response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .to_owned();
    for part in ["gw_session=", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let session: Value = response.json().await.unwrap();
    assert_eq!(
        (&session["role"], &session["display_name"]),
        (&json!("duty_officer"), &json!("DUTY"))
    );
    assert!(session["expires_at"].is_string());
}

#[tokio::test]
async fn too_many_failures_have_to_wait_even_with_the_right_password() {
    let hub = Hub::start().await;
    for _ in 0..5 {
        assert_eq!(
            hub.try_sign_in("duty", "not the password")
                .await
                .status()
                .as_u16(),
            401
        );
    }
    let response = hub.try_sign_in("duty", PASSWORD).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    let wait: u64 = response.headers()["retry-after"]
        .to_str()
        .unwrap()
        .parse()
        .unwrap();
    assert!((1..=61).contains(&wait), "{wait}");
    let problem: Value = response.json().await.unwrap();
    assert_eq!(problem["type"], "too-many-attempts");
    hub.sign_in("li").await;
    for n in 0..15 {
        let guess = hub
            .try_sign_in(&format!("guess-{n}"), "not the password")
            .await;
        assert_eq!(guess.status().as_u16(), 401, "guess {n}");
    }
    let other = hub.try_sign_in("li", PASSWORD).await;
    assert_eq!(
        other.status(),
        StatusCode::TOO_MANY_REQUESTS,
        "the address has to wait too"
    );
}

#[tokio::test]
async fn signing_out_ends_the_session_on_the_hub() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    duty.get("/api/v1/session").await;
    let out = duty
        .request(Method::DELETE, "/api/v1/session")
        .send()
        .await
        .unwrap();
    assert_eq!(out.status(), StatusCode::NO_CONTENT);
    assert!(
        out.headers()["set-cookie"]
            .to_str()
            .unwrap()
            .contains("Max-Age=0")
    );
    let after = duty
        .request(Method::GET, "/api/v1/session")
        .send()
        .await
        .unwrap();
    assert_eq!(after.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn disabled_user_is_out_with_the_next_request() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let (_, mut writer) = hub::store::open(&hub.store)
        .await
        .unwrap();
    assert!(writer.disable_user("duty", hub::now()).await.unwrap());
    let after = duty
        .request(Method::GET, "/api/v1/cases")
        .send()
        .await
        .unwrap();
    assert_eq!(after.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(
        hub.try_sign_in("duty", PASSWORD).await.status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn idle_session_ends() {
    let hub = Hub::start_with(|config| config.sessions.idle_minutes = 0).await;
    let response = hub.try_sign_in("duty", PASSWORD).await;
    let cookie = response.headers()["set-cookie"]
        .to_str()
        .unwrap()
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    super::harness::eventually("the session has ended", || async {
        let asked = hub
            .client
            .get(hub.url("/api/v1/session"))
            .header("cookie", &cookie)
            .send()
            .await
            .unwrap();
        (asked.status() == StatusCode::UNAUTHORIZED).then_some(())
    })
    .await;
}

#[tokio::test]
async fn page_of_another_site_cannot_change_anything() {
    let hub = Hub::start().await;
    let duty = hub.sign_in("duty").await;
    let post = |headers: &[(&str, &str)]| {
        let mut request = hub
            .client
            .delete(hub.url("/api/v1/session"))
            .header("cookie", &duty.cookie);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.send()
    };
    for headers in [
        &[][..],
        &[
            ("x-gridwatch-request", "1"),
            ("origin", "https://evil.example"),
        ][..],
        &[
            ("x-gridwatch-request", "1"),
            ("sec-fetch-site", "cross-site"),
        ][..],
    ] {
        let response = post(headers).await.unwrap();
        assert_eq!(response.status(), StatusCode::FORBIDDEN, "{headers:?}");
        let problem: Value = response.json().await.unwrap();
        assert_eq!(problem["type"], "cross-site");
    }
    duty.get("/api/v1/session").await;
    let own = hub.url("");
    let headers = [
        ("x-gridwatch-request", "1"),
        ("origin", own.as_str()),
        ("sec-fetch-site", "same-origin"),
    ];
    assert_eq!(
        post(&headers).await.unwrap().status(),
        StatusCode::NO_CONTENT
    );
}
