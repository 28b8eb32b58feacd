//! Follows the events of each service while somebody listens, from now on, and
//! after an interruption from where it was left.

use std::time::Duration;

use portico_chassis::{clock::Timestamp, status::Error};
use portico_proto::events::{Event, WatchEventsResponse};

use super::{
    Live,
    position::Cursor,
    table::{News, SOURCES},
};

/// How long the streams are followed after the last client has left.
const LINGER: Duration = Duration::from_secs(30);

/// The pause before another try after a failure, the first time and at most.
const RECONNECT: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// How a stream ended.
enum Ended {
    /// Nobody listens.
    Unheard,
    /// It goes on from where it was left.
    Broken(Error),
    /// What came next is not kept any more.
    Expired,
}

impl Live {
    /// Follows one service for as long as the process runs.
    pub(super) async fn follow(&self, source: usize) {
        let name = SOURCES[source];
        let (shortest, longest) = RECONNECT;
        let mut pause = shortest;
        let mut cursor = None;
        loop {
            self.hub.until(true).await;
            let before = cursor.clone();
            match self.follow_once(source, &mut cursor).await {
                Ended::Unheard => cursor = None,
                Ended::Expired => {
                    tracing::error!(source = name, "changes were missed: clients must come back");
                    cursor = None;
                    self.hub.interrupt(source);
                }
                Ended::Broken(error) => {
                    tracing::warn!(source = name, %error, "changes are not followed at the moment");
                    if self.hub.rest(source) {
                        cursor = None;
                    } else if cursor != before {
                        pause = shortest;
                    }
                    tokio::time::sleep(pause).await;
                    pause = (pause * 2).min(longest);
                }
            }
        }
    }

    async fn follow_once(&self, source: usize, cursor: &mut Option<Cursor>) -> Ended {
        let opened = self.services.watch(source, cursor.as_ref()).await;
        let mut stream = match opened.map_err(|status| Error::from_status(&status)) {
            Ok(stream) => stream,
            Err(error) if error.reason == "CURSOR_EXPIRED" => return Ended::Expired,
            Err(error) => return Ended::Broken(error),
        };
        let unheard = self.unheard(source);
        tokio::pin!(unheard);
        loop {
            let message = tokio::select! {
                message = stream.message() => message,
                () = &mut unheard => return Ended::Unheard,
            };
            self.trust().await;
            match message.map_err(|status| Error::from_status(&status)) {
                Ok(Some(message)) => *cursor = Some(self.pass_on(source, message)),
                Ok(None) => return Ended::Broken(Error::unavailable("the stream ended")),
                Err(error) if error.reason == "CURSOR_EXPIRED" => return Ended::Expired,
                Err(error) => return Ended::Broken(error),
            }
        }
    }

    /// Waits until it is known again whose tokens count: before that, nobody is
    /// told of anything.
    async fn trust(&self) {
        while self.verifier.revocations().current().await.is_err() {
            tracing::warn!("revocations are not known, so that no changes are told");
        }
    }

    /// Waits until nobody has listened for a while, and gives up the position.
    async fn unheard(&self, source: usize) {
        loop {
            self.hub.until(false).await;
            let heard = tokio::time::timeout(LINGER, self.hub.until(true)).await;
            if heard.is_err() && self.hub.rest(source) {
                return;
            }
        }
    }

    /// Tells clients of a message, and returns how far it reaches.
    fn pass_on(&self, source: usize, message: WatchEventsResponse) -> Cursor {
        let cursor = Cursor::from(message.cursor);
        let event = message.event.as_ref();
        let news = event.and_then(News::of);
        self.hub.publish(source, cursor.clone(), news.as_ref());
        if let Some(at) = event.and_then(happened_at) {
            self.metrics.live_lag(self.clock.now().since(at));
        }
        cursor
    }
}

fn happened_at(event: &Event) -> Option<Timestamp> {
    event.time.map(Timestamp::from)
}
