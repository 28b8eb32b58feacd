//! What every store does, whichever database it stands on. Each case gets a
//! fresh database on each engine.

mod accounts;
mod api_keys;
mod audit;
mod challenges;
mod deletions;
mod factors;
mod impersonations;
mod links;
mod passkeys;
mod privacy;
mod service_accounts;
mod sessions;
mod sign_ins;
mod throttle;
mod tickets;
mod tokens;

use std::collections::BTreeSet;

use portico_chassis::{
    clock::new_id,
    database::testing::{self, TestDatabase, cases, origin, paging, reason},
};

use super::*;
use crate::MIGRATIONS;

/// How long access tokens live in these cases.
const ACCESS_TTL: Duration = Duration::from_secs(600);

/// How long sessions last in these cases.
const TTL: Duration = Duration::from_secs(3_600);

/// Statements that need no index.
const EXCUSES: [testing::Excuse; 12] = [
    ("signing_keys", "there are a few"),
    ("service_accounts_created", "there are dozens of accounts"),
    ("deletions", "it has those that are in progress"),
    ("email_undos", "it has those that are in progress"),
    (
        "DELETE FROM registrations WHERE user_id",
        "an answer is kept for a day, and a purge is rare",
    ),
    (
        "DELETE FROM tickets WHERE user_id",
        "a ticket lives for a minute, and a purge is rare",
    ),
    (
        "AS newest UNION ALL",
        "what is sorted are the newest of two kinds, as many as fit a page",
    ),
    ("SELECT kind FROM outbox ORDER BY seq", "a case looks"),
    ("SELECT count(*) FROM tickets", "a case looks"),
    ("SELECT count(*) FROM throttles", "a case looks"),
    ("SELECT count(*) FROM familiar_places", "a case looks"),
    (
        "SELECT count(*) FROM api_keys WHERE owner_id",
        "a case looks",
    ),
];

struct Fixture {
    store: Arc<dyn Store>,
    database: TestDatabase,
}

impl Fixture {
    fn new(database: TestDatabase) -> Self {
        let store = open(&database.database, ACCESS_TTL);
        Self { store, database }
    }

    async fn close(self) {
        drop(self.store);
        self.database.explain_and_close(&EXCUSES).await;
    }

    /// A new account with the password hash `"hash"`.
    async fn account(&self) -> Uuid {
        let user_id = new_id(at(1));
        let begun = self
            .store
            .begin_registration(user_id, None, Some("hash"), at(1));
        assert_eq!(begun.await.expect("begun"), Begun::Open(user_id));
        self.finish(user_id, None, Some("hash")).await;
        user_id
    }

    async fn finish(
        &self,
        user_id: Uuid,
        key: Option<&RegistrationKey>,
        password_hash: Option<&str>,
    ) -> bool {
        let registration = Registration {
            user_id,
            key,
            password_hash,
            answer: b"answer",
        };
        let finished = self.store.finish_registration(registration, at(2));
        finished.await.expect("finished")
    }

    /// A session that was opened at this second.
    async fn session(&self, user_id: Uuid, seconds: i64) -> Session {
        let session = Session::begin(user_id, &visit(seconds), TTL);
        let opened = self
            .store
            .open_session(&session, verified("hash"), &origin(seconds))
            .await;
        assert_eq!(opened.expect("stored"), Some(Knowledge::Current));
        session
    }

    async fn hash(&self, user_id: Uuid) -> Option<String> {
        self.store.password_hash(user_id).await.expect("read")
    }

    /// The person's sessions that are live at this second.
    async fn live(&self, user_id: Uuid, seconds: i64) -> BTreeSet<Uuid> {
        let page = self
            .store
            .sessions(user_id, &paging(None, 100, None), at(seconds))
            .await
            .expect("listed");
        page.items.iter().map(|session| session.id).collect()
    }

    /// What is revoked at this second.
    async fn revoked(&self, seconds: i64) -> Vec<Revoked> {
        let revocations = self.store.revocations(Cursor::default(), at(seconds)).await;
        let revocations = revocations.expect("read");
        revocations.iter().map(|one| one.tokens).collect()
    }
}

/// What a password with this hash was verified with, of a person who has not
/// changed since it was made.
fn verified(password_hash: &str) -> Verified<'_> {
    Verified {
        password_hash,
        version: 1,
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn visit(seconds: i64) -> Visit {
    Visit {
        at: at(seconds),
        ip: "203.0.113.9".parse().ok(),
        user_agent: Some("browser".to_owned()),
    }
}
