//! The threads that hash, and the queue before them: both bounded, so that
//! sign-ins never take more memory or time than was meant for them.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use argon2::Block;
use portico_chassis::{status::Error, telemetry::Metrics};
use tokio::{
    runtime::Handle,
    sync::{OwnedSemaphorePermit, Semaphore},
    time::{Instant, sleep_until},
};

/// How many hashes may wait for each thread: about 1.5 s of work, which is
/// less than the deadline of those who wait.
const WAITING_PER_THREAD: usize = 64;

/// How long the memory of hashes that have ended is kept for others. To have the
/// kernel map and clear it anew takes two thirds of the time of a hash.
const KEPT: Duration = Duration::from_secs(1);

/// When a caller who was shed may try again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The memory of a hash; 19 MiB by default.
pub(super) type Memory = Vec<Block>;

/// The threads and the queue.
pub(super) struct Pool(Arc<Inner>);

struct Inner {
    /// Hashes that run.
    threads: Arc<Semaphore>,
    /// Hashes that run or wait.
    places: Arc<Semaphore>,
    /// The memory that a hash takes; some that were brought along take more.
    usual: usize,
    spare: Mutex<Spare>,
    metrics: Arc<Metrics>,
}

/// The memory of hashes that have ended: as much as ran at once.
#[derive(Default)]
struct Spare {
    memories: Vec<Memory>,
    /// When it is given back. Somebody sees to it, if there is any.
    until: Option<Instant>,
}

impl Pool {
    /// So many threads, for hashes that take `usual` blocks of memory.
    pub(super) fn new(size: usize, usual: usize, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Inner {
            threads: Arc::new(Semaphore::new(size)),
            places: Arc::new(Semaphore::new(size * (1 + WAITING_PER_THREAD))),
            usual,
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
        let runtime = Handle::current();
        tokio::task::spawn_blocking(move || {
            let pool = &place.pool;
            let mut memory = pool.spare().memories.pop().unwrap_or_default();
            let done = work(&mut memory);
            if pool.keep(memory) {
                runtime.spawn(give_back(pool.clone()));
            }
            drop(place);
            drop(thread);
            done
        })
        .await
        .map_err(Error::internal)
    }
}

impl Inner {
    /// Keeps memory for the next hash. Whether somebody has to see to it that
    /// it is given back.
    fn keep(&self, memory: Memory) -> bool {
        if memory.capacity() > self.usual {
            return false;
        }
        let mut spare = self.spare();
        spare.memories.push(memory);
        spare.until.replace(Instant::now() + KEPT).is_none()
    }

    fn spare(&self) -> MutexGuard<'_, Spare> {
        self.spare.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Gives the spare memory back once no hash has ended for a while.
async fn give_back(pool: Arc<Inner>) {
    loop {
        let until = {
            let mut spare = pool.spare();
            match spare.until {
                Some(until) if until > Instant::now() => until,
                _ => {
                    *spare = Spare::default();
                    return;
                }
            }
        };
        sleep_until(until).await;
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

    /// Blocks that a hash takes.
    const USUAL: usize = 8;

    fn pool() -> (Pool, Arc<Metrics>) {
        let metrics = Arc::<Metrics>::default();
        (Pool::new(1, USUAL, metrics.clone()), metrics)
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

    /// Runs a hash that takes so many blocks; how many it finds there.
    async fn found(pool: &Pool, blocks: usize) -> usize {
        let work = move |memory: &mut Memory| {
            let found = memory.len();
            memory.resize(blocks, Block::new());
            found
        };
        pool.run(work).await.expect("run")
    }

    #[tokio::test(start_paused = true)]
    async fn memory_is_handed_on_and_given_back_when_nothing_is_hashed_for_a_while() {
        let (pool, _) = pool();
        assert_eq!(found(&pool, USUAL).await, 0);
        for _ in 0..3 {
            tokio::time::sleep(KEPT * 3 / 4).await;
            assert_eq!(found(&pool, USUAL).await, USUAL);
        }
        tokio::time::sleep(KEPT * 3 / 2).await;
        assert!(pool.0.spare().memories.is_empty());
        assert_eq!(found(&pool, USUAL).await, 0);
        assert_eq!(found(&pool, USUAL).await, USUAL);
    }

    #[tokio::test]
    async fn more_memory_than_usual_is_not_kept() {
        let (pool, _) = pool();
        assert_eq!(found(&pool, USUAL + 1).await, 0);
        assert_eq!(found(&pool, USUAL).await, 0);
    }

    #[tokio::test]
    async fn no_more_memory_is_kept_than_hashes_ran_at_once() {
        let pool = Pool::new(2, USUAL, Arc::default());
        let all = (0..20).map(|_| found(&pool, USUAL));
        futures::future::join_all(all).await;
        assert!((1..=2).contains(&pool.0.spare().memories.len()));
    }
}
