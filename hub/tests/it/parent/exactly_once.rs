//! Both sides have the same cases, and every command is done once, whatever is cut and killed.

use super::*;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_thousand_cases_are_the_same_on_both_sides_after_cuts_and_kills() {
    const CASES: u64 = 2_000;
    let cases = i64::try_from(CASES).unwrap();
    let seed = rand::rng().random();
    println!("seed {seed}");
    let mut random = StdRng::seed_from_u64(seed);
    let mut pair = Pair::start().await;
    let all: Vec<Alert> = (1..=CASES)
        .map(|n| alert(n, &format!("door-{n}"), Kind::DoorForced))
        .collect();
    pair.raise(all[..200].to_vec()).await;
    let (above, _) = hub::store::open(&pair.parent_store).await.unwrap();
    until("the first cases are at the parent", 60, || async {
        (told_cases(&above).await.len() == 200).then_some(())
    })
    .await;

    pair.line.cut(true);
    for part in all[200..].chunks(200) {
        pair.raise(part.to_vec()).await;
    }
    some_changes(&pair, &mut random, 120, cases).await;
    let mut commands = Vec::new();
    for round in 0..4 {
        let boss = sign_in(&pair.client, &pair.parent_url, "boss").await;
        for n in 0..8 {
            let case = random.random_range(1..=200);
            let reason = format!("command {round}.{n}");
            let body = match n % 3 {
                0 => json!({ "action": "set_card", "card": "yellow", "reason": reason }),
                1 => json!({ "action": "comment", "reason": reason }),
                _ => json!({ "action": "set_urgent", "yes": true, "reason": reason }),
            };
            let (status, answer) = ask(&boss, case, &body).await;
            assert_eq!(status, StatusCode::ACCEPTED, "{answer}");
            commands.push((case, reason));
        }
        pair.line.cut(false);
        tokio::time::sleep(Duration::from_millis(random.random_range(50..900))).await;
        match round {
            0 => pair.kill_parent(),
            1 => pair.kill_child(),
            2 => {
                pair.line.cut(true);
                pair.kill_parent();
                pair.kill_child();
            }
            _ => pair.kill_child(),
        }
        some_changes(&pair, &mut random, 40, cases).await;
    }
    pair.line.cut(false);

    let (below, _) = hub::store::open(&pair.child_store).await.unwrap();
    let boss = sign_in(&pair.client, &pair.parent_url, "boss").await;
    until("every command has its result", 90, || async {
        for (case, reason) in &commands {
            let shown = boss.get(&format!("/api/v1/children/{CHILD}/cases/1/{case}")).await;
            let all = shown["commands"].as_array().unwrap();
            let found = all.iter().find(|c| c["reason"] == json!(reason)).unwrap();
            found.get("result")?;
        }
        Some(())
    })
    .await;
    let expected = own_cases(&below).await;
    assert_eq!(expected.len(), 2_000);
    until("both sides have the same cases", 90, || async {
        (told_cases(&above).await == expected).then_some(())
    })
    .await;
    for (case, reason) in &commands {
        let path = format!("/api/v1/children/{CHILD}/cases/1/{case}");
        let shown = boss.get(&path).await;
        let all = shown["commands"].as_array().unwrap();
        let found = all.iter().find(|c| c["reason"] == json!(reason)).unwrap();
        // A case that was rejected meanwhile takes no card: refused, and not in its history.
        let times = usize::from(found["result"]["outcome"] == "done");
        let rows = below.transitions_of(*case).await.unwrap();
        let done = rows.iter().filter(|row| row.reason.as_ref() == Some(reason));
        let actors: Vec<&str> = done.map(|row| row.actor.as_str()).collect();
        assert_eq!(
            actors,
            vec!["parent:city"; times],
            "{reason} on case {case}: once when it was done"
        );
    }
    println!("{} cases and {} commands", expected.len(), commands.len());
}
