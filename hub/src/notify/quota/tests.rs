//! Random arrivals, networks and limits against what a provider would see.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn waiting(id: usize, recipient: &str, severity: Severity, since: i64) -> Waiting {
    Waiting {
        id: format!("{id:05}"),
        recipient: recipient.into(),
        severity,
        since,
        alone: false,
    }
}

fn robot() -> Limits {
    Limits {
        channel: WECOM.to_vec(),
        recipient: vec![],
        digests: true,
    }
}

#[test]
fn few_messages_go_alone_and_many_go_together_with_p1_alone_and_first() {
    let few: Vec<_> = (0..13).map(|n| waiting(n, "", Severity::P3, 0)).collect();
    assert_eq!(choose(&robot(), &[], &few, 0).len(), 13);

    let mut many: Vec<_> = (0..60).map(|n| waiting(n, "", Severity::P3, 0)).collect();
    many.extend((60..63).map(|n| waiting(n, "", Severity::P1, 5)));
    let chosen = choose(&robot(), &[], &many, 10);
    let sizes: Vec<_> = chosen.iter().map(|c| (c.urgent, c.ids.len())).collect();
    assert_eq!(sizes, [(true, 1), (true, 1), (true, 1), (false, 60)]);
}

#[test]
fn fifty_p1_all_go_at_once_the_last_of_them_together() {
    let flood: Vec<_> = (0..50).map(|n| waiting(n, "", Severity::P1, 0)).collect();
    let chosen = choose(&robot(), &[], &flood, 0);
    assert_eq!(chosen.len(), 20);
    assert_eq!(chosen[19].ids.len(), 31);
}

#[test]
fn share_of_p1_is_free_after_everything_else_has_used_the_rest() {
    let sent = vec![
        Sent {
            recipient: String::new(),
            ended_at: Some(0)
        };
        15
    ];
    let p3 = [waiting(0, "", Severity::P3, 0)];
    assert!(choose(&robot(), &sent, &p3, 1).is_empty());
    let p1: Vec<_> = (0..5).map(|n| waiting(n, "", Severity::P1, 0)).collect();
    assert_eq!(choose(&robot(), &sent, &p1, 1).len(), 5);
    assert_eq!(choose(&robot(), &sent, &p3, 60_000).len(), 1);
}

#[test]
fn send_under_way_counts_however_long_it_takes() {
    let sent = vec![
        Sent {
            recipient: String::new(),
            ended_at: None
        };
        20
    ];
    let p1 = [waiting(0, "", Severity::P1, 0)];
    assert!(choose(&robot(), &sent, &p1, 1_000_000).is_empty());
}

#[test]
fn message_for_one_person_alone_goes_into_no_digest() {
    let mut items: Vec<_> = (0..30).map(|n| waiting(n, "", Severity::P3, 0)).collect();
    items[7].alone = true;
    let chosen = choose(&robot(), &[], &items, 0);
    let sizes: Vec<_> = chosen.iter().map(|c| c.ids.len()).collect();
    assert_eq!(sizes, [29, 1]);
    assert_eq!(chosen[1].ids, ["00007"]);
}

#[test]
fn scarce_room_is_shared_between_recipients() {
    let limits = Limits {
        channel: PEOPLE.to_vec(),
        recipient: EMAIL_RECIPIENT.to_vec(),
        digests: true,
    };
    let mut items = Vec::new();
    for (n, to) in ["a", "b", "c"].into_iter().enumerate() {
        items.extend((0..10).map(|k| waiting(n * 10 + k, to, Severity::P2, 0)));
    }
    let chosen = choose(&limits, &[], &items, 0);
    let told: Vec<_> = chosen
        .iter()
        .map(|c| (c.recipient.as_str(), c.ids.len()))
        .collect();
    assert_eq!(told, [("a", 10), ("b", 10), ("c", 10)]);
}

/// One message as the provider sees it: when it arrives, whether it is about P1, to whom.
type Arrival = (i64, bool, String);

#[derive(Debug, Clone)]
struct Plan {
    limits: Limits,
    /// (milliseconds after the one before, recipient, severity)
    cases: Vec<(i64, u8, u8)>,
    /// (milliseconds until it arrives, milliseconds from there until its answer is back)
    network: Vec<(i64, i64)>,
    step: i64,
}

fn plans() -> impl Strategy<Value = Plan> {
    let window = (1u32..8, 50i64..2_000, 0u32..4).prop_map(|(count, per_ms, reserved)| Window {
        count,
        per_ms,
        reserved: reserved.min(count - 1),
    });
    let windows = |max| prop::collection::vec(window.clone(), 1..=max);
    (
        windows(2),
        windows(2),
        any::<bool>(),
        prop::collection::vec((0i64..200, 0u8..3, 0u8..4), 1..120),
        prop::collection::vec((0i64..900, 0i64..900), 1..20),
        1i64..150,
    )
        .prop_map(|(channel, recipient, digests, cases, network, step)| Plan {
            limits: Limits {
                channel,
                recipient,
                digests,
            },
            cases,
            network,
            step,
        })
}

struct Run {
    arrivals: Vec<Arrival>,
    told: BTreeMap<String, usize>,
}

/// Plays a plan to its end; checks on the way that nothing overtakes a P1.
fn play(plan: &Plan) -> Run {
    let mut due = Vec::new();
    let mut at = 0;
    for (id, (gap, recipient, severity)) in plan.cases.iter().enumerate() {
        at += gap;
        let severity =
            [Severity::P1, Severity::P2, Severity::P3, Severity::P4][usize::from(*severity)];
        due.push(waiting(id, &format!("r{recipient}"), severity, at));
    }
    let mut run = Run {
        arrivals: Vec::new(),
        told: BTreeMap::new(),
    };
    let mut sent: Vec<(Sent, i64)> = Vec::new();
    let mut now = 0;
    let mut number = 0;
    while !due.is_empty() {
        assert!(now < 10_000_000, "{} cases are never told", due.len());
        for (one, end) in &mut sent {
            if *end <= now {
                one.ended_at = Some(*end);
            }
        }
        let ready: Vec<_> = due.iter().filter(|w| w.since <= now).cloned().collect();
        let seen: Vec<Sent> = sent.iter().map(|(one, _)| one.clone()).collect();
        let chosen = choose(&plan.limits, &seen, &ready, now);
        let gone: Vec<&String> = chosen.iter().flat_map(|c| &c.ids).collect();
        let left = |recipient: &str| {
            ready.iter().any(|w| {
                w.severity == Severity::P1 && w.recipient == recipient && !gone.contains(&&w.id)
            })
        };
        for message in &chosen {
            let lesser = |id: &String| {
                ready
                    .iter()
                    .any(|w| w.id == *id && w.severity != Severity::P1)
            };
            assert_eq!(
                message.urgent,
                !message.ids.iter().any(lesser),
                "P1 is in no digest of others"
            );
            assert!(
                message.urgent || !left(&message.recipient),
                "a P1 of {} waits behind {:?}",
                message.recipient,
                message.ids
            );
            let (there, back) = plan.network[number % plan.network.len()];
            number += 1;
            run.arrivals
                .push((now + there, message.urgent, message.recipient.clone()));
            let one = Sent {
                recipient: message.recipient.clone(),
                ended_at: None,
            };
            sent.push((one, now + there + back));
            for id in &message.ids {
                *run.told.entry(id.clone()).or_default() += 1;
            }
        }
        let gone: Vec<String> = gone.into_iter().cloned().collect();
        due.retain(|w| !gone.contains(&w.id));
        now += plan.step;
    }
    run
}

/// The most arrivals in any span of the window's length.
fn most(arrivals: &[i64], per_ms: i64) -> usize {
    let inside = |from: &i64| {
        arrivals
            .iter()
            .filter(|at| (*from..*from + per_ms).contains(at))
            .count()
    };
    arrivals.iter().map(inside).max().unwrap_or(0)
}

#[test]
fn what_one_recipient_leaves_of_its_share_goes_to_the_p1_of_another_first() {
    let limits = Limits {
        channel: vec![window(7, 1_000, 0)],
        recipient: vec![window(6, 1_000, 3)],
        digests: false,
    };
    let mut due: Vec<_> = (0..5)
        .map(|id| waiting(id, "r0", Severity::P1, 0))
        .collect();
    due.push(waiting(5, "r1", Severity::P1, 0));
    due.push(waiting(6, "r0", Severity::P3, 0));
    let chosen = choose(&limits, &[], &due, 0);
    let urgent = chosen.iter().filter(|c| c.urgent).count();
    assert_eq!(
        (urgent, chosen.len()),
        (6, 6),
        "five and one, and no room for the P3 of r0"
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 150, ..ProptestConfig::default() })]

    #[test]
    fn no_window_at_the_provider_ever_sees_more_than_the_limit(plan in plans()) {
        let run = play(&plan);
        let times = |keep: &dyn Fn(&Arrival) -> bool| -> Vec<i64> {
            run.arrivals.iter().filter(|a| keep(a)).map(|a| a.0).collect()
        };
        for window in &plan.limits.channel {
            prop_assert!(most(&times(&|_| true), window.per_ms) <= window.count as usize);
            let rest = most(&times(&|a| !a.1), window.per_ms);
            prop_assert!(rest <= (window.count - window.reserved) as usize);
        }
        for window in &plan.limits.recipient {
            for to in ["r0", "r1", "r2"] {
                let seen = most(&times(&|a| a.2 == to), window.per_ms);
                prop_assert!(seen <= window.count as usize);
            }
        }
    }

    #[test]
    fn every_case_is_told_exactly_once(plan in plans()) {
        let run = play(&plan);
        prop_assert_eq!(run.told.len(), plan.cases.len());
        prop_assert!(run.told.values().all(|times| *times == 1));
    }
}
