//! Transactions that may write.

use std::{
    ops::{Deref, DerefMut},
    sync::Arc,
};

use tokio::{runtime::Handle, sync::watch, time::timeout};

use super::{
    connections::{Engine, Lease},
    log::Log,
    patience::PING_TIMEOUT,
};
use crate::status::Error;

/// Tells the number of the last event that this process has written.
pub(super) type Written = Arc<watch::Sender<i64>>;

/// A transaction that may write. Dropped, it changes nothing.
pub struct Write<D: Engine> {
    /// There until it has ended.
    lease: Option<Lease<D>>,
    /// The number of its last event, if it has one.
    event: Option<i64>,
    written: Written,
    /// What is synced when it has committed, where that is for us to do.
    log: Option<Arc<Log>>,
}

impl<D: Engine> Write<D> {
    pub(super) async fn begin(
        lease: Lease<D>,
        statement: &'static str,
        written: &Written,
        log: Option<&Arc<Log>>,
    ) -> Result<Self, Error> {
        let mut begun = Self {
            lease: Some(lease),
            event: None,
            written: written.clone(),
            log: log.cloned(),
        };
        D::run(&mut begun, statement).await?;
        Ok(begun)
    }

    /// Notes the number of an event that is part of it.
    pub(crate) fn tells(&mut self, event: i64) {
        self.event = Some(event);
    }

    /// Waits until the changes that it found are on disk: those who made them
    /// may still wait for it. Whoever answers with a change that another one
    /// made, and makes none, waits for it before.
    ///
    /// # Errors
    ///
    /// A failure of the disk.
    pub async fn found_is_kept(&self) -> Result<(), Error> {
        match &self.log {
            Some(log) => log.sync().await,
            // PostgreSQL shows no change before it is on disk.
            None => Ok(()),
        }
    }

    /// Makes the changes last, and tells those who wait for events.
    ///
    /// # Errors
    ///
    /// A failure of the database.
    pub async fn commit(mut self) -> Result<(), Error> {
        D::run(&mut self, "COMMIT").await?;
        if let Some(lease) = self.lease.take() {
            lease.put_back();
        }
        self.found_is_kept().await?;
        if let Some(event) = self.event {
            self.written.send_if_modified(|last| {
                let is_new = *last < event;
                *last = event.max(*last);
                is_new
            });
        }
        Ok(())
    }
}

impl<D: Engine> Deref for Write<D> {
    type Target = D::Connection;

    #[expect(clippy::expect_used, reason = "only `commit` and `drop` take it away")]
    fn deref(&self) -> &D::Connection {
        self.lease.as_ref().expect("a transaction in progress")
    }
}

impl<D: Engine> DerefMut for Write<D> {
    #[expect(clippy::expect_used, reason = "only `commit` and `drop` take it away")]
    fn deref_mut(&mut self) -> &mut D::Connection {
        self.lease.as_mut().expect("a transaction in progress")
    }
}

/// Takes back what was not committed, after what is in progress.
impl<D: Engine> Drop for Write<D> {
    fn drop(&mut self) {
        let Some(mut lease) = self.lease.take() else {
            return;
        };
        let Ok(runtime) = Handle::try_current() else {
            lease.end();
            return;
        };
        runtime.spawn(async move {
            match timeout(PING_TIMEOUT, D::run(&mut lease, "ROLLBACK")).await {
                Ok(Ok(())) => lease.put_back(),
                _ => lease.end(),
            }
        });
    }
}
