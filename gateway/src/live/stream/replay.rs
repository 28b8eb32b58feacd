//! What a client has missed, read again from the services and shown as far as
//! its person may see it now.

use std::{collections::HashSet, sync::Arc};

use portico_chassis::status::Error;
use portico_proto::events::WatchEventsResponse;
use tokio::sync::OwnedSemaphorePermit;
use tonic::Streaming;
use uuid::Uuid;

use crate::live::{
    Live,
    position::{Cursor, Position},
    table::{Audience, News, Printed},
};

/// More events than this are not read again for one client: it is told to
/// resynchronise.
const MOST: usize = 10_000;

/// The events between two positions.
pub(super) struct Replay {
    live: Arc<Live>,
    person: Uuid,
    /// The projects in which the person is a member now.
    projects: HashSet<Uuid>,
    sources: Vec<Source>,
    read: usize,
    _turn: OwnedSemaphorePermit,
}

/// The stream of a service, up to a cursor.
struct Source {
    source: usize,
    until: Cursor,
    stream: Streaming<WatchEventsResponse>,
}

/// What comes next.
pub(super) enum Next {
    Event(Printed),
    End,
    /// A stream broke off.
    Broken,
    TooMany,
}

impl Replay {
    /// Opens what is between two positions; nothing if it is not kept any more.
    /// A position that a client brought is shown to the services in any case:
    /// they know whether it is one.
    ///
    /// # Errors
    ///
    /// `VALIDATION_FAILED` if it is none, or what else a service answers.
    pub(super) async fn open(
        live: &Arc<Live>,
        person: Uuid,
        projects: HashSet<Uuid>,
        (from, is_brought): (&Position, bool),
        until: &Position,
    ) -> Result<Option<Self>, Error> {
        let turn = live.replays.clone().acquire_owned().await;
        let turn = turn.map_err(Error::internal)?;
        let mut sources = Vec::new();
        for (source, (from, until)) in from.0.iter().zip(&until.0).enumerate() {
            let is_behind = from < until;
            if !is_behind && !is_brought {
                continue;
            }
            let opened = live.services.watch(source, Some(from)).await;
            match opened.map_err(|status| Error::from_status(&status)) {
                Ok(stream) if is_behind => sources.push(Source {
                    source,
                    until: until.clone(),
                    stream,
                }),
                Ok(_) => {}
                Err(error) if error.reason == "CURSOR_EXPIRED" => return Ok(None),
                Err(error) if error.reason == "VALIDATION_FAILED" => return Err(super::no_id()),
                Err(error) => return Err(error),
            }
        }
        Ok(Some(Self {
            live: live.clone(),
            person,
            projects,
            sources,
            read: 0,
            _turn: turn,
        }))
    }

    /// What comes next, which moves the position on.
    pub(super) async fn next(&mut self, position: &mut Position) -> Next {
        while let Some(source) = self.sources.last_mut() {
            let message = match source.stream.message().await {
                Ok(Some(message)) => message,
                Ok(None) | Err(_) => return Next::Broken,
            };
            let cursor = Cursor::from(message.cursor);
            // What is after the end is in the queue.
            let is_before_end = cursor <= source.until;
            let reached = if is_before_end {
                &cursor
            } else {
                &source.until
            };
            let is_new = position.advance_in(source.source, reached);
            if cursor >= source.until {
                self.sources.pop();
            }
            let event = message.event.filter(|_| is_before_end && is_new);
            let Some(event) = event else { continue };
            self.read += 1;
            if self.read > MOST {
                return Next::TooMany;
            }
            let news = News::of(&event).filter(|news| self.may_see(news));
            match news.map(|news| news.print(&self.live.schema)) {
                Some(Ok(printed)) => return Next::Event(printed),
                Some(Err(error)) => {
                    tracing::error!(kind = event.r#type, %error, "an event cannot be shown to clients");
                }
                None => {}
            }
        }
        Next::End
    }

    /// Whether the person may see it now. Whoever was a member of a project
    /// that is gone is among those whom that concerns.
    fn may_see(&self, news: &News<'_>) -> bool {
        let is_concerned = news.people.contains(&self.person);
        let project = news
            .project
            .filter(|_| news.row.audience != Audience::People);
        is_concerned || project.is_some_and(|project| self.projects.contains(&project))
    }
}
