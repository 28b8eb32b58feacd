//! A consumer that keeps a copy of all things, and is killed again and again.

use std::{
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;
use portico_chassis::{
    clock::{Clock, fill_random},
    consumer::{Consumer, Handler},
    database::{Database, testing::cases},
    outbox::Outbox,
    status::Error,
    telemetry::Metrics,
};
use portico_proto::events::Event;
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status};
use uuid::Uuid;

use crate::{
    MIGRATIONS,
    fixture::{Fixture, Values, change, value},
};

cases! {
    a_consumer_killed_again_and_again_ends_with_the_state_of_the_source,
}

const WRITERS: usize = 8;
const CHANGES: usize = 10_000;
const KILLS: usize = 100;
const THINGS: u128 = 20;

const COPY: &str = "INSERT INTO copies (id, value) VALUES ($1, $2) \
    ON CONFLICT (id) DO UPDATE SET value = excluded.value";

/// Writes down the value that each event tells of.
struct Copies {
    database: Database,
    handled: AtomicUsize,
}

#[async_trait]
impl Handler for Copies {
    async fn handle(&self, event: Event) -> Result<(), Error> {
        let thing: Uuid = event.subject.parse().map_err(Error::internal)?;
        match &self.database {
            Database::Postgres(database) => {
                let query = sqlx::query(COPY).bind(thing).bind(value(&event));
                query.execute(&database.pool).await?;
            }
            Database::Sqlite(database) => {
                let mut transaction = database.begin().await?;
                let query = sqlx::query(COPY).bind(thing).bind(value(&event));
                query.execute(&mut transaction).await?;
                transaction.commit().await?;
            }
        }
        self.handled.fetch_add(1, Ordering::SeqCst);
        Ok(())
    }
}

async fn follow(outbox: Outbox, copies: Arc<Copies>) {
    let consumer = Consumer::new(
        copies.database.clone(),
        Metrics::default().event_lag("copies", "things", Clock::system()),
        &[],
    );
    let open = |request| {
        let stream = outbox.watch(request, Arc::new(Values));
        async move { Ok::<_, Status>(Response::new(stream.await?)) }
    };
    consumer.run(open, &*copies, CancellationToken::new()).await;
}

fn below(bound: u64) -> u64 {
    let mut random = [0; 8];
    fill_random(&mut random);
    u64::from_le_bytes(random) % bound
}

async fn a_consumer_killed_again_and_again_ends_with_the_state_of_the_source(fixture: &Fixture) {
    let mut writers = tokio::task::JoinSet::new();
    for _ in 0..WRITERS {
        let (database, at) = (fixture.database.database.clone(), fixture.clock.now());
        writers.spawn(async move {
            for _ in 0..CHANGES / WRITERS {
                let thing = Uuid::from_u128(u128::from(below(THINGS as u64)));
                change(&database, thing, at).await;
            }
        });
    }
    let copies = Arc::new(Copies {
        database: fixture.database.database.clone(),
        handled: AtomicUsize::new(0),
    });
    for _ in 0..KILLS {
        let handled = copies.handled.load(Ordering::SeqCst);
        let killed = tokio::spawn(follow(fixture.outbox.clone(), copies.clone()));
        // Each gets somewhere before it is killed, at whatever point.
        while copies.handled.load(Ordering::SeqCst) == handled && !writers.is_empty() {
            tokio::time::sleep(Duration::from_micros(100 + below(5_000))).await;
            while writers.try_join_next().is_some() {}
        }
        killed.abort();
    }
    while let Some(written) = writers.join_next().await {
        written.expect("written");
    }
    let last = tokio::spawn(follow(fixture.outbox.clone(), copies.clone()));
    let source = fixture
        .rows("SELECT id, value FROM things ORDER BY id")
        .await;
    let changes: i64 = source.iter().map(|(_, value)| value).sum();
    assert_eq!(changes as usize, CHANGES, "no change was lost");
    while fixture
        .rows("SELECT id, value FROM copies ORDER BY id")
        .await
        != source
    {
        assert!(!last.is_finished(), "the consumer goes on");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    last.abort();
}
