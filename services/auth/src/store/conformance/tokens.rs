//! Signing keys and revocations.

use super::*;

cases! {
    signing_keys_stand_in_the_order_in_which_they_become_active,
    a_key_is_added_only_after_the_newest_that_its_maker_knows,
    of_many_processes_one_adds_a_key,
    a_removed_key_leaves_its_place_to_its_successor,
    removing_an_unknown_key_adds_nothing,
    revocations_follow_a_cursor_until_they_expire,
    the_tokens_of_a_person_are_revoked_and_its_sessions_go_on,
}

fn key(kid: &str, active_from: i64) -> SealedKey {
    SealedKey {
        kid: kid.to_owned(),
        public_key: vec![1; 32],
        sealed: vec![2; 100],
        created_at: at(1),
        active_from: at(active_from),
    }
}

async fn add(fixture: &Fixture, key: &SealedKey, newest: Option<&str>) -> bool {
    let added = fixture.store.add_signing_key(key, newest).await;
    added.expect("done")
}

async fn keys(fixture: &Fixture) -> Vec<SealedKey> {
    fixture.store.signing_keys().await.expect("read")
}

async fn signing_keys_stand_in_the_order_in_which_they_become_active(fixture: &Fixture) {
    let [late, early] = [key("late", 20), key("early", 10)];
    assert!(add(fixture, &late, None).await);
    assert!(add(fixture, &early, Some("late")).await);
    assert_eq!(keys(fixture).await, [early, late]);
}

async fn a_key_is_added_only_after_the_newest_that_its_maker_knows(fixture: &Fixture) {
    assert!(!add(fixture, &key("a", 1), Some("none")).await);
    assert!(add(fixture, &key("a", 1), None).await);
    assert!(!add(fixture, &key("b", 2), None).await);
    assert!(add(fixture, &key("b", 2), Some("a")).await);
    assert!(!add(fixture, &key("c", 3), Some("a")).await);
    assert_eq!(keys(fixture).await.len(), 2);
}

async fn of_many_processes_one_adds_a_key(fixture: &Fixture) {
    let [a, b, c] = [key("a", 1), key("b", 1), key("c", 1)];
    let added: [bool; 3] = tokio::join!(
        add(fixture, &a, None),
        add(fixture, &b, None),
        add(fixture, &c, None)
    )
    .into();
    assert_eq!(added.iter().filter(|added| **added).count(), 1);
    assert_eq!(keys(fixture).await.len(), 1);
}

async fn a_removed_key_leaves_its_place_to_its_successor(fixture: &Fixture) {
    assert!(add(fixture, &key("a", 1), None).await);
    let successor = key("b", 2);
    let removed = fixture.store.remove_signing_key("a", Some(&successor));
    assert!(removed.await.expect("done"));
    assert_eq!(keys(fixture).await, [successor]);
}

async fn removing_an_unknown_key_adds_nothing(fixture: &Fixture) {
    let removed = fixture
        .store
        .remove_signing_key("a", Some(&key("b", 2)))
        .await;
    assert!(!removed.expect("done"));
    assert!(keys(fixture).await.is_empty());
}

async fn revocations_follow_a_cursor_until_they_expire(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let mut sessions = Vec::new();
    for seconds in [10, 11, 12] {
        let id = fixture.session(user_id, seconds).await.id;
        let reason = EndReason::Revoked;
        let ended = fixture
            .store
            .end_session(user_id, id, reason, &origin(seconds))
            .await;
        assert!(ended.expect("done"));
        sessions.push(Revoked::Session(id));
    }
    assert_eq!(fixture.revoked(20).await, sessions);
    let all = fixture.store.revocations(Cursor::default(), at(20)).await;
    let all = all.expect("read");
    assert!(all.is_sorted_by_key(|revocation| revocation.cursor));
    assert_eq!(all[0].revoked_at, at(10));
    let expires_at = all[0].expires_at;
    assert!(expires_at > at(10) + ACCESS_TTL);
    let after = fixture.store.revocations(all[1].cursor, at(20)).await;
    assert_eq!(after.expect("read")[0].tokens, sessions[2]);
    let late = fixture.store.revocations(Cursor::default(), expires_at);
    assert_eq!(late.await.expect("read").len(), 2);
}

async fn the_tokens_of_a_person_are_revoked_and_its_sessions_go_on(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let session = fixture.session(user_id, 10).await;
    let revoked = fixture.store.revoke_tokens(user_id, &origin(20)).await;
    revoked.expect("done");
    let revocations = fixture.store.revocations(Cursor::default(), at(21)).await;
    let revocations = revocations.expect("read");
    assert_eq!(revocations[0].tokens, Revoked::User(user_id));
    assert_eq!(revocations[0].revoked_at, at(20));
    let found = fixture.store.session(session.id, at(21)).await;
    assert!(found.expect("read").is_some());
}

/// On PostgreSQL a transaction may end long after others that began later.
#[tokio::test]
async fn nothing_appears_before_what_is_settled() {
    let fixture = Fixture::new(testing::postgres(&MIGRATIONS).await);
    let Database::Postgres(database) = &fixture.database.database else {
        unreachable!("it is PostgreSQL");
    };
    let mut slow = database.pool.pool().begin().await.expect("begun");
    sqlx::query("INSERT INTO revocations (user_id, revoked_at, expires_at) VALUES ($1, $2, $3)")
        .bind(Uuid::nil())
        .bind(at(1))
        .bind(at(1_000))
        .execute(&mut *slow)
        .await
        .expect("inserted");
    let user_id = fixture.account().await;
    let session = fixture.session(user_id, 10).await;
    let reason = EndReason::Revoked;
    let ended = fixture
        .store
        .end_session(user_id, session.id, reason, &origin(20))
        .await;
    assert!(ended.expect("done"));
    let read = async || {
        let revocations = fixture.store.revocations(Cursor::default(), at(21)).await;
        revocations.expect("read")
    };
    let early = read().await;
    assert_eq!(early.len(), 1, "what is committed is seen at once");
    assert!(!early[0].is_settled);
    slow.commit().await.expect("committed");
    let all = read().await;
    assert_eq!(all[0].tokens, Revoked::User(Uuid::nil()));
    assert_eq!(all[1].cursor, early[0].cursor);
    fixture.close().await;
}
