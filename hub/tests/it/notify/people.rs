//! People who are called, by e-mail from a real mail server.

use gridwatch_protocol::Kind;
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::super::harness::{alert, batch, eventually};
use super::mail::MailServer;

#[tokio::test]
async fn first_officer_hears_of_the_case_and_the_leader_of_the_gap() {
    let server = MailServer::start("plain");
    let hub = server
        .hub(&server.channel("none", "people = true\nlanguage = \"en\""))
        .await;
    {
        let (_, mut writer) = hub::store::open(&hub.store).await.unwrap();
        for (name, address) in [("duty", "duty@example.org"), ("boss", "boss@example.org")] {
            assert!(writer.set_email(name, Some(address), hub::now()).await.unwrap());
        }
        assert!(!writer.set_email("nobody", None, hub::now()).await.unwrap());
    }
    let root = hub.sign_in("root").await;
    let put = async |version: i64, shifts: serde_json::Value| {
        let roster = json!({ "area": "990101001", "leader": "boss", "shifts": shifts });
        let body = json!({ "version": version, "roster": roster });
        let path = "/api/v1/rosters/990101001";
        let sent = root.request(Method::PUT, path).json(&body).send().await;
        assert_eq!(sent.unwrap().status(), StatusCode::OK);
    };
    let crews = json!([{ "officers": ["duty"] }]);
    let all_day = json!([{ "name": "all day", "from": "00:00", "until": "00:00", "first_day": "2026-01-01", "crews": crews }]);
    put(0, all_day).await;
    hub.send(&batch(vec![alert(1, "kitchen", Kind::Smoke)])).await;
    let mail = eventually("a mail to the first officer", || async {
        let all = server.messages();
        all.into_iter().find(|mail| mail.header("to").contains("duty@example.org"))
    })
    .await;
    assert!(mail.header("subject").contains("new case"), "{}", mail.header("subject"));
    put(1, json!([])).await;
    let mail = eventually("a mail to the leader", || async {
        let all = server.messages();
        all.into_iter().find(|mail| {
            mail.header("to").contains("boss@example.org") && mail.header("subject").contains("nobody is on duty")
        })
    })
    .await;
    assert!(mail.header("subject").contains("duty:"), "{}", mail.header("subject"));
}
