//! What every store of mails does, whichever database it stands on. Each case
//! gets a fresh database on each engine.

mod lists;
mod queue;

use std::{collections::HashSet, time::Duration};

use futures::future::join_all;
use portico_chassis::{
    clock::new_id,
    database::testing::{self, TestDatabase, cases, paging, reason},
    page::{Bookmark, SortKey},
};

use super::*;
use crate::{
    MIGRATIONS,
    job::{ATTEMPTS, Cause},
    mail::Mail,
};

/// Statements that need no index.
const EXCUSES: [testing::Excuse; 0] = [];

struct Fixture {
    store: Arc<dyn Store>,
    database: TestDatabase,
}

impl Fixture {
    fn new(database: TestDatabase) -> Self {
        let store = open(&database.database);
        Self { store, database }
    }

    async fn close(self) {
        drop(self.store);
        self.database.explain_and_close(&EXCUSES).await;
    }

    /// Queues a mail at this second.
    async fn queue(&self, seconds: i64) -> NewJob {
        let job = job();
        let queued = self.store.enqueue(&job, at(seconds));
        assert!(queued.await.expect("queued"));
        job
    }

    /// Claims up to so many mails at this second, for a minute.
    async fn claim(&self, limit: u32, seconds: i64) -> Vec<Claim> {
        let demand = Demand {
            limit,
            token: new_id(at(seconds)),
            until: at(seconds + 60),
        };
        let claims = self.store.claim(demand, at(seconds)).await;
        claims.expect("claimed")
    }

    /// Claims one mail, which must be due.
    async fn claim_one(&self, seconds: i64) -> Claim {
        let mut claims = self.claim(1, seconds).await;
        claims.pop().expect("a mail is due")
    }

    async fn settle(&self, claim: &Claim, outcome: Outcome, seconds: i64) -> bool {
        let settled = self.store.settle(claim, &outcome, at(seconds)).await;
        settled.expect("noted")
    }

    /// All jobs, newest first.
    async fn jobs(&self) -> Vec<Job> {
        let page = self
            .store
            .list(&Filter::default(), &paging(None, 100, None))
            .await;
        page.expect("listed").items
    }

    /// The one job that there is.
    async fn only_job(&self) -> Job {
        let mut jobs = self.jobs().await;
        assert_eq!(jobs.len(), 1);
        jobs.remove(0)
    }
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_seconds(seconds)
}

fn job() -> NewJob {
    let mail = Mail::Welcome {
        name: "Ada".to_owned(),
    };
    let cause = Cause {
        request_id: "request".to_owned(),
        traceparent: Some("trace".to_owned()),
    };
    NewJob::of_event(new_id(at(1)), mail, "ada@example.com".to_owned(), cause)
}

fn failed(next: i64) -> Outcome {
    Outcome::Failed {
        error: "421 busy".to_owned(),
        next: at(next),
    }
}

fn dead() -> Outcome {
    Outcome::Dead {
        error: "550 no such person".to_owned(),
    }
}
