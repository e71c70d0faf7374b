//! Audit and case histories: what somebody with the database in hand changes is found and named.

use gridwatch_protocol::Kind;
use hub::store::Store;
use hub::store::chain::{Chain, Head};
use hub::store::seal::{self, Seal};
use sqlx::{AnyConnection, AssertSqlSafe, Executor, Row};

use super::STORE;
use super::harness::{Hub, alert, around, batch};
use crate::Kind as StoreKind;

pub(super) struct Bench {
    pub(super) hub: Hub,
    pub(super) store: Store,
    pub(super) hand: AnyConnection,
    pub(super) seal: Seal,
}

impl Bench {
    /// A hub with histories of eight cases, and a hand in its database that triggers do not stop.
    pub(super) async fn new() -> Self {
        let hub = Hub::start().await;
        let doors = (1..=8).map(|n| alert(n, &format!("door-{n}"), Kind::DoorForced));
        hub.send(&batch(doors.collect())).await;
        let duty = hub.sign_in("duty").await;
        duty.act(1, "acknowledge", 1).await;
        let (store, _) = hub::store::open(&hub.store).await.unwrap();
        let mut hand = around(&hub.store).await;
        for statement in match STORE {
            StoreKind::Sqlite => vec![
                "DROP TRIGGER audit_is_never_changed",
                "DROP TRIGGER audit_is_never_deleted",
                "DROP TRIGGER transitions_are_never_changed",
                "DROP TRIGGER transitions_are_never_deleted",
            ],
            StoreKind::Postgres => vec![
                "ALTER TABLE audit DISABLE TRIGGER USER",
                "ALTER TABLE transitions DISABLE TRIGGER USER",
            ],
        } {
            hand.execute(statement).await.unwrap();
        }
        for table in ["audit", "transitions", "chain_heads"] {
            let copy = format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}");
            hand.execute(AssertSqlSafe(copy)).await.unwrap();
        }
        let seal = Seal::open(&hub.dir.path().join("data")).unwrap();
        Self {
            hub,
            store,
            hand,
            seal,
        }
    }

    async fn problems(&self) -> Vec<String> {
        let data = self.hub.dir.path().join("data");
        seal::verify(&self.store, &data).await.unwrap().problems
    }

    /// Does something to the database, looks what is found, and puts everything back.
    async fn after(&mut self, statements: &[&str]) -> Vec<String> {
        self.tamper(statements).await;
        let problems = self.problems().await;
        self.put_back().await;
        assert_eq!(self.problems().await, [""; 0], "put back");
        problems
    }

    pub(super) async fn sign(&mut self) {
        self.seal.sign(&self.store, false, hub::now()).await.unwrap().unwrap();
    }

    pub(super) async fn tamper(&mut self, statements: &[&str]) {
        for statement in statements {
            let done = self.hand.execute(AssertSqlSafe((*statement).to_owned())).await;
            assert!(done.unwrap().rows_affected() > 0, "{statement} does something");
        }
    }

    /// Everything as it was when the bench was made; what was written since is gone.
    pub(super) async fn put_back(&mut self) {
        for table in ["audit", "transitions", "chain_heads"] {
            for statement in [
                format!("DELETE FROM {table}"),
                format!("INSERT INTO {table} SELECT * FROM kept_{table}"),
            ] {
                self.hand.execute(AssertSqlSafe(statement)).await.unwrap();
            }
        }
    }

    pub(super) async fn text(&mut self, statement: &str) -> String {
        let row = self.hand.fetch_one(AssertSqlSafe(statement.to_owned())).await;
        row.unwrap().get(0)
    }
}

fn told(problems: &[String], expected: &[&str]) {
    assert_eq!(problems.len(), expected.len(), "{problems:#?}");
    for (problem, expected) in problems.iter().zip(expected) {
        assert!(problem.contains(expected), "`{expected}` is not in: {problem}");
    }
}

#[tokio::test]
async fn edited_deleted_swapped_and_added_rows_are_named() {
    let mut bench = Bench::new().await;
    assert_eq!(bench.problems().await, [""; 0]);
    let found = bench
        .after(&["UPDATE transitions SET actor = 'somebody else' WHERE case_id = 3"])
        .await;
    told(&found, &["row 1 of the history of case 3 does not fit its hash"]);
    let found = bench
        .after(&["UPDATE audit SET address = '10.9.9.9' WHERE action = 'sign_in'"])
        .await;
    told(&found, &["of the audit does not fit its hash"]);
    let found = bench.after(&["DELETE FROM transitions WHERE link = 4"]).await;
    told(&found, &["link 4 is missing before row 1 of the history of case 5"]);
    let found = bench
        .after(&["DELETE FROM transitions WHERE link IN (1, 2, 3)"])
        .await;
    told(&found, &["links 1 to 3 are missing before row 1 of the history of case 4"]);
    let found = bench
        .after(&[
            "UPDATE transitions SET link = -2 WHERE link = 2",
            "UPDATE transitions SET link = 2 WHERE link = 6",
            "UPDATE transitions SET link = 6 WHERE link = -2",
        ])
        .await;
    assert!(
        found.iter().any(|p| p.contains("history of case 6"))
            && found.iter().any(|p| p.contains("history of case 2")),
        "{found:#?}"
    );
    let found = bench
        .after(&["INSERT INTO transitions (case_id, seq, at, actor, action, body) VALUES (2, 9, 1, 'x', 'close', '{}')"])
        .await;
    told(&found, &["row 9 of the history of case 2 is in no chain"]);
}

#[tokio::test]
async fn end_that_was_cut_off_is_found_even_when_the_head_was_made_to_fit() {
    let mut bench = Bench::new().await;
    let cut = "DELETE FROM transitions WHERE link > 7";
    let found = bench.after(&[cut]).await;
    told(&found, &["links 8 to 9 are missing at the end"]);

    let hash = bench.text("SELECT hash FROM transitions WHERE link = 7").await;
    let fit = format!("UPDATE chain_heads SET links = 7, hash = '{hash}' WHERE name = 'transitions'");
    // Nothing outside the store knows of the links yet.
    let found = bench.after(&[cut, &fit]).await;
    assert_eq!(found, [""; 0]);
    bench.sign().await;
    let found = bench.after(&[cut, &fit]).await;
    told(&found, &["link 9: it is missing: the end was cut off"]);
    let again = bench.seal.sign(&bench.store, false, hub::now()).await.unwrap();
    assert_eq!(again, None, "the same ends are signed once");
}

#[tokio::test]
async fn history_rewritten_to_its_end_is_found_by_the_signed_head() {
    let mut bench = Bench::new().await;
    bench.sign().await;
    let rows = bench
        .hand
        .fetch_all("SELECT case_id, seq, at, actor, action, body FROM transitions ORDER BY link")
        .await
        .unwrap();
    let mut head = Head::empty();
    let mut statements = Vec::new();
    for row in &rows {
        let numbers: Vec<String> = (0..3).map(|i| row.get::<i64, _>(i).to_string()).collect();
        let mut fields: Vec<&str> = numbers.iter().map(String::as_str).collect();
        // The officer who acknowledged becomes another one.
        let actor = if row.get::<&str, _>(3) == "duty" { "li" } else { row.get(3) };
        fields.extend([actor, row.get(4), row.get(5)]);
        head = head.next(Chain::Transitions, &fields);
        statements.push(format!(
            "UPDATE transitions SET actor = '{actor}', hash = '{}' WHERE link = {}",
            head.hash, head.links
        ));
    }
    statements.push(format!(
        "UPDATE chain_heads SET hash = '{}' WHERE name = 'transitions'",
        head.hash
    ));
    let statements: Vec<&str> = statements.iter().map(String::as_str).collect();
    let found = bench.after(&statements).await;
    told(&found, &["link 9: it has another hash than was signed"]);
}

#[tokio::test]
async fn changed_head_file_wrong_key_and_epoch_without_a_restore_are_found() {
    let mut bench = Bench::new().await;
    bench.sign().await;
    let data = bench.hub.dir.path().join("data");
    let file = data.join(seal::HEADS_FILE);
    let good = std::fs::read_to_string(&file).unwrap();
    std::fs::write(&file, good.replacen("\"links\":9", "\"links\":8", 1)).unwrap();
    assert!(bench.problems().await.iter().any(|p| p.contains("was not signed with")));
    std::fs::write(&file, format!("{good}not a head\n")).unwrap();
    assert!(bench.problems().await[0].contains("cannot be read"));
    std::fs::write(&file, format!("{good}{{\"cut by a cra")).unwrap();
    assert_eq!(bench.problems().await, [""; 0], "a crash while writing is no proof");
    std::fs::write(&file, &good).unwrap();
    bench
        .hand
        .execute("INSERT INTO epochs (epoch, at, audit, transitions) VALUES (2, 1, 0, 2)")
        .await
        .unwrap();
    let found = bench.problems().await;
    assert!(found.iter().any(|p| p.contains("no restore signed that")), "{found:#?}");
}

#[tokio::test]
async fn running_hub_signs_by_itself() {
    let hub = Hub::start().await;
    hub.send(&batch(vec![alert(1, "door", Kind::DoorForced)])).await;
    let dir = hub.stop().await.unwrap();
    let kept = seal::read_heads(&dir.path().join("data").join(seal::HEADS_FILE)).unwrap();
    let last = kept.lines.last().expect("signed at the end");
    assert_eq!(last.heads.transitions.links, 1);
}
