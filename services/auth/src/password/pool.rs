//! The threads that hash, and the queue before them: both bounded, so that
//! sign-ins never take more memory or time than was meant for them. Whatever else
//! the program does goes first.

use std::{
    io,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::{Arc, Mutex, PoisonError},
    thread,
    time::Duration,
};

use flume::{Receiver, RecvTimeoutError, Sender};
use portico_chassis::{status::Error, telemetry::Metrics};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::memory::Memory;

/// How many hashes may wait for each thread: about 1.5 s of work, which is
/// less than the deadline of those who wait.
const WAITING_PER_THREAD: usize = 64;

/// How long a thread keeps the memory of a hash for the next one, which is spared
/// having the kernel map and clear it anew.
const KEPT: Duration = Duration::from_secs(1);

/// How much later than others a hashing thread gets a core (nice(2)): a hash takes
/// so long that what is called beside it would often wait for it. Where everybody
/// wants the cores all the time, it gets a third of what another thread gets.
#[cfg(target_os = "linux")]
const NICENESS: i32 = 5;

/// How many answers are given at once where more hashes wait. What follows a hash
/// takes half as long again after another hash, which has filled the caches.
const TOGETHER: usize = 8;

/// When a caller who was shed may try again.
const RETRY_AFTER: Duration = Duration::from_secs(2);

/// The threads and the queue. The threads take from the queue themselves: if
/// the runtime handed the next hash to them, each would wait for a thread of the
/// runtime, which waits for a core where others hash. They end with the pool.
pub(super) struct Pool {
    queue: Sender<Arc<Waiting>>,
    /// Hashes that run or wait.
    places: Arc<Semaphore>,
    metrics: Arc<Metrics>,
}

impl Pool {
    /// So many threads, for hashes that take `usual` blocks of memory; some that
    /// were brought along take more.
    ///
    /// # Errors
    ///
    /// If a thread cannot be started.
    pub(super) fn new(size: usize, usual: usize, metrics: Arc<Metrics>) -> io::Result<Self> {
        let (queue, waiting) = flume::unbounded();
        let answers = Arc::<Answers>::default();
        for _ in 0..size {
            let (waiting, answers) = (waiting.clone(), answers.clone());
            let thread = thread::Builder::new().name("portico-hash".to_owned());
            thread.spawn(move || work_off(&waiting, &answers, usual))?;
        }
        Ok(Self {
            queue,
            places: Arc::new(Semaphore::new(size * (1 + WAITING_PER_THREAD))),
            metrics,
        })
    }

    /// Runs on a hashing thread, as soon as one is free. The place goes along
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
        let place = Place::take(self)?;
        let (answer, answered) = oneshot::channel();
        let caller = Caller(Arc::new(Waiting::new(move |memory| {
            let done = work(memory);
            drop(place);
            // The caller may have left meanwhile.
            Box::new(move || drop(answer.send(done)))
        })));
        let sent = self.queue.send(caller.0.clone());
        sent.map_err(|_| Error::internal("no thread hashes"))?;
        answered.await.map_err(Error::internal)
    }
}

/// A hashing thread, as long as there is a pool.
fn work_off(waiting: &Receiver<Arc<Waiting>>, answers: &Answers, usual: usize) {
    give_way();
    let mut memory = Memory::default();
    loop {
        let next = waiting.try_recv().or_else(|_| {
            answers.give();
            if memory.len() == 0 {
                waiting.recv().map_err(|_| RecvTimeoutError::Disconnected)
            } else {
                waiting.recv_timeout(KEPT)
            }
        });
        match next.map(|waiting| waiting.take()) {
            // If it panics, its caller is told that there is no answer.
            Ok(Some(work)) => {
                let answer = catch_unwind(AssertUnwindSafe(|| work(&mut memory)));
                if let Ok(answer) = answer {
                    answers.keep(answer);
                }
            }
            Ok(None) => {}
            Err(RecvTimeoutError::Timeout) => memory = Memory::default(),
            Err(RecvTimeoutError::Disconnected) => return,
        }
        if memory.len() > usual {
            memory = Memory::default();
        }
    }
}

/// Lets others have a core first. On Linux, threads have niceness each for
/// themselves.
fn give_way() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::nice(NICENESS) {
        tracing::debug!(%error, "a hashing thread does not give way to others");
    }
}

type Work = Box<dyn FnOnce(&mut Memory) -> Answer + Send>;

/// Tells the caller what came of the hash.
type Answer = Box<dyn FnOnce() + Send>;

/// Answers that are kept until there are enough to be given together, or until
/// a thread has nothing else to do.
#[derive(Default)]
struct Answers(Mutex<Vec<Answer>>);

impl Answers {
    fn keep(&self, answer: Answer) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.push(answer);
        if kept.len() >= TOGETHER {
            drop(kept);
            self.give();
        }
    }

    fn give(&self) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for answer in kept.drain(..) {
            answer();
        }
    }
}

/// A hash in the queue, until a thread takes it or its caller leaves.
struct Waiting(Mutex<Option<Work>>);

impl Waiting {
    fn new(work: impl FnOnce(&mut Memory) -> Answer + Send + 'static) -> Self {
        Self(Mutex::new(Some(Box::new(work))))
    }

    fn take(&self) -> Option<Work> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Who waits for a hash.
struct Caller(Arc<Waiting>);

impl Drop for Caller {
    fn drop(&mut self) {
        drop(self.0.take());
    }
}

/// A place in the queue, counted in the metrics.
struct Place {
    metrics: Arc<Metrics>,
    _permit: OwnedSemaphorePermit,
}

impl Place {
    fn take(pool: &Pool) -> Result<Self, Error> {
        let permit = pool.places.clone().try_acquire_owned().map_err(|_| {
            pool.metrics.password_hashes_shed.inc();
            Error::unavailable("too many passwords wait to be hashed").with_retry_after(RETRY_AFTER)
        })?;
        pool.metrics.password_hashes.inc();
        Ok(Self {
            metrics: pool.metrics.clone(),
            _permit: permit,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.metrics.password_hashes.dec();
    }
}

#[cfg(test)]
mod tests {
    use std::{sync::mpsc, time::Instant};

    use portico_chassis::status::Kind;

    use super::*;

    /// Blocks that a hash takes.
    const USUAL: usize = 8;

    fn pool(size: usize) -> (Arc<Pool>, Arc<Metrics>) {
        let metrics = Arc::<Metrics>::default();
        let pool = Pool::new(size, USUAL, metrics.clone()).expect("threads");
        (Arc::new(pool), metrics)
    }

    /// Keeps a thread busy until the sender is dropped.
    async fn occupy(pool: &Arc<Pool>) -> mpsc::Sender<()> {
        let (release, released) = mpsc::channel::<()>();
        let (begun, has_begun) = oneshot::channel();
        let pool = pool.clone();
        tokio::spawn(async move {
            let work = move |_: &mut Memory| {
                begun.send(()).expect("begun");
                released.recv().expect_err("released");
            };
            pool.run(work).await
        });
        has_begun.await.expect("begun");
        release
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn who_hashes_gives_way_to_others() {
        let niceness = || rustix::process::getpriority_process(None).expect("niceness");
        let (pool, _) = pool(1);
        let hashing = pool.run(move |_| niceness()).await.expect("run");
        assert_eq!(hashing, (niceness() + NICENESS).min(19));
    }

    #[tokio::test]
    async fn a_full_queue_sheds_and_recovers() {
        let (pool, metrics) = pool(1);
        let busy = occupy(&pool).await;
        let waiting = (0..WAITING_PER_THREAD).map(|_| {
            let pool = pool.clone();
            tokio::spawn(async move { pool.run(|_| ()).await })
        });
        let waiting: Vec<_> = waiting.collect();
        while metrics.password_hashes.get() <= waiting.len().try_into().expect("number") {
            tokio::task::yield_now().await;
        }
        let error = pool.run(|_| ()).await.expect_err("shed");
        assert_eq!(error.reason, "SERVICE_UNAVAILABLE");
        assert_eq!(error.retry_after, Some(RETRY_AFTER));
        assert_eq!(metrics.password_hashes_shed.get(), 1);
        drop(busy);
        for waiting in waiting {
            waiting.await.expect("join").expect("run");
        }
        assert!(pool.run(|_| ()).await.is_ok());
        assert_eq!(metrics.password_hashes.get(), 0);
    }

    #[tokio::test]
    async fn a_caller_who_leaves_the_queue_leaves_no_trace() {
        let (pool, metrics) = pool(1);
        let busy = occupy(&pool).await;
        let free = pool.places.available_permits();
        let (sender, receiver) = mpsc::channel();
        let waiting = pool.run(move |_| sender.send(()));
        let moment = Duration::from_millis(5);
        assert!(tokio::time::timeout(moment, waiting).await.is_err());
        assert_eq!(metrics.password_hashes.get(), 1, "the one that runs");
        assert_eq!(pool.places.available_permits(), free);
        receiver.recv().expect_err("it is not run");
        drop(busy);
        assert!(pool.run(|_| ()).await.is_ok());
        assert_eq!(metrics.password_hashes.get(), 0);
    }

    #[tokio::test]
    async fn a_hash_that_panics_is_an_error_and_the_thread_goes_on() {
        let (pool, metrics) = pool(1);
        let error = pool.run(|_| panic!("on purpose")).await;
        assert_eq!(error.expect_err("an error").kind, Kind::Internal);
        assert!(pool.run(|_| ()).await.is_ok());
        assert_eq!(metrics.password_hashes.get(), 0);
    }

    #[tokio::test]
    async fn answers_are_given_together_while_others_wait() {
        let (pool, _) = pool(1);
        let busy = occupy(&pool).await;
        let (sender, order) = mpsc::channel();
        let callers = (0..TOGETHER).map(|_| {
            let (pool, hashed, answered) = (pool.clone(), sender.clone(), sender.clone());
            async move {
                let work = move |_: &mut Memory| hashed.send("hashed").expect("order");
                pool.run(work).await.expect("run");
                answered.send("answered").expect("order");
            }
        });
        let callers = futures::future::join_all(callers);
        tokio::join!(callers, async { drop(busy) });
        let order: Vec<_> = order.try_iter().collect();
        // The one that kept the thread busy is the first of those together.
        let first = &order[..TOGETHER - 1];
        assert!(first.iter().all(|what| *what == "hashed"), "{order:?}");
        assert_eq!(order.len(), 2 * TOGETHER);
    }

    /// Runs a hash that takes so many blocks; how many it finds there.
    async fn found(pool: &Pool, blocks: usize) -> usize {
        let work = move |memory: &mut Memory| {
            let found = memory.len();
            memory.blocks(blocks);
            found
        };
        pool.run(work).await.expect("run")
    }

    #[tokio::test]
    async fn memory_is_handed_on_and_given_back_when_nothing_is_hashed_for_a_while() {
        let (pool, _) = pool(1);
        assert_eq!(found(&pool, USUAL).await, 0);
        let begun = Instant::now();
        while begun.elapsed() < KEPT * 3 / 2 {
            assert_eq!(found(&pool, USUAL).await, USUAL);
            tokio::time::sleep(KEPT / 20).await;
        }
        tokio::time::sleep(KEPT * 3 / 2).await;
        assert_eq!(found(&pool, USUAL).await, 0);
        assert_eq!(found(&pool, USUAL).await, USUAL);
    }

    #[tokio::test]
    async fn more_memory_than_usual_is_not_kept() {
        let (pool, _) = pool(1);
        assert_eq!(found(&pool, USUAL + 1).await, 0);
        assert_eq!(found(&pool, USUAL).await, 0);
    }
}
