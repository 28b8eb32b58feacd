//! Whether a process should be sent requests.
//!
//! It should if it has what is its own to have: its database, and what it must
//! know to answer. That another role is away is told, but is no reason to send
//! requests elsewhere: every replica misses it alike. Were it one, roles that
//! call each other would wait for each other for ever where only those that are
//! ready are found.

use std::{
    future::Future,
    pin::Pin,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

/// Answers whether something is there.
pub type Check =
    Box<dyn Fn() -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

/// Checks, each named for what it looks at.
type Checks = Vec<(&'static str, Check)>;

/// Whether the process is ready for requests.
pub struct Readiness {
    needed: Checks,
    told: Checks,
    is_stopping: AtomicBool,
    /// What failed when it was last asked, so that the log tells of changes.
    last_failing: Mutex<Vec<&'static str>>,
}

impl Readiness {
    /// Ready while all that is `needed` is there. What is only to be told is
    /// looked at too, and changes nothing.
    #[must_use]
    pub fn new(needed: Checks, told: Checks) -> Arc<Self> {
        Arc::new(Self {
            needed,
            told,
            is_stopping: AtomicBool::new(false),
            last_failing: Mutex::default(),
        })
    }

    /// From now on not ready: the process is about to stop.
    pub fn stop(&self) {
        self.is_stopping.store(true, Ordering::SeqCst);
    }

    /// Whether the process is about to stop.
    #[must_use]
    pub fn is_stopping(&self) -> bool {
        self.is_stopping.load(Ordering::SeqCst)
    }

    /// The names of what is needed and not there; empty if ready.
    pub async fn failing(&self) -> Vec<&'static str> {
        if self.is_stopping() {
            return vec!["stopping"];
        }
        let failing = failures(&self.needed).await;
        let mut last = self
            .last_failing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if *last != failing {
            match failing.as_slice() {
                [] => tracing::info!("ready"),
                _ => tracing::info!(?failing, "not ready"),
            }
            last.clone_from(&failing);
        }
        failing
    }

    /// The names of what is not there, although the process is ready.
    pub async fn missing(&self) -> Vec<&'static str> {
        failures(&self.told).await
    }
}

async fn failures(checks: &Checks) -> Vec<&'static str> {
    let mut failing = Vec::new();
    for (name, check) in checks {
        if let Err(error) = check().await {
            tracing::debug!(check = name, error, "not there");
            failing.push(*name);
        }
    }
    failing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(is_there: bool) -> Check {
        Box::new(move || {
            let answer = is_there.then_some(()).ok_or_else(|| "away".to_owned());
            Box::pin(async move { answer })
        })
    }

    #[tokio::test]
    async fn what_is_only_told_keeps_nobody_from_being_ready() {
        let needed = vec![("database", check(true))];
        let told = vec![("users", check(false)), ("projects", check(true))];
        let readiness = Readiness::new(needed, told);
        assert!(readiness.failing().await.is_empty());
        assert_eq!(readiness.missing().await, ["users"]);
        let readiness = Readiness::new(vec![("database", check(false))], Vec::new());
        assert_eq!(readiness.failing().await, ["database"]);
    }

    #[tokio::test]
    async fn a_process_that_is_about_to_stop_is_not_ready() {
        let readiness = Readiness::new(vec![("database", check(true))], Vec::new());
        readiness.stop();
        assert_eq!(readiness.failing().await, ["stopping"]);
    }
}
