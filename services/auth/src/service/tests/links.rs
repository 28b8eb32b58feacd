//! Links in mails, with peers that fail between any two steps, and how long
//! links work.

use portico_chassis::email_address::EmailAddress;
use portico_proto::auth::links_service_server::LinksService;

use super::*;
use crate::{
    link::{Aim, ChangeState, Purpose},
    link_request::Wish,
};

const ADA: &str = "ada@example.com";
const EVE: &str = "eve@example.com";
const MINUTE: Duration = Duration::from_secs(60);

impl Fixture {
    async fn registered(&self) -> Uuid {
        let id = user_id(self.register(None).await.expect("made"));
        parse_id(&id).expect("an id")
    }

    /// Makes the token of a link to the one person that there is, as its mail
    /// would have it.
    async fn mint(
        &self,
        purpose: Purpose,
        to: &str,
        change_id: Option<Uuid>,
    ) -> Result<String, String> {
        let aim = Aim {
            purpose,
            user_id: parse_id(&self.person().id).expect("an id"),
            email: EmailAddress::parse(to).expect("an address"),
            change_id,
        };
        let minted = self.accounts.mint(&Call::default(), aim).await;
        let minted = minted.map(|(token, _)| token);
        minted.map_err(|error| error.reason.into_owned())
    }

    /// The tokens that confirm and undo a change to another address.
    async fn change(&self, user_id: Uuid, from: &str, to: &str) -> [String; 2] {
        let id = self.ask_for_change(user_id, to).await;
        self.accounts.answer_all().await.expect("answered");
        let confirm = self.mint(Purpose::ConfirmEmail, to, Some(id)).await;
        let undo = self.mint(Purpose::UndoEmailChange, from, Some(id)).await;
        [confirm, undo].map(|minted| minted.expect("minted"))
    }

    async fn ask_for_change(&self, user_id: Uuid, to: &str) -> Uuid {
        let email = EmailAddress::parse(to).expect("an address");
        let wish = Wish::NewEmail { user_id, email };
        let request = self.accounts.link_request(&Call::default(), wish);
        let kept = self.accounts.store().add_link_request(&request).await;
        kept.expect("kept");
        request.id
    }

    async fn verify(&self, token: &str) -> Result<String, String> {
        let call = Call::default();
        let verified = Accounts::verify_email(&self.accounts, &call, token).await;
        let address = verified.map(|user| user.email);
        address.map_err(|error| error.reason.into_owned())
    }

    async fn undo(&self, token: &str) -> Result<String, String> {
        let call = Call::default();
        let undone = Accounts::undo_email_change(&self.accounts, &call, token).await;
        let address = undone.map(|user| user.email);
        address.map_err(|error| error.reason.into_owned())
    }

    async fn reset(&self, token: &str) -> Result<(), String> {
        let password = Password::parse("another password").expect("a password");
        let call = Call::default();
        let reset = Accounts::reset_password(&self.accounts, &call, token, &password).await;
        reset.map_err(|error| error.reason.into_owned())
    }

    fn person(&self) -> users::User {
        self.fakes.people.lock().expect("lock")[0].clone()
    }
}

#[tokio::test]
async fn each_link_works_as_long_as_it_should() {
    for (purpose, lifetime) in [
        (Purpose::VerifyEmail, 24 * HOUR),
        (Purpose::ConfirmEmail, 24 * HOUR),
        (Purpose::ResetPassword, 30 * MINUTE),
        (Purpose::UndoEmailChange, 7 * 24 * HOUR),
    ] {
        for (later, works) in [
            (lifetime - Duration::from_millis(1), true),
            (lifetime, false),
        ] {
            let fixture = Fixture::new().await;
            let user_id = fixture.registered().await;
            let change = match purpose {
                Purpose::ConfirmEmail | Purpose::UndoEmailChange => {
                    Some(fixture.ask_for_change(user_id, EVE).await)
                }
                _ => None,
            };
            fixture.accounts.answer_all().await.expect("answered");
            let to = match purpose {
                Purpose::ConfirmEmail => EVE,
                _ => ADA,
            };
            let token = fixture.mint(purpose, to, change).await.expect("minted");
            fixture.clock.advance(later);
            let followed = match purpose {
                Purpose::ResetPassword => fixture.reset(&token).await,
                Purpose::UndoEmailChange => fixture.undo(&token).await.map(drop),
                _ => fixture.verify(&token).await.map(drop),
            };
            let expected = match works {
                true => Ok(()),
                false => Err("LINK_INVALID".to_owned()),
            };
            assert_eq!(followed, expected, "{purpose:?} after {later:?}");
            fixture.database.close().await;
        }
    }
}

#[tokio::test]
async fn a_link_to_an_address_that_the_account_no_longer_has_proves_nothing() {
    let fixture = Fixture::new().await;
    let user_id = fixture.registered().await;
    let verification = fixture.mint(Purpose::VerifyEmail, ADA, None).await;
    let reset = fixture.mint(Purpose::ResetPassword, ADA, None).await;
    // As if it had changed without these links being ended.
    fixture.fakes.people.lock().expect("lock")[0].email = EVE.to_owned();
    for refused in [
        fixture
            .verify(&verification.expect("minted"))
            .await
            .map(drop),
        fixture.reset(&reset.expect("minted")).await,
    ] {
        assert_eq!(refused.expect_err("refused"), "LINK_INVALID");
    }
    assert!(!fixture.person().email_verified);
    assert!(fixture.has_password(&user_id.to_string()).await);
    for purpose in [Purpose::VerifyEmail, Purpose::ResetPassword] {
        let refused = fixture.mint(purpose, ADA, None).await;
        assert_eq!(refused.expect_err("refused"), "LINK_NOT_NEEDED");
    }
    fixture.database.close().await;
}

#[tokio::test]
async fn a_link_whose_answer_was_lost_can_be_followed_again() {
    for fault in [Fault::Before, Fault::After] {
        let fixture = Fixture::new().await;
        let user_id = fixture.registered().await;
        let [confirm, _] = fixture.change(user_id, ADA, EVE).await;
        fixture.fakes.fail("SetUserEmail", fault);
        let failed = fixture.verify(&confirm).await;
        assert_eq!(failed.expect_err("lost"), "SERVICE_UNAVAILABLE");
        assert_eq!(fixture.verify(&confirm).await.as_deref(), Ok(EVE));
        let again = fixture.verify(&confirm).await;
        assert_eq!(again.expect_err("used"), "LINK_INVALID");
        fixture.database.close().await;
    }
}

#[tokio::test]
async fn a_change_of_the_person_meanwhile_does_not_stand_in_the_way() {
    let fixture = Fixture::new().await;
    let user_id = fixture.registered().await;
    let [confirm, _] = fixture.change(user_id, ADA, EVE).await;
    fixture.fakes.fail("SetUserEmail", Fault::Outdated);
    assert_eq!(fixture.verify(&confirm).await.as_deref(), Ok(EVE));
    fixture.database.close().await;
}

#[tokio::test]
async fn an_undo_that_was_interrupted_is_finished_later() {
    for fault in [Fault::Before, Fault::After] {
        let fixture = Fixture::new().await;
        let user_id = fixture.registered().await;
        let [confirm, undo] = fixture.change(user_id, ADA, EVE).await;
        fixture.verify(&confirm).await.expect("confirmed");
        fixture.fakes.fail("SetUserEmail", fault);
        let failed = fixture.undo(&undo).await;
        assert_eq!(failed.expect_err("lost"), "SERVICE_UNAVAILABLE");
        let now = fixture.clock.now();
        let store = fixture.accounts.store();
        assert_eq!(store.undos(now).await.expect("read").len(), 1);
        fixture.accounts.resume_undos(now).await.expect("resumed");
        assert_eq!(fixture.person().email, ADA);
        assert!(store.undos(now).await.expect("read").is_empty());
        fixture.database.close().await;
    }
}

#[tokio::test]
async fn an_undo_of_an_account_that_is_gone_is_given_up() {
    let fixture = Fixture::new().await;
    let user_id = fixture.registered().await;
    let [_, undo] = fixture.change(user_id, ADA, EVE).await;
    fixture.fakes.fail("SetUserEmail", Fault::Before);
    fixture.undo(&undo).await.expect_err("lost");
    fixture.fakes.people.lock().expect("lock").clear();
    let now = fixture.clock.now();
    fixture.accounts.resume_undos(now).await.expect("resumed");
    let left = fixture.accounts.store().undos(now).await;
    assert!(left.expect("read").is_empty());
    fixture.database.close().await;
}

#[tokio::test]
async fn no_link_is_made_for_a_change_that_is_over() {
    let fixture = Fixture::new().await;
    let user_id = fixture.registered().await;
    let first = fixture.ask_for_change(user_id, EVE).await;
    fixture.accounts.answer_all().await.expect("answered");
    let wrong = fixture.mint(Purpose::ConfirmEmail, ADA, Some(first)).await;
    assert_eq!(wrong.expect_err("another address"), "LINK_NOT_NEEDED");
    fixture.clock.advance(MINUTE);
    let second = fixture.ask_for_change(user_id, "bob@example.com").await;
    fixture.accounts.answer_all().await.expect("answered");
    let superseded = fixture.mint(Purpose::ConfirmEmail, EVE, Some(first)).await;
    assert_eq!(superseded.expect_err("superseded"), "LINK_NOT_NEEDED");
    let undo = fixture
        .mint(Purpose::UndoEmailChange, ADA, Some(second))
        .await;
    fixture.undo(&undo.expect("minted")).await.expect("undone");
    let undone = fixture
        .mint(Purpose::UndoEmailChange, ADA, Some(second))
        .await;
    assert_eq!(undone.expect_err("undone"), "LINK_NOT_NEEDED");
    // The change before can still be undone by the mail about it.
    let earlier = fixture
        .mint(Purpose::UndoEmailChange, ADA, Some(first))
        .await;
    earlier.expect("minted");
    fixture.database.close().await;
}

#[tokio::test]
async fn a_request_waits_while_the_people_are_away() {
    let fixture = Fixture::new().await;
    let user_id = fixture.registered().await;
    let change = fixture.ask_for_change(user_id, EVE).await;
    let store = fixture.accounts.store();
    fixture.fakes.fail("BatchGetUsers", Fault::Before);
    fixture.accounts.answer_all().await.expect_err("away");
    assert_eq!(store.link_requests().await.expect("read").len(), 1);
    assert_eq!(store.email_change(change).await.expect("read"), None);
    fixture.accounts.answer_all().await.expect("answered");
    assert!(store.link_requests().await.expect("read").is_empty());
    let change = store.email_change(change).await.expect("read");
    assert_eq!(change.expect("there").state, ChangeState::Pending);
    fixture.database.close().await;
}

#[tokio::test]
async fn an_account_that_was_asked_for_is_made_once_whatever_is_lost() {
    for fault in [Fault::Before, Fault::After] {
        let fixture = Fixture::new().await;
        let hash = fixture.accounts.hash_chosen(PASSWORD).await;
        let wish = Wish::Account {
            user_id: Uuid::from_u128(9),
            email: EmailAddress::parse(ADA).expect("an address"),
            name: "Ada".to_owned(),
            password_hash: hash.expect("hashed"),
        };
        let asked = fixture.accounts.ask(&Call::default(), wish).await;
        asked.expect("asked");
        fixture.fakes.fail("CreateUser", fault);
        fixture.accounts.answer_all().await.expect_err("lost");
        fixture.accounts.answer_all().await.expect("answered");
        fixture.accounts.answer_all().await.expect("nothing left");
        assert_eq!(fixture.people(), 1);
        fixture.login(PASSWORD).await.expect("signed in");
        fixture.database.close().await;
    }
}

#[tokio::test]
async fn another_address_needs_a_fresh_sign_in() {
    let fixture = Fixture::new().await;
    let made = fixture.register(None).await.expect("made").into_inner();
    let id = made.user.expect("a user").id;
    let token = made.refresh_token.expect("a token");
    let session = RefreshToken::parse(&token).expect("a token").session_id();
    let change = async || {
        let mut call = Call::default();
        call.caller = Caller {
            user: Some(Arc::new(person(&id, session, false))),
            ..Caller::default()
        };
        let message = proto::ChangeEmailRequest {
            new_email: EVE.to_owned(),
        };
        let changed = fixture.accounts.change_email(with(call, message)).await;
        changed.map(drop).map_err(reason)
    };
    change().await.expect("it is fresh");
    fixture.clock.advance(11 * MINUTE);
    let refused = change().await;
    assert_eq!(refused.expect_err("not fresh"), "REAUTHENTICATION_REQUIRED");
    fixture.database.close().await;
}
