//! A child and a parent in memory, with everything that can happen to them, until they agree.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

/// A case is its number and how often it changed.
type Cases = BTreeMap<i64, i64>;

#[derive(Debug, Clone, Default)]
struct Child {
    epoch: i64,
    newest: i64,
    events: BTreeMap<i64, i64>,
    cases: Cases,
    link: Option<Link>,
}

#[derive(Debug, Clone, Default)]
struct Parent {
    epoch: i64,
    known: Option<UpwardMark>,
    /// Case to (epoch, sequence, content).
    cases: BTreeMap<i64, (UpwardMark, i64)>,
}

#[derive(Debug, Clone)]
enum Happens {
    Changes(i64),
    Sends { answer_lost: bool },
    ChildSaved,
    ChildRestored,
    ParentSaved,
    ParentRestored,
    EventsLetGo,
}

const PAGE: usize = 3;

impl Child {
    fn own(&self) -> Own {
        Own {
            epoch: self.epoch,
            newest: self.newest,
            oldest: self
                .events
                .keys()
                .next()
                .copied()
                .unwrap_or(self.newest + 1),
        }
    }

    fn change(&mut self, case: i64) {
        self.newest += 1;
        self.events.insert(self.newest, case);
        *self.cases.entry(case).or_default() += 1;
    }
}

/// One request and its answer; tells whether there was something to send.
fn exchange(child: &mut Child, parent: &mut Parent, answer_lost: bool) -> bool {
    let told = |parent: &Parent| Told {
        known: parent.known,
        parent_epoch: parent.epoch,
    };
    let own = child.own();
    let link = reconcile(child.link, own, told(parent)).expect("nobody copies files here");
    let mut items: Vec<(i64, i64)> = Vec::new();
    let (covers, after, through);
    if let Some(pass) = link.pass {
        let page: Vec<i64> = child
            .cases
            .range(pass.case + 1..)
            .map(|(id, _)| *id)
            .take(PAGE)
            .collect();
        let ends = page.len() < PAGE;
        items.extend(page.iter().map(|id| (child.newest, *id)));
        let last = page.last().copied().unwrap_or(pass.case);
        covers = Covers::Cases {
            through: last,
            ends,
        };
        (after, through) = (None, ends.then_some(pass.head));
    } else {
        let page: Vec<(i64, i64)> = child
            .events
            .range(link.sequence + 1..)
            .map(|(s, c)| (*s, *c))
            .take(PAGE)
            .collect();
        let end = if page.len() < PAGE {
            child.newest
        } else {
            page[PAGE - 1].0
        };
        for (sequence, case) in page {
            items.retain(|(_, known)| *known != case);
            items.push((sequence, case));
        }
        covers = Covers::Events {
            after: link.sequence,
            through: end,
        };
        (after, through) = (Some(link.sequence), Some(end));
    }
    let work = !items.is_empty() || link.pass.is_some();
    for (sequence, case) in items {
        let mark = UpwardMark {
            epoch: child.epoch,
            sequence,
        };
        let content = child.cases[&case];
        let row = parent.cases.entry(case).or_insert((mark, content));
        if mark > row.0 {
            *row = (mark, content);
        }
    }
    parent.known = next_known(parent.known, child.epoch, after, through);
    if !answer_lost {
        child.link =
            Some(settled(link, covers, own, told(parent)).expect("nobody copies files here"));
    }
    work || answer_lost
}

fn agree(child: &mut Child, parent: &mut Parent) -> Result<(), TestCaseError> {
    for _ in 0..1_000 {
        if !exchange(child, parent, false) {
            let there: Cases = parent
                .cases
                .iter()
                .map(|(id, (_, content))| (*id, *content))
                .collect();
            // What a restore took from the child is still at the parent, marked as lost there.
            let shared: Cases = there
                .into_iter()
                .filter(|(id, _)| child.cases.contains_key(id))
                .collect();
            prop_assert_eq!(&shared, &child.cases);
            return Ok(());
        }
    }
    Err(TestCaseError::fail("they never come to an end"))
}

fn happens() -> impl Strategy<Value = Happens> {
    prop_oneof![
        8 => (1i64..12).prop_map(Happens::Changes),
        6 => any::<bool>().prop_map(|answer_lost| Happens::Sends { answer_lost }),
        1 => Just(Happens::ChildSaved),
        1 => Just(Happens::ChildRestored),
        1 => Just(Happens::ParentSaved),
        1 => Just(Happens::ParentRestored),
        1 => Just(Happens::EventsLetGo),
    ]
}

proptest! {
    #[test]
    fn whatever_happens_both_sides_come_to_the_same_cases(story in prop::collection::vec(happens(), 0..120)) {
        let mut child = Child { epoch: 1, ..Child::default() };
        let mut parent = Parent { epoch: 1, ..Parent::default() };
        let (mut saved_child, mut saved_parent) = (child.clone(), parent.clone());
        let (mut lives, mut parent_lives) = (1, 1);
        for event in story {
            match event {
                Happens::Changes(case) => child.change(case),
                Happens::Sends { answer_lost } => {
                    exchange(&mut child, &mut parent, answer_lost);
                }
                Happens::ChildSaved => saved_child = child.clone(),
                Happens::ChildRestored => {
                    lives += 1;
                    child = saved_child.clone();
                    child.epoch = lives;
                    child.newest += 1_000_000 * lives;
                }
                Happens::ParentSaved => saved_parent = parent.clone(),
                Happens::ParentRestored => {
                    parent_lives += 1;
                    parent = saved_parent.clone();
                    parent.epoch = parent_lives;
                }
                Happens::EventsLetGo => {
                    let half = child.events.len() / 2;
                    child.events = child.events.split_off(&child.events.keys().nth(half).copied().unwrap_or(0));
                }
            }
        }
        agree(&mut child, &mut parent)?;
    }
}

fn own(epoch: i64, oldest: i64, newest: i64) -> Own {
    Own {
        epoch,
        newest,
        oldest,
    }
}

fn told(epoch: i64, sequence: i64, parent_epoch: i64) -> Told {
    Told {
        known: Some(UpwardMark { epoch, sequence }),
        parent_epoch,
    }
}

const FOLLOWS: Link = Link {
    epoch: 1,
    sequence: 50,
    parent_epoch: 1,
    pass: None,
};

#[test]
fn restored_parent_is_told_again_from_where_it_is() {
    let link = reconcile(Some(FOLLOWS), own(1, 1, 60), told(1, 20, 2)).unwrap();
    assert_eq!((link.sequence, link.pass, link.parent_epoch), (20, None, 2));
}

#[test]
fn events_that_are_gone_are_replaced_by_a_pass() {
    let link = reconcile(Some(FOLLOWS), own(1, 31, 60), told(1, 20, 2)).unwrap();
    assert_eq!(link.pass, Some(Pass { head: 60, case: 0 }));
    let kept = reconcile(Some(FOLLOWS), own(1, 21, 60), told(1, 20, 2)).unwrap();
    assert_eq!(kept.pass, None);
}

#[test]
fn lost_answer_is_no_reason_to_skip_what_was_not_settled() {
    let link = reconcile(Some(FOLLOWS), own(1, 1, 60), told(1, 55, 1)).unwrap();
    assert_eq!(link.sequence, 50);
}

#[test]
fn store_that_was_set_back_by_copying_a_file_sends_nothing() {
    let refused = reconcile(Some(FOLLOWS), own(1, 1, 60), told(1, 61, 1)).unwrap_err();
    assert!(refused.to_string().contains("hub restore"), "{refused}");
}

#[test]
fn mark_moves_only_over_what_joins_it() {
    let at = |sequence| Some(UpwardMark { epoch: 1, sequence });
    assert_eq!(next_known(at(20), 1, Some(20), Some(30)), at(30));
    assert_eq!(next_known(at(20), 1, Some(10), Some(15)), at(20));
    assert_eq!(next_known(at(20), 1, Some(21), Some(30)), at(20), "a gap");
    assert_eq!(next_known(None, 1, Some(0), Some(30)), None, "no pass yet");
    assert_eq!(next_known(None, 1, None, Some(30)), at(30));
    assert_eq!(
        next_known(at(20), 2, Some(20), Some(30)),
        at(20),
        "another life"
    );
}
