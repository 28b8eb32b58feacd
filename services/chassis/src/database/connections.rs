//! Connections that are ready for the next call. sqlx's pool asks a connection
//! each time that it comes back whether it still answers, which takes longer
//! than many a query. Here one that has answered all that it was asked waits for
//! the next call as it is; only one that was left in the middle of something goes
//! back to the pool, and is asked there.

use std::{
    mem,
    ops::{Deref, DerefMut},
    sync::{Arc, Mutex, PoisonError},
    time::{Duration, Instant},
};

use futures::{
    future::BoxFuture,
    stream::{self, BoxStream, StreamExt as _, TryStreamExt as _},
};
use sqlx::{Database, Either, Execute, Executor, Pool, SqlStr, pool::PoolConnection};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{sleep, timeout},
};

use super::{ACQUIRE_TIMEOUT, FRESH, patience::stands};

/// How long a connection is kept here, as a rule, before the pool gets it back,
/// which ends those that are old.
pub(super) const KEPT: Duration = Duration::from_secs(300);

/// How long a connection waits at most that nobody needs.
const UNUSED: Duration = Duration::from_secs(60);

/// The connections to a database, of which those that are ready are kept apart
/// from the pool.
#[derive(Debug)]
pub struct Connections<D: Database>(Arc<Inner<D>>);

#[derive(Debug)]
struct Inner<D: Database> {
    pool: Pool<D>,
    /// How long each is kept.
    kept: Duration,
    waiting: Mutex<Waiting<D>>,
    turns: Arc<Semaphore>,
}

#[derive(Debug)]
struct Waiting<D: Database> {
    /// The one that was used last is at the end.
    ready: Vec<Ready<D>>,
    /// Whether somebody looks after those that nobody uses.
    is_watched: bool,
}

#[derive(Debug)]
struct Ready<D: Database> {
    connection: PoolConnection<D>,
    /// When it was taken from the pool.
    since: Instant,
    /// When it was last used.
    used: Instant,
}

/// A connection for one call. Dropped, it goes to the pool.
#[derive(Debug)]
pub(super) struct Lease<D: Database> {
    connection: PoolConnection<D>,
    since: Instant,
    home: Connections<D>,
    _turn: OwnedSemaphorePermit,
}

impl<D: Database> Clone for Connections<D> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<D: Database> Connections<D> {
    /// The connections of a pool, of which so many may be in use at once, and
    /// each is kept so long.
    pub(super) fn new(pool: Pool<D>, most: u32, kept: Duration) -> Self {
        Self(Arc::new(Inner {
            pool,
            kept,
            waiting: Mutex::new(Waiting {
                ready: Vec::new(),
                is_watched: false,
            }),
            turns: Arc::new(Semaphore::new(most as usize)),
        }))
    }

    /// The pool, for work that keeps a connection for itself. It gets back those
    /// that are ready.
    pub fn pool(&self) -> &Pool<D> {
        self.edit(|waiting| waiting.ready.clear());
        &self.0.pool
    }

    /// How many connections there are, and how many of them have nothing to do.
    pub(super) fn count(&self) -> (u32, usize) {
        let ready = self.edit(|waiting| waiting.ready.len());
        (self.0.pool.size(), self.0.pool.num_idle() + ready)
    }

    /// Whether somebody uses all of them.
    pub(super) fn are_taken(&self) -> bool {
        self.0.turns.available_permits() == 0
    }

    /// A connection that stands.
    ///
    /// # Errors
    ///
    /// If none is to be had in time.
    pub(super) async fn lease(&self) -> Result<Lease<D>, sqlx::Error> {
        let leased = timeout(ACQUIRE_TIMEOUT, self.lease_at_last()).await;
        leased.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    async fn lease_at_last(&self) -> Result<Lease<D>, sqlx::Error> {
        let turn = self.0.turns.clone().acquire_owned().await;
        let turn = turn.map_err(|_| sqlx::Error::PoolClosed)?;
        while let Some(mut ready) = self.edit(|waiting| waiting.ready.pop()) {
            let is_fresh = ready.used.elapsed() < FRESH;
            if is_fresh || stands::<D>(&mut ready.connection).await.is_ok() {
                return Ok(Lease {
                    connection: ready.connection,
                    since: ready.since,
                    home: self.clone(),
                    _turn: turn,
                });
            }
        }
        Ok(Lease {
            connection: self.0.pool.acquire().await?,
            since: Instant::now(),
            home: self.clone(),
            _turn: turn,
        })
    }

    /// Ends all of them, after what is in progress.
    pub(super) async fn close(&self) {
        let closed = self.0.pool.close();
        self.edit(|waiting| waiting.ready.clear());
        closed.await;
    }

    fn edit<T>(&self, change: impl FnOnce(&mut Waiting<D>) -> T) -> T {
        self.0.edit(change)
    }

    /// Gives back what nobody uses, as long as there is something to be used,
    /// whether anybody calls or not.
    fn watch(&self) {
        let (inner, unused) = (Arc::downgrade(&self.0), self.0.unused());
        tokio::spawn(async move {
            loop {
                sleep(unused).await;
                let is_over = inner.upgrade().is_none_or(|inner| {
                    inner.edit(|waiting| {
                        waiting.ready.retain(|ready| ready.used.elapsed() < unused);
                        waiting.is_watched = !waiting.ready.is_empty();
                        !waiting.is_watched
                    })
                });
                if is_over {
                    return;
                }
            }
        });
    }
}

impl<D: Database> Inner<D> {
    fn edit<T>(&self, change: impl FnOnce(&mut Waiting<D>) -> T) -> T {
        change(&mut self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// How long each waits that nobody needs.
    fn unused(&self) -> Duration {
        self.kept.min(UNUSED)
    }
}

impl<D: Database> Lease<D> {
    /// Ends the connection, which may not be what it should be.
    pub(super) fn end(mut self) {
        self.connection.close_on_drop();
    }

    /// Lets the next call have the connection, which has answered everything.
    pub(super) fn put_back(self) {
        let Self {
            connection,
            since,
            home,
            _turn: turn,
        } = self;
        let is_watched = home.edit(|waiting| {
            if since.elapsed() >= home.0.kept || home.0.pool.is_closed() {
                return true;
            }
            let used = Instant::now();
            waiting.ready.push(Ready {
                connection,
                since,
                used,
            });
            mem::replace(&mut waiting.is_watched, true)
        });
        drop(turn);
        if !is_watched {
            home.watch();
        }
    }
}

impl<D: Database> Deref for Lease<D> {
    type Target = D::Connection;

    fn deref(&self) -> &D::Connection {
        &self.connection
    }
}

impl<D: Database> DerefMut for Lease<D> {
    fn deref_mut(&mut self) -> &mut D::Connection {
        &mut self.connection
    }
}

/// Each query on a connection of its own. A result is there as a whole before
/// the first of its rows is passed on.
impl<'p, D: Database> Executor<'p> for &'p Connections<D>
where
    for<'c> &'c mut D::Connection: Executor<'c, Database = D>,
{
    type Database = D;

    fn fetch_many<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxStream<'e, Result<Either<D::QueryResult, D::Row>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, D>,
    {
        let answered = async move {
            let mut lease = self.lease().await?;
            let answer: Vec<_> = lease.fetch_many(query).try_collect().await?;
            lease.put_back();
            Ok::<_, sqlx::Error>(stream::iter(answer.into_iter().map(Ok)))
        };
        stream::once(answered).try_flatten().boxed()
    }

    fn fetch_optional<'e, 'q: 'e, E>(
        self,
        query: E,
    ) -> BoxFuture<'e, Result<Option<D::Row>, sqlx::Error>>
    where
        'p: 'e,
        E: 'q + Execute<'q, D>,
    {
        Box::pin(async move {
            let mut lease = self.lease().await?;
            let row = lease.fetch_optional(query).await?;
            lease.put_back();
            Ok(row)
        })
    }

    fn prepare_with<'e>(
        self,
        sql: SqlStr,
        parameters: &'e [D::TypeInfo],
    ) -> BoxFuture<'e, Result<D::Statement, sqlx::Error>>
    where
        'p: 'e,
    {
        Box::pin(async move {
            let mut lease = self.lease().await?;
            let statement = lease.prepare_with(sql, parameters).await?;
            lease.put_back();
            Ok(statement)
        })
    }

    fn describe<'e>(self, sql: SqlStr) -> BoxFuture<'e, Result<sqlx::Describe<D>, sqlx::Error>>
    where
        'p: 'e,
    {
        Box::pin(async move {
            let mut lease = self.lease().await?;
            let description = lease.describe(sql).await?;
            lease.put_back();
            Ok(description)
        })
    }
}

#[cfg(test)]
mod tests {
    use sqlx::{Postgres, postgres::PgPoolOptions, query_scalar};

    use super::*;
    use crate::database::testing::postgres_url;

    /// Which connection answers.
    const NUMBER: &str = "SELECT pg_backend_pid()";

    /// One connection.
    async fn one() -> Connections<Postgres> {
        let options = PgPoolOptions::new().max_connections(1);
        let pool = options.connect(&postgres_url()).await;
        Connections::new(pool.expect("PostgreSQL answers"), 1, KEPT)
    }

    async fn number(connections: &Connections<Postgres>) -> i32 {
        let number = query_scalar(NUMBER).fetch_one(connections).await;
        number.expect("an answer")
    }

    #[tokio::test]
    async fn a_connection_that_has_answered_is_ready_for_the_next_call() {
        let connections = one().await;
        let first = number(&connections).await;
        assert_eq!(connections.edit(|waiting| waiting.ready.len()), 1);
        assert_eq!(number(&connections).await, first);
        connections.close().await;
    }

    #[tokio::test]
    async fn one_that_was_left_in_the_middle_is_not() {
        let connections = one().await;
        let mut lease = connections.lease().await.expect("a connection");
        {
            let sleep = query_scalar::<_, i32>("SELECT 1 FROM pg_sleep(0.01)");
            let mut sleep = std::pin::pin!(sleep.fetch_one(&mut *lease));
            assert!(futures::poll!(sleep.as_mut()).is_pending());
        }
        drop(lease);
        assert_eq!(connections.edit(|waiting| waiting.ready.len()), 0);
        assert!(number(&connections).await > 0, "not the other one's answer");
        connections.close().await;
    }

    #[tokio::test]
    async fn work_that_needs_the_pool_gets_what_is_ready() {
        let connections = one().await;
        let first = number(&connections).await;
        let again: i32 = query_scalar(NUMBER)
            .fetch_one(connections.pool())
            .await
            .expect("it is not kept back");
        assert_eq!(again, first);
        connections.close().await;
    }

    #[tokio::test]
    async fn what_nobody_uses_is_given_back_each_time() {
        let pool = one().await.pool().clone();
        let connections = Connections::new(pool, 1, Duration::from_millis(20));
        for _ in 0..2 {
            number(&connections).await;
            while connections.edit(|waiting| !waiting.ready.is_empty()) {
                sleep(Duration::from_millis(5)).await;
            }
        }
        connections.close().await;
    }

    #[tokio::test]
    async fn none_is_kept_after_the_end() {
        let connections = one().await;
        let lease = connections.lease().await.expect("a connection");
        tokio::join!(connections.close(), async { lease.put_back() });
        assert_eq!(connections.edit(|waiting| waiting.ready.len()), 0);
        let refused = connections.lease().await.expect_err("closed");
        assert!(matches!(refused, sqlx::Error::PoolClosed));
    }
}
