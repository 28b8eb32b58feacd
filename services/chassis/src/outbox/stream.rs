//! Streams the outbox: from a cursor, in order, at least once, and goes on with
//! each event as it is settled.

use std::{
    collections::HashSet,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use async_trait::async_trait;
use futures::Stream;
use portico_proto::events::{self, WatchEventsRequest, WatchEventsResponse};
use prost_types::Any;
use tokio::{
    sync::{mpsc, watch},
    time::Instant,
};
use tokio_util::sync::CancellationToken;
use tonic::Status;
use uuid::Uuid;

use super::{Record, rows, tail};
use crate::{
    clock::Clock,
    database::{Database, in_time},
    status::{Error, Kind},
};

/// Events that are read at once.
const BATCH: i64 = 500;

/// Messages that wait for a slow reader of a stream; the rest waits in the
/// database.
const BUFFER: usize = 64;

/// How often a stream with nothing to tell says where it stands.
const HEARTBEAT: Duration = Duration::from_secs(5);

/// How often payloads that are kept long enough are dropped.
const TRIM_INTERVAL: Duration = Duration::from_secs(600);

/// Where a stream begins that is asked for all that is kept.
const BEGINNING: &str = "0";

/// The events of a service.
#[derive(Clone)]
pub struct Outbox(Arc<Inner>);

struct Inner {
    database: Database,
    clock: Clock,
    /// How long events are kept for streams.
    retention: Duration,
    /// How far events are settled; nothing until the database has answered.
    settled: watch::Sender<Option<i64>>,
    /// Ends all streams, so that the process can stop.
    stop: CancellationToken,
}

/// What a service knows of its events.
#[async_trait]
pub trait Describe: Send + Sync {
    /// What these events are about, in their order.
    ///
    /// # Errors
    ///
    /// What a peer answers that has to be asked.
    async fn describe(&self, records: &[Record]) -> Result<Vec<Described>, Error>;
}

/// What an event is about.
#[derive(Debug, Clone, Default)]
pub struct Described {
    /// The resource, if there is one.
    pub resource: Option<Any>,
    /// The project that it happened in.
    pub project_id: Option<Uuid>,
    /// The people whom it concerns in person.
    pub user_ids: Vec<Uuid>,
}

/// A stream of events and heartbeats.
pub struct EventStream(mpsc::Receiver<Message>);

type Message = Result<WatchEventsResponse, Status>;

impl Stream for EventStream {
    type Item = Message;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Message>> {
        self.0.poll_recv(context)
    }
}

impl Outbox {
    /// The outbox in a service's database, which keeps events for `retention`.
    #[must_use]
    pub fn new(database: Database, clock: Clock, retention: Duration) -> Self {
        Self(Arc::new(Inner {
            database,
            clock,
            retention,
            settled: watch::Sender::default(),
            stop: CancellationToken::new(),
        }))
    }

    /// Follows the outbox until `stop`, then ends all streams.
    pub async fn run(self, stop: CancellationToken) {
        let inner = &self.0;
        let trimmed = async {
            loop {
                tokio::time::sleep(TRIM_INTERVAL).await;
                if let Err(error) = self.trim().await {
                    tracing::warn!(%error, "old events are not dropped");
                }
            }
        };
        tokio::join!(
            stop.run_until_cancelled(tail::follow(&inner.database, &inner.settled)),
            stop.run_until_cancelled(trimmed),
        );
        inner.stop.cancel();
    }

    pub(super) fn database(&self) -> &Database {
        &self.0.database
    }

    /// Drops the payloads that are kept long enough.
    ///
    /// # Errors
    ///
    /// A failure of the database.
    pub async fn trim(&self) -> Result<(), Error> {
        let inner = &self.0;
        let before = inner.clock.now() - inner.retention;
        let settled = inner.settled.borrow().unwrap_or(0);
        rows::trim(&inner.database, before, settled).await
    }

    /// The events that a request asks for.
    ///
    /// # Errors
    ///
    /// `VALIDATION_FAILED` for what is no cursor, `CURSOR_EXPIRED` for one
    /// whose events are no longer kept.
    pub async fn watch(
        &self,
        request: WatchEventsRequest,
        describe: Arc<dyn Describe>,
    ) -> Result<EventStream, Error> {
        let inner = &self.0;
        let (trimmed, last) = rows::bounds(&inner.database).await?;
        let cursor = match request.cursor() {
            "" => inner.first_settled().await?,
            BEGINNING => trimmed,
            cursor => {
                let cursor = parse_cursor(cursor)?;
                if !(trimmed..=last).contains(&cursor) {
                    return Err(expired(trimmed));
                }
                cursor
            }
        };
        let (sender, receiver) = mpsc::channel(BUFFER);
        let watcher = Watcher {
            outbox: self.clone(),
            describe,
            types: request.types.into_iter().collect(),
            cursor,
            sender,
            heard: None,
        };
        tokio::spawn(watcher.run());
        Ok(EventStream(receiver))
    }
}

impl Inner {
    /// How far events are settled, once the database has answered.
    async fn first_settled(&self) -> Result<i64, Error> {
        let mut settled = self.settled.subscribe();
        let known = settled.wait_for(Option::is_some);
        tokio::select! {
            () = self.stop.cancelled() => Err(Error::unavailable("the process stops")),
            known = known => {
                let known = known.map_err(Error::internal)?;
                Ok(known.unwrap_or(0))
            }
        }
    }
}

/// One stream.
struct Watcher {
    outbox: Outbox,
    describe: Arc<dyn Describe>,
    /// All, if empty.
    types: HashSet<String>,
    cursor: i64,
    sender: mpsc::Sender<Message>,
    /// When a message was last sent.
    heard: Option<Instant>,
}

/// The reader has left.
struct Left;

impl Watcher {
    async fn run(mut self) {
        let outbox = self.outbox.0.clone();
        if outbox.first_settled().await.is_err() {
            return;
        }
        let mut settled = outbox.settled.subscribe();
        loop {
            let end = settled.borrow_and_update().unwrap_or(0);
            if self.send_until(end).await.is_err() {
                return;
            }
            let rest = self.heard.map_or(Duration::ZERO, |heard| {
                HEARTBEAT.saturating_sub(heard.elapsed())
            });
            if rest.is_zero() {
                if self.send(self.cursor, None).await.is_err() {
                    return;
                }
                continue;
            }
            tokio::select! {
                () = outbox.stop.cancelled() => return,
                () = self.sender.closed() => return,
                _ = settled.changed() => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
    }

    /// Sends what is settled, up to `end`.
    async fn send_until(&mut self, end: i64) -> Result<(), Left> {
        while self.cursor < end {
            match self.next_batch(end).await {
                Ok((events, cursor)) => {
                    for (seq, event) in events {
                        self.send(seq, Some(event)).await?;
                    }
                    self.cursor = cursor;
                }
                Err(error) => {
                    // A reader that has left needs no reason.
                    let _ = self.sender.send(Err(error.into())).await;
                    return Err(Left);
                }
            }
        }
        Ok(())
    }

    /// The next events that are asked for, and how far they reach.
    async fn next_batch(&self, end: i64) -> Result<(Vec<(i64, events::Event)>, i64), Error> {
        let database = &self.outbox.0.database;
        let read = rows::read(database, self.cursor, end, BATCH);
        let mut records = in_time(read).await?;
        let reach = match records.last() {
            Some(last) if records.len() as i64 == BATCH => last.seq,
            _ => end,
        };
        if records.iter().any(Record::is_trimmed) {
            return Err(expired(rows::bounds(database).await?.0));
        }
        records.retain(|record| self.types.is_empty() || self.types.contains(&record.kind));
        let described = self.describe.describe(&records).await?;
        let events = records.into_iter().zip(described);
        let events = events.map(|(record, described)| (record.seq, event(record, described)));
        Ok((events.collect(), reach))
    }

    async fn send(&mut self, cursor: i64, event: Option<events::Event>) -> Result<(), Left> {
        let message = WatchEventsResponse {
            cursor: format!("{cursor:016x}"),
            event,
        };
        self.heard = Some(Instant::now());
        tokio::select! {
            () = self.outbox.0.stop.cancelled() => Err(Left),
            sent = self.sender.send(Ok(message)) => sent.map_err(|_| Left),
        }
    }
}

fn event(record: Record, described: Described) -> events::Event {
    events::Event {
        id: record.id.to_string(),
        r#type: record.kind,
        time: Some(record.at.into()),
        actor: Some(record.actor.into()),
        request_id: record.request_id,
        traceparent: record.traceparent.unwrap_or_default(),
        subject: record.subject.to_string(),
        resource: described.resource,
        updated_fields: record.changed,
        project_id: described
            .project_id
            .map(|id| id.to_string())
            .unwrap_or_default(),
        user_ids: described.user_ids.iter().map(Uuid::to_string).collect(),
    }
}

fn parse_cursor(text: &str) -> Result<i64, Error> {
    let is_whole = text.len() == 16 && text.bytes().all(|byte| byte.is_ascii_hexdigit());
    let number = i64::from_str_radix(text, 16).ok().filter(|_| is_whole);
    number.ok_or_else(|| {
        Error::invalid_field("cursor", "CURSOR_INVALID", "is not a cursor of this stream")
    })
}

/// The failure of a cursor before the beginning of what is kept, or after the
/// end of all there is, as after the restoring of an older backup.
fn expired(trimmed: i64) -> Error {
    let begins_at = format!("{trimmed:016x}");
    let message = format!(
        "The events after this cursor are not kept any more. The stream now begins at the cursor \
         {begins_at}; read the present state anew, and go on from there."
    );
    let details = [("beginsAt".to_owned(), begins_at.into())];
    Error::new(Kind::FailedPrecondition, "CURSOR_EXPIRED", message)
        .with_details(details.into_iter().collect())
}
