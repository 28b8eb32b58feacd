//! Tickets.

use portico_chassis::caller::Grant;

use super::*;

cases! {
    a_ticket_is_taken_once_and_says_whose_it_is,
    of_many_who_take_a_ticket_at_once_one_gets_it,
    an_expired_ticket_is_not_there,
    a_ticket_of_a_session_that_ended_does_not_count,
    a_ticket_of_a_token_that_was_revoked_with_others_does_not_count,
    expired_tickets_are_forgotten,
}

/// A ticket made at this second, with a token of the same second.
async fn ticket(fixture: &Fixture, seconds: i64) -> Ticket {
    let holder = User {
        id: new_id(at(seconds)),
        session_id: new_id(at(seconds)),
        is_admin: true,
        grant: Grant::Session,
        issued_at: at(seconds),
        expires_at: at(seconds) + ACCESS_TTL,
    };
    of(fixture, &holder, seconds).await
}

async fn of(fixture: &Fixture, holder: &User, seconds: i64) -> Ticket {
    let (ticket, _) = Ticket::issue(holder, at(seconds));
    let added = fixture.store.add_ticket(&ticket).await;
    added.expect("kept");
    ticket
}

async fn take(fixture: &Fixture, ticket: &Ticket, seconds: i64) -> Option<User> {
    let taken = fixture.store.take_ticket(ticket.hash, at(seconds)).await;
    taken.expect("done")
}

async fn a_ticket_is_taken_once_and_says_whose_it_is(fixture: &Fixture) {
    let [first, second] = [ticket(fixture, 10).await, ticket(fixture, 11).await];
    assert_eq!(
        take(fixture, &first, 20).await.as_ref(),
        Some(&first.holder)
    );
    assert_eq!(take(fixture, &first, 20).await, None);
    assert_eq!(take(fixture, &second, 20).await, Some(second.holder));
}

async fn of_many_who_take_a_ticket_at_once_one_gets_it(fixture: &Fixture) {
    let ticket = ticket(fixture, 10).await;
    let taken: [Option<User>; 4] = tokio::join!(
        take(fixture, &ticket, 20),
        take(fixture, &ticket, 20),
        take(fixture, &ticket, 20),
        take(fixture, &ticket, 20)
    )
    .into();
    assert_eq!(taken.iter().flatten().count(), 1);
}

async fn an_expired_ticket_is_not_there(fixture: &Fixture) {
    let [late, just] = [ticket(fixture, 10).await, ticket(fixture, 10).await];
    assert_eq!(take(fixture, &late, 70).await, None);
    assert!(take(fixture, &just, 69).await.is_some());
}

async fn a_ticket_of_a_session_that_ended_does_not_count(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let session = fixture.session(user_id, 10).await;
    let holder = User {
        id: user_id,
        session_id: session.id,
        is_admin: false,
        grant: Grant::Session,
        issued_at: at(10),
        expires_at: at(610),
    };
    let ticket = of(fixture, &holder, 11).await;
    let reason = EndReason::Revoked;
    let ended = fixture
        .store
        .end_session(user_id, session.id, reason, &origin(12))
        .await;
    assert!(ended.expect("done"));
    assert_eq!(take(fixture, &ticket, 13).await, None);
}

async fn a_ticket_of_a_token_that_was_revoked_with_others_does_not_count(fixture: &Fixture) {
    let holder = |issued_at| User {
        id: Uuid::from_u128(1),
        session_id: Uuid::from_u128(2),
        is_admin: false,
        grant: Grant::Session,
        issued_at,
        expires_at: at(610),
    };
    let before = of(fixture, &holder(at(10)), 10).await;
    let revoked = fixture
        .store
        .revoke_tokens(Uuid::from_u128(1), &origin(12))
        .await;
    revoked.expect("done");
    let after = of(fixture, &holder(at(12)), 12).await;
    assert_eq!(take(fixture, &before, 13).await, None);
    assert!(take(fixture, &after, 13).await.is_some());
}

async fn expired_tickets_are_forgotten(fixture: &Fixture) {
    let [old, new] = [ticket(fixture, 10).await, ticket(fixture, 20).await];
    let forgotten = fixture.store.forget_expired(at(70)).await;
    forgotten.expect("done");
    assert_eq!(take(fixture, &old, 30).await, None);
    assert!(take(fixture, &new, 30).await.is_some());
}
