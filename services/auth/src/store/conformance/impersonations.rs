//! Impersonations, and what ends them.

use super::*;
use crate::impersonation::{Impersonation, LIFETIME};

cases! {
    an_impersonation_begins_in_a_session_of_the_administrator,
    an_impersonation_ends_once_and_its_token_is_revoked_for_as_long_as_it_lives,
    whatever_ends_the_session_of_the_administrator_ends_the_impersonation,
    whatever_revokes_the_tokens_of_either_side_ends_the_impersonation,
    ending_all_for_somebody_ends_sessions_and_impersonations,
    of_an_impersonation_and_the_end_of_its_session_at_once_nothing_is_left,
}

/// An impersonation that begins at second 20, and whether it did.
async fn begin(fixture: &Fixture, admin: &Session, user_id: Uuid) -> (Impersonation, bool) {
    let impersonation = Impersonation {
        id: new_id(at(20)),
        user_id,
        admin_id: admin.user_id,
        admin_session_id: admin.id,
        expires_at: at(20) + LIFETIME,
    };
    let begun = fixture
        .store
        .begin_impersonation(&impersonation, "ticket 42", &origin(20))
        .await;
    (impersonation, begun.expect("done"))
}

/// An ADMIN's session, and somebody else's.
async fn two(fixture: &Fixture) -> (Session, Session) {
    let (admin, person) = (fixture.account().await, fixture.account().await);
    (
        fixture.session(admin, 10).await,
        fixture.session(person, 10).await,
    )
}

async fn is_revoked(fixture: &Fixture, impersonation: &Impersonation) -> bool {
    let revoked = fixture.revoked(31).await;
    revoked.contains(&Revoked::Session(impersonation.id))
}

async fn an_impersonation_begins_in_a_session_of_the_administrator(fixture: &Fixture) {
    let (admin, person) = two(fixture).await;
    assert!(begin(fixture, &admin, person.user_id).await.1);
    let foreign = Session {
        user_id: person.user_id,
        ..admin.clone()
    };
    assert!(!begin(fixture, &foreign, person.user_id).await.1);
    let reason = EndReason::SignedOut;
    let ended = fixture
        .store
        .end_session(admin.user_id, admin.id, reason, &origin(19))
        .await;
    assert!(ended.expect("done"));
    assert!(!begin(fixture, &admin, person.user_id).await.1);
}

async fn an_impersonation_ends_once_and_its_token_is_revoked_for_as_long_as_it_lives(
    fixture: &Fixture,
) {
    let (admin, person) = two(fixture).await;
    let (one, _) = begin(fixture, &admin, person.user_id).await;
    let (other, _) = begin(fixture, &admin, person.user_id).await;
    for _ in 0..2 {
        let ended = fixture.store.end_impersonation(one.id, &origin(30)).await;
        ended.expect("done");
    }
    assert_eq!(fixture.revoked(31).await, [Revoked::Session(one.id)]);
    assert!(!is_revoked(fixture, &other).await);
    let last = one.expires_at.seconds();
    assert_eq!(fixture.revoked(last).await, [Revoked::Session(one.id)]);
}

async fn whatever_ends_the_session_of_the_administrator_ends_the_impersonation(fixture: &Fixture) {
    let reason = EndReason::SignedOut;
    let (admin, person) = two(fixture).await;
    let (one, _) = begin(fixture, &admin, person.user_id).await;
    let ended = fixture
        .store
        .end_session(admin.user_id, admin.id, reason, &origin(30))
        .await;
    assert!(ended.expect("done"));
    assert!(is_revoked(fixture, &one).await);

    let (admin, person) = two(fixture).await;
    let (one, _) = begin(fixture, &admin, person.user_id).await;
    let keep = fixture.session(admin.user_id, 11).await;
    let (id, other) = (admin.user_id, "other");
    let changed = fixture
        .store
        .change_password(id, "hash", other, keep.id, &origin(30))
        .await;
    assert!(changed.expect("done"));
    assert!(is_revoked(fixture, &one).await);
}

async fn whatever_revokes_the_tokens_of_either_side_ends_the_impersonation(fixture: &Fixture) {
    let reason = EndReason::AccountClosed;
    for side in [0, 1] {
        let (admin, person) = two(fixture).await;
        let id = [admin.user_id, person.user_id][side];
        let (one, _) = begin(fixture, &admin, person.user_id).await;
        let revoked = fixture.store.revoke_tokens(id, &origin(30)).await;
        revoked.expect("done");
        assert!(is_revoked(fixture, &one).await);

        let (one, _) = begin(fixture, &admin, person.user_id).await;
        let ended = fixture.store.end_sessions(id, reason, &origin(30)).await;
        ended.expect("done");
        assert!(is_revoked(fixture, &one).await);

        let (admin, person) = two(fixture).await;
        let id = [admin.user_id, person.user_id][side];
        let (one, _) = begin(fixture, &admin, person.user_id).await;
        let reset = fixture.store.reset_factors(id, &origin(30)).await;
        reset.expect("done");
        assert!(is_revoked(fixture, &one).await);

        let (admin, person) = two(fixture).await;
        let id = [admin.user_id, person.user_id][side];
        let (one, _) = begin(fixture, &admin, person.user_id).await;
        let deletion = Deletion {
            user_id: id,
            heir_id: None,
        };
        let begun = fixture.store.begin_deletion(deletion, at(30)).await;
        begun.expect("begun");
        let finished = fixture.store.finish_deletion(id, &origin(30)).await;
        finished.expect("finished");
        assert!(is_revoked(fixture, &one).await);
    }
}

async fn ending_all_for_somebody_ends_sessions_and_impersonations(fixture: &Fixture) {
    let (admin, person) = two(fixture).await;
    let (one, _) = begin(fixture, &admin, person.user_id).await;
    let ended = fixture.store.end_all_for(person.user_id, &origin(30)).await;
    ended.expect("done");
    assert!(is_revoked(fixture, &one).await);
    assert!(fixture.live(person.user_id, 31).await.is_empty());
    assert_eq!(fixture.live(admin.user_id, 31).await.len(), 1);
    let revoked = fixture.revoked(31).await;
    assert!(revoked.contains(&Revoked::Session(person.id)));
    // Also where nothing is left to be ended.
    let ended = fixture.store.end_all_for(person.user_id, &origin(30)).await;
    ended.expect("done");
}

async fn of_an_impersonation_and_the_end_of_its_session_at_once_nothing_is_left(fixture: &Fixture) {
    for _ in 0..5 {
        let (admin, person) = two(fixture).await;
        let reason = EndReason::SignedOut;
        let at_once = origin(20);
        let end = fixture.store.end_sessions(admin.user_id, reason, &at_once);
        let ((one, has_begun), ended) = tokio::join!(begin(fixture, &admin, person.user_id), end);
        ended.expect("done");
        assert_eq!(is_revoked(fixture, &one).await, has_begun);
    }
}
