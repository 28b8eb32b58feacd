//! What only PostgreSQL does: several transactions and several processes at
//! once.

use portico_chassis::{
    database::{Database, PostgresDatabase, Write, testing},
    outbox::{Event, Outbox, append},
};
use portico_proto::events::WatchEventsRequest;
use sqlx::Postgres;
use std::sync::Arc;
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    MIGRATIONS, THING,
    fixture::{CHANGE, Fixture, KEY, MAKE, RETENTION, Values, next, next_event, origin, value},
};

fn postgres(fixture: &Fixture) -> &PostgresDatabase {
    match &fixture.database.database {
        Database::Postgres(database) => database,
        Database::Sqlite(_) => panic!("it is PostgreSQL"),
    }
}

/// A transaction that has written something and no event yet.
async fn begun(fixture: &Fixture) -> Write<Postgres> {
    let mut transaction = postgres(fixture).begin().await.expect("begun");
    let key = sqlx::query(KEY).bind(Uuid::new_v4());
    key.execute(&mut transaction).await.expect("a key");
    transaction
}

/// Gives a thing the next value, and tells of it.
async fn change_in(transaction: &mut Write<Postgres>, fixture: &Fixture, thing: Uuid) {
    let made = sqlx::query(MAKE).bind(thing);
    made.execute(&mut *transaction).await.expect("a thing");
    let changed = sqlx::query_scalar(CHANGE).bind(thing);
    let value: i64 = changed.fetch_one(&mut *transaction).await.expect("changed");
    let event = Event::new("thing.updated", thing, &value);
    let origin = origin(fixture.clock.now());
    let told = append(transaction, &origin, event);
    told.await.expect("an event");
    let written = transaction.write_events();
    written.await.expect("it has its number");
}

#[tokio::test]
async fn an_event_that_is_not_committed_yet_is_not_passed_over() {
    let fixture = Fixture::new(testing::postgres(&MIGRATIONS).await);
    let mut stream = fixture.watch("0", &[]).await.expect("a stream");
    assert_eq!(next(&mut stream).await.event, None);
    let slow_thing = Uuid::from_u128(8);
    let mut slow = begun(&fixture).await;
    change_in(&mut slow, &fixture, slow_thing).await;
    fixture.change(THING).await;
    assert_eq!(next(&mut stream).await.event, None, "nothing is settled");
    slow.commit().await.expect("committed");
    let subjects = [next_event(&mut stream).await, next_event(&mut stream).await];
    let subjects = subjects.map(|(_, event)| event.subject);
    assert_eq!(subjects, [slow_thing.to_string(), THING.to_string()]);
    fixture.close().await;
}

/// The transaction that began to write first changes the thing last.
#[tokio::test]
async fn the_events_of_one_thing_are_told_in_the_order_in_which_they_happened() {
    let fixture = Fixture::new(testing::postgres(&MIGRATIONS).await);
    let mut early = begun(&fixture).await;
    let mut late = begun(&fixture).await;
    change_in(&mut late, &fixture, THING).await;
    late.commit().await.expect("committed");
    change_in(&mut early, &fixture, THING).await;
    early.commit().await.expect("committed");
    let mut stream = fixture.watch("0", &[]).await.expect("a stream");
    assert_eq!(value(&next_event(&mut stream).await.1), 1);
    assert_eq!(value(&next_event(&mut stream).await.1), 2);
    fixture.close().await;
}

#[tokio::test]
async fn what_another_process_writes_is_told_too() {
    let fixture = Fixture::new(testing::postgres(&MIGRATIONS).await);
    let database = Database::open(&fixture.database.url, 4)
        .await
        .expect("open");
    let other = Outbox::new(database.clone(), fixture.clock.clone(), RETENTION);
    let stop = CancellationToken::new();
    let followed = tokio::spawn(other.clone().run(stop.clone()));
    let request = WatchEventsRequest::default();
    let mut stream = other.watch(request, Arc::new(Values)).await.expect("one");
    next(&mut stream).await;
    fixture.change(THING).await;
    assert_eq!(value(&next_event(&mut stream).await.1), 1);
    stop.cancel();
    followed.await.expect("it ends");
    database.close().await;
    fixture.close().await;
}
