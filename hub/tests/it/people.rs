//! People who sign in, managed by administrators of the whole tree and of a part of it.

use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};

use super::harness::{Hub, Officer, PASSWORD, around};

const USERS: &str = "/api/v1/users";

async fn send(who: &Officer, method: Method, path: &str, body: Value) -> (StatusCode, Value) {
    let request = who.request(method, &format!("{USERS}{path}"));
    let response: Response = request.header("if-match", "*").json(&body).send().await.unwrap();
    (response.status(), response.json().await.unwrap_or_default())
}

fn person(name: &str, role: &str, area: Option<&str>) -> Value {
    json!({ "username": name, "display_name": "王芳", "role": role, "area": area, "phone": "13800000000" })
}

#[tokio::test]
async fn person_is_added_signs_in_moves_and_is_shut_out() {
    let hub = Hub::start().await;
    let root = hub.sign_in("root").await;
    let (status, added) = send(&root, Method::POST, "", person("wang", "checker", Some("990101001001001"))).await;
    assert_eq!(status, StatusCode::CREATED, "{added}");
    let password = added["password"].as_str().unwrap();
    assert_eq!(added["user"]["phone"], "13800000000");
    let signed_in = hub.try_sign_in("wang", password).await;
    assert_eq!(signed_in.status(), StatusCode::OK);
    let cookie = signed_in.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap();
    let wang = Officer { cookie: cookie.to_owned(), url: hub.url(""), client: hub.client.clone() };
    assert_eq!(wang.get("/api/v1/sites").await["items"].as_array().unwrap().len(), 1);
    let (status, again) = send(&root, Method::POST, "", person("wang", "checker", None)).await;
    assert_eq!((status, again["type"].as_str()), (StatusCode::CONFLICT, Some("name-taken")));

    let profile = json!({ "display_name": "王芳", "role": "duty_officer" });
    let path = format!("{USERS}/wang");
    let read = root.request(Method::GET, &path).send().await.unwrap();
    let tag = read.headers()["etag"].clone();
    let edit = |tag: reqwest::header::HeaderValue| {
        root.request(Method::PUT, &path).header("if-match", tag).json(&profile).send()
    };
    let edited = edit(tag.clone()).await.unwrap();
    assert_eq!(edited.status(), StatusCode::OK);
    assert_eq!(edit(tag).await.unwrap().status(), StatusCode::PRECONDITION_FAILED);
    // What they can see has changed: they sign in again.
    let gone = wang.request(Method::GET, "/api/v1/session").send().await.unwrap();
    assert_eq!(gone.status(), StatusCode::UNAUTHORIZED);

    assert_eq!(send(&root, Method::POST, "/wang/disable", json!({})).await.0, StatusCode::OK);
    assert_eq!(hub.try_sign_in("wang", password).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(send(&root, Method::POST, "/wang/enable", json!({})).await.0, StatusCode::OK);
    let (status, set) = send(&root, Method::PUT, "/wang/password", json!({})).await;
    assert_eq!(status, StatusCode::OK);
    assert_ne!(set["password"], added["password"]);
    let fits = hub.try_sign_in("wang", set["password"].as_str().unwrap()).await;
    assert_eq!(fits.status(), StatusCode::OK);
    let mut store = around(&hub.store).await;
    let lines: Vec<(String,)> = sqlx::query_as("SELECT action FROM audit WHERE actor = 'root' AND subject LIKE 'wang%' ORDER BY id")
        .fetch_all(&mut store)
        .await
        .unwrap();
    let actions: Vec<&str> = lines.iter().map(|(action,)| action.as_str()).collect();
    assert_eq!(actions, ["user_added", "user_changed", "user_disabled", "user_enabled", "password_set"]);
}

#[tokio::test]
async fn bad_people_are_refused_with_every_reason() {
    let hub = Hub::start().await;
    let root = hub.sign_in("root").await;
    let mut wrong = person("li2", "handler", Some("77"));
    wrong["phone"] = json!("x");
    let (status, problem) = send(&root, Method::POST, "", wrong).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    for expected in ["needs a unit", "no area `77`", "`x` is not a telephone number"] {
        assert!(problem["detail"].as_str().unwrap().contains(expected), "{problem}");
    }
    for (name, password) in [("a b", None), ("system", None), ("fine", Some("short"))] {
        let mut body = person(name, "leader", None);
        body["password"] = json!(password);
        let (status, problem) = send(&root, Method::POST, "", body).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{name}: {problem}");
    }
    let mut typo = person("fine", "leader", None);
    typo["aera"] = json!("990101");
    assert_eq!(send(&root, Method::POST, "", typo).await.0, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(send(&root, Method::POST, "/nobody/disable", json!({})).await.0, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn last_administrator_of_the_whole_tree_stays() {
    let hub = Hub::start().await;
    let root = hub.sign_in("root").await;
    let narrower = json!({ "display_name": "R", "role": "administrator", "area": "990100" });
    for (method, path, body) in [
        (Method::POST, "/root/disable", json!({})),
        (Method::PUT, "/root", narrower),
        (Method::PUT, "/root", json!({ "display_name": "R", "role": "leader" })),
    ] {
        let (status, problem) = send(&root, method, path, body).await;
        assert_eq!((status, problem["type"].as_str()), (StatusCode::CONFLICT, Some("last-administrator")), "{problem}");
    }
    let (status, _) = send(&root, Method::POST, "", person("root2", "administrator", None)).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(send(&root, Method::POST, "/root/disable", json!({})).await.0, StatusCode::OK);
}

#[tokio::test]
async fn administrator_of_a_part_manages_its_people_only() {
    let hub = Hub::start().await;
    let root = hub.sign_in("root").await;
    for (name, role, area) in [
        ("east", "administrator", Some("990101001001")),
        ("inside", "checker", Some("990101001001001")),
        ("outside", "checker", Some("990101")),
    ] {
        let mut body = person(name, role, area);
        body["password"] = json!(PASSWORD);
        let (status, problem) = send(&root, Method::POST, "", body).await;
        assert_eq!(status, StatusCode::CREATED, "{problem}");
    }
    let east = hub.sign_in("east").await;
    let list = east.get(USERS).await;
    let names: Vec<&str> = list["items"].as_array().unwrap().iter().map(|u| u["username"].as_str().unwrap()).collect();
    assert_eq!(names, ["east", "inside"]);
    for name in ["outside", "root", "duty"] {
        for (method, path) in [
            (Method::GET, format!("/{name}")),
            (Method::POST, format!("/{name}/disable")),
            (Method::PUT, format!("/{name}/password")),
        ] {
            let (status, _) = send(&east, method, &path, json!({})).await;
            assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
        }
        let profile = json!({ "display_name": "X", "role": "checker", "area": "990101001001" });
        assert_eq!(send(&east, Method::PUT, &format!("/{name}"), profile).await.0, StatusCode::NOT_FOUND);
    }
    for (role, area) in [("auditor", None), ("administrator", Some("990101")), ("checker", Some("77"))] {
        let (status, _) = send(&east, Method::POST, "", person("new", role, area)).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{role} {area:?}");
        let profile = json!({ "display_name": "X", "role": role, "area": area });
        let (status, _) = send(&east, Method::PUT, "/inside", profile).await;
        assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY, "{role} {area:?}");
    }
    let (status, _) = send(&east, Method::POST, "", person("new", "checker", Some("990101001001002"))).await;
    assert_eq!(status, StatusCode::CREATED);
    assert_eq!(send(&east, Method::POST, "/inside/disable", json!({})).await.0, StatusCode::OK);
    // Whoever is not an administrator manages nobody.
    let duty = hub.sign_in("duty").await;
    assert_eq!(send(&duty, Method::POST, "", person("x", "checker", None)).await.0, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn own_password_is_changed_with_the_present_one() {
    let hub = Hub::start().await;
    let (duty, elsewhere) = (hub.sign_in("duty").await, hub.sign_in("duty").await);
    let change = async |current: &str, new: &str| {
        let body = json!({ "current": current, "new": new });
        let request = duty.request(Method::POST, "/api/v1/session/password");
        request.json(&body).send().await.unwrap().status()
    };
    assert_eq!(change("wrong", "battery horse staple").await, StatusCode::FORBIDDEN);
    assert_eq!(change(PASSWORD, "short").await, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(change(PASSWORD, "battery horse staple").await, StatusCode::NO_CONTENT);
    duty.get("/api/v1/session").await;
    let ended = elsewhere.request(Method::GET, "/api/v1/session").send().await.unwrap();
    assert_eq!(ended.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(hub.try_sign_in("duty", PASSWORD).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(hub.try_sign_in("duty", "battery horse staple").await.status(), StatusCode::OK);
}
