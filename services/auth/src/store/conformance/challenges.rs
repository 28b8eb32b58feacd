//! Sign-ins that wait for a code. Those that wait for a passkey stand in
//! [`super::passkeys`].

use super::{factors::Person, *};
use crate::{
    challenge::{Challenge, ChallengeHash},
    factors::Shown,
};

cases! {
    a_challenge_ends_with_the_right_answer,
    of_many_who_answer_a_challenge_at_once_one_gets_a_session,
    of_many_challenges_that_get_one_code_at_once_one_gets_a_session,
    of_many_challenges_that_get_one_recovery_code_at_once_one_gets_a_session,
    the_fifth_wrong_answer_ends_a_challenge,
    wrong_codes_are_counted_over_all_challenges,
    wrong_codes_at_once_are_all_counted,
    a_challenge_does_not_outlive_its_time,
    a_challenge_ends_with_its_password,
    a_challenge_outlives_an_upgrade_of_its_hash,
    a_challenge_ends_with_its_account,
    a_challenge_is_opened_by_the_password_of_now_only,
}

/// How many of these got a session.
fn opened(answered: &[Answered]) -> usize {
    let opened = answered.iter().filter(|one| **one == Answered::Opened);
    opened.count()
}

async fn a_challenge_ends_with_the_right_answer(fixture: &Fixture) {
    let person = Person::new(fixture).await;
    let hash = person.challenge(fixture, 3_030).await;
    let code = person.code(3_030);
    let first = person.answers(fixture, hash, Shown::Code(&code), 3_030);
    assert_eq!(first.await, Answered::Opened);
    assert_eq!(fixture.live(person.id, 3_031).await.len(), 1);
    let next = person.code(3_060);
    let again = person.answers(fixture, hash, Shown::Code(&next), 3_060);
    assert_eq!(again.await, Answered::Gone);
    let unknown = ChallengeHash([0; 32]);
    let none = person.answers(fixture, unknown, Shown::Code(&next), 3_060);
    assert_eq!(none.await, Answered::Gone);
}

async fn of_many_who_answer_a_challenge_at_once_one_gets_a_session(fixture: &Fixture) {
    let person = Person::new(fixture).await;
    let hash = person.challenge(fixture, 3_030).await;
    let code = person.code(3_030);
    let answers = person
        .recovery_codes
        .iter()
        .flat_map(|text| [Shown::RecoveryCode(text), Shown::Code(&code)])
        .map(|shown| person.answers(fixture, hash, shown, 3_030));
    let answered = futures::future::join_all(answers).await;
    assert_eq!((answered.len(), opened(&answered)), (20, 1));
    assert_eq!(fixture.live(person.id, 3_031).await.len(), 1);
}

/// What becomes of 20 challenges that get the same answer at once.
async fn twenty_at_once(fixture: &Fixture, person: &Person, shown: Shown<'_>) -> Vec<Answered> {
    let mut challenges = Vec::new();
    for _ in 0..20 {
        challenges.push(person.challenge(fixture, 3_030).await);
    }
    let answers = challenges
        .into_iter()
        .map(|hash| person.answers(fixture, hash, shown, 3_030));
    futures::future::join_all(answers).await
}

async fn of_many_challenges_that_get_one_code_at_once_one_gets_a_session(fixture: &Fixture) {
    let person = Person::new(fixture).await;
    let code = person.code(3_030);
    let answered = twenty_at_once(fixture, &person, Shown::Code(&code)).await;
    assert_eq!(opened(&answered), 1);
    assert_eq!(fixture.live(person.id, 3_031).await.len(), 1);
}

async fn of_many_challenges_that_get_one_recovery_code_at_once_one_gets_a_session(
    fixture: &Fixture,
) {
    let person = Person::new(fixture).await;
    let shown = Shown::RecoveryCode(&person.recovery_codes[0]);
    let answered = twenty_at_once(fixture, &person, shown).await;
    assert_eq!(opened(&answered), 1);
    let kinds = fixture.database.event_kinds().await;
    let used = kinds.iter().filter(|kind| *kind == "recovery_code.used");
    assert_eq!(used.count(), 1);
}

async fn the_fifth_wrong_answer_ends_a_challenge(fixture: &Fixture) {
    let person = Person::new(fixture).await;
    let hash = person.challenge(fixture, 3_030).await;
    for _ in 0..5 {
        let wrong = person.answers(fixture, hash, Shown::Code("000000"), 3_030);
        assert_eq!(wrong.await, Answered::Wrong);
    }
    let code = person.code(3_030);
    let late = person.answers(fixture, hash, Shown::Code(&code), 3_030);
    assert_eq!(late.await, Answered::Gone);
    let record = fixture.database.record().await;
    let failed: Vec<_> = record
        .iter()
        .filter(|(kind, ..)| kind == "sign_in.failed")
        .collect();
    assert_eq!(failed.len(), 5);
    let (_, subject, details, _) = failed[0];
    assert_eq!(subject.as_deref(), Some("user"));
    let expected = r#"{"method":"PASSWORD_AND_TOTP","reason":"WRONG_CREDENTIALS"}"#;
    assert_eq!(details.as_deref(), Some(expected));
    // The code is not used up by that.
    let hash = person.challenge(fixture, 3_030).await;
    let right = person.answers(fixture, hash, Shown::Code(&code), 3_030);
    assert_eq!(right.await, Answered::Opened);
}

async fn wrong_codes_are_counted_over_all_challenges(fixture: &Fixture) {
    let person = Person::new(fixture).await;
    for _ in 0..6 {
        let hash = person.challenge(fixture, 3_030).await;
        let wrong = person.answers(fixture, hash, Shown::Code("000000"), 3_030);
        assert_eq!(wrong.await, Answered::Wrong);
    }
    let hash = person.challenge(fixture, 3_030).await;
    let code = person.code(3_060);
    let early = person.answers(fixture, hash, Shown::Code(&code), 3_040);
    assert_eq!(early.await, Answered::Blocked(Duration::from_secs(20)));
    let right = person.answers(fixture, hash, Shown::Code(&code), 3_060);
    assert_eq!(right.await, Answered::Opened);
    assert_eq!(person.factors(fixture).await.failures, 0);
}

async fn wrong_codes_at_once_are_all_counted(fixture: &Fixture) {
    let person = Person::new(fixture).await;
    let answered = twenty_at_once(fixture, &person, Shown::Code("000000")).await;
    let wrong = answered.iter().filter(|one| **one == Answered::Wrong);
    assert_eq!(wrong.count(), 6);
    assert_eq!(person.factors(fixture).await.failures, 6);
}

async fn a_challenge_does_not_outlive_its_time(fixture: &Fixture) {
    let person = Person::new(fixture).await;
    let hash = person.challenge(fixture, 3_000).await;
    let read = async |seconds| {
        let challenge = fixture.store.challenge(hash, at(seconds)).await;
        challenge.expect("read")
    };
    assert_eq!(read(3_299).await.expect("there").user_id, person.id);
    assert_eq!(read(3_300).await, None);
    let code = person.code(3_300);
    let late = person.answers(fixture, hash, Shown::Code(&code), 3_300);
    assert_eq!(late.await, Answered::Gone);
}

async fn a_challenge_ends_with_its_password(fixture: &Fixture) {
    let person = Person::new(fixture).await;
    let hash = person.challenge(fixture, 3_030).await;
    let changed = fixture
        .store
        .change_password(person.id, "hash", "new", Uuid::nil(), &origin(3_031))
        .await;
    assert!(changed.expect("done"));
    let challenge = fixture.store.challenge(hash, at(3_032)).await;
    assert_eq!(challenge.expect("read"), None);
    let code = person.code(3_030);
    let late = person.answers(fixture, hash, Shown::Code(&code), 3_032);
    assert_eq!(late.await, Answered::Gone);
}

async fn a_challenge_outlives_an_upgrade_of_its_hash(fixture: &Fixture) {
    let person = Person::new(fixture).await;
    let hash = person.challenge(fixture, 3_030).await;
    let upgraded = fixture.store.upgrade_password(person.id, "hash", "better");
    upgraded.await.expect("done");
    let code = person.code(3_030);
    let right = person.answers(fixture, hash, Shown::Code(&code), 3_032);
    assert_eq!(right.await, Answered::Opened);
}

async fn a_challenge_ends_with_its_account(fixture: &Fixture) {
    let person = Person::new(fixture).await;
    let hash = person.challenge(fixture, 3_030).await;
    let deletion = Deletion {
        user_id: person.id,
        heir_id: None,
    };
    let begun = fixture.store.begin_deletion(deletion, at(3_031)).await;
    begun.expect("done");
    let code = person.code(3_030);
    let late = person.answers(fixture, hash, Shown::Code(&code), 3_032);
    assert_eq!(late.await, Answered::Gone);
}

async fn a_challenge_is_opened_by_the_password_of_now_only(fixture: &Fixture) {
    let person = Person::new(fixture).await;
    let (challenge, _) = Challenge::issue(person.id, at(3_000));
    let opened = fixture.store.open_challenge(&challenge, "earlier").await;
    assert!(!opened.expect("done"));
    let challenge = fixture.store.challenge(challenge.hash, at(3_001)).await;
    assert_eq!(challenge.expect("read"), None);
}
