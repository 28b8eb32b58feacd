//! What one client of the stream reads: first what it has missed, then what
//! happens.

use std::time::Duration;

use tokio::sync::mpsc;

use super::{
    Attendance,
    replay::{Next, Replay},
};
use crate::live::{
    hub::{Change, Told},
    position::Position,
};

/// How often a client with nothing to hear is shown that the stream is alive,
/// and from where it would go on.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a client that was cut off waits before it comes back, in
/// milliseconds.
const RETRY: u32 = 2_000;

/// A client of the stream.
pub(super) struct Reader {
    attendance: Attendance,
    queue: mpsc::Receiver<Told>,
    /// Up to where the client has read.
    position: Position,
    /// Up to where the client need not hear of anything any more.
    until: Position,
    /// What it has missed; nothing if that is not kept any more.
    replay: Option<Replay>,
    is_new: bool,
}

impl Reader {
    /// Goes on after `from`: by the replay up to `until`, and then by what is
    /// in the queue.
    pub(super) fn new(
        attendance: Attendance,
        queue: mpsc::Receiver<Told>,
        from: Position,
        until: Position,
        replay: Option<Replay>,
    ) -> Self {
        Self {
            attendance,
            queue,
            position: from,
            until,
            replay,
            is_new: true,
        }
    }

    /// What the client reads next; nothing at the end of the stream.
    pub(super) async fn next(&mut self) -> Option<String> {
        if std::mem::take(&mut self.is_new) {
            let resync = match self.replay {
                Some(_) => String::new(),
                None => self.resync(),
            };
            let id = &self.position;
            return Some(format!("retry: {RETRY}\nid: {id}\n\n{resync}"));
        }
        if let Some(replay) = &mut self.replay {
            // Nothing more for a token that counts no more.
            if self.queue.is_closed() {
                return None;
            }
            match replay.next(&mut self.position).await {
                Next::Event(printed) => return Some(printed.event(&self.position)),
                Next::Broken => return None,
                Next::TooMany => {
                    self.replay = None;
                    return Some(self.resync());
                }
                Next::End => {
                    self.replay = None;
                    self.position.advance(&self.until);
                }
            }
        }
        loop {
            let told = match tokio::time::timeout(HEARTBEAT, self.queue.recv()).await {
                Ok(told) => told?,
                Err(_) => match self.while_quiet() {
                    Ok(told) => told,
                    Err(heartbeat) => return Some(heartbeat),
                },
            };
            match told {
                Told::Change(change) => {
                    if self.moves_on_to(&change) {
                        return Some(change.printed.event(&self.position));
                    }
                }
                Told::Resync => {
                    if let Some(position) = self.attendance.live.hub.position() {
                        self.until = position;
                    }
                    return Some(self.resync());
                }
            }
        }
    }

    /// What has just come into the queue after all, or a heartbeat.
    fn while_quiet(&mut self) -> Result<Told, String> {
        // Looked up first: all up to there is in the queue.
        let handed_over = self.attendance.live.hub.handed_over(self.attendance.id);
        self.queue.try_recv().map_err(|_| {
            if let Some(position) = handed_over {
                self.position.advance(&position);
            }
            format!(": alive\nid: {}\n\n", self.position)
        })
    }

    /// Moves on to a change; false if the client has read it.
    fn moves_on_to(&mut self, change: &Change) -> bool {
        let is_new = self.position.advance_in(change.source, &change.cursor);
        if let Some(position) = change.position.as_ref().filter(|_| is_new) {
            self.position.advance(position);
        }
        is_new
    }

    /// Tells the client that what it knows may be out of date. It goes on from
    /// here, wherever it was.
    fn resync(&mut self) -> String {
        self.position = self.until.clone();
        format!("event: resync\nid: {}\ndata: {{}}\n\n", self.position)
    }
}
