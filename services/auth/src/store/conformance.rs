//! What every store does, whichever database it stands on. Each case gets a
//! fresh database on each engine.

mod accounts;
mod deletions;
mod sessions;
mod tokens;

use std::{collections::BTreeSet, sync::Arc};

use portico_chassis::{
    clock::new_id,
    database::{
        Database,
        testing::{self, TestDatabase},
    },
    outbox::Actor,
    status::Violations,
};

use super::{postgres::PostgresStore, sqlite::SqliteStore, *};
use crate::MIGRATIONS;

/// How long access tokens live in these cases.
const ACCESS_TTL: Duration = Duration::from_secs(600);

/// How long sessions last in these cases.
const TTL: Duration = Duration::from_secs(3_600);

/// Runs each case on each engine.
macro_rules! cases {
    ($($case:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[tokio::test] async fn $case() {
                use super::{MIGRATIONS, testing};
                let fixture = super::Fixture::new(testing::sqlite(&MIGRATIONS).await);
                super::$case(&fixture).await;
                fixture.close().await;
            })+
        }
        mod on_postgres {
            $(#[tokio::test] async fn $case() {
                use super::{MIGRATIONS, testing};
                let fixture = super::Fixture::new(testing::postgres(&MIGRATIONS).await);
                super::$case(&fixture).await;
                fixture.close().await;
            })+
        }
    };
}
use cases;

struct Fixture {
    store: Arc<dyn Store>,
    database: TestDatabase,
}

impl Fixture {
    fn new(database: TestDatabase) -> Self {
        let store: Arc<dyn Store> = match &database.database {
            Database::Postgres(pool) => Arc::new(PostgresStore::new(pool.clone(), ACCESS_TTL)),
            Database::Sqlite(database) => Arc::new(SqliteStore::new(database.clone(), ACCESS_TTL)),
        };
        Self { store, database }
    }

    async fn close(self) {
        drop(self.store);
        self.database.close().await;
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
            .open_session(&session, "hash", &origin(seconds))
            .await;
        assert!(opened.expect("stored"), "opened");
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

    /// Kind and payload of the events, in order.
    async fn events(&self) -> Vec<(String, String)> {
        let sql = "SELECT kind, payload FROM outbox ORDER BY seq";
        match &self.database.database {
            Database::Postgres(pool) => sqlx::query_as(sql).fetch_all(pool).await,
            Database::Sqlite(database) => sqlx::query_as(sql).fetch_all(&database.readers).await,
        }
        .expect("events")
    }

    async fn event_kinds(&self) -> Vec<String> {
        let events = self.events().await;
        events.into_iter().map(|(kind, _)| kind).collect()
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn origin(seconds: i64) -> Origin {
    Origin {
        actor: Actor::System,
        at: at(seconds),
        request_id: "test".to_owned(),
        traceparent: None,
        client_ip: None,
    }
}

fn visit(seconds: i64) -> Visit {
    Visit {
        at: at(seconds),
        ip: "203.0.113.9".parse().ok(),
        user_agent: Some("browser".to_owned()),
    }
}

fn paging(page: Option<i32>, limit: i32, cursor: Option<&str>) -> Paging {
    let mut violations = Violations::default();
    let paging = Paging::parse(&mut violations, page, Some(limit), cursor, &"test");
    violations.finish().expect("valid paging");
    paging
}
