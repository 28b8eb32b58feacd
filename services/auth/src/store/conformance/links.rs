//! Links in mails, what they are asked for by, and the changes of addresses.

mod requests;
mod undos;

use futures::future::join_all;
use portico_chassis::{database::Database, email_address::EmailAddress};

use super::*;
use crate::{
    api_key::{Holder, Owner},
    link::{Aim, ChangeState, EmailChange, Link, LinkHash, Purpose, UNDO, Undo},
    link_request::{LinkRequest, Reply, Wish},
};

cases! {
    a_link_is_there_until_it_expires,
    a_link_about_a_change_is_kept_while_the_change_allows_it,
    a_verification_is_taken_once_and_ends_the_others,
    a_confirmation_is_taken_once_and_ends_all_but_undoing_links,
    a_confirmation_of_a_superseded_change_is_not_there,
    a_password_is_reset_once_whether_there_was_one_or_not,
    a_reset_ends_sessions_pending_changes_and_other_links,
    a_changed_password_ends_the_links_by_which_it_could_be_set,
    old_links_changes_and_requests_are_forgotten,
}

fn email(name: &str) -> EmailAddress {
    EmailAddress::parse(&format!("{name}@example.com")).expect("an address")
}

fn request(wish: Wish, seconds: i64) -> LinkRequest {
    LinkRequest {
        id: new_id(at(seconds)),
        wish,
        origin: origin(seconds),
    }
}

fn aim(purpose: Purpose, user_id: Uuid, name: &str, change: Option<&EmailChange>) -> Aim {
    Aim {
        purpose,
        user_id,
        email: email(name),
        change_id: change.map(|change| change.id),
    }
}

impl Fixture {
    async fn ask(&self, wish: Wish, seconds: i64) -> LinkRequest {
        let request = request(wish, seconds);
        let kept = self.store.add_link_request(&request).await;
        kept.expect("kept");
        request
    }

    async fn waiting(&self) -> Vec<Uuid> {
        let requests = self.store.link_requests().await.expect("read");
        requests.iter().map(|request| request.id).collect()
    }

    /// A change of an address that was asked for at this second.
    async fn change(&self, user_id: Uuid, old: &str, new: &str, seconds: i64) -> EmailChange {
        let wish = Wish::NewEmail {
            user_id,
            email: email(new),
        };
        let request = self.ask(wish, seconds).await;
        let change = EmailChange {
            id: request.id,
            user_id,
            old_email: email(old),
            new_email: email(new),
            requested_at: at(seconds),
            state: ChangeState::Pending,
        };
        let reply = Reply::NewEmail {
            change: change.clone(),
            holder: None,
        };
        let answered = self.store.answer_link_request(&request, &reply).await;
        answered.expect("answered");
        change
    }

    async fn state(&self, change: &EmailChange) -> ChangeState {
        let read = self.store.email_change(change.id).await.expect("read");
        read.expect("there").state
    }

    async fn link(&self, aim: Aim, seconds: i64) -> Link {
        let (link, _) = Link::issue(aim, at(seconds));
        let added = self.store.add_link(&link, at(seconds)).await;
        assert!(added.expect("done"), "it is allowed");
        link
    }

    async fn verification(&self, user_id: Uuid, seconds: i64) -> Link {
        let aim = aim(Purpose::VerifyEmail, user_id, "ada", None);
        self.link(aim, seconds).await
    }

    async fn confirmation(&self, change: &EmailChange, seconds: i64) -> Link {
        let aim = Aim {
            purpose: Purpose::ConfirmEmail,
            user_id: change.user_id,
            email: change.new_email.clone(),
            change_id: Some(change.id),
        };
        self.link(aim, seconds).await
    }

    async fn undoing(&self, change: &EmailChange, seconds: i64) -> Link {
        let aim = Aim {
            purpose: Purpose::UndoEmailChange,
            user_id: change.user_id,
            email: change.old_email.clone(),
            change_id: Some(change.id),
        };
        self.link(aim, seconds).await
    }

    async fn is_there(&self, link: &Link, seconds: i64) -> bool {
        let read = self.store.link(link.hash, at(seconds)).await.expect("read");
        read.is_some()
    }

    async fn undo(&self, link: &Link, seconds: i64) -> Option<Undo> {
        let undone = self.store.begin_undo(link, &origin(seconds)).await;
        undone.expect("done")
    }

    async fn reset(&self, link: &Link, hash: &str, seconds: i64) -> bool {
        let reset = self
            .store
            .reset_password(link, hash, &origin(seconds))
            .await;
        reset.expect("done")
    }

    /// The kinds of all events so far, in their order.
    async fn kinds(&self) -> Vec<String> {
        let sql = "SELECT kind FROM outbox ORDER BY seq";
        let kinds = match &self.database.database {
            Database::Postgres(database) => sqlx::query_scalar(sql).fetch_all(&database.pool).await,
            Database::Sqlite(database) => {
                sqlx::query_scalar(sql).fetch_all(&database.readers).await
            }
        };
        kinds.expect("read")
    }
}

async fn a_link_is_there_until_it_expires(fixture: &Fixture) {
    let user_id = new_id(at(1));
    let link = fixture.verification(user_id, 10).await;
    let read = async |seconds: i64| {
        let read = fixture.store.link(link.hash, at(seconds)).await;
        read.expect("read")
    };
    let last = 10 + 24 * 3600;
    assert_eq!(read(last - 1).await.as_ref(), Some(&link));
    assert_eq!(read(last).await, None);
    let other = fixture.store.link(LinkHash([0; 32]), at(11)).await;
    assert_eq!(other.expect("read"), None);
}

async fn a_link_about_a_change_is_kept_while_the_change_allows_it(fixture: &Fixture) {
    let user_id = new_id(at(1));
    let change = fixture.change(user_id, "ada", "eve", 10).await;
    let undoing = fixture.undoing(&change, 11).await;
    let add = async |purpose, change: Option<&EmailChange>, seconds: i64| {
        let aim = aim(purpose, user_id, "ada", change);
        let (link, _) = Link::issue(aim, at(seconds));
        let added = fixture.store.add_link(&link, at(seconds)).await;
        added.expect("done")
    };
    assert!(add(Purpose::ConfirmEmail, Some(&change), 12).await);
    let late = 10 + i64::try_from(UNDO.as_secs()).expect("days");
    assert!(add(Purpose::UndoEmailChange, Some(&change), late - 1).await);
    assert!(!add(Purpose::UndoEmailChange, Some(&change), late).await);
    let unknown = EmailChange {
        id: new_id(at(5)),
        ..change.clone()
    };
    assert!(!add(Purpose::ConfirmEmail, Some(&unknown), 12).await);
    // Of an undo and a link that is made at the same moment, none is left.
    let (undone, _) = tokio::join!(
        fixture.undo(&undoing, 13),
        add(Purpose::ConfirmEmail, Some(&change), 13)
    );
    assert!(undone.is_some());
    assert!(!add(Purpose::ConfirmEmail, Some(&change), 14).await);
    assert!(!add(Purpose::UndoEmailChange, Some(&change), 14).await);
}

async fn a_verification_is_taken_once_and_ends_the_others(fixture: &Fixture) {
    let user_id = new_id(at(1));
    let [first, second] = [
        fixture.verification(user_id, 10).await,
        fixture.verification(user_id, 11).await,
    ];
    let others = fixture.verification(new_id(at(2)), 10).await;
    let taken = join_all(
        [&first, &second]
            .into_iter()
            .cycle()
            .take(8)
            .map(|link| fixture.store.take_verification(link)),
    );
    let taken = taken.await.into_iter().map(|taken| taken.expect("done"));
    assert_eq!(taken.filter(|is_taken| *is_taken).count(), 1);
    assert!(!fixture.is_there(&first, 12).await && !fixture.is_there(&second, 12).await);
    assert!(fixture.is_there(&others, 12).await);
}

async fn a_confirmation_is_taken_once_and_ends_all_but_undoing_links(fixture: &Fixture) {
    let user_id = new_id(at(1));
    let change = fixture.change(user_id, "ada", "eve", 10).await;
    let undoing = fixture.undoing(&change, 11).await;
    let ended = [
        fixture.confirmation(&change, 11).await,
        fixture.confirmation(&change, 11).await,
        fixture.verification(user_id, 11).await,
        fixture
            .link(aim(Purpose::ResetPassword, user_id, "ada", None), 11)
            .await,
    ];
    let taken = (0..8).map(|number| fixture.store.take_confirmation(&ended[number % 2]));
    let taken = join_all(taken).await.into_iter();
    let taken = taken.filter(|taken| *taken.as_ref().expect("done"));
    assert_eq!(taken.count(), 1);
    assert_eq!(fixture.state(&change).await, ChangeState::Confirmed);
    for link in &ended {
        assert!(!fixture.is_there(link, 12).await);
    }
    assert!(fixture.is_there(&undoing, 12).await);
}

async fn a_confirmation_of_a_superseded_change_is_not_there(fixture: &Fixture) {
    let user_id = new_id(at(1));
    let change = fixture.change(user_id, "ada", "eve", 10).await;
    let confirmation = fixture.confirmation(&change, 11).await;
    fixture.change(user_id, "ada", "bob", 12).await;
    let taken = fixture.store.take_confirmation(&confirmation).await;
    assert!(!taken.expect("done"));
    assert_eq!(fixture.state(&change).await, ChangeState::Superseded);
}

async fn a_password_is_reset_once_whether_there_was_one_or_not(fixture: &Fixture) {
    for user_id in [fixture.account().await, new_id(at(1))] {
        let aim = aim(Purpose::ResetPassword, user_id, "ada", None);
        let link = fixture.link(aim, 10).await;
        let resets = (0..8).map(|_| fixture.reset(&link, "new", 11));
        let done = join_all(resets).await.into_iter();
        assert_eq!(done.filter(|is_done| *is_done).count(), 1);
        assert_eq!(fixture.hash(user_id).await.as_deref(), Some("new"));
        assert!(!fixture.reset(&link, "newer", 12).await);
        assert_eq!(fixture.hash(user_id).await.as_deref(), Some("new"));
        // It is confirmed: nothing that only fits an unconfirmed one changes it.
        let left = fixture.store.abandon_registration(user_id, None).await;
        left.expect("done");
        assert_eq!(fixture.hash(user_id).await.as_deref(), Some("new"));
    }
}

async fn a_reset_ends_sessions_pending_changes_and_other_links(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let session = fixture.session(user_id, 9).await;
    let change = fixture.change(user_id, "ada", "eve", 10).await;
    let undoing = fixture.undoing(&change, 11).await;
    let confirmation = fixture.confirmation(&change, 11).await;
    let purposes = [Purpose::ResetPassword, Purpose::SetPassword];
    let [link, other] = purposes.map(|purpose| aim(purpose, user_id, "ada", None));
    let (link, other) = (fixture.link(link, 11).await, fixture.link(other, 11).await);
    assert!(fixture.reset(&link, "new", 12).await);
    assert!(fixture.live(user_id, 13).await.is_empty());
    assert_eq!(fixture.revoked(13).await, [Revoked::Session(session.id)]);
    assert_eq!(fixture.state(&change).await, ChangeState::Superseded);
    assert!(!fixture.is_there(&confirmation, 13).await);
    assert!(!fixture.is_there(&other, 13).await);
    assert!(fixture.is_there(&undoing, 13).await);
    let kinds = fixture.kinds().await;
    assert_eq!(
        kinds[kinds.len() - 2..],
        ["session.revoked", "password.changed"]
    );
}

async fn a_changed_password_ends_the_links_by_which_it_could_be_set(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let link = fixture
        .link(aim(Purpose::ResetPassword, user_id, "ada", None), 10)
        .await;
    let verification = fixture.verification(user_id, 10).await;
    let changed = fixture
        .store
        .change_password(user_id, "hash", "new", Uuid::nil(), &origin(11))
        .await;
    assert!(changed.expect("done"));
    assert!(!fixture.is_there(&link, 12).await);
    assert!(fixture.is_there(&verification, 12).await);
}

async fn old_links_changes_and_requests_are_forgotten(fixture: &Fixture) {
    let user_id = new_id(at(1));
    let change = fixture.change(user_id, "ada", "eve", 10).await;
    let link = fixture.verification(user_id, 10).await;
    fixture.ask(Wish::Verification { user_id }, 10).await;
    let days = |days: i64| 10 + days * 24 * 3600;
    let forget = async |seconds: i64| {
        let forgotten = fixture.store.forget_expired(at(seconds)).await;
        forgotten.expect("done");
    };
    forget(days(1) - 1).await;
    assert!(fixture.is_there(&link, 11).await);
    assert_eq!(fixture.waiting().await.len(), 1);
    forget(days(1)).await;
    assert!(!fixture.is_there(&link, 11).await);
    assert!(fixture.waiting().await.is_empty());
    forget(days(14) - 1).await;
    assert_eq!(fixture.state(&change).await, ChangeState::Pending);
    forget(days(14)).await;
    let read = fixture.store.email_change(change.id).await;
    assert_eq!(read.expect("read"), None);
}
