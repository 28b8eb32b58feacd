//! Moves between a fresh file and a fresh schema.

use portico_chassis::{
    clock::Timestamp,
    database::{
        SqliteDatabase,
        testing::{self, TestDatabase},
    },
};
use sqlx::{PgPool, raw_sql};
use uuid::Uuid;

use super::*;

/// An installation's database of one service on both sides.
struct Fixture {
    role: Role,
    migrations: &'static Migrations,
    sqlite: TestDatabase,
    postgres: TestDatabase,
}

impl Fixture {
    async fn new(role: Role) -> Self {
        let migrations = migrations(role).expect("it has a database");
        Self {
            role,
            migrations,
            sqlite: testing::sqlite(migrations).await,
            postgres: testing::postgres(migrations).await,
        }
    }

    /// Of auth, with rows of every kind.
    async fn filled() -> Self {
        let fixture = Self::new(Role::Auth).await;
        fixture.on_sqlite(FILLED).await;
        fixture.sqlite.database.close().await;
        fixture
    }

    async fn on_sqlite(&self, sql: &'static str) {
        let Database::Sqlite(database) = &self.sqlite.database else {
            panic!("it is on SQLite");
        };
        let mut write = database.begin().await.expect("its turn");
        raw_sql(sql).execute(&mut write).await.expect(sql);
        write.commit().await.expect("committed");
    }

    async fn on_postgres(&self, sql: &'static str) {
        raw_sql(sql).execute(self.pool()).await.expect(sql);
    }

    fn pool(&self) -> &PgPool {
        match &self.postgres.database {
            Database::Postgres(database) => database.pool.pool(),
            Database::Sqlite(_) => panic!("it is on PostgreSQL"),
        }
    }

    async fn open_source(&self) -> anyhow::Result<Source> {
        let DatabaseUrl::Sqlite(path) = &self.sqlite.url else {
            panic!("it is on SQLite");
        };
        Source::open(path, self.migrations).await
    }

    async fn open(&self) -> anyhow::Result<Service> {
        let source = self.open_source().await?;
        let DatabaseUrl::Postgres(url) = &self.postgres.url else {
            panic!("it is on PostgreSQL");
        };
        Service::open(self.role, self.migrations, source, url).await
    }

    /// Moves it, to the end.
    async fn moved(&self) -> Outcome {
        self.all_but_the_end().await?.target.end().await
    }

    /// A move of all rows that has not ended yet.
    async fn all_but_the_end(&self) -> anyhow::Result<Service> {
        let mut service = self.open().await?;
        service.move_tables(&mut std::io::sink()).await?;
        Ok(service)
    }

    /// Why it cannot be moved.
    async fn refusal(&self) -> String {
        format!("{:#}", self.moved().await.expect_err("it is refused"))
    }

    async fn close(self) {
        self.sqlite.close().await;
        self.postgres.close().await;
    }
}

/// Nulls, empty values, moments before the epoch and between seconds, keys that
/// languages sort in another way than bytes, and numbers that were given to rows
/// that are gone.
const FILLED: &str = "
    INSERT INTO sessions VALUES
        (x'00000000000000000000000000000000', x'ffffffffffffffffffffffffffffffff', -1, 0,
            1700000000123, 253402300799999, '', NULL, x'', 9223372036854775807, 1),
        (x'00000000000000000000000000000001', x'0123456789abcdef0123456789abcdef', 1, 2, 3, 4,
            '::1', 'Zoë\n\t\\N\\.', x'00ff0a', -1, 5);
    INSERT INTO second_factors VALUES
        (x'00000000000000000000000000000000', NULL, NULL, 0, x'', 2147483647, NULL);
    INSERT INTO key_holders VALUES
        (x'00000000000000000000000000000000', 'a@example.com', 0, 1),
        (x'00000000000000000000000000000001', 'b@example.com', 1, 0);
    INSERT INTO event_cursors VALUES ('a', '1'), ('B', '2'), ('_', '3'), ('ä', '4'), ('Z', '5');
    INSERT INTO revocations (user_id, revoked_at, expires_at) VALUES
        (x'00000000000000000000000000000001', 1, 2), (x'00000000000000000000000000000002', 1, 2),
        (x'00000000000000000000000000000003', 1, 2);
    DELETE FROM revocations WHERE seq > 1;
    UPDATE outbox_trimmed SET seq = 7;
";

#[tokio::test]
async fn every_table_and_column_of_every_service_has_its_counterpart() {
    for role in [Role::Users, Role::Auth, Role::Projects, Role::Notifications] {
        let fixture = Fixture::new(role).await;
        let numbered = "SELECT name FROM sqlite_schema WHERE type = 'table' \
            AND sql LIKE '%AUTOINCREMENT%' ORDER BY name";
        let Database::Sqlite(SqliteDatabase { readers, .. }) = &fixture.sqlite.database else {
            panic!("it is on SQLite");
        };
        let numbered: Vec<String> = sqlx::query_scalar(numbered)
            .fetch_all(readers)
            .await
            .expect("a catalogue");
        fixture.sqlite.database.close().await;
        let mut service = fixture.open().await.expect("it can be moved");
        let tables = service.source.tables().await.expect("a catalogue");
        let tables = service.target.matched(&tables).await;
        let tables = tables.unwrap_or_else(|error| panic!("{}: {error:#}", role.name()));
        let mut theirs: Vec<&str> = tables
            .iter()
            .filter(|table| table.numbered.is_some())
            .map(|table| &*table.name)
            .collect();
        theirs.sort_unstable();
        assert_eq!(theirs, numbered, "what is numbered on both sides");
        for column in service.target.columns().await.expect("a catalogue") {
            let table = tables.iter().find(|table| table.name == column.table);
            let table = table.expect("all are matched");
            let has_key = column.place_in_key.is_some() || table.key.len() < table.columns.len();
            assert!(
                has_key || table.name == "outbox_trimmed",
                "{} has no primary key",
                table.name
            );
        }
        drop(service);
        fixture.close().await;
    }
}

#[tokio::test]
async fn every_kind_of_value_arrives_as_it_was() {
    let fixture = Fixture::filled().await;
    fixture.moved().await.expect("it is moved");
    type Session = (
        Uuid,
        Uuid,
        Timestamp,
        Timestamp,
        Timestamp,
        Option<String>,
        Option<String>,
        Vec<u8>,
        i64,
    );
    let sessions: Vec<Session> = sqlx::query_as(
        "SELECT id, user_id, created_at, authenticated_at, expires_at, ip, user_agent, seed, \
        generation FROM sessions ORDER BY id",
    )
    .fetch_all(fixture.pool())
    .await
    .expect("sessions");
    let millis = Timestamp::from_millis;
    assert_eq!(
        sessions[0],
        (
            Uuid::nil(),
            Uuid::max(),
            millis(-1),
            millis(253_402_300_799_999),
            millis(1_700_000_000_123),
            Some(String::new()),
            None,
            Vec::new(),
            i64::MAX
        )
    );
    let (id, user, .., ip, agent, seed, generation) = &sessions[1];
    assert_eq!(id.as_u128(), 1);
    assert_eq!(user.as_u128(), 0x0123_4567_89ab_cdef_0123_4567_89ab_cdef);
    assert_eq!(ip.as_deref(), Some("::1"));
    assert_eq!(agent.as_deref(), Some("Zoë\n\t\\N\\."));
    assert_eq!((&**seed, *generation), (&[0, 0xff, 0x0a][..], -1));
    let flags: Vec<(bool, bool)> =
        sqlx::query_as("SELECT is_admin, is_active FROM key_holders ORDER BY user_id")
            .fetch_all(fixture.pool())
            .await
            .expect("holders");
    assert_eq!(flags, [(false, true), (true, false)]);
    let trimmed: Vec<i64> = sqlx::query_scalar("SELECT seq FROM outbox_trimmed")
        .fetch_all(fixture.pool())
        .await
        .expect("one row");
    assert_eq!(trimmed, [7]);

    let next: i64 = sqlx::query_scalar(
        "INSERT INTO revocations (user_id, revoked_at, expires_at) \
        VALUES (gen_random_uuid(), now(), now()) RETURNING seq",
    )
    .fetch_one(fixture.pool())
    .await
    .expect("a row");
    assert_eq!(next, 4, "no number is given twice");
    fixture.close().await;
}

#[tokio::test]
async fn a_move_goes_on_after_the_last_row_that_arrived() {
    let fixture = Fixture::filled().await;
    drop(fixture.all_but_the_end().await.expect("it is moved"));
    fixture
        .on_postgres(
            "DELETE FROM event_cursors WHERE source COLLATE \"C\" > 'Z'; DELETE FROM sessions; \
            DELETE FROM outbox_trimmed",
        )
        .await;
    assert!(
        is_half_moved(&fixture.postgres.database)
            .await
            .expect("an answer")
    );
    let service = fixture.open().await.expect("it can go on");
    assert_eq!(service.state, State::HalfMoved);
    drop(service);
    fixture.moved().await.expect("it is moved");
    assert!(
        !is_half_moved(&fixture.postgres.database)
            .await
            .expect("an answer")
    );
    let service = fixture.open().await.expect("it is known");
    assert!(service.moved_before().is_some());
    drop(service);
    fixture.close().await;
}

#[tokio::test]
async fn the_first_row_that_differs_is_named() {
    for (sql, told) in [
        (
            "UPDATE sessions SET ip = '::2', generation = 3 WHERE ip = '::1'",
            "sessions differs: the row with id 00000000-0000-0000-0000-000000000001 has another \
            ip, generation on PostgreSQL",
        ),
        (
            "UPDATE sessions SET seed = '\\x00'",
            "sessions differs: the row with id 00000000-0000-0000-0000-000000000000 has another \
            seed on PostgreSQL",
        ),
        (
            "DELETE FROM event_cursors WHERE source = 'B'",
            "event_cursors differs: the row with source B on SQLite stands against that with \
            source Z on PostgreSQL",
        ),
        (
            "INSERT INTO devices VALUES ('00000000-0000-0000-0000-000000000001', '\\xab', now())",
            "devices differs: the row with user_id 00000000-0000-0000-0000-000000000001, hash ab \
            is only on PostgreSQL",
        ),
    ] {
        let fixture = Fixture::filled().await;
        drop(fixture.all_but_the_end().await.expect("it is moved"));
        fixture.on_postgres(sql).await;
        let expected = format!("{told}. Empty the database before you repeat the move");
        assert_eq!(fixture.refusal().await, expected);
        fixture.close().await;
    }
}

#[tokio::test]
async fn a_text_that_postgresql_does_not_take_is_named_and_nothing_of_its_batch_arrives() {
    let fixture = Fixture::new(Role::Auth).await;
    fixture
        .on_sqlite(
            "INSERT INTO event_cursors VALUES ('a', '1'), ('b', 'x' || char(0) || 'y'), ('c', '3')",
        )
        .await;
    fixture.sqlite.database.close().await;
    assert_eq!(
        fixture.refusal().await,
        "event_cursors.cursor of the row with source b cannot be moved: it has the \
        character U+0000, which PostgreSQL does not take"
    );
    let count: i64 = sqlx::query_scalar("SELECT count(*) FROM event_cursors")
        .fetch_one(fixture.pool())
        .await
        .expect("a count");
    assert_eq!(count, 0);
    fixture.close().await;
}

#[tokio::test]
async fn a_database_that_holds_something_else_is_refused() {
    let fixture = Fixture::filled().await;
    fixture
        .on_postgres("INSERT INTO event_cursors VALUES ('a', '1')")
        .await;
    let told = fixture.refusal().await;
    assert_eq!(
        told,
        "it is not empty: the table event_cursors has rows already"
    );
    fixture
        .on_postgres("TRUNCATE event_cursors; UPDATE outbox_trimmed SET seq = 3")
        .await;
    let told = fixture.refusal().await;
    assert_eq!(
        told,
        "it is not empty: the table outbox_trimmed has rows already"
    );
    fixture
        .on_postgres("UPDATE outbox_trimmed SET seq = 0; CREATE TABLE others AS SELECT 1")
        .await;
    let told = fixture.refusal().await;
    assert_eq!(told, "it is not empty: the table others has rows already");
    fixture.on_postgres("DROP TABLE others").await;
    fixture.moved().await.expect("it is moved");

    fixture
        .on_postgres("UPDATE portico_move SET source = 'another'")
        .await;
    let told = fixture.refusal().await;
    assert_eq!(told, "it holds what was moved from another installation");
    fixture.close().await;
}

#[tokio::test]
async fn a_file_is_refused_that_is_used_or_not_of_this_version() {
    let fixture = Fixture::new(Role::Users).await;
    let told = fixture.refusal().await;
    assert!(told.starts_with("somebody uses the database "), "{told}");
    fixture
        .on_sqlite("UPDATE _sqlx_migrations SET success = false WHERE version = 7")
        .await;
    fixture.sqlite.database.close().await;
    let told = fixture.refusal().await;
    assert!(
        told.ends_with(" lacks 1 migrations: run `portico migrate`"),
        "{told}"
    );

    let newer = Fixture::new(Role::Users).await;
    newer
        .on_sqlite(
            "INSERT INTO _sqlx_migrations (version, description, success, checksum, \
            execution_time) VALUES (9999, 'later', true, x'00', 0)",
        )
        .await;
    newer.sqlite.database.close().await;
    let told = newer.refusal().await;
    assert!(
        told.ends_with(" is of a newer version than this program"),
        "{told}"
    );
    newer.close().await;
    fixture.close().await;
}

#[tokio::test]
async fn while_a_file_is_moved_nobody_else_opens_it() {
    let fixture = Fixture::filled().await;
    let service = fixture.open().await.expect("it can be moved");
    let opened = Database::open(&fixture.sqlite.url, 1).await;
    assert!(opened.is_err(), "somebody opened it");
    drop(service);
    fixture.close().await;
}

#[tokio::test]
async fn two_moves_to_one_place_do_not_meet() {
    let one = Fixture::filled().await;
    let other = Fixture::filled().await;
    let service = one.open().await.expect("it can be moved");
    let DatabaseUrl::Postgres(url) = &one.postgres.url else {
        panic!("it is on PostgreSQL");
    };
    let source = other.open_source().await.expect("nobody uses it");
    let opened = Service::open(other.role, other.migrations, source, url).await;
    let told = opened.err().expect("it is refused").to_string();
    assert!(
        told.contains("is being moved to by somebody else"),
        "{told}"
    );
    drop(service);
    one.close().await;
    other.close().await;
}
