//! The record of who did what.

use portico_chassis::outbox::assert_indexes_serve;

use super::*;

cases! {
    the_record_tells_whose_session_ended_and_why,
    the_record_tells_whose_password_changed,
    the_record_is_read_by_index,
}

async fn the_record_tells_whose_session_ended_and_why(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let session = fixture.session(user_id, 10).await;
    let reason = EndReason::Revoked;
    let ended = fixture
        .store
        .end_session(user_id, session.id, reason, &origin(20))
        .await;
    assert!(ended.expect("ended"));
    let opened = format!(r#"{{"userId":"{user_id}"}}"#);
    let ended = format!(r#"{{"userId":"{user_id}","reason":"REVOKED"}}"#);
    assert_eq!(
        fixture.database.record().await,
        [
            ("session.created".to_owned(), None, Some(opened), None),
            ("session.revoked".to_owned(), None, Some(ended), None),
        ]
    );
}

async fn the_record_tells_whose_password_changed(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let changed = fixture
        .store
        .change_password(user_id, "hash", "new-hash", Uuid::nil(), &origin(20))
        .await;
    assert!(changed.expect("done"));
    let of_a_user = Some("user".to_owned());
    assert_eq!(
        fixture.database.record().await,
        [("password.changed".to_owned(), of_a_user, None, None)]
    );
}

async fn the_record_is_read_by_index(fixture: &Fixture) {
    assert_indexes_serve(&fixture.database.database).await;
}
