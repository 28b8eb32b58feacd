//! Tokens on a real database, with a clock that the cases move.

use async_trait::async_trait;
use portico_chassis::{
    caller::Principal,
    database::testing::{self, TestDatabase},
    token::{KeySource, NoKeys, PublicKey, Revocations, Revoked, Verifier},
};
use tokio_stream::StreamExt as _;

use super::*;
use crate::{
    Cost, MIGRATIONS, build_tokens,
    session::{EndReason, Session, Visit},
    store::{Cursor, Verified},
};

const DAY: Duration = Duration::from_secs(86_400);

struct Fixture {
    tokens: Tokens,
    config: Config,
    clock: Clock,
    database: TestDatabase,
}

impl Fixture {
    async fn new() -> Self {
        let database = testing::sqlite(&MIGRATIONS).await;
        let clock = Clock::manual(Timestamp::from_seconds(1_000_000_000));
        let config = config("A");
        let built = build_tokens(&config, &database.database, clock.clone()).await;
        let (tokens, _app) = built.expect("built");
        Self {
            tokens,
            config,
            clock,
            database,
        }
    }

    /// Another process on the same database.
    async fn another(&self) -> Tokens {
        let clock = self.clock.clone();
        let built = build_tokens(&self.config, &self.database.database, clock).await;
        built.expect("built").0
    }

    async fn states(&self) -> Vec<KeyState> {
        let keys = self.tokens.keys().await.expect("keys");
        keys.into_iter().map(|key| key.state).collect()
    }

    async fn advance(&self, by: Duration) {
        self.clock.advance(by);
        self.tokens.upkeep().await.expect("kept up");
    }
}

fn config(key: &str) -> Config {
    Config {
        issuer: "https://id.example.com".to_owned(),
        audience: "portico".to_owned(),
        access_token_ttl: Duration::from_secs(600),
        session_ttl: Duration::from_secs(3_600),
        require_verified_email: false,
        master_key: MasterKey::parse(&key.repeat(44)).expect("key"),
        password_cost: Cost::default(),
        is_throttled: true,
        breached_passwords: None,
        first_admin: None,
    }
}

fn issue(tokens: &Tokens) -> String {
    let subject = Subject {
        user_id: Uuid::from_u128(1),
        session_id: Uuid::from_u128(2),
        role: "ADMIN",
        email: "ada@example.com",
    };
    tokens
        .issue_on(&subject, &Standing::Session, tokens.0.clock.now())
        .expect("issued")
        .0
}

fn kid_of(token: &str) -> String {
    let header = token.split('.').next().expect("a header");
    let header = BASE64_URL_SAFE_NO_PAD.decode(header).expect("base64");
    let header: serde_json::Value = serde_json::from_slice(&header).expect("JSON");
    header["kid"].as_str().expect("kid").to_owned()
}

struct Published(Tokens);

#[async_trait]
impl KeySource for Published {
    async fn fetch(&self) -> Result<Vec<PublicKey>, Error> {
        let keys = self.0.published().into_iter();
        Ok(keys.map(|(kid, x)| PublicKey { kid, x }).collect())
    }
}

fn verifier(fixture: &Fixture) -> Verifier {
    verifier_of(fixture, "https://id.example.com", "portico")
}

fn verifier_of(fixture: &Fixture, issuer: &str, audience: &str) -> Verifier {
    let revocations = Arc::new(Revocations::default());
    tokio::spawn(follow(revocations.clone()));
    Verifier::new(
        issuer,
        audience,
        Box::new(Published(fixture.tokens.clone())),
        Box::new(NoKeys),
        revocations,
        fixture.clock.clone(),
    )
}

/// Notes again and again that all revocations are known, as a stream does.
async fn follow(revocations: Arc<Revocations>) {
    loop {
        revocations.catch_up();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

#[tokio::test]
async fn an_issued_token_is_accepted_until_it_expires() {
    let fixture = Fixture::new().await;
    let verifier = verifier(&fixture);
    let token = issue(&fixture.tokens);
    let known = verifier.verify(&token).await.expect("accepted");
    let Principal::User(user) = known.principal else {
        panic!("a person");
    };
    assert_eq!(user.id, Uuid::from_u128(1));
    assert_eq!(user.session_id, Uuid::from_u128(2));
    assert!(user.is_admin);
    assert_eq!(user.issued_at, fixture.clock.now());
    fixture.clock.advance(Duration::from_secs(600));
    let refused = verifier.verify(&token).await.expect_err("expired");
    assert_eq!(refused.reason, "TOKEN_EXPIRED");
    fixture.database.close().await;
}

/// RFC 8725, sections 3.8 and 3.9: the signature is right, and yet.
#[tokio::test]
async fn a_token_of_another_issuer_or_for_another_audience_is_refused() {
    let fixture = Fixture::new().await;
    let token = issue(&fixture.tokens);
    for (issuer, audience) in [
        ("https://evil.example", "portico"),
        ("https://id.example.com/", "portico"),
        ("https://id.example.com", "another"),
    ] {
        let verifier = verifier_of(&fixture, issuer, audience);
        let refused = verifier.verify(&token).await.expect_err("refused");
        assert_eq!(refused.reason, "UNAUTHENTICATED", "{issuer} {audience}");
    }
    fixture.database.close().await;
}

#[tokio::test]
async fn a_key_made_by_hand_signs_within_seconds_and_breaks_no_token() {
    let fixture = Fixture::new().await;
    let verifier = verifier(&fixture);
    let before = issue(&fixture.tokens);
    let other = fixture.another().await;
    let kid = other.rotate_key().await.expect("rotated");
    fixture.advance(REFRESH).await;
    assert_eq!(
        fixture.states().await,
        [KeyState::Active, KeyState::Pending]
    );
    assert_eq!(fixture.tokens.published().len(), 2);
    assert_eq!(kid_of(&issue(&fixture.tokens)), kid_of(&before));
    fixture.advance(IN_FORCE).await;
    let after = issue(&fixture.tokens);
    assert_eq!(kid_of(&after), kid);
    for token in [before, after] {
        assert!(verifier.verify(&token).await.is_ok());
    }
    fixture.database.close().await;
}

#[tokio::test]
async fn a_retired_key_counts_no_more_and_another_signs_at_once() {
    let fixture = Fixture::new().await;
    let verifier = verifier(&fixture);
    let before = issue(&fixture.tokens);
    assert!(verifier.verify(&before).await.is_ok());
    let kid = kid_of(&before);
    assert!(fixture.tokens.retire_key(&kid).await.expect("retired"));
    assert!(!fixture.tokens.retire_key(&kid).await.expect("unknown"));
    let after = issue(&fixture.tokens);
    assert_ne!(kid_of(&after), kid);
    fixture.clock.advance(Duration::from_secs(5));
    let refused = verifier.verify(&before).await.expect_err("refused");
    assert_eq!(refused.reason, "UNAUTHENTICATED");
    assert!(verifier.verify(&after).await.is_ok());
    fixture.database.close().await;
}

#[tokio::test]
async fn keys_follow_each_other_by_themselves() {
    use KeyState::{Active, Pending, Retiring};
    let fixture = Fixture::new().await;
    let first = kid_of(&issue(&fixture.tokens));
    fixture.advance(89 * DAY).await;
    assert_eq!(fixture.states().await, [Active]);
    fixture.advance(DAY - Duration::from_secs(600)).await;
    assert_eq!(fixture.states().await, [Active, Pending]);
    assert_eq!(kid_of(&issue(&fixture.tokens)), first);
    fixture.advance(Duration::from_secs(600)).await;
    assert_eq!(fixture.states().await, [Retiring, Active]);
    assert_ne!(kid_of(&issue(&fixture.tokens)), first);
    fixture.advance(Duration::from_secs(660)).await;
    assert_eq!(fixture.states().await, [Active]);
    fixture.database.close().await;
}

#[tokio::test]
async fn processes_that_start_at_once_share_one_key() {
    let fixture = Fixture::new().await;
    let other = fixture.another().await;
    assert_eq!(kid_of(&issue(&other)), kid_of(&issue(&fixture.tokens)));
    assert_eq!(fixture.states().await, [KeyState::Active]);
    fixture.database.close().await;
}

#[tokio::test]
async fn another_master_key_is_told_at_the_start() {
    let fixture = Fixture::new().await;
    let clock = fixture.clock.clone();
    let built = build_tokens(&config("B"), &fixture.database.database, clock).await;
    let Err(error) = built else {
        panic!("it started");
    };
    assert!(format!("{:?}", error).contains("PORTICO_MASTER_KEY"));
    fixture.database.close().await;
}

/// Opens a session and ends it; the revocation.
async fn revoke(fixture: &Fixture) -> Revoked {
    let (store, now) = (&fixture.tokens.0.store, fixture.clock.now());
    let user_id = new_id(now);
    let begun = store.begin_registration(user_id, None, Some("hash"), now);
    begun.await.expect("begun");
    let visit = Visit {
        at: now,
        ip: None,
        user_agent: None,
    };
    let session = Session::begin(user_id, &visit, DAY);
    let origin = portico_chassis::outbox::Origin::system(now);
    let verified = Verified {
        password_hash: "hash",
        version: 1,
    };
    let opened = store.open_session(&session, verified, &origin).await;
    assert!(opened.expect("stored").is_some());
    let reason = EndReason::Revoked;
    let ended = store
        .end_session(user_id, session.id, reason, &origin)
        .await;
    assert!(ended.expect("ended"));
    fixture.tokens.0.feed.wake();
    Revoked::Session(session.id)
}

#[tokio::test]
async fn a_watcher_catches_up_and_then_hears_of_each_revocation() {
    let fixture = Fixture::new().await;
    let Revoked::Session(first) = revoke(&fixture).await else {
        panic!("a session");
    };
    let mut watched = fixture.tokens.0.feed.watch(Cursor::default());
    let mut next = async || watched.next().await.expect("a message").expect("no error");
    let message = next().await;
    let tokens = message.revocation.expect("a revocation").tokens;
    let of = |id: Uuid| {
        Some(portico_proto::auth::revocation::Tokens::SessionId(
            id.to_string(),
        ))
    };
    assert_eq!(tokens, of(first));
    assert!(!message.caught_up);
    let heartbeat = next().await;
    assert!(heartbeat.caught_up && heartbeat.revocation.is_none());
    let Revoked::Session(second) = revoke(&fixture).await else {
        panic!("a session");
    };
    // It may be told in between that nothing is new.
    let message = loop {
        let message = next().await;
        if !message.caught_up {
            break message;
        }
    };
    assert_eq!(message.revocation.expect("a revocation").tokens, of(second));

    let after = Cursor::parse(&heartbeat.cursor);
    let mut resumed = fixture.tokens.0.feed.watch(after);
    let message = resumed.next().await.expect("a message").expect("no error");
    assert_eq!(message.revocation.expect("a revocation").tokens, of(second));

    fixture.tokens.0.feed.stop();
    // Streams end with the process.
    while let Some(message) = watched.next().await {
        assert!(message.expect("no error").caught_up);
    }
    fixture.database.close().await;
}
