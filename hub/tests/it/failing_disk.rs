//! A disk that fails under SQLite; PostgreSQL watches over its own disk.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use gridwatch_protocol::Kind;
use tempfile::TempDir;

use super::harness::{alert, batch, client_builder, eventually, populate, write_files};
use super::process::start;

/// Makes every fdatasync of a running process fail, as a dying disk does.
fn fail_syncs(pid: u32) -> Child {
    let mut strace = Command::new("strace")
        .args([
            "-f",
            "-e",
            "trace=fdatasync,fsync",
            "-e",
            "inject=fdatasync,fsync:error=EIO",
            "-p",
        ])
        .arg(pid.to_string())
        .stderr(Stdio::piped())
        .spawn()
        .expect("strace is not installed; `apt-get install strace` gives it");
    let mut lines = BufReader::new(strace.stderr.take().unwrap()).lines();
    let first = lines
        .next()
        .expect("strace says that it is attached")
        .unwrap();
    assert!(first.contains("attached"), "{first}");
    std::thread::spawn(move || lines.for_each(drop));
    strace
}

#[tokio::test]
async fn disk_that_fails_ends_the_hub_and_nothing_is_acknowledged_after_it() {
    let dir = TempDir::new().unwrap();
    let path = write_files(dir.path(), "listen = \"127.0.0.1:0\"\ntls = false\n");
    let key = populate(&hub::config::load(&path).unwrap().config).await;
    let client = client_builder()
        .timeout(Duration::from_secs(10))
        .build()
        .unwrap();
    let send = async |at: SocketAddr, n: u64| {
        let body = serde_json::to_vec(&batch(vec![alert(
            n,
            &format!("door-{n}"),
            Kind::DoorForced,
        )]));
        let url = format!("http://{at}/v1/batches");
        let sent = client
            .post(url)
            .bearer_auth(&key)
            .body(body.unwrap())
            .send()
            .await;
        sent.is_ok_and(|response| response.status().is_success())
    };
    let mut hub = start(&path);
    assert!(send(hub.address, 1).await);
    let mut strace = fail_syncs(hub.child.id());
    for n in 2..5 {
        assert!(
            !send(hub.address, n).await,
            "acknowledged on a disk that fails"
        );
    }
    let status = eventually("the hub has ended", || {
        let ended = hub.child.try_wait().unwrap();
        async move { ended }
    })
    .await;
    assert_eq!(status.code(), Some(70));
    drop(strace.kill());
    strace.wait().unwrap();
    let again = start(&path);
    assert!(
        send(again.address, 5).await,
        "the next start reads the file anew"
    );
}
