//! The way to a client, and what it is told.

use std::sync::Arc;

use crate::live::{
    position::{Cursor, Position},
    table::Printed,
};

/// The way to a client. It never waits.
pub(crate) trait Outlet: Send + Sync {
    /// `socket` or `stream`, for metrics.
    fn transport(&self) -> &'static str;

    /// Says that the client is connected: comes before everything else.
    fn begin(&self) {}

    /// Takes something for the client; false if too much waits for it already.
    fn tell(&self, told: &Told) -> bool;

    /// Ends the connection; dropping the outlet may be enough.
    fn end(&self, _: End) {}
}

/// What a client is told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Told {
    Change(Arc<Change>),
    /// Something was lost: what the client knows may be out of date.
    Resync,
}

/// A change, where it stands in the stream of its service, and how far the
/// streams of all were then.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) printed: Printed,
    pub(crate) source: usize,
    pub(crate) cursor: Cursor,
    pub(crate) position: Option<Position>,
}

/// Why a connection ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Its token counts no more: the client must sign in again.
    SignedOut,
    /// It cannot go on here: the client may come back at once.
    GoingAway,
}
