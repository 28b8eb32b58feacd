//! Credentials and registrations.

use super::*;

cases! {
    a_registration_keeps_its_password_unconfirmed,
    an_account_may_have_no_password,
    under_a_known_key_it_is_the_account_of_the_first_use,
    a_registration_that_was_ended_is_answered_again,
    a_key_with_another_request_is_refused,
    a_key_is_forgotten_in_time,
    many_under_one_key_at_once_are_one_account,
    ending_confirms_the_password_also_after_a_sweep,
    a_confirmed_password_stays_as_it_is,
    giving_up_forgets_password_and_key,
    giving_up_keeps_what_is_confirmed,
    at_most_100_unconfirmed_passwords_are_looked_after_at_a_time,
    settling_confirms_people_who_exist_and_forgets_the_others,
    an_upgrade_replaces_only_the_hash_that_it_knows,
    a_changed_password_ends_the_other_sessions,
    a_password_that_changed_in_the_meantime_is_not_changed,
}

fn key(id: u8) -> RegistrationKey {
    RegistrationKey {
        id: [id; 32],
        fingerprint: [1; 32],
        expires_at: at(1_000),
    }
}

async fn begin(
    fixture: &Fixture,
    user_id: Uuid,
    key: Option<&RegistrationKey>,
    hash: Option<&str>,
    seconds: i64,
) -> Result<Begun, Error> {
    fixture
        .store
        .begin_registration(user_id, key, hash, at(seconds))
        .await
}

async fn unconfirmed(fixture: &Fixture, seconds: i64) -> Vec<Uuid> {
    let unconfirmed = fixture.store.unconfirmed(at(seconds)).await;
    unconfirmed.expect("read")
}

async fn a_registration_keeps_its_password_unconfirmed(fixture: &Fixture) {
    let id = new_id(at(1));
    let begun = begin(fixture, id, None, Some("hash"), 1).await;
    assert_eq!(begun.expect("begun"), Begun::Open(id));
    assert_eq!(fixture.hash(id).await.as_deref(), Some("hash"));
    assert_eq!(unconfirmed(fixture, 2).await, [id]);
    assert!(unconfirmed(fixture, 1).await.is_empty());
    fixture.finish(id, None, Some("hash")).await;
    assert!(unconfirmed(fixture, 2).await.is_empty());
}

async fn an_account_may_have_no_password(fixture: &Fixture) {
    let (id, key) = (new_id(at(1)), key(1));
    let begun = begin(fixture, id, Some(&key), None, 1).await;
    assert_eq!(begun.expect("begun"), Begun::Open(id));
    assert!(fixture.finish(id, Some(&key), None).await);
    assert_eq!(fixture.hash(id).await, None);
}

async fn under_a_known_key_it_is_the_account_of_the_first_use(fixture: &Fixture) {
    let (first, second, key) = (new_id(at(1)), new_id(at(2)), key(1));
    let begun = begin(fixture, first, Some(&key), Some("one"), 1).await;
    assert_eq!(begun.expect("begun"), Begun::Open(first));
    let again = begin(fixture, second, Some(&key), Some("two"), 2).await;
    assert_eq!(again.expect("begun"), Begun::Open(first));
    assert_eq!(fixture.hash(first).await.as_deref(), Some("two"));
    assert_eq!(fixture.hash(second).await, None);
}

async fn a_registration_that_was_ended_is_answered_again(fixture: &Fixture) {
    let (id, key) = (new_id(at(1)), key(1));
    begin(fixture, id, Some(&key), Some("hash"), 1)
        .await
        .expect("begun");
    assert!(fixture.finish(id, Some(&key), Some("hash")).await);
    assert!(!fixture.finish(id, Some(&key), Some("hash")).await);
    let again = begin(fixture, new_id(at(2)), Some(&key), Some("other"), 2).await;
    let answer = b"answer".to_vec();
    assert_eq!(again.expect("begun"), Begun::Done { answer });
    assert_eq!(fixture.hash(id).await.as_deref(), Some("hash"));
}

async fn a_key_with_another_request_is_refused(fixture: &Fixture) {
    let (id, first) = (new_id(at(1)), key(1));
    begin(fixture, id, Some(&first), None, 1)
        .await
        .expect("begun");
    let other = RegistrationKey {
        fingerprint: [2; 32],
        ..first
    };
    for _ in ["open", "done"] {
        let refused = begin(fixture, id, Some(&other), Some("hash"), 2).await;
        let refused = refused.expect_err("refused");
        assert_eq!(refused.reason, "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(fixture.hash(id).await, None);
        fixture.finish(id, Some(&key(1)), None).await;
    }
}

async fn a_key_is_forgotten_in_time(fixture: &Fixture) {
    let (first, second, key) = (new_id(at(1)), new_id(at(2)), key(1));
    begin(fixture, first, Some(&key), None, 1)
        .await
        .expect("begun");
    let before = begin(fixture, second, Some(&key), None, 999).await;
    assert_eq!(before.expect("begun"), Begun::Open(first));
    let after = begin(fixture, second, Some(&key), None, 1_000).await;
    assert_eq!(after.expect("begun"), Begun::Open(second));
}

async fn many_under_one_key_at_once_are_one_account(fixture: &Fixture) {
    let key = key(1);
    let begin_one = async |number: i64| {
        let id = new_id(at(number));
        begin(fixture, id, Some(&key), Some("hash"), 1)
            .await
            .expect("begun")
    };
    let (a, b, c, d) = tokio::join!(begin_one(1), begin_one(2), begin_one(3), begin_one(4));
    assert!(a == b && b == c && c == d);
}

async fn ending_confirms_the_password_also_after_a_sweep(fixture: &Fixture) {
    let id = new_id(at(1));
    begin(fixture, id, None, Some("hash"), 1)
        .await
        .expect("begun");
    let swept = fixture.store.settle(&[], &[id], at(2)).await;
    swept.expect("settled");
    assert_eq!(fixture.hash(id).await, None);
    fixture.finish(id, None, Some("hash")).await;
    assert_eq!(fixture.hash(id).await.as_deref(), Some("hash"));
    assert!(unconfirmed(fixture, 10).await.is_empty());
}

async fn a_confirmed_password_stays_as_it_is(fixture: &Fixture) {
    let id = fixture.account().await;
    begin(fixture, id, None, Some("other"), 3)
        .await
        .expect("begun");
    fixture.finish(id, None, Some("other")).await;
    assert_eq!(fixture.hash(id).await.as_deref(), Some("hash"));
}

async fn giving_up_forgets_password_and_key(fixture: &Fixture) {
    let (id, key) = (new_id(at(1)), key(1));
    begin(fixture, id, Some(&key), Some("hash"), 1)
        .await
        .expect("begun");
    let given_up = fixture.store.abandon_registration(id, Some(&key)).await;
    given_up.expect("given up");
    assert_eq!(fixture.hash(id).await, None);
    let other = new_id(at(2));
    let begun = begin(fixture, other, Some(&key), None, 2).await;
    assert_eq!(begun.expect("begun"), Begun::Open(other));
}

async fn giving_up_keeps_what_is_confirmed(fixture: &Fixture) {
    let (id, key) = (new_id(at(1)), key(1));
    begin(fixture, id, Some(&key), Some("hash"), 1)
        .await
        .expect("begun");
    fixture.finish(id, Some(&key), Some("hash")).await;
    let given_up = fixture.store.abandon_registration(id, Some(&key)).await;
    given_up.expect("given up");
    assert_eq!(fixture.hash(id).await.as_deref(), Some("hash"));
    let begun = begin(fixture, new_id(at(2)), Some(&key), None, 2).await;
    assert!(matches!(begun.expect("begun"), Begun::Done { .. }));
}

async fn at_most_100_unconfirmed_passwords_are_looked_after_at_a_time(fixture: &Fixture) {
    for number in 1..=101 {
        begin(fixture, new_id(at(number)), None, Some("hash"), number)
            .await
            .expect("begun");
    }
    let oldest = unconfirmed(fixture, 1_000).await;
    assert_eq!(oldest.len(), 100);
    assert!(oldest.is_sorted());
}

async fn settling_confirms_people_who_exist_and_forgets_the_others(fixture: &Fixture) {
    let [existing, missing, renewed] = [1, 2, 3].map(|number| new_id(at(number)));
    for id in [existing, missing, renewed] {
        begin(fixture, id, None, Some("hash"), 1)
            .await
            .expect("begun");
    }
    // It is being made again right now.
    begin(fixture, renewed, None, Some("hash"), 50)
        .await
        .expect("begun");
    let confirmed = fixture.account().await;
    let settled = fixture
        .store
        .settle(&[existing], &[missing, renewed, confirmed], at(10))
        .await;
    settled.expect("settled");
    assert_eq!(fixture.hash(missing).await, None);
    for kept in [existing, renewed, confirmed] {
        assert_eq!(fixture.hash(kept).await.as_deref(), Some("hash"));
    }
    assert_eq!(unconfirmed(fixture, 1_000).await, [renewed]);
}

async fn an_upgrade_replaces_only_the_hash_that_it_knows(fixture: &Fixture) {
    let id = fixture.account().await;
    for (from, to, now) in [("hash", "better", "better"), ("hash", "late", "better")] {
        let upgraded = fixture.store.upgrade_password(id, from, to).await;
        upgraded.expect("done");
        assert_eq!(fixture.hash(id).await.as_deref(), Some(now));
    }
}

async fn a_changed_password_ends_the_other_sessions(fixture: &Fixture) {
    let id = fixture.account().await;
    let kept = fixture.session(id, 10).await;
    let other = fixture.session(id, 11).await;
    let stranger = fixture.account().await;
    let unconcerned = fixture.session(stranger, 12).await;
    let changed = fixture
        .store
        .change_password(id, "hash", "new", kept.id, &origin(20))
        .await;
    assert!(changed.expect("done"));
    assert_eq!(fixture.hash(id).await.as_deref(), Some("new"));
    assert_eq!(fixture.live(id, 21).await, [kept.id].into());
    assert_eq!(fixture.live(stranger, 21).await, [unconcerned.id].into());
    assert_eq!(fixture.revoked(21).await, [Revoked::Session(other.id)]);
    let kinds = fixture.database.event_kinds().await;
    assert_eq!(kinds[3..], ["session.revoked", "password.changed"]);
}

async fn a_password_that_changed_in_the_meantime_is_not_changed(fixture: &Fixture) {
    let id = fixture.account().await;
    let session = fixture.session(id, 10).await;
    let changed = fixture
        .store
        .change_password(id, "earlier", "new", Uuid::nil(), &origin(20))
        .await;
    assert!(!changed.expect("done"));
    assert_eq!(fixture.hash(id).await.as_deref(), Some("hash"));
    assert_eq!(fixture.live(id, 21).await, [session.id].into());
    assert_eq!(fixture.database.event_kinds().await, ["session.created"]);
}
