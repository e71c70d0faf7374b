//! Who may speak for a child, and how one is joined.

use super::*;

#[tokio::test]
async fn wrong_and_revoked_keys_and_other_names_are_refused() {
    let (parent, key, _) = new_parent().await;
    let batch = |hub: &str| json!({ "version": 1, "hub": hub, "epoch": 1, "items": [] });
    let post = async |key: &str, body: Value| {
        let request = parent.client.post(parent.url("/v1/children/batches"));
        request.bearer_auth(key).json(&body).send().await.unwrap().status().as_u16()
    };
    assert_eq!(post(&key, batch(CHILD)).await, 200);
    assert_eq!(post(&key, batch("other")).await, 403);
    assert_eq!(post("nonsense", batch(CHILD)).await, 401);
    let mut newer = batch(CHILD);
    newer["version"] = json!(2);
    assert_eq!(post(&key, newer).await, 400);
    assert_eq!(post(&key, json!([])).await, 400);
    let (_, mut writer) = hub::store::open(&parent.store).await.unwrap();
    assert!(writer.revoke_child_hub(&CHILD.parse().unwrap(), hub::now()).await.unwrap());
    assert_eq!(post(&key, batch(CHILD)).await, 401);
}

/// The command line, from adding a child to a configuration that is right.
#[test]
fn join_file_of_the_parent_makes_the_section_of_the_child() {
    let (above, below) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let run = |dir: &Path, arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_hub"))
            .args(arguments)
            .current_dir(dir)
            .output()
            .unwrap();
        let told = String::from_utf8_lossy(&output.stderr).into_owned();
        (output.status.success(), String::from_utf8(output.stdout).unwrap(), told)
    };
    let parent_config = write_files_for(above.path(), PLAIN, &new_store());
    let data = hub::config::load(&parent_config).unwrap().config.data_dir;
    certificates::make_missing({ certificates::make_private_dir(&data).unwrap(); &data }, &[]).unwrap();
    let add = ["child", "add", CHILD, "--area", "990101", "--url", "https://203.0.113.7:8443"];
    let (ok, _, told) = run(above.path(), &["child", "add", CHILD, "--area", "77", "--url", "https://h"]);
    assert!(!ok && told.contains("not the code of an area"), "{told}");
    let (ok, join, told) = run(above.path(), &add);
    assert!(ok, "{told}");
    let (ok, _, told) = run(above.path(), &add);
    assert!(!ok && told.contains("exists"), "{told}");

    std::fs::write(below.path().join("join.toml"), &join).unwrap();
    let config = write_files_for(below.path(), PLAIN, "sqlite:hub.db");
    let (ok, section, told) = run(below.path(), &["parent", "join", "join.toml"]);
    assert!(ok, "{told}");
    let text = std::fs::read_to_string(&config).unwrap();
    std::fs::write(&config, format!("{text}[notify]\nallow_hosts = [\"203.0.113.7\"]\n{section}")).unwrap();
    let loaded = hub::config::load(&config).unwrap().config;
    assert_eq!((loaded.parent.hub.as_str(), loaded.parent.is_set()), (CHILD, true));
    hub::parent::up::client::Parent::open(&loaded.parent, &loaded.notify.allow_hosts).unwrap();
    let closed = format!("{text}{section}").replace("203.0.113.7", "10.0.0.9");
    std::fs::write(&config, closed).unwrap();
    let told = hub::config::load(&config).unwrap_err().to_string();
    assert!(told.contains("parent.url") && told.contains("allow_hosts"), "{told}");
    let (ok, list, _) = run(above.path(), &["child", "list"]);
    assert!(ok && list.contains("东湖区") && list.contains("never heard"), "{list}");
    let (ok, _, told) = run(above.path(), &["child", "revoke", CHILD]);
    assert!(ok, "{told}");
    assert!(run(above.path(), &["child", "list"]).1.contains("revoked"));
}
