//! Changes of addresses that are undone.

use super::*;

cases! {
    a_change_is_undone_once_and_with_it_all_later_ones,
    an_undo_to_an_older_address_still_works_afterwards,
    an_undo_forgets_a_password_that_was_chosen_since,
    an_undo_forgets_factors_that_were_added_since,
    an_undo_revokes_keys_that_were_made_since,
    an_undo_is_finished_once_and_only_the_latest,
}

async fn a_change_is_undone_once_and_with_it_all_later_ones(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let session = fixture.session(user_id, 9).await;
    let first = fixture.change(user_id, "ada", "eve", 10).await;
    let undoing = fixture.undoing(&first, 11).await;
    let confirmation = fixture.confirmation(&first, 11).await;
    let taken = fixture.store.take_confirmation(&confirmation).await;
    assert!(taken.expect("done"));
    let second = fixture.change(user_id, "eve", "mallory", 12).await;
    let ended = [
        fixture.undoing(&second, 13).await,
        fixture.confirmation(&second, 13).await,
        fixture.verification(user_id, 13).await,
    ];
    let wish = Wish::NewEmail {
        user_id,
        email: email("trudy"),
    };
    fixture.ask(wish, 14).await;
    let undone = join_all((0..8).map(|_| fixture.undo(&undoing, 15))).await;
    let undone: Vec<Undo> = undone.into_iter().flatten().collect();
    let expected = Undo {
        id: first.id,
        user_id,
        email: email("ada"),
        needs_password: false,
    };
    assert_eq!(undone, [expected]);
    for change in [&first, &second] {
        assert_eq!(fixture.state(change).await, ChangeState::Undone);
    }
    for link in &ended {
        assert!(!fixture.is_there(link, 16).await);
    }
    assert!(fixture.waiting().await.is_empty());
    assert!(fixture.live(user_id, 16).await.is_empty());
    assert!(
        fixture
            .revoked(16)
            .await
            .contains(&Revoked::Session(session.id))
    );
    assert_eq!(fixture.hash(user_id).await.as_deref(), Some("hash"));
    assert_eq!(
        fixture.kinds().await.last().map(String::as_str),
        Some("email.change_undone")
    );
}

async fn an_undo_to_an_older_address_still_works_afterwards(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let first = fixture.change(user_id, "ada", "bob", 10).await;
    let oldest = fixture.undoing(&first, 11).await;
    let again = fixture.change(user_id, "bob", "carol", 12).await;
    let second = fixture.change(user_id, "bob", "eve", 14).await;
    let [one, other] = [
        fixture.undoing(&again, 15).await,
        fixture.undoing(&second, 15).await,
    ];
    assert!(fixture.undo(&other, 16).await.is_some());
    // The other link to the same address is used up, though its change is older.
    assert!(!fixture.is_there(&one, 17).await);
    assert!(fixture.is_there(&oldest, 17).await);
    let undone = fixture.undo(&oldest, 18).await.expect("undone");
    assert_eq!((undone.id, undone.email), (first.id, email("ada")));
}

async fn an_undo_forgets_a_password_that_was_chosen_since(fixture: &Fixture) {
    for (changed_at, is_kept) in [(9, true), (10, false), (11, false)] {
        let user_id = fixture.account().await;
        let changed = fixture
            .store
            .change_password(user_id, "hash", "new", Uuid::nil(), &origin(changed_at))
            .await;
        assert!(changed.expect("done"));
        let change = fixture.change(user_id, "ada", "eve", 10).await;
        let undoing = fixture.undoing(&change, 12).await;
        let undone = fixture.undo(&undoing, 13).await.expect("undone");
        assert_eq!(undone.needs_password, !is_kept);
        assert_eq!(fixture.hash(user_id).await.is_some(), is_kept);
    }
}

async fn an_undo_forgets_factors_that_were_added_since(fixture: &Fixture) {
    // The authenticators are confirmed at the second 3,000.
    for (asked_at, is_kept) in [(3_001, true), (3_000, false), (2_999, false)] {
        let person = factors::Person::new(fixture).await;
        let older = passkeys::added(fixture, person.id, asked_at - 1).await;
        passkeys::added(fixture, person.id, asked_at).await;
        let waiting = person.challenge(fixture, asked_at).await;
        let change = fixture.change(person.id, "ada", "eve", asked_at).await;
        let undoing = fixture.undoing(&change, asked_at).await;
        fixture.undo(&undoing, asked_at + 1).await.expect("undone");
        assert_eq!(person.factors(fixture).await.has_totp(), is_kept);
        let left = fixture.store.passkeys(person.id).await.expect("read");
        let left: Vec<Uuid> = left.iter().map(|passkey| passkey.id).collect();
        assert_eq!(left, [older.id]);
        let waits = fixture.store.challenge(waiting, at(asked_at + 1)).await;
        assert_eq!(waits.expect("read"), None);
    }
}

async fn an_undo_revokes_keys_that_were_made_since(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let owner = Owner::Person(user_id);
    let holder = Holder {
        user_id,
        email: "ada@example.com".to_owned(),
        is_admin: false,
        is_active: true,
    };
    let (older, _) = api_keys::add(fixture, owner, Some(&holder), 9).await;
    let (newer, _) = api_keys::add(fixture, owner, Some(&holder), 10).await;
    let change = fixture.change(user_id, "ada", "eve", 10).await;
    let undoing = fixture.undoing(&change, 11).await;
    fixture.undo(&undoing, 12).await.expect("undone");
    let left = fixture
        .store
        .api_keys(owner, &paging(None, 100, None))
        .await;
    let left: Vec<Uuid> = left.expect("read").items.iter().map(|key| key.id).collect();
    assert_eq!(left, [older.id]);
    assert_eq!(fixture.revoked(13).await, [Revoked::Session(newer.id)]);
}

async fn an_undo_is_finished_once_and_only_the_latest(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let first = fixture.change(user_id, "ada", "bob", 10).await;
    let oldest = fixture.undoing(&first, 11).await;
    let changed = fixture
        .store
        .change_password(user_id, "hash", "new", Uuid::nil(), &origin(12))
        .await;
    assert!(changed.expect("done"));
    let second = fixture.change(user_id, "bob", "eve", 12).await;
    let later = fixture.undoing(&second, 13).await;
    let superseded = fixture.undo(&later, 14).await.expect("undone");
    let current = fixture.undo(&oldest, 15).await.expect("undone");
    let finish = async |undo: &Undo| {
        let finished = fixture.store.finish_undo(undo, &origin(16)).await;
        finished.expect("done");
    };
    finish(&superseded).await;
    // What the first one forgot is still missing.
    let kept = Undo {
        needs_password: true,
        ..current
    };
    let read = fixture.store.undo(user_id).await.expect("read");
    assert_eq!(read.as_ref(), Some(&kept));
    let waiting = async |seconds| fixture.store.undos(at(seconds)).await.expect("read");
    assert!(waiting(14).await.is_empty());
    assert_eq!(waiting(15).await, std::slice::from_ref(&kept));
    finish(&kept).await;
    finish(&kept).await;
    assert!(waiting(20).await.is_empty());
    let kinds = fixture.kinds().await;
    let asked = kinds
        .iter()
        .filter(|kind| *kind == "password.reset_requested");
    assert_eq!(asked.count(), 1);
}
