//! Mails that wait to be sent.

use super::*;

cases! {
    the_first_start_is_remembered,
    a_mail_is_queued,
    a_mail_is_queued_once_whatever_became_of_it,
    an_address_gets_only_so_many_mails_of_a_kind_within_an_hour,
    a_mail_that_is_dropped_is_gone,
    the_mails_to_an_address_are_read_and_forgotten,
    mails_that_wait_longest_are_claimed_first,
    no_mail_is_claimed_twice_under_concurrency,
    a_claim_that_ran_out_is_claimed_again,
    a_claim_that_is_prolonged_stands,
    a_mail_whose_last_claim_ran_out_is_given_up,
    what_becomes_of_a_claim_is_noted,
    a_claim_that_no_longer_stands_changes_nothing,
    the_next_due_mail_is_known,
    what_failed_or_was_given_up_is_retried,
    anything_else_is_not_retried,
}

async fn the_first_start_is_remembered(fixture: &Fixture) {
    let start = async |seconds: i64| fixture.store.first_start(at(seconds)).await.expect("read");
    assert_eq!(start(5).await, at(5));
    assert_eq!(start(9).await, at(5));
}

async fn a_mail_is_queued(fixture: &Fixture) {
    let job = fixture.queue(5).await;
    let queued = Job {
        id: job.id,
        template: "welcome".to_owned(),
        to: "ada@example.com".to_owned(),
        status: Status::Queued,
        attempts: 0,
        last_error: None,
        created_at: at(5),
        next_attempt_at: Some(at(5)),
    };
    assert_eq!(fixture.only_job().await, queued);
}

async fn a_mail_is_queued_once_whatever_became_of_it(fixture: &Fixture) {
    let job = job();
    let attempts = (0..8).map(|seconds| fixture.store.enqueue(&job, at(seconds)));
    let is_new = |queued: Result<bool, Error>| queued.expect("queued");
    let new = join_all(attempts).await.into_iter().map(is_new);
    assert_eq!(new.filter(|is_new| *is_new).count(), 1);
    let claim = fixture.claim_one(10).await;
    assert!(fixture.settle(&claim, Outcome::Sent, 11).await);
    assert!(!is_new(fixture.store.enqueue(&job, at(12)).await));
    assert_eq!(fixture.only_job().await.status, Status::Sent);
}

async fn an_address_gets_only_so_many_mails_of_a_kind_within_an_hour(fixture: &Fixture) {
    let reset = |to: &str, seconds| {
        let mail = Mail::ResetPassword {
            user_id: Uuid::nil(),
            name: "Ada".to_owned(),
        };
        let event = new_id(at(seconds));
        NewJob::of_event(event, mail, to.to_owned(), Cause::default())
    };
    let queue = async |to: &str, seconds: i64| {
        let job = reset(to, seconds);
        let queued = fixture.store.enqueue(&job, at(seconds)).await;
        queued.expect("done")
    };
    for seconds in 0..5 {
        assert!(queue("ada@example.com", seconds).await);
    }
    assert!(!queue("Ada@Example.com", 10).await);
    assert!(queue("bob@example.com", 10).await);
    fixture.queue(10).await;
    // The first is an hour old.
    assert!(!queue("ada@example.com", 3_599).await);
    assert!(queue("ada@example.com", 3_600).await);
    assert!(!queue("ada@example.com", 3_600).await);
    // What cannot be asked for by strangers is not limited.
    for seconds in 0..20 {
        fixture.queue(seconds).await;
    }
}

async fn a_mail_that_is_dropped_is_gone(fixture: &Fixture) {
    fixture.queue(1).await;
    let claim = fixture.claim_one(10).await;
    assert!(fixture.settle(&claim, Outcome::Dropped, 11).await);
    assert!(fixture.jobs().await.is_empty());
    assert!(!fixture.settle(&claim, Outcome::Dropped, 12).await);
}

async fn the_mails_to_an_address_are_read_and_forgotten(fixture: &Fixture) {
    let address = |text: &str| EmailAddress::parse(text).expect("an address");
    let to = async |text: &str| {
        let mails = fixture.store.mails_to(&address(text)).await;
        mails.expect("read")
    };
    let (first, second) = (fixture.queue(1).await, fixture.queue(2).await);
    let ids: Vec<Uuid> = to("Ada@example.com")
        .await
        .iter()
        .map(|job| job.id)
        .collect();
    assert_eq!(ids, [second.id, first.id]);
    assert!(to("bob@example.com").await.is_empty());
    for (text, left) in [("bob@example.com", 2), ("ADA@example.com", 0)] {
        let forgotten = fixture.store.forget_address(&address(text)).await;
        forgotten.expect("forgotten");
        assert_eq!(to("ada@example.com").await.len(), left);
    }
}

async fn mails_that_wait_longest_are_claimed_first(fixture: &Fixture) {
    let second = fixture.queue(2).await;
    let first = fixture.queue(1).await;
    let third = fixture.queue(3).await;
    let claims = fixture.claim(2, 10).await;
    let claimed: HashSet<Uuid> = claims.iter().map(|claim| claim.id).collect();
    assert_eq!(claimed, HashSet::from([first.id, second.id]));
    let claim = fixture.claim_one(10).await;
    assert_eq!((claim.id, claim.attempt), (third.id, 1));
    assert_eq!(claim.to, "ada@example.com");
    assert_eq!(claim.cause, third.cause);
    let mail: Mail = serde_json::from_str(&claim.content).expect("a mail");
    assert_eq!(mail, third.mail);
    assert!(fixture.claim(1, 10).await.is_empty());
    let running = fixture.jobs().await.remove(0);
    assert_eq!(
        (running.status, running.attempts, running.next_attempt_at),
        (Status::Running, 1, None)
    );
}

async fn no_mail_is_claimed_twice_under_concurrency(fixture: &Fixture) {
    for seconds in 0..20 {
        fixture.queue(seconds).await;
    }
    // Their limits overlap, and together they ask for more than there is.
    let claims = join_all((0..8).map(|_| fixture.claim(3, 100))).await;
    assert!(claims.iter().all(|claims| claims.len() <= 3));
    let ids: Vec<Uuid> = claims.into_iter().flatten().map(|claim| claim.id).collect();
    let different: HashSet<&Uuid> = ids.iter().collect();
    assert_eq!(different.len(), ids.len());
    assert!(!ids.is_empty());
}

async fn a_claim_that_ran_out_is_claimed_again(fixture: &Fixture) {
    let job = fixture.queue(1).await;
    fixture.claim_one(10).await;
    assert!(fixture.claim(1, 69).await.is_empty());
    let again = fixture.claim_one(70).await;
    assert_eq!((again.id, again.attempt), (job.id, 2));
}

async fn a_claim_that_is_prolonged_stands(fixture: &Fixture) {
    fixture.queue(1).await;
    let claim = fixture.claim_one(10).await;
    assert!(fixture.store.prolong(&claim, at(100)).await.expect("noted"));
    assert!(fixture.claim(1, 99).await.is_empty());
    fixture.claim_one(100).await;
    assert!(!fixture.store.prolong(&claim, at(200)).await.expect("noted"));
    assert!(fixture.claim(1, 159).await.is_empty());
    fixture.claim_one(160).await;
}

async fn a_mail_whose_last_claim_ran_out_is_given_up(fixture: &Fixture) {
    fixture.queue(1).await;
    for attempt in 1..=ATTEMPTS {
        let claim = fixture.claim_one(i64::from(attempt) * 60).await;
        assert_eq!(claim.attempt, attempt);
    }
    let last = i64::from(ATTEMPTS) * 60;
    assert!(fixture.claim(1, last + 59).await.is_empty());
    assert_eq!(fixture.only_job().await.status, Status::Running);
    assert!(fixture.claim(1, last + 60).await.is_empty());
    let job = fixture.only_job().await;
    assert_eq!((job.status, job.attempts), (Status::Dead, ATTEMPTS));
    assert!(job.last_error.is_some());
}

async fn what_becomes_of_a_claim_is_noted(fixture: &Fixture) {
    fixture.queue(1).await;
    let claim = fixture.claim_one(10).await;
    assert!(fixture.settle(&claim, failed(40), 20).await);
    let job = fixture.only_job().await;
    assert_eq!(
        (job.status, job.next_attempt_at),
        (Status::Failed, Some(at(40)))
    );
    assert_eq!(job.last_error.as_deref(), Some("421 busy"));
    assert!(fixture.claim(1, 39).await.is_empty());

    let claim = fixture.claim_one(40).await;
    assert_eq!(claim.attempt, 2);
    assert!(fixture.settle(&claim, dead(), 41).await);
    let job = fixture.only_job().await;
    assert_eq!((job.status, job.next_attempt_at), (Status::Dead, None));
    assert_eq!(job.last_error.as_deref(), Some("550 no such person"));
    assert!(fixture.claim(1, 1_000).await.is_empty());

    fixture.store.retry(job.id, at(50)).await.expect("retried");
    let claim = fixture.claim_one(50).await;
    assert!(fixture.settle(&claim, Outcome::Sent, 51).await);
    let job = fixture.only_job().await;
    assert_eq!((job.status, job.last_error), (Status::Sent, None));
    assert!(fixture.claim(1, 1_000).await.is_empty());
}

async fn a_claim_that_no_longer_stands_changes_nothing(fixture: &Fixture) {
    fixture.queue(1).await;
    let lost = fixture.claim_one(10).await;
    let current = fixture.claim_one(70).await;
    assert!(!fixture.settle(&lost, dead(), 71).await);
    assert_eq!(fixture.only_job().await.status, Status::Running);
    assert!(fixture.settle(&current, Outcome::Sent, 72).await);
    assert!(!fixture.settle(&current, failed(80), 73).await);
    assert_eq!(fixture.only_job().await.status, Status::Sent);
}

async fn the_next_due_mail_is_known(fixture: &Fixture) {
    let next = async || fixture.store.next_due().await.expect("read");
    assert_eq!(next().await, None);
    fixture.queue(5).await;
    fixture.queue(3).await;
    assert_eq!(next().await, Some(at(3)));
    let claims = fixture.claim(2, 10).await;
    assert_eq!(next().await, Some(at(70)));
    assert!(fixture.settle(&claims[0], failed(40), 20).await);
    assert_eq!(next().await, Some(at(40)));
    assert!(fixture.settle(&claims[1], Outcome::Sent, 20).await);
    let claim = fixture.claim_one(50).await;
    assert!(fixture.settle(&claim, dead(), 51).await);
    assert_eq!(next().await, None);
}

async fn what_failed_or_was_given_up_is_retried(fixture: &Fixture) {
    let job = fixture.queue(1).await;
    for outcome in [failed(1_000), dead()] {
        let claim = fixture.claim_one(10).await;
        assert_eq!(claim.attempt, 1);
        assert!(fixture.settle(&claim, outcome, 11).await);
        let retried = fixture.store.retry(job.id, at(10)).await.expect("retried");
        assert_eq!(
            (retried.status, retried.attempts, retried.next_attempt_at),
            (Status::Queued, 0, Some(at(10)))
        );
        assert_eq!(retried, fixture.only_job().await);
    }
}

async fn anything_else_is_not_retried(fixture: &Fixture) {
    let job = fixture.queue(1).await;
    let retry = async |id: Uuid| reason(fixture.store.retry(id, at(9)).await);
    assert_eq!(retry(Uuid::nil()).await, "JOB_NOT_FOUND");
    assert_eq!(retry(job.id).await, "JOB_NOT_DEAD");
    let claim = fixture.claim_one(10).await;
    assert_eq!(retry(job.id).await, "JOB_NOT_DEAD");
    assert!(fixture.settle(&claim, Outcome::Sent, 11).await);
    assert_eq!(retry(job.id).await, "JOB_NOT_DEAD");
    assert_eq!(fixture.only_job().await.status, Status::Sent);
}
