//! A directory that is changed at one hub process counts at the other one.

use gridwatch_protocol::{Kind, SiteId};
use reqwest::Method;
use serde_json::json;
use tempfile::TempDir;

use super::harness::{Hub, Officer, PLAIN, alert, batch, eventually, write_files_for};
use super::process;
use hub::store::StoreUrl;

#[tokio::test]
async fn change_at_one_hub_counts_at_the_other_for_writers_at_once_and_for_readers_soon() {
    let here = Hub::start().await;
    let dir = TempDir::new().unwrap();
    let StoreUrl::Postgres(url) = &here.store else {
        unreachable!("this runs on PostgreSQL only");
    };
    let config = write_files_for(dir.path(), PLAIN, url);
    // The hub of this process goes on while the other one starts: it may hold the lock for writing.
    let there = tokio::task::spawn_blocking(move || process::start(&config));
    let there = there.await.unwrap();
    let root = here.sign_in("root").await;
    let elsewhere = Officer {
        url: format!("http://{}", there.address),
        ..root.clone()
    };
    let text = json!({ "zh": "园", "en": "Yard" });
    let row = json!({ "id": "new-yard", "name": text, "grid": "990101001001002", "address": text, "lat": 23.024, "lon": 113.155 });
    let put = async |who: &Officer, tag: &str| {
        let request = who.request(Method::PUT, "/api/v1/directory/sites/new-yard");
        request.header("if-match", tag).json(&row).send().await.unwrap()
    };
    assert!(put(&root, "\"1\"").await.status().is_success());
    // The other hub's next transaction goes by it, whether or not its readers have heard.
    let mut one = alert(1, "smoke-1", Kind::Smoke);
    one.site = SiteId::new("new-yard").unwrap();
    let sent = here
        .client
        .post(format!("http://{}/v1/batches", there.address))
        .bearer_auth(&here.key)
        .json(&batch(vec![one]))
        .send()
        .await
        .unwrap();
    assert!(sent.status().is_success());
    let mut store = super::harness::around(&here.store).await;
    let (path,): (String,) = sqlx::query_as("SELECT area_path FROM cases").fetch_one(&mut store).await.unwrap();
    assert!(path.ends_with("/990101001001002/"), "{path}");
    eventually("the other hub's readers have it", || async {
        let list = elsewhere.get("/api/v1/sites").await;
        list["items"].to_string().contains("new-yard").then_some(())
    })
    .await;
    // A stale version is refused there, too, and the present one is not.
    assert_eq!(put(&elsewhere, "\"1\"").await.status().as_u16(), 412);
    assert!(put(&elsewhere, "\"2\"").await.status().is_success());
    here.stop().await.unwrap();
}
