//! Deletions.

use super::*;

cases! {
    a_deletion_is_noted_once,
    an_account_being_deleted_opens_no_session,
    a_finished_deletion_ends_the_sessions_and_revokes_all_tokens,
    finishing_a_deletion_again_changes_nothing,
}

async fn noted(fixture: &Fixture, seconds: i64) -> Vec<Uuid> {
    fixture.store.deletions(at(seconds)).await.expect("read")
}

async fn a_deletion_is_noted_once(fixture: &Fixture) {
    let [first, second] = [1, 2].map(|number| new_id(at(number)));
    for (id, seconds) in [(first, 10), (second, 11), (first, 12)] {
        let begun = fixture.store.begin_deletion(id, at(seconds)).await;
        begun.expect("noted");
    }
    assert!(noted(fixture, 9).await.is_empty());
    assert_eq!(noted(fixture, 10).await, [first]);
    assert_eq!(noted(fixture, 100).await, [first, second]);
}

async fn an_account_being_deleted_opens_no_session(fixture: &Fixture) {
    let id = fixture.account().await;
    let begun = fixture.store.begin_deletion(id, at(10)).await;
    begun.expect("noted");
    let session = Session::begin(id, &visit(11), TTL);
    let opened = fixture
        .store
        .open_session(&session, "hash", &origin(11))
        .await;
    assert!(!opened.expect("done"));
    let cancelled = fixture.store.cancel_deletion(id).await;
    cancelled.expect("cancelled");
    assert!(noted(fixture, 100).await.is_empty());
    fixture.session(id, 12).await;
}

async fn a_finished_deletion_ends_the_sessions_and_revokes_all_tokens(fixture: &Fixture) {
    let id = fixture.account().await;
    let session = fixture.session(id, 10).await;
    let begun = fixture.store.begin_deletion(id, at(11)).await;
    begun.expect("noted");
    let finished = fixture.store.finish_deletion(id, &origin(12)).await;
    finished.expect("finished");
    assert!(fixture.live(id, 13).await.is_empty());
    assert!(noted(fixture, 100).await.is_empty());
    assert_eq!(
        fixture.revoked(13).await,
        [Revoked::Session(session.id), Revoked::User(id)]
    );
    assert_eq!(
        fixture.database.event_kinds().await,
        ["session.created", "session.revoked", "account.deleted"]
    );
}

async fn finishing_a_deletion_again_changes_nothing(fixture: &Fixture) {
    let id = fixture.account().await;
    let session = fixture.session(id, 10).await;
    let finished = fixture.store.finish_deletion(id, &origin(12)).await;
    finished.expect("nothing to finish");
    assert_eq!(fixture.live(id, 13).await, [session.id].into());
    assert!(fixture.revoked(13).await.is_empty());
    assert_eq!(fixture.database.event_kinds().await, ["session.created"]);
}
