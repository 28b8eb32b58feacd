//! Deletions.

use super::*;

cases! {
    a_deletion_is_noted_once,
    a_deletion_remembers_the_heir_that_was_named_last,
    nobody_inherits_who_is_being_deleted,
    nobody_is_deleted_who_inherits,
    two_who_are_each_others_heirs_are_not_both_deleted,
    an_account_being_deleted_opens_no_session,
    a_finished_deletion_ends_the_sessions_and_revokes_all_tokens,
    finishing_a_deletion_again_changes_nothing,
}

async fn begin(
    fixture: &Fixture,
    user_id: Uuid,
    heir_id: Option<Uuid>,
    seconds: i64,
) -> Result<(), Error> {
    let deletion = Deletion { user_id, heir_id };
    fixture.store.begin_deletion(deletion, at(seconds)).await
}

async fn noted(fixture: &Fixture, seconds: i64) -> Vec<Uuid> {
    let deletions = fixture.store.deletions(at(seconds)).await.expect("read");
    let accounts = deletions.iter().map(|deletion| deletion.user_id);
    accounts.collect()
}

async fn a_deletion_is_noted_once(fixture: &Fixture) {
    let [first, second] = [1, 2].map(|number| new_id(at(number)));
    for (id, seconds) in [(first, 10), (second, 11), (first, 12)] {
        begin(fixture, id, None, seconds).await.expect("noted");
    }
    assert!(noted(fixture, 9).await.is_empty());
    assert_eq!(noted(fixture, 10).await, [first]);
    assert_eq!(noted(fixture, 100).await, [first, second]);
}

async fn a_deletion_remembers_the_heir_that_was_named_last(fixture: &Fixture) {
    let [account, first, second] = [1, 2, 3].map(|number| new_id(at(number)));
    for (named, remembered) in [
        (None, None),
        (Some(first), Some(first)),
        (None, Some(first)),
        (Some(second), Some(second)),
    ] {
        begin(fixture, account, named, 10).await.expect("noted");
        let deletion = Deletion {
            user_id: account,
            heir_id: remembered,
        };
        let read = fixture.store.deletions(at(10)).await;
        assert_eq!(read.expect("read"), [deletion]);
    }
}

async fn nobody_inherits_who_is_being_deleted(fixture: &Fixture) {
    let [account, heir] = [1, 2].map(|number| new_id(at(number)));
    begin(fixture, heir, None, 10).await.expect("noted");
    let refused = begin(fixture, account, Some(heir), 11).await;
    let error = refused.expect_err("refused");
    let violation = &error.violations[0];
    assert_eq!(
        (&*violation.field, &*violation.code),
        ("newOwnerId", "USER_NOT_FOUND")
    );
    assert_eq!(noted(fixture, 100).await, [heir]);
}

async fn nobody_is_deleted_who_inherits(fixture: &Fixture) {
    let [account, heir] = [1, 2].map(|number| new_id(at(number)));
    begin(fixture, account, Some(heir), 10)
        .await
        .expect("noted");
    let refused = begin(fixture, heir, None, 11).await;
    assert_eq!(reason(refused), "INHERITS_PROJECTS");
    let finished = fixture.store.finish_deletion(account, &origin(12)).await;
    finished.expect("finished");
    begin(fixture, heir, None, 13).await.expect("noted");
}

async fn two_who_are_each_others_heirs_are_not_both_deleted(fixture: &Fixture) {
    for round in 0..20 {
        let [first, second] = [1, 2].map(|number| new_id(at(number)));
        let (of_first, of_second) = tokio::join!(
            begin(fixture, first, Some(second), 10 + round),
            begin(fixture, second, Some(first), 10 + round),
        );
        assert!(
            of_first.is_ok() != of_second.is_ok(),
            "{of_first:?} {of_second:?}"
        );
    }
}

async fn an_account_being_deleted_opens_no_session(fixture: &Fixture) {
    let id = fixture.account().await;
    begin(fixture, id, None, 10).await.expect("noted");
    let session = Session::begin(id, &visit(11), TTL);
    let opened = fixture
        .store
        .open_session(&session, verified("hash"), &origin(11))
        .await;
    assert_eq!(opened.expect("done"), None);
    let cancelled = fixture.store.cancel_deletion(id).await;
    cancelled.expect("cancelled");
    assert!(noted(fixture, 100).await.is_empty());
    fixture.session(id, 12).await;
}

async fn a_finished_deletion_ends_the_sessions_and_revokes_all_tokens(fixture: &Fixture) {
    let id = fixture.account().await;
    let session = fixture.session(id, 10).await;
    begin(fixture, id, None, 11).await.expect("noted");
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
