//! Deletions, which projects or users may refuse or leave open.

use super::*;

impl Fixture {
    async fn delete(
        &self,
        caller: Person,
        id: &str,
        new_owner: Option<&str>,
    ) -> Result<(), Failure> {
        let mut call = Call::default();
        call.caller = Caller {
            user: Some(Arc::new(caller)),
            ..Caller::default()
        };
        let message = proto::DeleteAccountRequest {
            id: id.to_owned(),
            new_owner_id: new_owner.map(str::to_owned),
        };
        let answered = self.accounts.delete_account(with(call, message)).await;
        answered.map(Response::into_inner)
    }

    /// Somebody else, as the users service knows it.
    fn another(&self) -> String {
        let user = users::User {
            id: Uuid::from_u128(8).to_string(),
            ..users::User::default()
        };
        let id = user.id.clone();
        self.fakes.people.lock().expect("lock").push(user);
        id
    }
}

/// Who may delete anybody.
fn admin() -> Person {
    person(&Uuid::from_u128(7).to_string(), Uuid::nil(), true)
}

#[tokio::test]
async fn a_deletion_that_was_interrupted_is_finished_later() {
    for (method, fault) in [
        ("ReleaseUser", Fault::Before),
        ("ReleaseUser", Fault::After),
        ("DeleteUser", Fault::Before),
        ("DeleteUser", Fault::After),
    ] {
        let fixture = Fixture::new().await;
        let made = fixture.register(None).await.expect("made").into_inner();
        let id = made.user.expect("a user").id;
        // The call before only checks.
        fixture.fakes.skip(method);
        fixture.fakes.fail(method, fault);
        let heir = fixture.another();
        let failed = fixture.delete(admin(), &id, Some(&heir)).await;
        let failure = failed.expect_err("interrupted");
        assert_eq!(reason(failure), "SERVICE_UNAVAILABLE");
        assert_eq!(
            fixture.login(PASSWORD).await.expect_err("refused"),
            "INVALID_CREDENTIALS"
        );
        let now = fixture.clock.now();
        fixture
            .accounts
            .resume_deletions(now)
            .await
            .expect("resumed");
        assert_eq!(fixture.fakes.status(&id), Status::Deleted);
        let released = fixture.fakes.released.lock().expect("lock").clone();
        assert_eq!(released, [(id, Some(heir))].into());
        let token = made.refresh_token.expect("a token");
        let refused = fixture.refresh(&token).await;
        assert_eq!(refused.expect_err("ended"), "REFRESH_TOKEN_INVALID");
        let left = fixture.accounts.store().deletions(now).await;
        assert!(left.expect("read").is_empty());
        fixture.database.close().await;
    }
}

#[tokio::test]
async fn a_refused_deletion_changes_nothing() {
    for is_late in [false, true] {
        let fixture = Fixture::new().await;
        let made = fixture.register(None).await.expect("made").into_inner();
        let id = made.user.expect("a user").id;
        if is_late {
            fixture.fakes.skip("ReleaseUser");
        }
        fixture.fakes.fail("ReleaseUser", Fault::Refused);
        let refused = fixture.delete(admin(), &id, None).await;
        assert_eq!(reason(refused.expect_err("refused")), "LAST_OWNER");
        assert_eq!(fixture.fakes.status(&id), Status::Active);
        fixture.login(PASSWORD).await.expect("signed in");
        fixture.database.close().await;
    }
}

#[tokio::test]
async fn deleting_oneself_needs_a_fresh_sign_in() {
    let fixture = Fixture::new().await;
    let made = fixture.register(None).await.expect("made").into_inner();
    let token = made.refresh_token.expect("a token");
    let session_id = RefreshToken::parse(&token).expect("a token").session_id();
    let id = made.user.expect("a user").id;
    fixture.clock.advance(Duration::from_secs(601));
    let oneself = person(&id, session_id, false);
    let refused = fixture.delete(oneself.clone(), &id, None).await;
    let refusal = reason(refused.expect_err("stale"));
    assert_eq!(refusal, "REAUTHENTICATION_REQUIRED");
    let origin = Call::default().origin(fixture.clock.now());
    let store = fixture.accounts.store();
    assert!(
        store
            .reauthenticate(session_id, &origin)
            .await
            .expect("noted")
    );
    let deleted = fixture.delete(oneself, &id, None).await;
    deleted.expect("deleted");
    assert_eq!(fixture.fakes.status(&id), Status::Deleted);
    fixture.database.close().await;
}

#[tokio::test]
async fn a_new_owner_is_another_person_named_by_an_admin() {
    let fixture = Fixture::new().await;
    let made = fixture.register(None).await.expect("made").into_inner();
    let id = made.user.expect("a user").id;
    let heir = fixture.another();
    let nobody = Uuid::from_u128(99).to_string();
    for (named, code) in [
        (id.as_str(), "NOT_ALLOWED"),
        (&nobody, "USER_NOT_FOUND"),
        ("no id", "USER_NOT_FOUND"),
        ("", "USER_NOT_FOUND"),
    ] {
        let refused = fixture.delete(admin(), &id, Some(named)).await;
        let error = Error::from_status(&refused.expect_err(named));
        let violation = &error.violations[0];
        assert_eq!(
            (&*violation.field, &*violation.code),
            ("newOwnerId", code),
            "{named}"
        );
    }
    let oneself = person(&id, Uuid::nil(), false);
    let refused = fixture.delete(oneself, &id, Some(&heir)).await;
    assert_eq!(reason(refused.expect_err("no ADMIN")), "FORBIDDEN");
    let stranger = person(&heir, Uuid::nil(), false);
    let refused = fixture.delete(stranger, &id, Some(&heir)).await;
    assert_eq!(reason(refused.expect_err("a stranger")), "USER_NOT_FOUND");
    assert_eq!(fixture.fakes.status(&id), Status::Active);
    let deleted = fixture.delete(admin(), &id, Some(&heir)).await;
    deleted.expect("deleted");
    fixture.database.close().await;
}
