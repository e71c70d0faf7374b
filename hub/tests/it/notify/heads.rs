//! Signed heads of the audit, told to a webhook and checked with what it has received.

use hub::store::StoreUrl;
use serde_json::Value;
use sqlx::{Executor, Row};

use super::super::harness::{around, eventually};
use super::endpoint::{Endpoint, reply};
use super::webhook::{key_file, verified};
use super::{hub_with, rows};

fn heads(end: &Endpoint) -> Vec<Value> {
    let events = end.got().into_iter().map(|got| got.json());
    events.filter(|event| event["type"] == "gridwatch.audit.head").collect()
}

#[tokio::test]
async fn each_head_goes_out_signed_also_at_the_stop_and_proves_a_cut_that_nothing_here_shows() {
    let end = Endpoint::start(|_, before| {
        // The first try fails: a head is tried again like every message.
        Some(if before.is_empty() { reply(503, "down") } else { reply(204, "") })
    })
    .await;
    let keys = tempfile::tempdir().unwrap();
    let channel = format!(
        "[[channel]]\nname = \"keeper\"\nkind = \"webhook\"\nurl = \"{}\"\nsecret_file = \"{}\"\naudit_heads = true\nchanges = [\"audit_head\"]\n",
        end.url("/heads"),
        key_file(&keys)
    );
    let hub = hub_with(&channel).await;
    let root = hub.sign_in("root").await;
    eventually("the head of the start was taken", || async {
        let rows = rows(&root, "keeper").await;
        rows.iter().any(|row| row["state"] == "delivered").then_some(())
    })
    .await;
    let first = heads(&end);
    assert_eq!(first[0]["data"], first[1]["data"], "the same head at the second try");
    hub.sign_in("duty").await;
    let (store, data) = (hub.store.clone(), hub.dir.path().join("data"));
    let dir = hub.stop().await.unwrap();
    // The hub has stopped: what it signed last was received before.
    let got = end.got();
    assert!(got.iter().all(verified));
    let all = heads(&end);
    let last = &all.last().unwrap()["data"];
    assert!(last["audit"]["links"].as_i64() > first[0]["data"]["audit"]["links"].as_i64());
    let kept = hub::store::seal::read_heads(&data.join("audit-heads.jsonl")).unwrap();
    assert_eq!(last["signature"], kept.lines.last().unwrap().signature.as_str());
    assert!(all.iter().all(|event| event["data"].get("case").is_none()));

    let received = keys.path().join("received.jsonl");
    let lines: Vec<String> = all.iter().map(Value::to_string).collect();
    std::fs::write(&received, lines.join("\n")).unwrap();
    let (reader, _writer) = hub::store::open(&store).await.unwrap();
    let verify = async || {
        let report = hub::store::seal::verify_with(&reader, &data, Some(&received)).await;
        report.unwrap().problems
    };
    assert_eq!(verify().await, Vec::<String>::new());

    // Somebody cuts the end off and makes database and heads here fit.
    let mut hand = around(&store).await;
    let open: &[&str] = match store {
        StoreUrl::Sqlite(_) => &["DROP TRIGGER audit_is_never_deleted"],
        StoreUrl::Postgres(_) => &["ALTER TABLE audit DISABLE TRIGGER USER"],
    };
    for statement in open {
        hand.execute(*statement).await.unwrap();
    }
    let links = last["audit"]["links"].as_i64().unwrap();
    let row = hand.fetch_one(sqlx::AssertSqlSafe(format!("SELECT hash FROM audit WHERE link = {}", links - 1)));
    let hash: String = row.await.unwrap().get(0);
    for statement in [
        format!("DELETE FROM audit WHERE link >= {links}"),
        format!("UPDATE chain_heads SET links = {}, hash = '{hash}' WHERE name = 'audit'", links - 1),
    ] {
        hand.execute(sqlx::AssertSqlSafe(statement)).await.unwrap();
    }
    let file = data.join("audit-heads.jsonl");
    let text = std::fs::read_to_string(&file).unwrap();
    let (without_last, _) = text.trim_end().rsplit_once('\n').unwrap();
    std::fs::write(&file, format!("{without_last}\n")).unwrap();
    let alone = hub::store::seal::verify(&reader, &data).await.unwrap();
    assert_eq!(alone.problems, Vec::<String>::new(), "here nothing shows it");
    let problems = verify().await;
    assert!(problems.iter().any(|problem| problem.contains("cut off")), "{problems:?}");
    drop(dir);
}
