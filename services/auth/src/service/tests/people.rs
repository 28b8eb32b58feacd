//! People who change while they sign in.

use portico_chassis::consumer::Handler as _;
use portico_proto::{events::Event, users::User};

use super::*;
use crate::admission::SignedIn;

impl Fixture {
    /// Somebody who has an account, as it is now.
    async fn somebody(&self) -> User {
        let id = user_id(self.register(None).await.expect("made"));
        self.fakes.find(|person| person.id == id).expect("there")
    }

    /// Signs in somebody who was read before.
    async fn admit(&self, read: &User) -> Result<SignedIn, String> {
        let id = parse_id(&read.id).expect("an id");
        let hash = self.accounts.store().password_hash(id).await;
        let hash = hash.expect("read").expect("there");
        let admitted = self
            .accounts
            .admit(&Call::default(), read.clone(), &hash)
            .await;
        match admitted.map_err(|error| error.reason.into_owned())? {
            Some(Admission::SignedIn(signed_in)) => Ok(*signed_in),
            _ => panic!("signed in"),
        }
    }

    /// The users service tells that somebody has changed.
    async fn tell(&self, id: &str, field: &str) {
        let event = Event {
            r#type: "user.updated".to_owned(),
            subject: id.to_owned(),
            updated_fields: vec![field.to_owned()],
            ..Event::default()
        };
        self.accounts.handle(event).await.expect("handled");
    }

    async fn sessions(&self, id: &str) -> usize {
        let id = parse_id(id).expect("an id");
        let sessions = self.accounts.store().all_sessions(id, self.clock.now());
        sessions.await.expect("read").len()
    }
}

#[tokio::test]
async fn who_is_disabled_while_signing_in_is_refused() {
    let fixture = Fixture::new().await;
    let read = fixture.somebody().await;
    fixture.fakes.set_status(&read.id, Status::Disabled);
    fixture.tell(&read.id, "status").await;
    let refused = fixture.admit(&read).await.err();
    assert_eq!(refused.as_deref(), Some("ACCOUNT_DISABLED"));
    assert_eq!(fixture.sessions(&read.id).await, 0);
    fixture.database.close().await;
}

#[tokio::test]
async fn who_is_disabled_when_just_signed_in_is_out_when_word_comes() {
    let fixture = Fixture::new().await;
    let read = fixture.somebody().await;
    fixture.fakes.set_status(&read.id, Status::Disabled);
    fixture.admit(&read).await.expect("signed in");
    assert_eq!(fixture.sessions(&read.id).await, 2);
    fixture.tell(&read.id, "status").await;
    assert_eq!(fixture.sessions(&read.id).await, 0);
    fixture.database.close().await;
}

#[tokio::test]
async fn who_gets_another_role_while_signing_in_has_it() {
    let fixture = Fixture::new().await;
    let read = fixture.somebody().await;
    fixture.fakes.set_role(&read.id, Role::Admin);
    fixture.tell(&read.id, "role").await;
    let signed_in = fixture.admit(&read).await.expect("signed in");
    assert_eq!(signed_in.user.role(), Role::Admin);
    fixture.database.close().await;
}

#[tokio::test]
async fn who_has_not_changed_is_read_once() {
    let fixture = Fixture::new().await;
    let read = fixture.somebody().await;
    fixture.fakes.fail("BatchGetUsers", Fault::Before);
    let signed_in = fixture.admit(&read).await.expect("signed in");
    assert_eq!(signed_in.user, read);
    fixture.database.close().await;
}
