//! The threads that hash, and the queue before them: both bounded, so that
//! sign-ins never take more memory or time than was meant for them.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use argon2::Block;
use portico_chassis::{status::Error, telemetry::Metrics};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How many hashes may wait for each thread: about 1.5 s of work, which is
/// less than the deadline of those who wait.
const WAITING_PER_THREAD: usize = 64;

/// When a caller who was shed may try again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The memory of a hash; 19 MiB by default.
pub(super) type Memory = Vec<Block>;

/// The threads and the queue.
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    size: usize,
    /// Hashes that run.
    threads: Arc<Semaphore>,
    /// Hashes that run or wait.
    places: Arc<Semaphore>,
    /// Memory of hashes that have ended, for those that wait: to have the
    /// kernel map and clear it anew costs a tenth of a hash.
    spare: Mutex<Vec<Memory>>,
    metrics: Arc<Metrics>,
}

impl Pool {
    pub(super) fn new(size: usize, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Inner {
            size,
            threads: Arc::new(Semaphore::new(size)),
            places: Arc::new(Semaphore::new(size * (1 + WAITING_PER_THREAD))),
            spare: Mutex::default(),
            metrics,
        }))
    }

    /// Runs on a hashing thread, as soon as one is free. The permits go along
    /// into the thread: a caller who leaves does not make room before its hash
    /// has ended, and one who leaves while waiting costs nothing.
    ///
    /// # Errors
    ///
    /// `SERVICE_UNAVAILABLE` if too many wait.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Memory) -> T + Send + 'static,
    ) -> Result<T, Error> {
        let place = Place::take(&self.0)?;
        let threads = self.0.threads.clone();
        let thread = threads.acquire_owned().await.map_err(Error::internal)?;
        tokio::task::spawn_blocking(move || {
            let pool = &place.pool;
            let mut memory = pool.spare().pop().unwrap_or_default();
            let done = work(&mut memory);
            if pool.is_waited_for() {
                pool.spare().push(memory);
            } else {
                pool.spare().clear();
            }
            // In this order, or the next one on the thread would count this one
            // as waiting, and keep its memory for nobody.
            drop(place);
            drop(thread);
            done
        })
        .await
        .map_err(Error::internal)
    }
}

impl Inner {
    /// Whether more hashes are wanted than run.
    fn is_waited_for(&self) -> bool {
        self.places.available_permits() < self.size * WAITING_PER_THREAD
    }

    fn spare(&self) -> MutexGuard<'_, Vec<Memory>> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A place in the queue, counted in the metrics.
struct Place {
    pool: Arc<Inner>,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    fn take(pool: &Arc<Inner>) -> Result<Self, Error> {
        let permit = pool.places.clone().try_acquire_owned().map_err(|_| {
            pool.metrics.password_hashes_shed.inc();
            Error::unavailable("too many passwords wait to be hashed").with_retry_after(RETRY_AFTER)
        })?;
        pool.metrics.password_hashes.inc();
        Ok(Self {
            pool: pool.clone(),
            _permit: permit,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.pool.metrics.password_hashes.dec();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> (Pool, Arc<Metrics>) {
        let metrics = Arc::<Metrics>::default();
        (Pool::new(1, metrics.clone()), metrics)
    }

    #[tokio::test]
    async fn a_full_queue_sheds_and_recovers() {
        let (pool, metrics) = pool();
        let all = u32::try_from(1 + WAITING_PER_THREAD).expect("number");
        let taken = pool.0.places.clone().acquire_many_owned(all).await;
        let error = pool.run(|_| ()).await.expect_err("shed");
        assert_eq!(error.reason, "SERVICE_UNAVAILABLE");
        assert_eq!(error.retry_after, Some(RETRY_AFTER));
        assert_eq!(metrics.password_hashes_shed.get(), 1);
        drop(taken);
        assert!(pool.run(|_| ()).await.is_ok());
        assert_eq!(metrics.password_hashes.get(), 0);
    }

    #[tokio::test]
    async fn a_caller_who_leaves_the_queue_leaves_no_trace() {
        let (pool, metrics) = pool();
        let busy = pool.0.threads.clone().acquire_owned().await;
        let waiting = pool.run(|_| ());
        let moment = Duration::from_millis(5);
        assert!(tokio::time::timeout(moment, waiting).await.is_err());
        assert_eq!(metrics.password_hashes.get(), 0);
        drop(busy);
        assert!(pool.run(|_| ()).await.is_ok());
    }

    #[tokio::test]
    async fn memory_is_handed_on_while_somebody_waits_and_then_freed() {
        let (pool, _) = pool();
        let fill = |memory: &mut Memory| {
            let was_empty = memory.is_empty();
            memory.resize(1, Block::new());
            was_empty
        };
        let (first, second) = tokio::join!(pool.run(fill), pool.run(fill));
        assert!(first.expect("run"));
        assert!(!second.expect("run"));
        assert!(pool.0.spare().is_empty());
        assert!(pool.run(fill).await.expect("run"));
    }
}
