//! Sessions.

use portico_chassis::page::{Bookmark, SortKey};

use super::*;

cases! {
    a_session_is_found_again_until_it_expires,
    opening_a_session_confirms_the_password,
    no_session_opens_after_the_password_changed,
    a_sign_in_during_a_password_change_does_not_survive_it,
    who_was_read_before_a_noted_version_is_outdated,
    a_version_is_noted_when_the_sessions_by_earlier_ones_are_there,
    whoever_signs_in_as_always_is_looked_at_no_less,
    sessions_are_listed_by_last_use_and_then_by_id,
    a_cursor_walk_meets_each_session_once,
    a_refresh_replaces_the_token,
    a_reused_token_ends_its_session,
    many_refreshes_at_once_get_the_same_session,
    nobody_there_is_not_refreshed,
    a_proof_of_identity_is_noted,
    a_person_ends_its_own_sessions_only,
    all_sessions_end_together,
    what_has_expired_is_forgotten,
    events_hold_no_secret,
}

async fn refresh(
    fixture: &Fixture,
    session: &Session,
    generation: u32,
    seconds: i64,
) -> Option<Refreshed> {
    let refreshed = fixture
        .store
        .refresh_session(
            session.id,
            generation,
            &visit(seconds),
            TTL,
            &origin(seconds),
        )
        .await;
    refreshed.expect("done")
}

async fn read(fixture: &Fixture, id: Uuid, seconds: i64) -> Option<Session> {
    fixture.store.session(id, at(seconds)).await.expect("read")
}

async fn a_session_is_found_again_until_it_expires(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let session = fixture.session(user_id, 10).await;
    assert_eq!(
        read(fixture, session.id, 3_609).await,
        Some(session.clone())
    );
    assert_eq!(read(fixture, session.id, 3_610).await, None);
    assert!(fixture.live(user_id, 3_610).await.is_empty());
    assert_eq!(refresh(fixture, &session, 1, 3_610).await, None);
}

async fn opening_a_session_confirms_the_password(fixture: &Fixture) {
    let user_id = new_id(at(1));
    let begun = fixture
        .store
        .begin_registration(user_id, None, Some("hash"), at(1));
    begun.await.expect("begun");
    fixture.session(user_id, 10).await;
    let unconfirmed = fixture.store.unconfirmed(at(100)).await;
    assert!(unconfirmed.expect("read").is_empty());
}

async fn no_session_opens_after_the_password_changed(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let session = Session::begin(user_id, &visit(10), TTL);
    let opened = fixture
        .store
        .open_session(&session, verified("other"), &origin(10))
        .await;
    assert_eq!(opened.expect("done"), None);
    assert_eq!(read(fixture, session.id, 11).await, None);
    assert!(fixture.database.events().await.is_empty());
}

async fn a_sign_in_during_a_password_change_does_not_survive_it(fixture: &Fixture) {
    for _ in 0..10 {
        let user_id = fixture.account().await;
        let kept = fixture.session(user_id, 10).await;
        let session = Session::begin(user_id, &visit(11), TTL);
        let origin = origin(11);
        let (opened, changed) = tokio::join!(
            fixture
                .store
                .open_session(&session, verified("hash"), &origin),
            fixture
                .store
                .change_password(user_id, "hash", "new", kept.id, &origin)
        );
        opened.expect("done");
        assert!(changed.expect("done"));
        assert_eq!(fixture.live(user_id, 12).await, [kept.id].into());
    }
}

async fn who_was_read_before_a_noted_version_is_outdated(fixture: &Fixture) {
    let (ada, bob) = (fixture.account().await, fixture.account().await);
    let known = async |user_id, version| {
        let session = Session::begin(user_id, &visit(10), TTL);
        let verified = Verified {
            version,
            ..verified("hash")
        };
        let opened = fixture
            .store
            .open_session(&session, verified, &origin(10))
            .await;
        opened.expect("done").expect("opened")
    };
    for noted in [3, 5, 4] {
        fixture.store.note_person(ada, noted).await.expect("noted");
    }
    assert_eq!(known(ada, 4).await, Knowledge::Outdated);
    assert_eq!(known(ada, 5).await, Knowledge::Current);
    assert_eq!(known(bob, 1).await, Knowledge::Current);
    assert_eq!(fixture.live(ada, 11).await.len(), 2);
}

async fn a_version_is_noted_when_the_sessions_by_earlier_ones_are_there(fixture: &Fixture) {
    for round in 0..10 {
        let user_id = fixture.account().await;
        if round % 2 == 0 {
            fixture.session(user_id, 9).await;
        }
        let session = Session::begin(user_id, &visit(10), TTL);
        let origin = origin(10);
        let noted = async {
            let noted = fixture.store.note_person(user_id, 2).await;
            noted.expect("noted");
            fixture.live(user_id, 11).await
        };
        let opened = fixture
            .store
            .open_session(&session, verified("hash"), &origin);
        let (opened, live) = tokio::join!(opened, noted);
        let opened = opened.expect("done").expect("opened");
        assert!(opened == Knowledge::Outdated || live.contains(&session.id));
    }
}

async fn whoever_signs_in_as_always_is_looked_at_no_less(fixture: &Fixture) {
    let user_id = fixture.account().await;
    fixture.session(user_id, 10).await;
    let open = async |hash, seconds| {
        let session = Session::begin(user_id, &visit(seconds), TTL);
        let origin = origin(seconds);
        let opened = fixture
            .store
            .open_session(&session, verified(hash), &origin)
            .await;
        opened.expect("done")
    };
    assert_eq!(open("hash", 11).await, Some(Knowledge::Current));
    assert_eq!(open("other", 12).await, None);
    let deletion = Deletion {
        user_id,
        heir_id: None,
    };
    let begun = fixture.store.begin_deletion(deletion, at(13)).await;
    begun.expect("begun");
    assert_eq!(open("hash", 14).await, None);
    let cancelled = fixture.store.cancel_deletion(user_id).await;
    cancelled.expect("cancelled");
    let noted = fixture.store.note_person(user_id, 2).await;
    noted.expect("noted");
    assert_eq!(open("hash", 15).await, Some(Knowledge::Outdated));
    assert_eq!(fixture.live(user_id, 16).await.len(), 3);
    let kinds = fixture.database.event_kinds().await;
    assert_eq!(kinds, ["session.created"; 3]);
}

async fn sessions_are_listed_by_last_use_and_then_by_id(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let first = fixture.session(user_id, 10).await;
    let mut ties = [
        fixture.session(user_id, 11).await.id,
        fixture.session(user_id, 11).await.id,
    ];
    ties.sort();
    fixture.session(fixture.account().await, 12).await;
    refresh(fixture, &first, 1, 20).await;
    let page = fixture
        .store
        .sessions(user_id, &paging(None, 2, None), at(21))
        .await
        .expect("listed");
    let ids: Vec<Uuid> = page.items.iter().map(|session| session.id).collect();
    assert_eq!(ids, [first.id, ties[1]]);
    assert!(page.has_more);
    assert_eq!(page.total.rows, 3);
    let second = fixture
        .store
        .sessions(user_id, &paging(Some(2), 2, None), at(21))
        .await
        .expect("listed");
    assert_eq!(second.items[0].id, ties[0]);
}

async fn a_cursor_walk_meets_each_session_once(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let mut expected = BTreeSet::new();
    for number in 0..5 {
        expected.insert(fixture.session(user_id, 10 + number / 2).await.id);
    }
    let mut met = Vec::new();
    let mut cursor: Option<String> = None;
    loop {
        let paging = paging(None, 2, cursor.as_deref());
        let page = fixture.store.sessions(user_id, &paging, at(20)).await;
        let page = page.expect("listed");
        met.extend(page.items.iter().map(|session| session.id));
        let info = page.info(&paging, |session| Bookmark {
            key: SortKey::Time(session.last_seen_at),
            id: session.id,
        });
        // A sign-in in the meantime stands before the walk.
        fixture.session(user_id, 19).await;
        match info.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(met.len(), 5);
    assert_eq!(met.into_iter().collect::<BTreeSet<_>>(), expected);
}

async fn a_refresh_replaces_the_token(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let session = fixture.session(user_id, 10).await;
    let refreshed = refresh(fixture, &session, 1, 20).await;
    let Some(Refreshed::Continued(refreshed)) = refreshed else {
        panic!("{refreshed:?}");
    };
    assert_eq!((refreshed.generation, refreshed.last_seen_at), (2, at(20)));
    assert_eq!(read(fixture, session.id, 21).await, Some(refreshed));
    assert_eq!(fixture.database.event_kinds().await, ["session.created"]);
}

async fn a_reused_token_ends_its_session(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let session = fixture.session(user_id, 10).await;
    let other = fixture.session(user_id, 10).await;
    refresh(fixture, &session, 1, 20).await;
    let reused = refresh(fixture, &session, 1, 51).await;
    assert_eq!(reused, Some(Refreshed::Reused));
    assert_eq!(fixture.live(user_id, 52).await, [other.id].into());
    assert_eq!(fixture.revoked(52).await, [Revoked::Session(session.id)]);
    let events = fixture.database.events().await;
    let (kind, payload) = events.last().expect("an event");
    assert_eq!(kind, "session.revoked");
    assert!(payload.contains("\"reason\":\"TOKEN_REUSED\""), "{payload}");
}

async fn many_refreshes_at_once_get_the_same_session(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let session = fixture.session(user_id, 10).await;
    let (a, b, c, d) = tokio::join!(
        refresh(fixture, &session, 1, 20),
        refresh(fixture, &session, 1, 20),
        refresh(fixture, &session, 1, 20),
        refresh(fixture, &session, 1, 20),
    );
    assert!(matches!(&a, Some(Refreshed::Continued(session)) if session.generation == 2));
    assert!(a == b && b == c && c == d);
}

async fn nobody_there_is_not_refreshed(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let session = Session::begin(user_id, &visit(10), TTL);
    assert_eq!(refresh(fixture, &session, 1, 20).await, None);
}

async fn a_proof_of_identity_is_noted(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let session = fixture.session(user_id, 10).await;
    let noted = fixture.store.reauthenticate(session.id, &origin(30)).await;
    assert!(noted.expect("done"));
    let session = read(fixture, session.id, 31).await.expect("there");
    assert_eq!(session.authenticated_at, at(30));
    assert_eq!(session.last_seen_at, at(10));
    let nobody = fixture.store.reauthenticate(Uuid::nil(), &origin(30)).await;
    assert!(!nobody.expect("done"));
}

async fn a_person_ends_its_own_sessions_only(fixture: &Fixture) {
    let [user_id, stranger] = [fixture.account().await, fixture.account().await];
    let session = fixture.session(user_id, 10).await;
    for (by, was_there) in [(stranger, false), (user_id, true), (user_id, false)] {
        let reason = EndReason::Revoked;
        let ended = fixture
            .store
            .end_session(by, session.id, reason, &origin(20))
            .await;
        assert_eq!(ended.expect("done"), was_there);
    }
    assert_eq!(fixture.revoked(21).await, [Revoked::Session(session.id)]);
    assert_eq!(
        fixture.database.event_kinds().await,
        ["session.created", "session.revoked"]
    );
}

async fn all_sessions_end_together(fixture: &Fixture) {
    let [user_id, stranger] = [fixture.account().await, fixture.account().await];
    let sessions = [
        fixture.session(user_id, 10).await.id,
        fixture.session(user_id, 11).await.id,
    ];
    let unconcerned = fixture.session(stranger, 12).await;
    let ended = fixture
        .store
        .end_sessions(user_id, EndReason::SignedOut, &origin(20))
        .await;
    ended.expect("done");
    assert!(fixture.live(user_id, 21).await.is_empty());
    assert_eq!(fixture.live(stranger, 21).await, [unconcerned.id].into());
    let mut revoked = fixture.revoked(21).await;
    revoked.sort_by_key(|revoked| *revoked != Revoked::Session(sessions[0]));
    assert_eq!(revoked, sessions.map(Revoked::Session));
}

async fn what_has_expired_is_forgotten(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let expired = fixture.session(user_id, 10).await;
    let live = fixture.session(user_id, 1_000).await;
    let ended = fixture.session(user_id, 1_000).await;
    let reason = EndReason::Revoked;
    let done = fixture
        .store
        .end_session(user_id, ended.id, reason, &origin(1_000))
        .await;
    assert!(done.expect("done"));
    let forgotten = fixture.store.forget_expired(at(3_700)).await;
    forgotten.expect("forgotten");
    // Asked for a time when they were still there.
    assert_eq!(read(fixture, expired.id, 100).await, None);
    assert!(fixture.revoked(1_000).await.is_empty());
    assert!(read(fixture, live.id, 100).await.is_some());
}

async fn events_hold_no_secret(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let session = fixture.session(user_id, 10).await;
    let changed = fixture
        .store
        .change_password(user_id, "hash", "new-hash", Uuid::nil(), &origin(20))
        .await;
    assert!(changed.expect("done"));
    let events = fixture.database.events().await;
    assert_eq!(events.len(), 3);
    let seed = format!("{:?}", session.seed).replace(' ', "");
    for (kind, payload) in events {
        assert!(payload.contains(&user_id.to_string()), "{kind}: {payload}");
        assert!(!payload.contains("hash") && !payload.contains("seed"));
        assert!(!payload.contains(&seed[1..seed.len() - 1]));
    }
}
