//! What is asked for that is answered by mail.

use super::*;

cases! {
    requests_wait_in_their_order_until_they_are_answered,
    a_request_for_an_account_is_kept_once_for_each_key,
    a_request_is_answered_once_also_under_concurrency,
    each_answer_leaves_its_events,
    a_change_of_an_address_supersedes_the_one_before,
}

async fn requests_wait_in_their_order_until_they_are_answered(fixture: &Fixture) {
    let user_id = new_id(at(1));
    let wishes = [
        Wish::NewPassword {
            email: email("ada"),
        },
        Wish::Verification { user_id },
        Wish::NewEmail {
            user_id,
            email: email("eve"),
        },
        Wish::Account {
            user_id,
            email: email("bob"),
            name: "Bob".to_owned(),
            password_hash: "hash".to_owned(),
        },
    ];
    let mut asked = Vec::new();
    for (wish, seconds) in wishes.clone().into_iter().zip(10..) {
        asked.push(fixture.ask(wish, seconds).await);
    }
    let read = fixture.store.link_requests().await.expect("read");
    assert_eq!(read.len(), 4);
    for (read, asked) in read.iter().zip(&asked) {
        assert_eq!((read.id, &read.wish), (asked.id, &asked.wish));
        let (read, asked) = (&read.origin, &asked.origin);
        assert_eq!((&read.actor, read.at), (&asked.actor, asked.at));
        assert_eq!(read.request_id, asked.request_id);
        assert_eq!(
            (&read.traceparent, read.client_ip),
            (&asked.traceparent, asked.client_ip)
        );
    }
    let answered = fixture
        .store
        .answer_link_request(&asked[1], &Reply::Nothing)
        .await;
    answered.expect("answered");
    assert_eq!(
        fixture.waiting().await,
        [asked[0].id, asked[2].id, asked[3].id]
    );
}

async fn a_request_for_an_account_is_kept_once_for_each_key(fixture: &Fixture) {
    let wish = |name: &str| Wish::Account {
        user_id: new_id(at(1)),
        email: email(name),
        name: name.to_owned(),
        password_hash: "hash".to_owned(),
    };
    let key = |fingerprint| RegistrationKey {
        id: [7; 32],
        fingerprint: [fingerprint; 32],
        expires_at: at(1_000),
    };
    let (first, second) = (request(wish("ada"), 10), request(wish("ada"), 11));
    let add = async |request: &LinkRequest, key: Option<&RegistrationKey>| {
        fixture.store.add_account_request(request, key).await
    };
    assert!(!add(&first, Some(&key(1))).await.expect("kept"));
    assert!(add(&second, Some(&key(1))).await.expect("known"));
    assert_eq!(fixture.waiting().await, [first.id]);
    let other = add(&second, Some(&key(2))).await;
    assert_eq!(reason(other), "IDEMPOTENCY_KEY_REUSED");
    assert!(!add(&second, None).await.expect("kept"));
    assert_eq!(fixture.waiting().await, [first.id, second.id]);
}

async fn a_request_is_answered_once_also_under_concurrency(fixture: &Fixture) {
    let user_id = new_id(at(1));
    let asked = fixture.ask(Wish::Verification { user_id }, 10).await;
    let reply = Reply::Verification { user_id };
    let answers = (0..8).map(|_| fixture.store.answer_link_request(&asked, &reply));
    for answered in join_all(answers).await {
        answered.expect("answered");
    }
    assert_eq!(fixture.kinds().await, ["email.verification_requested"]);
}

async fn each_answer_leaves_its_events(fixture: &Fixture) {
    let user_id = new_id(at(1));
    let change = |request: &LinkRequest| EmailChange {
        id: request.id,
        user_id,
        old_email: email("ada"),
        new_email: email("eve"),
        requested_at: at(10),
        state: ChangeState::Pending,
    };
    let replies: [fn(EmailChange, Uuid) -> Reply; 5] = [
        |_, _| Reply::Nothing,
        |_, user_id| Reply::NewPassword { user_id },
        |_, user_id| Reply::Verification { user_id },
        |_, holder| Reply::EmailTaken { holder },
        |change, holder| Reply::NewEmail {
            change,
            holder: Some(holder),
        },
    ];
    for reply in replies {
        let asked = fixture.ask(Wish::Verification { user_id }, 10).await;
        let reply = reply(change(&asked), user_id);
        let answered = fixture.store.answer_link_request(&asked, &reply).await;
        answered.expect("answered");
    }
    let expected = [
        "password.reset_requested",
        "email.verification_requested",
        "email.taken",
        "email.change_requested",
        "email.taken",
    ];
    assert_eq!(fixture.kinds().await, expected);
    assert!(fixture.waiting().await.is_empty());
}

async fn a_change_of_an_address_supersedes_the_one_before(fixture: &Fixture) {
    let user_id = new_id(at(1));
    let first = fixture.change(user_id, "ada", "eve", 10).await;
    let confirmation = fixture.confirmation(&first, 11).await;
    let undoing = fixture.undoing(&first, 11).await;
    let second = fixture.change(user_id, "ada", "bob", 12).await;
    assert_eq!(fixture.state(&first).await, ChangeState::Superseded);
    assert_eq!(fixture.state(&second).await, ChangeState::Pending);
    assert!(!fixture.is_there(&confirmation, 13).await);
    assert!(fixture.is_there(&undoing, 13).await);
    let read = fixture.store.email_change(second.id).await;
    assert_eq!(read.expect("read"), Some(second));
}
