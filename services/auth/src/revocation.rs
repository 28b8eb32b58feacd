//! Tells watchers of revoked tokens: in this process at once, in others within
//! half a second.

use std::{collections::HashSet, sync::Arc, time::Duration};

use portico_chassis::{clock::Clock, database::in_time, status::Error};
use portico_proto::auth as proto;
use tokio::sync::{mpsc, watch};
use tokio_stream::wrappers::ReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::{
    convert,
    store::{Cursor, Revocation, Store},
};

/// How often the database is asked for what other processes revoked, and a
/// watcher hears at least that nothing is new. A watcher that hears nothing for
/// three times as long trusts no token.
const POLL: Duration = Duration::from_millis(500);

/// The revocations, as they happen.
pub(crate) struct Feed {
    store: Arc<dyn Store>,
    clock: Clock,
    wake: watch::Sender<()>,
    stop: CancellationToken,
}

type Message = Result<proto::WatchRevocationsResponse, Status>;

impl Feed {
    pub(crate) fn new(store: Arc<dyn Store>, clock: Clock) -> Self {
        Self {
            store,
            clock,
            wake: watch::Sender::default(),
            stop: CancellationToken::new(),
        }
    }

    /// Tells that something was revoked.
    pub(crate) fn wake(&self) {
        self.wake.send_replace(());
    }

    /// Ends all streams, so that the process can stop.
    pub(crate) fn stop(&self) {
        self.stop.cancel();
    }

    /// What is revoked after a cursor, and then each as it happens.
    pub(crate) fn watch(&self, after: Cursor) -> ReceiverStream<Message> {
        let (sender, receiver) = mpsc::channel(64);
        let watcher = Watcher {
            store: self.store.clone(),
            clock: self.clock.clone(),
            sender,
            position: Position::at(after),
        };
        let (wake, stop) = (self.wake.subscribe(), self.stop.clone());
        // Also while it waits for a reader that takes nothing.
        tokio::spawn(async move { stop.run_until_cancelled(watcher.run(wake)).await });
        ReceiverStream::new(receiver)
    }
}

/// One stream.
struct Watcher {
    store: Arc<dyn Store>,
    clock: Clock,
    sender: mpsc::Sender<Message>,
    position: Position,
}

/// The watcher has left.
struct Left;

impl Watcher {
    async fn run(mut self, mut wake: watch::Receiver<()>) {
        loop {
            if self.send_new().await.is_err() {
                return;
            }
            tokio::select! {
                () = self.sender.closed() => return,
                _ = wake.changed() => {}
                () = tokio::time::sleep(POLL) => {}
            }
        }
    }

    /// Sends what is new, and that this is all.
    async fn send_new(&mut self) -> Result<(), Left> {
        let now = self.clock.now();
        let read = self.store.revocations(self.position.cursor, now);
        let revocations = match in_time(read).await {
            Ok(revocations) => revocations,
            Err(error) => return self.fail(error).await,
        };
        let new = self.position.advance(revocations);
        for (cursor, revocation) in &new {
            let revocation = convert::revocation(revocation);
            self.send(*cursor, Some(revocation)).await?;
        }
        self.send(self.position.cursor, None).await
    }

    /// Sends a revocation or, without one, that all before were sent.
    async fn send(
        &self,
        cursor: Cursor,
        revocation: Option<proto::Revocation>,
    ) -> Result<(), Left> {
        let message = proto::WatchRevocationsResponse {
            cursor: cursor.to_string(),
            caught_up: revocation.is_none(),
            revocation,
        };
        self.sender.send(Ok(message)).await.map_err(|_| Left)
    }

    /// Ends the stream: the watcher goes on elsewhere from its cursor.
    async fn fail(&self, error: Error) -> Result<(), Left> {
        // A watcher that has left needs no reason.
        let _ = self.sender.send(Err(error.into())).await;
        Err(Left)
    }
}

/// Where a stream stands. The cursor passes only what is settled; what is sent
/// ahead of it is remembered, so that nothing waits for a long transaction and
/// nothing is lost to one.
struct Position {
    cursor: Cursor,
    ahead: HashSet<Cursor>,
}

impl Position {
    fn at(cursor: Cursor) -> Self {
        Self {
            cursor,
            ahead: HashSet::new(),
        }
    }

    /// Takes what the store has after the cursor; returns what was not there
    /// the last time, each with where to go on after it.
    fn advance(&mut self, revocations: Vec<Revocation>) -> Vec<(Cursor, Revocation)> {
        let mut new = Vec::new();
        for revocation in revocations {
            let is_new = !self.ahead.contains(&revocation.cursor);
            if revocation.is_settled {
                self.cursor = revocation.cursor;
                self.ahead.remove(&revocation.cursor);
            } else {
                self.ahead.insert(revocation.cursor);
            }
            if is_new {
                new.push((self.cursor, revocation));
            }
        }
        let cursor = self.cursor;
        self.ahead.retain(|ahead| *ahead > cursor);
        new
    }
}

#[cfg(test)]
mod tests {
    use portico_chassis::{clock::Timestamp, token::Revoked};
    use uuid::Uuid;

    use super::*;

    fn revocation(transaction: i64, number: i64, is_settled: bool) -> Revocation {
        Revocation {
            cursor: Cursor {
                transaction,
                number,
            },
            tokens: Revoked::Session(Uuid::nil()),
            revoked_at: Timestamp::default(),
            expires_at: Timestamp::default(),
            is_settled,
        }
    }

    #[test]
    fn what_is_sent_ahead_is_not_sent_again_and_nothing_before_it_is_lost() {
        let mut position = Position::at(Cursor::default());
        let settled = revocation(5, 1, true);
        let ahead = revocation(7, 2, false);
        let new = position.advance(vec![settled, ahead]);
        assert_eq!(new, [(settled.cursor, settled), (settled.cursor, ahead)]);
        let between = revocation(6, 3, true);
        let new = position.advance(vec![between, revocation(7, 2, true)]);
        assert_eq!(new, [(between.cursor, between)]);
        assert_eq!(position.cursor, ahead.cursor);
        assert!(position.ahead.is_empty());
    }

    #[test]
    fn a_cursor_survives_as_text_and_any_other_text_is_the_beginning() {
        let cursor = Cursor {
            transaction: 12,
            number: 3,
        };
        assert_eq!(Cursor::parse(&cursor.to_string()), cursor);
        for text in ["", "0", "12", "a.b", "1.2.3"] {
            assert_eq!(Cursor::parse(text), Cursor::default(), "{text}");
        }
    }
}
