//! Follows the events of another service from where it was left, also across
//! restarts: each event is dealt with at least once, in order.

use std::{future::Future, time::Duration};

use async_trait::async_trait;
use futures::{FutureExt as _, Stream, StreamExt as _};
use portico_proto::events::{Event, WatchEventsRequest, WatchEventsResponse};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tonic::{Response, Status};
use tracing::{Instrument as _, Span};

use crate::{
    database::{Database, in_time},
    status::{Error, Kind},
    telemetry::{self, EventLag},
};

/// The pause before another try after a failure. Short, because what others
/// tell takes effect here within two seconds of their being back.
const RECONNECT: Duration = Duration::from_millis(500);

/// How long it may take to deal with one event.
const PATIENCE: Duration = Duration::from_secs(30);

/// Events that are dealt with at most before the place is kept.
const UNKEPT: usize = 100;

const FIND: &str = "SELECT cursor FROM event_cursors WHERE source = $1";
const KEEP: &str = "INSERT INTO event_cursors (source, cursor) VALUES ($1, $2) \
    ON CONFLICT (source) DO UPDATE SET cursor = excluded.cursor";

/// Deals with events.
#[async_trait]
pub trait Handler: Send + Sync {
    /// Deals with an event. An event may come again, so doing it twice is like
    /// doing it once.
    ///
    /// # Errors
    ///
    /// What is in the way; the event comes again.
    async fn handle(&self, event: Event) -> Result<(), Error>;
}

/// The events of one service, as another one follows them. Its place is kept
/// in that one's database.
pub struct Consumer {
    database: Database,
    source: &'static str,
    types: Vec<String>,
    lag: EventLag,
}

impl Consumer {
    /// Follows events of these types of the service that `lag` names, and
    /// notes there how late they are dealt with.
    #[must_use]
    pub fn new(database: Database, lag: EventLag, types: &[&str]) -> Self {
        Self {
            database,
            source: lag.source(),
            types: types.iter().map(|&name| name.to_owned()).collect(),
            lag,
        }
    }

    /// Goes on until `stop`. `open` asks the service for a stream. The first
    /// time it begins with all that is kept, and so it does if the place is no
    /// longer there.
    pub async fn run<F, S>(
        self,
        open: impl Fn(WatchEventsRequest) -> F + Send + Sync,
        handler: &dyn Handler,
        stop: CancellationToken,
    ) where
        F: Future<Output = Result<Response<S>, Status>> + Send,
        S: Stream<Item = Result<WatchEventsResponse, Status>> + Unpin + Send,
    {
        let followed = async {
            loop {
                if let Err(error) = self.follow(&open, handler).await {
                    let source = self.source;
                    tracing::warn!(source, %error, "the events are not followed at the moment");
                }
                tokio::time::sleep(RECONNECT).await;
            }
        };
        stop.run_until_cancelled(followed).await;
    }

    /// Deals with events until the stream ends.
    async fn follow<F, S>(
        &self,
        open: impl Fn(WatchEventsRequest) -> F,
        handler: &dyn Handler,
    ) -> Result<(), Error>
    where
        F: Future<Output = Result<Response<S>, Status>>,
        S: Stream<Item = Result<WatchEventsResponse, Status>> + Unpin,
    {
        let mut kept = in_time(self.place()).await?.unwrap_or("0".to_owned());
        let request = WatchEventsRequest {
            cursor: Some(kept.clone()),
            types: self.types.clone(),
        };
        let opened = open(request).await;
        let mut stream = match opened.map_err(|status| Error::from_status(&status)) {
            Ok(opened) => opened.into_inner(),
            Err(error) if error.kind == Kind::FailedPrecondition => {
                tracing::error!(source = self.source, %error, "events were missed");
                return in_time(self.keep("0")).await;
            }
            Err(error) => return Err(error),
        };
        let mut unkept = 0;
        while let Some(message) = stream.next().await {
            let mut next = Some(message);
            let mut cursor = String::new();
            // What is there already is dealt with before the place is kept.
            while let Some(message) = next.take() {
                let message = message.map_err(|status| Error::from_status(&status))?;
                if let Some(event) = message.event {
                    let made = event.time.unwrap_or_default().into();
                    let span = span(self.source, &event);
                    let handled = handler.handle(event).instrument(span);
                    let handled = timeout(PATIENCE, handled).await;
                    handled.unwrap_or_else(|_| Err(Error::deadline_exceeded()))?;
                    self.lag.handled(made);
                }
                self.lag.heard();
                cursor = message.cursor;
                unkept += 1;
                if unkept < UNKEPT {
                    next = stream.next().now_or_never().flatten();
                }
            }
            // A heartbeat may tell nothing new.
            if cursor != kept {
                in_time(self.keep(&cursor)).await?;
                kept = cursor;
            }
            unkept = 0;
        }
        Ok(())
    }

    async fn place(&self) -> Result<Option<String>, Error> {
        let place = match &self.database {
            Database::Postgres(database) => {
                let query = sqlx::query_scalar(FIND).bind(self.source);
                query.fetch_optional(&database.pool).await
            }
            Database::Sqlite(database) => {
                let query = sqlx::query_scalar(FIND).bind(self.source);
                query.fetch_optional(&database.readers).await
            }
        };
        Ok(place?)
    }

    async fn keep(&self, cursor: &str) -> Result<(), Error> {
        match &self.database {
            Database::Postgres(database) => {
                let query = sqlx::query(KEEP).bind(self.source).bind(cursor);
                query.execute(&database.pool).await?;
            }
            Database::Sqlite(database) => {
                let mut transaction = database.begin().await?;
                let query = sqlx::query(KEEP).bind(self.source).bind(cursor);
                query.execute(&mut transaction).await?;
                transaction.commit().await?;
            }
        }
        Ok(())
    }
}

/// The span of dealing with an event, in the trace of what made it happen.
fn span(source: &'static str, event: &Event) -> Span {
    let cause = Some(&*event.traceparent);
    telemetry::enter_later(cause, || {
        tracing::info_span!(
            "event",
            otel.kind = "consumer",
            otel.name = format!("process {}", event.r#type),
            messaging.operation.type = "process",
            messaging.message.id = event.id,
            source,
            request_id = event.request_id,
        )
    })
}
