//! The line to PostgreSQL over TLS: a real server with a certificate of its own authority, which refuses
//! everything that is not encrypted.

use std::path::Path;

use hub::certificates;
use hub::store::StoreUrl;
use sqlx::{Connection, Row};
use tempfile::TempDir;

use crate::postgres_server::Server;

fn parse(url: &str) -> StoreUrl {
    StoreUrl::parse(url, Path::new("/")).unwrap()
}

/// Why a store cannot be opened.
async fn refused(url: &str) -> String {
    let error = hub::store::open(&parse(url)).await.expect_err(url);
    let mut told = error.to_string();
    let mut source = std::error::Error::source(&error);
    while let Some(error) = source {
        told.push_str(&format!(": {error}"));
        source = error.source();
    }
    told
}

#[tokio::test]
async fn store_on_another_machine_is_reached_over_tls_and_only_with_the_right_authority() {
    let (own, other) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    for dir in [&own, &other] {
        certificates::make_missing(dir.path(), &[]).unwrap();
    }
    let server = Server::start_with_tls(&own.path().join("hub.pem"), &own.path().join("hub.key"));
    let plain = server.new_database();
    let ca = |dir: &TempDir| dir.path().join("ca.pem").display().to_string();
    let with = |mode: &str| format!("{plain}?sslmode={mode}");
    let rooted = |mode: &str, dir: &TempDir| format!("{}&sslrootcert={}", with(mode), ca(dir));

    let told = refused(&with("disable")).await;
    assert!(
        told.contains("no encryption"),
        "the server takes nothing in plain text: {told}"
    );
    for mode in ["verify-full", "verify-ca"] {
        let told = refused(&rooted(mode, &other)).await;
        assert!(
            told.contains("certificate"),
            "{mode} with another authority: {told}"
        );
        // A system without authorities of its own trusts nobody, and says that in other words.
        let told = refused(&with(mode)).await;
        let says = told.contains("certificate") || told.contains("trust anchors");
        assert!(says, "{mode} with the system's authorities: {told}");
    }
    let missing = rooted("verify-full", &own).replace("ca.pem", "none.pem");
    let told = refused(&missing).await;
    assert!(
        told.contains("none.pem") || told.contains("No such file"),
        "{told}"
    );

    for url in [
        rooted("verify-full", &own),
        rooted("verify-ca", &own),
        with("require"),
        with("prefer"),
        plain.clone(),
    ] {
        let (store, writer) = hub::store::open(&parse(&url)).await.expect(&url);
        store.ping().await.unwrap();
        drop(writer);
        sqlx::any::install_default_drivers();
        let mut hand = sqlx::AnyConnection::connect(&url).await.unwrap();
        let row = sqlx::query("SELECT CASE WHEN ssl THEN version ELSE 'none' END FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
            .fetch_one(&mut hand)
            .await
            .unwrap();
        assert!(row.get::<String, _>(0).starts_with("TLS"), "{url}");
    }
    // A name that the certificate does not have: only verify-full looks at it.
    let named = |mode: &str| rooted(mode, &own).replace("@localhost", "@127.0.0.2");
    let told = refused(&named("verify-full")).await;
    assert!(told.contains("certificate"), "{told}");
    drop(hub::store::open(&parse(&named("verify-ca"))).await.unwrap());
}
