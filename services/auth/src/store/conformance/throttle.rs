//! Attempts that are counted.

use futures::future::join_all;

use super::*;
use crate::{
    MasterKey,
    history::{Failure, Method, Proof},
    throttle::{Attempt, Claimed, Counted, Scope, account_key},
};

cases! {
    attempts_from_one_place_are_free_at_first_and_then_wait,
    of_many_attempts_at_once_no_more_are_made_than_one_after_the_other,
    an_attempt_that_is_refused_counts_against_nothing,
    a_success_forgets_the_failures_before_it,
    a_success_makes_the_address_familiar_for_30_days,
    a_completed_sign_in_does_the_same_after_an_attempt_was_withdrawn,
    strangers_from_many_networks_wait_and_the_owner_does_not,
    one_network_that_tries_many_accounts_waits,
    a_success_from_a_strange_network_takes_back_nothing_but_itself,
    an_attempt_that_came_to_nothing_is_taken_back,
    failures_at_an_account_can_be_forgotten,
    the_record_has_the_first_failure_and_each_that_makes_others_wait,
    the_record_has_nothing_of_accounts_that_do_not_exist,
    the_record_has_each_time_that_a_network_waits_longer,
    throttles_and_places_that_expired_are_forgotten,
}

fn key() -> MasterKey {
    MasterKey::parse(&"A".repeat(43)).expect("key")
}

/// An attempt at the account with this number.
fn attempt(account: u128, address: &str) -> Attempt {
    let claimed = Claimed::Person(Uuid::from_u128(account));
    Attempt::new(&key(), claimed, address.parse().ok())
}

impl Fixture {
    async fn try_at(&self, attempt: &Attempt, seconds: i64) -> Turn {
        let admitted = self.store.count_attempt(attempt, at(seconds)).await;
        admitted.expect("counted")
    }

    async fn admitted(&self, attempt: &Attempt, seconds: i64) -> Counted {
        match self.try_at(attempt, seconds).await {
            Turn::Admitted(counted) => counted,
            Turn::Refused(wait) => panic!("refused for {wait:?}"),
        }
    }

    async fn wait(&self, attempt: &Attempt, seconds: i64) -> u64 {
        match self.try_at(attempt, seconds).await {
            Turn::Admitted(_) => 0,
            Turn::Refused(wait) => wait.as_secs(),
        }
    }

    async fn succeeds(&self, attempt: &Attempt, seconds: i64) {
        let counted = self.admitted(attempt, seconds).await;
        let noted = self.store.attempt_succeeded(&counted, at(seconds)).await;
        noted.expect("noted");
    }

    async fn fails(&self, attempt: &Attempt, seconds: i64) {
        let counted = self.admitted(attempt, seconds).await;
        let failure = Failure {
            proof: Proof::SignIn,
            method: Method::Password,
            reason: "WRONG_CREDENTIALS",
            user_agent: Some("curl".to_owned()),
        };
        let origin = origin(seconds);
        let noted = self.store.attempt_failed(&counted, &failure, &origin).await;
        noted.expect("noted");
    }

    /// The details of the entries of this kind.
    async fn details(&self, kind: &str) -> Vec<String> {
        let record = self.database.record().await.into_iter();
        let of_kind = record.filter(|(known, ..)| known == kind);
        of_kind
            .map(|(_, _, details, _)| details.unwrap_or_default())
            .collect()
    }
}

async fn attempts_from_one_place_are_free_at_first_and_then_wait(fixture: &Fixture) {
    let attempt = attempt(1, "203.0.113.1");
    for _ in 0..5 {
        fixture.admitted(&attempt, 10).await;
    }
    assert_eq!(fixture.wait(&attempt, 10).await, 1);
    fixture.admitted(&attempt, 11).await;
    assert_eq!(fixture.wait(&attempt, 11).await, 2);
    // Neither another account nor another network waits.
    fixture.admitted(&self::attempt(2, "203.0.113.1"), 11).await;
    fixture.admitted(&self::attempt(1, "203.0.114.1"), 11).await;
    // A neighbour does.
    let neighbour = self::attempt(1, "203.0.113.2");
    assert_eq!(fixture.wait(&neighbour, 11).await, 2);
}

async fn of_many_attempts_at_once_no_more_are_made_than_one_after_the_other(fixture: &Fixture) {
    let attempt = attempt(1, "203.0.113.1");
    let at_once = (0..20).map(|_| fixture.try_at(&attempt, 10));
    let made = join_all(at_once).await.into_iter();
    let made = made.filter(|admission| matches!(admission, Turn::Admitted(_)));
    assert_eq!(made.count(), 5);
}

async fn an_attempt_that_is_refused_counts_against_nothing(fixture: &Fixture) {
    let attempt = attempt(1, "203.0.113.1");
    for _ in 0..5 {
        fixture.admitted(&attempt, 10).await;
    }
    for _ in 0..40 {
        assert_eq!(fixture.wait(&attempt, 10).await, 1);
    }
    fixture.admitted(&attempt, 11).await;
    // The account as a whole has few failures: elsewhere nobody waits.
    fixture
        .admitted(&self::attempt(1, "198.51.100.1"), 11)
        .await;
}

async fn a_success_forgets_the_failures_before_it(fixture: &Fixture) {
    let attempt = attempt(1, "203.0.113.1");
    for round in 0..10 {
        for _ in 0..4 {
            fixture.fails(&attempt, 10 + round).await;
        }
        fixture.succeeds(&attempt, 10 + round).await;
    }
}

async fn a_success_makes_the_address_familiar_for_30_days(fixture: &Fixture) {
    let attempt = attempt(1, "203.0.113.1");
    let day = 86_400;
    fixture.succeeds(&attempt, 0).await;
    let neighbour = self::attempt(1, "203.0.113.2");
    assert!(!fixture.admitted(&neighbour, day).await.is_familiar);
    assert!(fixture.admitted(&attempt, 30 * day - 1).await.is_familiar);
    assert!(!fixture.admitted(&attempt, 30 * day).await.is_familiar);
    // Each sign-in prolongs it.
    fixture.succeeds(&attempt, 40 * day).await;
    fixture.succeeds(&attempt, 60 * day).await;
    assert!(fixture.admitted(&attempt, 85 * day).await.is_familiar);
}

async fn a_completed_sign_in_does_the_same_after_an_attempt_was_withdrawn(fixture: &Fixture) {
    let home = attempt(1, "203.0.113.1");
    for _ in 0..4 {
        fixture.fails(&home, 0).await;
    }
    let counted = fixture.admitted(&home, 0).await;
    let withdrawn = fixture.store.withdraw_attempt(&counted, at(0)).await;
    withdrawn.expect("withdrawn");
    // It is as it was before.
    let counted = fixture.admitted(&home, 0).await;
    assert!(!counted.is_familiar && !counted.is_first);
    let completed = fixture.store.become_familiar(&home, at(1)).await;
    completed.expect("noted");
    let counted = fixture.admitted(&home, 1).await;
    assert!(counted.is_familiar && counted.is_first);
    for _ in 0..4 {
        fixture.fails(&home, 1).await;
    }
    let completed = fixture.store.become_familiar(&home, at(2)).await;
    completed.expect("noted");
    assert!(fixture.admitted(&home, 2).await.is_first);
}

async fn strangers_from_many_networks_wait_and_the_owner_does_not(fixture: &Fixture) {
    let owner = attempt(1, "203.0.113.1");
    fixture.succeeds(&owner, 0).await;
    for network in 0..20 {
        let stranger = attempt(1, &format!("198.51.{network}.1"));
        fixture.fails(&stranger, 10).await;
    }
    let stranger = attempt(1, "192.0.2.1");
    assert_eq!(fixture.wait(&stranger, 10).await, 1);
    // Not even from next door can the owner be kept out.
    let neighbour = attempt(1, "203.0.113.2");
    assert_eq!(fixture.wait(&neighbour, 10).await, 1);
    fixture.succeeds(&owner, 10).await;
    // And another account is none of it.
    fixture.admitted(&attempt(2, "192.0.2.1"), 10).await;
}

async fn one_network_that_tries_many_accounts_waits(fixture: &Fixture) {
    let owner = attempt(1, "203.0.113.1");
    fixture.succeeds(&owner, 0).await;
    for account in 2..102 {
        fixture.fails(&attempt(account, "203.0.113.7"), 10).await;
    }
    let next = attempt(200, "203.0.113.7");
    assert_eq!(fixture.wait(&next, 10).await, 1);
    // Who has signed in from there before goes on.
    fixture.succeeds(&owner, 10).await;
    // After an hour, it is forgotten.
    fixture.admitted(&next, 10 + 3_600).await;
}

async fn a_success_from_a_strange_network_takes_back_nothing_but_itself(fixture: &Fixture) {
    for network in 0..19 {
        let stranger = attempt(1, &format!("198.51.{network}.1"));
        fixture.fails(&stranger, 10).await;
    }
    fixture.succeeds(&attempt(1, "203.0.113.1"), 10).await;
    let stranger = attempt(1, "192.0.2.1");
    fixture.fails(&stranger, 10).await;
    assert_eq!(fixture.wait(&stranger, 10).await, 1);
}

async fn an_attempt_that_came_to_nothing_is_taken_back(fixture: &Fixture) {
    let attempt = attempt(1, "203.0.113.1");
    for _ in 0..10 {
        let counted = fixture.admitted(&attempt, 10).await;
        let withdrawn = fixture.store.withdraw_attempt(&counted, at(10)).await;
        withdrawn.expect("withdrawn");
    }
    assert!(!fixture.admitted(&attempt, 10).await.is_familiar);
}

async fn failures_at_an_account_can_be_forgotten(fixture: &Fixture) {
    let attempt = attempt(1, "203.0.113.1");
    let other = self::attempt(2, "203.0.113.1");
    for _ in 0..5 {
        fixture.fails(&attempt, 10).await;
        fixture.fails(&other, 10).await;
    }
    let account = account_key(&key(), Uuid::from_u128(1));
    let forgotten = fixture.store.forget_attempts(account).await;
    forgotten.expect("forgotten");
    fixture.admitted(&attempt, 10).await;
    assert_eq!(fixture.wait(&other, 10).await, 1);
}

async fn the_record_has_the_first_failure_and_each_that_makes_others_wait(fixture: &Fixture) {
    let attempt = attempt(1, "203.0.113.1");
    for seconds in [10, 10, 10, 10, 10, 11, 13] {
        fixture.fails(&attempt, seconds).await;
    }
    let words = r#"{"method":"PASSWORD","reason":"WRONG_CREDENTIALS""#;
    let throttled = format!(r#"{words},"throttled":"ADDRESS"}}"#);
    let first = format!("{words}}}");
    let expected = [first, throttled.clone(), throttled.clone(), throttled];
    assert_eq!(fixture.details("sign_in.failed").await, expected);
    assert_eq!(fixture.database.record().await.len(), 4);
}

async fn the_record_has_nothing_of_accounts_that_do_not_exist(fixture: &Fixture) {
    let nobody = Claimed::Nobody {
        address: "nobody@example.com",
    };
    let attempt = Attempt::new(&key(), nobody, "203.0.113.1".parse().ok());
    for _ in 0..5 {
        fixture.fails(&attempt, 10).await;
    }
    assert_eq!(fixture.wait(&attempt, 10).await, 1);
    assert!(fixture.database.record().await.is_empty());
}

async fn the_record_has_each_time_that_a_network_waits_longer(fixture: &Fixture) {
    for account in 0..100 {
        let address = format!("nobody-{account}@example.com");
        let nobody = Claimed::Nobody { address: &address };
        let attempt = Attempt::new(&key(), nobody, "203.0.113.1".parse().ok());
        fixture.fails(&attempt, 10).await;
    }
    let known = attempt(1, "203.0.113.1");
    let counted = fixture.admitted(&known, 11).await;
    assert_eq!(counted.delays, [Scope::Network]);
    let kinds = fixture.database.event_kinds().await;
    assert_eq!(kinds, ["network.throttled"]);
}

async fn throttles_and_places_that_expired_are_forgotten(fixture: &Fixture) {
    let day = 86_400;
    fixture.succeeds(&attempt(1, "203.0.113.1"), 0).await;
    fixture.fails(&attempt(2, "203.0.113.1"), 0).await;
    let left = async |table: &str| -> i64 {
        let sql = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}"));
        match &fixture.database.database {
            Database::Postgres(database) => sqlx::query_scalar(sql).fetch_one(&database.pool).await,
            Database::Sqlite(database) => {
                sqlx::query_scalar(sql).fetch_one(&database.readers).await
            }
        }
        .expect("counted")
    };
    for (seconds, throttles, places) in [
        (3_599, 4, 1),
        (day - 1, 3, 1),
        (day, 0, 1),
        (30 * day, 0, 0),
    ] {
        let forgotten = fixture.store.forget_expired(at(seconds)).await;
        forgotten.expect("forgotten");
        assert_eq!(left("throttles").await, throttles, "{seconds}");
        assert_eq!(left("familiar_places").await, places, "{seconds}");
    }
}
