//! Things that change, on a fresh database, and the stream of their changes.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use futures::StreamExt as _;
use portico_chassis::{
    clock::{Clock, Timestamp},
    database::{
        Database,
        testing::{Excuse, TestDatabase},
    },
    outbox::{
        Changes, Describe, Described, Event, EventStream, Outbox, Record, append,
        leave_room_for_lost_events,
    },
    status::Error,
};
use portico_proto::events::{Event as Told, WatchEventsRequest, WatchEventsResponse};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

/// How long events are kept.
pub(crate) const RETENTION: Duration = Duration::from_secs(3600);

/// Statements that need no index.
const EXCUSES: [Excuse; 5] = [
    ("outbox_trimmed", "it has one row"),
    ("sqlite_sequence", "it has one row"),
    ("FROM copies ORDER BY id", "a case looks"),
    ("sqlite_schema", "it has what the database consists of"),
    ("FROM things ORDER BY id", "a case looks"),
];

pub(crate) struct Fixture {
    pub(crate) database: TestDatabase,
    pub(crate) clock: Clock,
    pub(crate) outbox: Outbox,
    stop: CancellationToken,
    followed: JoinHandle<()>,
}

/// Says of each event which value it tells of, as the one whom it concerns.
pub(crate) struct Values;

#[async_trait]
impl Describe for Values {
    async fn describe(&self, records: &[Record]) -> Result<Vec<Described>, Error> {
        let describe = |record: &Record| {
            let value: i64 = record.payload()?;
            Ok(Described {
                user_ids: vec![Uuid::from_u128(value as u128)],
                ..Described::default()
            })
        };
        records.iter().map(describe).collect()
    }
}

/// The value that an event tells of.
pub(crate) fn value(event: &Told) -> i64 {
    let id: Uuid = event.user_ids[0].parse().expect("an id");
    id.as_u128() as i64
}

impl Fixture {
    pub(crate) fn new(database: TestDatabase) -> Self {
        let clock = Clock::manual(Timestamp::from_seconds(1_000_000));
        let outbox = Outbox::new(database.database.clone(), clock.clone(), RETENTION);
        let stop = CancellationToken::new();
        let followed = tokio::spawn(outbox.clone().run(stop.clone()));
        Self {
            database,
            clock,
            outbox,
            stop,
            followed,
        }
    }

    pub(crate) async fn close(self) {
        self.stop.cancel();
        self.followed.await.expect("it ends");
        self.database.explain_and_close(&EXCUSES).await;
    }

    /// Gives a thing the next value, in a transaction that writes something
    /// else first.
    pub(crate) async fn change(&self, thing: Uuid) {
        change(&self.database.database, thing, self.clock.now()).await;
    }

    /// Tells so many values of a thing in one transaction.
    pub(crate) async fn tell(&self, thing: Uuid, count: i64) {
        let origin = origin(self.clock.now());
        macro_rules! tell {
            ($database:expr) => {{
                let mut transaction = $database.begin().await.expect("begun");
                for value in 1..=count {
                    let event = Event::new("thing.updated", thing, &value);
                    let told = append(&mut transaction, &origin, event).await;
                    told.expect("an event");
                }
                transaction.commit().await.expect("committed");
            }};
        }
        match &self.database.database {
            Database::Postgres(database) => tell!(database),
            Database::Sqlite(database) => tell!(database),
        }
    }

    /// Makes a thing, unless it is there, with the last statement of a transaction
    /// that tells so many values of it. Whether they were told.
    pub(crate) async fn make(&self, thing: Uuid, count: i64) -> bool {
        let origin = origin(self.clock.now());
        macro_rules! make {
            ($database:expr) => {{
                let mut transaction = $database.begin().await.expect("begun");
                let made = transaction.last(sqlx::query(MAKE).bind(thing));
                made.expect("taken");
                for value in 1..=count {
                    let event = Event::new("thing.made", thing, &value);
                    let told = append(&mut transaction, &origin, event).await;
                    told.expect("an event");
                }
                transaction.commit_told().await.expect("committed")
            }};
        }
        match &self.database.database {
            Database::Postgres(database) => make!(database),
            Database::Sqlite(database) => make!(database),
        }
    }

    pub(crate) async fn watch(&self, cursor: &str, types: &[&str]) -> Result<EventStream, Error> {
        let request = WatchEventsRequest {
            cursor: Some(cursor.to_owned()),
            types: types.iter().map(|&name| name.to_owned()).collect(),
        };
        self.outbox.watch(request, Arc::new(Values)).await
    }

    /// What is done with a database that is restored.
    pub(crate) async fn leave_room(&self) {
        leave_room_for_lost_events(&self.database.database)
            .await
            .expect("room");
    }

    /// All rows of a table of things, in the order of their ids.
    pub(crate) async fn rows(&self, sql: &'static str) -> Vec<(Uuid, i64)> {
        match &self.database.database {
            Database::Postgres(database) => sqlx::query_as(sql).fetch_all(&database.pool).await,
            Database::Sqlite(database) => sqlx::query_as(sql).fetch_all(&database.readers).await,
        }
        .expect("rows")
    }
}

/// The next message of a stream.
pub(crate) async fn next(stream: &mut EventStream) -> WatchEventsResponse {
    stream.next().await.expect("goes on").expect("a message")
}

/// The next event, past all heartbeats.
pub(crate) async fn next_event(stream: &mut EventStream) -> (String, Told) {
    loop {
        let message = next(stream).await;
        if let Some(event) = message.event {
            return (message.cursor, event);
        }
    }
}

pub(crate) const KEY: &str = "INSERT INTO keys (id) VALUES ($1)";
pub(crate) const MAKE: &str =
    "INSERT INTO things (id, value) VALUES ($1, 0) ON CONFLICT (id) DO NOTHING";
pub(crate) const CHANGE: &str = "UPDATE things SET value = value + 1 WHERE id = $1 RETURNING value";

macro_rules! change {
    ($database:expr, $thing:expr, $at:expr) => {{
        let mut transaction = $database.begin().await.expect("begun");
        sqlx::query(KEY)
            .bind(Uuid::new_v4())
            .execute(&mut transaction)
            .await
            .expect("a key");
        sqlx::query(MAKE)
            .bind($thing)
            .execute(&mut transaction)
            .await
            .expect("a thing");
        let value: i64 = sqlx::query_scalar(CHANGE)
            .bind($thing)
            .fetch_one(&mut transaction)
            .await
            .expect("changed");
        let changes = Changes::default().value("value", &(value - 1), &value);
        let event = Event::new("thing.updated", $thing, &value).with(changes);
        append(&mut transaction, &origin($at), event)
            .await
            .expect("an event");
        transaction.commit().await.expect("committed");
    }};
}

pub(crate) async fn change(database: &Database, thing: Uuid, at: Timestamp) {
    match database {
        Database::Postgres(database) => change!(database, thing, at),
        Database::Sqlite(database) => change!(database, thing, at),
    }
}

pub(crate) fn origin(at: Timestamp) -> portico_chassis::outbox::Origin {
    portico_chassis::outbox::Origin::system(at)
}
