//! TLS with the authority that `hub init` makes.

use std::os::unix::fs::PermissionsExt;

use hub::certificates;
use reqwest::{Certificate, Client, StatusCode};
use tempfile::TempDir;

use super::harness::{Hub, PASSWORD, client_builder, populate, write_files};

fn client(ca: &str) -> Client {
    let root = Certificate::from_pem(ca.as_bytes()).unwrap();
    client_builder().tls_certs_only([root]).build().unwrap()
}

#[tokio::test]
async fn hub_is_trusted_by_its_own_authority_only() {
    let dir = TempDir::new().unwrap();
    let path = write_files(dir.path(), "listen = \"127.0.0.1:0\"\n");
    let loaded = hub::config::load(&path).unwrap();
    let data = loaded.config.data_dir.clone();
    let key = populate(&loaded.config).await;
    certificates::make_missing(&data, &["hub.example".to_owned(), "10.1.2.3".to_owned()]).unwrap();
    for name in ["ca.key", "hub.key"] {
        let mode = std::fs::metadata(data.join(name))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o777, 0o600, "{name}");
    }
    let ca = std::fs::read_to_string(data.join("ca.pem")).unwrap();
    let hub = Hub::run(dir, loaded, key, client(&ca)).await;
    let response = hub.try_sign_in("duty", PASSWORD).await;
    assert_eq!(response.status(), StatusCode::OK);
    let cookie = response.headers()["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-gw_session=") && cookie.contains("; Secure"),
        "{cookie}"
    );
    assert!(response.headers().contains_key("strict-transport-security"));

    let by_name = format!("https://localhost:{}/healthz", hub.address.port());
    assert_eq!(
        hub.client.get(by_name).send().await.unwrap().status(),
        StatusCode::OK
    );

    let other = TempDir::new().unwrap();
    certificates::make_missing(other.path(), &[]).unwrap();
    let stranger = client(&std::fs::read_to_string(other.path().join("ca.pem")).unwrap());
    let refused = stranger.get(hub.url("/healthz")).send().await.unwrap_err();
    assert!(refused.is_connect(), "{refused:?}");
}

#[test]
fn what_was_made_stays_as_it_is() {
    let dir = TempDir::new().unwrap();
    let read = |name: &str| std::fs::read_to_string(dir.path().join(name)).unwrap();
    assert_eq!(
        certificates::make_missing(dir.path(), &[]).unwrap().len(),
        2
    );
    let before = (read("ca.pem"), read("hub.pem"), read("hub.key"));
    assert!(
        certificates::make_missing(dir.path(), &["x.example".to_owned()])
            .unwrap()
            .is_empty()
    );
    assert_eq!(before, (read("ca.pem"), read("hub.pem"), read("hub.key")));
    std::fs::remove_file(dir.path().join("hub.pem")).unwrap();
    std::fs::remove_file(dir.path().join("hub.key")).unwrap();
    assert_eq!(
        certificates::make_missing(dir.path(), &[]).unwrap().len(),
        1
    );
    assert_eq!(
        read("ca.pem"),
        before.0,
        "the authority outlives the certificate"
    );
    let name = certificates::make_missing(TempDir::new().unwrap().path(), &["网格".to_owned()]);
    assert!(name.unwrap_err().to_string().contains("网格"));
}
