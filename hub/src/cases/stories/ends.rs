//! How cases end: checks, two persons, force, merging, opening again, appeals, drills.

use super::*;

#[test]
fn condition_that_wants_quiet_sensors_cannot_be_ticked_before() {
    let mut story = Story::new("underpass", Kind::WaterLevel, Severity::P2);
    let duty = duty();
    story.go(
        &duty,
        Action::File,
        Details {
            mode: Some(Mode::Immediate),
            ..condition("seen_on_site")
        },
    );
    let evidence = Details {
        evidence: vec![photo()],
        ..none()
    };
    story.go(&duty, Action::Settle, evidence);
    let li = person("li", Role::ShiftLeader);
    assert_eq!(
        story.missing(&li, Action::Close, ticked("water_gone")),
        ["alerts"]
    );
    story.case.alerts_active = 0;
    assert_eq!(
        story.go(&li, Action::Close, ticked("water_gone")),
        State::Closed
    );
}

#[test]
fn cleared_alarm_shortens_the_check_and_closes_nothing() {
    let mut story = Story::leak();
    story.handled();
    story.case.alerts_active = 0;
    story.go(&worker(), Action::Feedback, none());
    assert_eq!(
        story.missing(&duty(), Action::Close, ticked("stopped")),
        ["check"]
    );
    story.go(&duty(), Action::Check, none());
    assert_eq!(
        story.go(&duty(), Action::Close, ticked("stopped")),
        State::Closed
    );
}

#[test]
fn p1_is_ended_by_two_persons_one_of_them_a_senior() {
    let mut story = Story::new("kitchen", Kind::Smoke, Severity::P1);
    let (wang, zhang) = (duty(), person("zhang", Role::DutyOfficer));
    story.go(&wang, Action::Reject, condition("false_alarm"));
    assert_eq!(story.case.state, State::Reported);
    for who in [&wang, &zhang] {
        let refused = story.act(who, Action::Reject, none());
        assert!(
            matches!(refused, Err(Refusal::SecondPersonNeeded { .. })),
            "{refused:?}"
        );
    }
    let li = person("li", Role::ShiftLeader);
    assert_eq!(
        story.go(&li, Action::Reject, none()),
        State::Rejected,
        "the cause is the first one's"
    );
    assert_eq!(
        story.case.progress.rejected_as.as_deref(),
        Some("false_alarm")
    );
}

#[test]
fn closing_by_force_takes_a_leader_and_a_second_person() {
    let mut story = Story::leak();
    story.handled();
    let (leader, li) = (
        person("boss", Role::Leader),
        person("li", Role::ShiftLeader),
    );
    assert!(matches!(
        story.act(&li, Action::ForceClose, none()),
        Err(Refusal::NotAllowed { .. })
    ));
    assert_eq!(
        story.go(&leader, Action::ForceClose, none()),
        State::Handling
    );
    assert!(matches!(
        story.act(&leader, Action::ForceClose, none()),
        Err(Refusal::SecondPersonNeeded { .. })
    ));
    assert_eq!(
        story.go(&li, Action::ForceClose, none()),
        State::ForcedClosed
    );
    assert!(story.case.ended_at.is_some());
}

fn closed() -> Story {
    let mut story = Story::leak();
    story.handled();
    story.case.alerts_active = 0;
    story.go(&worker(), Action::Feedback, none());
    story.go(&duty(), Action::Check, none());
    story.go(&duty(), Action::Close, ticked("stopped"));
    story
}

#[test]
fn closed_case_is_opened_again_within_three_days() {
    let mut story = closed();
    story.now += 3 * DAY;
    assert_eq!(story.missing(&duty(), Action::Reopen, none()), ["reopen"]);
    let mut story = closed();
    story.now += 3 * DAY - HOUR;
    assert_eq!(story.go(&duty(), Action::Reopen, none()), State::Reported);
    assert_eq!(story.case.progress.reopened, 1);
    assert_eq!(
        (story.case.ended_at, story.case.progress.unit.clone()),
        (None, None)
    );
    assert!(
        story.case.progress.handlers.contains(&"zhao".to_owned()),
        "he still may not close it"
    );
}

#[test]
fn appeal_is_made_once_and_takes_two_reviews_by_two_people() {
    let mut story = closed();
    let (wu, boss) = (person("wu", Role::Supervisor), person("boss", Role::Leader));
    story.go(&chief(), Action::Appeal, none());
    assert_eq!(story.missing(&chief(), Action::Appeal, none()), ["appeal"]);
    assert_eq!(
        timers::next(&story.case),
        None,
        "an appeal holds the archiving back"
    );
    story.go(&wu, Action::Review, yes(true));
    assert_eq!(
        story.missing(&wu, Action::Review, yes(true)),
        ["second_person"]
    );
    let score = Details {
        score: Some(3),
        ..none()
    };
    assert_eq!(
        story.missing(&wu, Action::Evaluate, score.clone()),
        ["appeal"]
    );
    story.go(&boss, Action::Review, yes(false));
    assert_eq!(
        story.case.progress.appeal.as_ref().unwrap().succeeded(),
        Some(false)
    );
    assert_eq!(story.go(&wu, Action::Evaluate, score), State::Evaluated);
}

#[test]
fn closed_case_is_archived_after_a_week() {
    let mut story = closed();
    let due = timers::next(&story.case).unwrap();
    assert_eq!(due, story.case.ended_at.unwrap().plus_ms(7 * DAY));
    {
        let dues = story.shipped.dues(&story.case, due);
        timers::fire(&mut story.case, &dues, due)
    }
    .unwrap();
    assert_eq!(story.case.state, State::Evaluated);
    assert_eq!(timers::next(&story.case), None);
}

#[test]
fn card_is_taken_back_by_who_gave_it_or_by_a_leader() {
    let mut story = Story::leak();
    let card = |card| Details {
        card: Some(card),
        ..none()
    };
    let (wu, he) = (
        person("wu", Role::Supervisor),
        person("he", Role::Supervisor),
    );
    assert_eq!(
        story.missing(&wu, Action::SetCard, card(Card::None)),
        ["card"]
    );
    story.go(&wu, Action::SetCard, card(Card::Yellow));
    assert_eq!(
        story.missing(&he, Action::SetCard, card(Card::None)),
        ["card"]
    );
    story.go(
        &person("boss", Role::Leader),
        Action::SetCard,
        card(Card::None),
    );
    assert_eq!(
        (
            story.case.progress.card,
            story.case.progress.card_by.as_deref()
        ),
        (Card::None, None)
    );
}

#[test]
fn merged_case_leaves_its_alerts_with_the_other_one_and_takes_them_back() {
    let mut story = Story::leak();
    let mut master = Story::new("kitchen", Kind::WaterLeak, Severity::P4).case;
    master.id = 2;
    let into = Details {
        case: Some(2),
        ..none()
    };
    assert_eq!(
        story.missing(&duty(), Action::Merge, into.clone()),
        ["case"],
        "there is none"
    );
    let mut drill = master.clone();
    drill.is_drill = true;
    for (other, fits) in [(&drill, false), (&master, true)] {
        let request = actions::Request {
            action: Action::Merge,
            reason: Some("same leak".into()),
            details: into.clone(),
            version: story.case.version,
        };
        let context = story.shipped.context(&story.case, Some(other), at(2_000));
        let decided = actions::apply(&mut story.case, &request, &duty(), &context, at(2_000));
        assert_eq!(decided.is_ok(), fits, "{decided:?}");
    }
    merge::take_in(&mut master, &mut story.case, at(2_000));
    assert_eq!(story.case.state, State::Merged);
    assert_eq!(
        (
            story.case.alert_count,
            master.alert_count,
            master.alerts_active
        ),
        (0, 2, 2)
    );
    assert_eq!(
        (master.severity, master.devices.len()),
        (Severity::P3, 2),
        "no urgency is lost"
    );
    let undo = actions::Request {
        action: Action::UndoMerge,
        reason: Some("two leaks".into()),
        details: none(),
        version: story.case.version,
    };
    let copy = master.clone();
    let context = story.shipped.context(&story.case, Some(&copy), at(3_000));
    actions::apply(&mut story.case, &undo, &duty(), &context, at(3_000)).unwrap();
    let moving = merge::Counts {
        alerts: 1,
        active: 0,
    };
    merge::give_back(&mut master, &mut story.case, moving, at(3_000));
    assert_eq!(
        (story.case.state, story.case.ended_at),
        (State::Reported, None)
    );
    assert_eq!(
        (
            story.case.alert_count,
            master.alert_count,
            master.alerts_active
        ),
        (1, 1, 2)
    );
    assert!(master.progress.took_in.is_empty());
}

#[test]
fn drill_travels_the_whole_path_as_a_drill() {
    let mut story = Story::leak();
    story.case.is_drill = true;
    story.handled();
    story.go(&worker(), Action::Feedback, none());
    story.go(&duty(), Action::Check, none());
    story.go(&person("li", Role::Checker), Action::Checked, yes(true));
    assert_eq!(
        story.go(&duty(), Action::Close, ticked("stopped")),
        State::Closed
    );
    assert!(story.case.is_drill);
}

#[test]
fn hub_gives_cards_to_late_cases_and_never_a_milder_one() {
    let give =
        |case: &mut Case, card, now| timers::give_card(case, card, text("超时", "late"), now);
    let mut story = Story::leak();
    let (row, _) = give(&mut story.case, Card::Yellow, at(DAY)).unwrap();
    assert!(table::permits(&row.action, row.from, row.to));
    assert_eq!(give(&mut story.case, Card::Yellow, at(DAY)), None);
    assert!(give(&mut story.case, Card::Red, at(2 * DAY)).is_some());
    assert_eq!(give(&mut story.case, Card::Yellow, at(3 * DAY)), None);
    assert_eq!(story.case.progress.card, Card::Red);
    let card = Details {
        card: Some(Card::None),
        ..none()
    };
    let wu = person("wu", Role::Supervisor);
    assert_eq!(story.missing(&wu, Action::SetCard, card.clone()), ["card"]);
    story.go(&person("boss", Role::Leader), Action::SetCard, card);
    let mut ended = closed();
    assert_eq!(give(&mut ended.case, Card::Red, at(9 * DAY)), None);
}
