//! The chains as auditors read them in the console: whole, and with every way of changing them.

use std::collections::HashSet;
use std::time::Instant;

use hub::store::chain::{Chain, Head};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, Executor};

use super::audit::Bench;
use super::harness::{Officer, eventually};

async fn ask(officer: &Officer, body: Value) -> (StatusCode, Value) {
    let request = officer.request(Method::POST, "/api/v1/audit/verify").json(&body);
    let response = request.send().await.unwrap();
    (response.status(), response.json().await.unwrap())
}

async fn verify(officer: &Officer, body: Value) -> Value {
    let (status, answer) = ask(officer, body).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    answer
}

/// What the histories show after this was done to the database, which is then put back.
async fn after(bench: &mut Bench, auditor: &Officer, statements: &[&str]) -> Value {
    bench.tamper(statements).await;
    let told = verify(auditor, json!({ "chain": "cases" })).await;
    bench.put_back().await;
    told
}

/// Verdict, kind, link and the other link.
fn brief(told: &Value) -> (String, String, i64, i64) {
    let broken = &told["broken"];
    let number = |name: &str| broken[name].as_i64().unwrap_or(0);
    let word = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (
        word(&told["verdict"]),
        word(&broken["kind"]),
        number("link"),
        number("other"),
    )
}

fn broken(kind: &str, link: i64, other: i64) -> (String, String, i64, i64) {
    ("broken".to_owned(), kind.to_owned(), link, other)
}

#[tokio::test]
async fn whole_chains_are_told_with_their_entries_times_and_heads_and_the_audit_says_who_asked() {
    let mut bench = Bench::new().await;
    bench.sign().await;
    let auditor = bench.hub.sign_in("audit").await;
    let cases = verify(&auditor, json!({ "chain": "cases" })).await;
    assert_eq!(cases["verdict"], "whole", "{cases}");
    assert_eq!((&cases["checked"], &cases["through"]), (&json!(9), &json!(9)));
    assert_eq!(cases["head"]["links"], 9);
    let lines = auditor.get("/api/v1/audit?chain=cases").await;
    assert_eq!(cases["head"]["hash"], lines["items"][0]["hash"]);
    assert_eq!(cases["last_at"], lines["items"][0]["at"]);
    assert_eq!(cases["first_at"], lines["items"][8]["at"]);
    assert!(cases["heads"].as_i64() >= Some(1), "{cases}");
    assert!(cases["next"].is_null() && cases.get("broken").is_none());

    let audit = verify(&auditor, json!({ "chain": "audit" })).await;
    assert_eq!(audit["verdict"], "whole", "{audit}");
    let lines = auditor.get("/api/v1/audit?action=chain_verified").await;
    let subjects: Vec<&str> = lines["items"].as_array().unwrap().iter().map(|line| line["subject"].as_str().unwrap()).collect();
    let links = audit["head"]["links"].as_i64().unwrap();
    assert_eq!(
        subjects,
        [
            format!("audit: entries 1 to {links} of {links}: whole to its end").as_str(),
            "cases: entries 1 to 9 of 9: whole to its end"
        ]
    );
    assert_eq!(lines["items"][0]["actor"], "audit");
    assert_eq!(lines["items"][0]["address"], "127.0.0.1");

    // A part begins where the one before ended.
    let rest = verify(&auditor, json!({ "chain": "cases", "after": "3" })).await;
    assert_eq!((&rest["verdict"], &rest["checked"]), (&json!("whole"), &json!(6)));
}

#[tokio::test]
async fn first_break_is_told_with_its_place_and_kind() {
    let mut bench = Bench::new().await;
    let auditor = bench.hub.sign_in("audit").await;
    let b = &mut bench;
    let told = after(b, &auditor, &["UPDATE transitions SET actor = 'x' WHERE link IN (3, 7)"]).await;
    assert_eq!(brief(&told), broken("changed", 3, 0));
    assert_eq!((&told["broken"]["case"], &told["through"]), (&json!(3), &json!(2)));
    assert!(told["broken"]["what"]["zh"].as_str().unwrap().contains("第 3 条"));
    assert!(told["broken"]["advice"]["en"].as_str().unwrap().contains("copy"));
    let told = after(b, &auditor, &["DELETE FROM transitions WHERE link = 4"]).await;
    assert_eq!(brief(&told), broken("missing", 4, 4));
    let told = after(b, &auditor, &["DELETE FROM transitions WHERE link IN (1, 2, 3)"]).await;
    assert_eq!(brief(&told), broken("missing", 1, 3));
    for (first, second) in [(2, 6), (2, 3)] {
        let swap = [
            format!("UPDATE transitions SET link = -2 WHERE link = {first}"),
            format!("UPDATE transitions SET link = {first} WHERE link = {second}"),
            format!("UPDATE transitions SET link = {second} WHERE link = -2"),
        ];
        let swap: Vec<&str> = swap.iter().map(String::as_str).collect();
        let told = after(b, &auditor, &swap).await;
        assert_eq!(brief(&told), broken("swapped", first, second));
    }
    let contents = [
        "UPDATE transitions SET link = -2, hash = 'two' WHERE link = 2",
        "UPDATE transitions SET link = 2, hash = (SELECT hash FROM kept_transitions WHERE link = 2) WHERE link = 6",
        "UPDATE transitions SET link = 6, hash = (SELECT hash FROM kept_transitions WHERE link = 6) WHERE link = -2",
    ];
    let told = after(b, &auditor, &contents).await;
    assert_eq!(brief(&told), broken("swapped", 2, 6), "what two entries say was swapped");
    let told = after(b, &auditor, &["DELETE FROM transitions WHERE link > 7"]).await;
    assert_eq!(brief(&told), broken("cut_off", 8, 9));
    let told = after(b, &auditor, &["UPDATE chain_heads SET links = 8 WHERE name = 'transitions'"]).await;
    assert_eq!(brief(&told), broken("head_differs", 9, 0));
    for link in ["NULL", "-5"] {
        let added = format!("INSERT INTO transitions (case_id, seq, at, actor, action, body, link) VALUES (2, 9, 1, 'x', 'close', '{{}}', {link})");
        let told = after(b, &auditor, &[&added]).await;
        assert_eq!(brief(&told), broken("added", 0, 0));
        assert_eq!(told["broken"]["case"], 2);
    }
    let told = verify(&auditor, json!({ "chain": "cases" })).await;
    assert_eq!(told["verdict"], "whole", "put back: {told}");

    bench.tamper(&["UPDATE audit SET address = '10.9.9.9' WHERE action = 'sign_in'"]).await;
    let told = verify(&auditor, json!({ "chain": "audit" })).await;
    assert_eq!(told["broken"]["kind"], "changed", "{told}");
    let lines = auditor.get("/api/v1/audit?action=chain_verified").await;
    let subject = lines["items"][0]["subject"].as_str().unwrap();
    assert!(subject.contains("broken: entry"), "{subject}");
}

#[tokio::test]
async fn cut_and_rewritten_ends_that_were_made_to_fit_are_shown_by_signed_heads() {
    let mut bench = Bench::new().await;
    bench.sign().await;
    let data = bench.hub.dir.path().join("data");
    let file = data.join(hub::store::seal::HEADS_FILE);
    // The hub signs when it starts, too: only what was signed at the end counts here.
    let text = std::fs::read_to_string(&file).unwrap();
    let at_the_end = |line: &&str| {
        let line: Value = serde_json::from_str(line).unwrap();
        line["transitions"]["links"] == 9
    };
    let lines: Vec<&str> = text.lines().filter(at_the_end).collect();
    let signed = format!("{}\n", lines.join("\n"));
    std::fs::write(&file, &signed).unwrap();
    let newest = bench.seal.newest().unwrap();
    let public_key = newest.public_key.clone();
    let kept = serde_json::to_string(&newest).unwrap();
    let auditor = bench.hub.sign_in("audit").await;
    let hash = bench.text("SELECT hash FROM transitions WHERE link = 7").await;
    let fit = format!("UPDATE chain_heads SET links = 7, hash = '{hash}' WHERE name = 'transitions'");
    let cut = ["DELETE FROM transitions WHERE link > 7", fit.as_str()];
    let told = after(&mut bench, &auditor, &cut).await;
    assert_eq!(brief(&told), broken("cut_off", 9, 0));
    assert!(told["broken"]["at"].is_string());

    // Whoever also removes the heads here cannot remove what others have received.
    std::fs::write(&file, "").unwrap();
    bench.tamper(&cut).await;
    let alone = verify(&auditor, json!({ "chain": "cases" })).await;
    assert_eq!(alone["verdict"], "whole", "nothing here shows it: {alone}");
    for form in [kept.clone(), format!("{{\"items\":[{kept}]}}\n{{\"data\":{kept}}}")] {
        let told = verify(&auditor, json!({ "chain": "cases", "heads": form })).await;
        assert_eq!(brief(&told), broken("cut_off", 9, 0));
    }
    bench.put_back().await;
    let last = "UPDATE transitions SET actor = 'x', hash = 'new' WHERE link = 9";
    let head = "UPDATE chain_heads SET hash = 'new' WHERE name = 'transitions'";
    let told = after(&mut bench, &auditor, &[last, head]).await;
    assert_eq!(brief(&told), broken("changed", 9, 0));
    let changed = Head { links: 8, hash: bench.text("SELECT hash FROM transitions WHERE link = 8").await };
    let body = bench.text("SELECT body FROM transitions WHERE link = 9").await;
    let numbers = bench.text("SELECT case_id || '/' || seq || '/' || at FROM transitions WHERE link = 9").await;
    let action = bench.text("SELECT action FROM transitions WHERE link = 9").await;
    let mut fields: Vec<&str> = numbers.split('/').collect();
    fields.extend(["x", &action, &body]);
    let hash = changed.next(Chain::Transitions, &fields).hash;
    let [last, head] = [last, head].map(|statement| statement.replace("'new'", &format!("'{hash}'")));
    bench.tamper(&[&last, &head]).await;
    let told = verify(&auditor, json!({ "chain": "cases", "heads": kept })).await;
    assert_eq!(brief(&told), broken("rewritten", 9, 0));
    bench.put_back().await;

    let strange = kept.replace(&public_key, &"ab".repeat(32));
    let told = verify(&auditor, json!({ "chain": "cases", "heads": strange })).await;
    assert_eq!(brief(&told), broken("other_key", 0, 0));
    std::fs::write(&file, signed.replacen("\"links\":9", "\"links\":8", 1)).unwrap();
    let told = verify(&auditor, json!({ "chain": "cases" })).await;
    assert_eq!(brief(&told), broken("head_not_signed", 0, 0));
    std::fs::write(&file, &signed).unwrap();
    let (status, problem) = ask(&auditor, json!({ "chain": "cases", "heads": "{\"links\":3}" })).await;
    assert_eq!((status.as_u16(), &problem["type"]), (422, &json!("invalid-request")));
    bench
        .hand
        .execute("INSERT INTO epochs (epoch, at, audit, transitions) VALUES (2, 1, 0, 99)")
        .await
        .unwrap();
    let told = verify(&auditor, json!({ "chain": "cases" })).await;
    assert_eq!(brief(&told), broken("unsigned_restore", 0, 0));
}

#[tokio::test]
async fn long_chain_is_read_part_by_part_and_one_reader_at_a_time() {
    let mut bench = Bench::new().await;
    let auditor = bench.hub.sign_in("audit").await;
    let head = bench.store.chain_head(Chain::Transitions).await.unwrap();
    let mut end = head.clone();
    let mut rows = Vec::new();
    for seq in 1..=2_500_i64 {
        let numbers = [8, 100 + seq, seq].map(|number| number.to_string());
        let mut fields: Vec<&str> = numbers.iter().map(String::as_str).collect();
        fields.extend(["duty", "note", "{}"]);
        end = end.next(Chain::Transitions, &fields);
        rows.push(format!("(8, {}, {seq}, 'duty', 'note', '{{}}', {}, '{}')", 100 + seq, end.links, end.hash));
    }
    let insert = format!("INSERT INTO transitions (case_id, seq, at, actor, action, body, link, hash) VALUES {}", rows.join(", "));
    bench.hand.execute(AssertSqlSafe(insert)).await.unwrap();
    let set = format!("UPDATE chain_heads SET links = {}, hash = '{}' WHERE name = 'transitions'", end.links, end.hash);
    bench.tamper(&[&set]).await;

    // No time at all: a part is one page, and the parts together are the chain.
    let (mut after, mut parts, mut checked) = (0, 0, 0);
    loop {
        let step = bench.store.verify_step(Chain::Transitions, after, &HashSet::new(), Instant::now()).await;
        let step = step.unwrap().unwrap();
        assert_eq!(step.broken, None);
        (after, parts, checked) = (step.through, parts + 1, checked + step.checked);
        if step.ends {
            break;
        }
    }
    assert_eq!((parts, checked, after), (3, end.links, end.links));
    let whole = verify(&auditor, json!({ "chain": "cases" })).await;
    assert_eq!((&whole["verdict"], &whole["checked"]), (&json!("whole"), &json!(end.links)));

    let busy = eventually("somebody was told to wait", || async {
        let many = (0..4).map(|_| ask(&auditor, json!({ "chain": "cases" })));
        let answers = futures_util::future::join_all(many).await;
        assert!(answers.iter().any(|(status, _)| *status == StatusCode::OK), "{answers:?}");
        answers.into_iter().find(|(status, _)| *status != StatusCode::OK)
    })
    .await;
    assert_eq!((busy.0.as_u16(), &busy.1["type"]), (503, &json!("busy")));

    // What was read is gone when the next part begins.
    bench.tamper(&["DELETE FROM transitions WHERE link = 1000"]).await;
    let told = verify(&auditor, json!({ "chain": "cases", "after": "1000" })).await;
    assert_eq!(brief(&told), broken("missing", 1000, 1000));
    for after in [json!("9999"), json!("-1"), json!("x")] {
        let (status, _) = ask(&auditor, json!({ "chain": "cases", "after": after })).await;
        assert_eq!(status.as_u16(), 422, "{after}");
    }
    let duty = bench.hub.sign_in("duty").await;
    let (status, _) = ask(&duty, json!({ "chain": "cases" })).await;
    assert_eq!(status, StatusCode::FORBIDDEN);
}
