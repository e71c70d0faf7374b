//! The link to the parent, as the officers of the child see it.

use super::*;

async fn link(officer: &Officer) -> Value {
    officer.get("/api/v1/parent").await["link"].clone()
}

async fn when(officer: &Officer, what: &str, check: impl Fn(&Value) -> bool) -> Value {
    until(what, 60, || async { Some(link(officer).await).filter(|link| check(link)) }).await
}

#[tokio::test]
async fn officers_of_a_child_see_how_the_link_to_the_parent_is_and_why_it_is_down() {
    let pair = Pair::start().await;
    let duty = pair.officer_below("duty").await;
    let up = when(&duty, "the link is up", |link| link["state"] == "up").await;
    assert_eq!(up["name"], "city");
    assert_eq!(up["host"], format!("localhost:{}", pair.line.port));
    assert_eq!(up["overdue"], false);
    assert!(up["since"].is_string() && up["last_success_at"].is_string() && up.get("why").is_none());
    pair.raise(vec![alert(1, "door-1", Kind::DoorForced)]).await;
    when(&duty, "everything was sent", |link| link["waiting"] == 0 && link["more_wait"] == false).await;

    pair.line.cut(true);
    pair.raise(vec![alert(2, "door-2", Kind::DoorForced)]).await;
    let down = when(&duty, "the link is down", |link| link["state"] == "down" && link["waiting"] == 1).await;
    assert_eq!(down["more_wait"], false);
    assert!(down["oldest_waiting_at"].is_string(), "{down}");
    let why = &down["why"];
    assert!(why["zh"].as_str().unwrap().contains("上级平台"), "{why}");
    assert!(why["en"].as_str().unwrap().contains("parent hub"), "{why}");
    assert!(down["since"].as_str() >= up["since"].as_str());
    let key = std::fs::read_to_string(hub::config::load(&pair.child_config).unwrap().config.parent.key_file).unwrap();
    assert!(!down.to_string().contains(key.trim()), "no key");

    pair.line.cut(false);
    let again = when(&duty, "the link is up again", |link| link["state"] == "up" && link["waiting"] == 0).await;
    assert!(again["since"].as_str() > down["since"].as_str(), "up since it came back");

    // What the parent asks for is seen, too.
    assert!(again.get("last_command_at").is_none());
    let chief = sign_in(&pair.client, &pair.parent_url, "li").await;
    let asked = json!({ "action": "comment", "reason": "look" });
    assert_eq!(ask(&chief, 1, &asked).await.0, StatusCode::ACCEPTED);
    when(&duty, "a command came", |link| link["last_command_at"].is_string()).await;
    // Who is somebody's parent alone has none.
    assert!(link(&chief).await.is_null());
}

#[tokio::test]
async fn key_that_the_parent_does_not_know_is_told_as_that() {
    let pair = Pair::start().await;
    let duty = pair.officer_below("duty").await;
    when(&duty, "the link is up", |link| link["state"] == "up").await;
    let mut hand = around(&pair.parent_store).await;
    let revoke = "UPDATE child_hubs SET revoked_at = 1";
    sqlx::Executor::execute(&mut hand, revoke).await.unwrap();
    let down = when(&duty, "the link is down", |link| link["state"] == "down").await;
    assert!(down["why"]["en"].as_str().unwrap().contains("does not know the key"), "{down}");
}
