//! The history of sign-ins.

use portico_chassis::{
    outbox::{Actor, Origin},
    page::{Bookmark, SortKey},
};

use super::*;
use crate::history::{Failure, Method, Proof, SignIn, Tried};

cases! {
    a_persons_sign_ins_and_failures_are_listed_newest_first,
    a_walk_meets_each_sign_in_once,
    what_failed_for_others_or_otherwise_is_no_sign_in,
    sign_ins_are_found_by_index,
}

/// What a person does by itself at this second.
fn by(user_id: Uuid, seconds: i64) -> Origin {
    Origin {
        actor: Actor::User(user_id),
        client_ip: "203.0.113.9".parse().ok(),
        ..origin(seconds)
    }
}

impl Fixture {
    async fn signs_in(&self, user_id: Uuid, seconds: i64) {
        let session = Session::begin(user_id, &visit(seconds), TTL);
        let origin = by(user_id, seconds);
        let opened = self.store.open_session(&session, verified("hash"), &origin);
        assert!(opened.await.expect("stored").is_some(), "opened");
    }

    async fn refused(&self, user_id: Uuid, proof: Proof, seconds: i64) {
        let failure = Failure {
            proof,
            method: Method::Password,
            reason: "ACCOUNT_DISABLED",
            user_agent: Some("curl".to_owned()),
        };
        let origin = origin(seconds);
        let tried = Tried::Account(user_id);
        let refused = self.store.sign_in_refused(tried, &failure, &origin);
        refused.await.expect("noted");
    }

    async fn sign_ins(&self, user_id: Uuid, paging: &Paging) -> Page<SignIn> {
        self.store.sign_ins(user_id, paging).await.expect("read")
    }
}

/// How the database goes about it.
async fn plan(fixture: &Fixture, statement: String) -> String {
    let actor = Actor::User(Uuid::nil()).to_string();
    match &fixture.database.database {
        Database::Postgres(database) => {
            let mut transaction = database.begin().await.expect("begun");
            // Nothing is in it yet.
            for setting in ["enable_seqscan", "enable_bitmapscan", "enable_sort"] {
                let sql = sqlx::AssertSqlSafe(format!("SET LOCAL {setting} = off"));
                let set = sqlx::query(sql).execute(&mut transaction);
                set.await.expect("set");
            }
            let sql = sqlx::AssertSqlSafe(format!("EXPLAIN {statement}"));
            let query = sqlx::query_scalar::<_, String>(sql);
            let query = query.bind(actor).bind(Uuid::nil()).bind(Uuid::max());
            let lines = query.fetch_all(&mut transaction).await.expect("a plan");
            lines.join("\n")
        }
        Database::Sqlite(database) => {
            let sql = sqlx::AssertSqlSafe(format!("EXPLAIN QUERY PLAN {statement}"));
            let query = sqlx::query_as::<_, (i64, i64, i64, String)>(sql);
            let query = query.bind(actor).bind(Uuid::nil()).bind(Uuid::max());
            let steps = query.fetch_all(&database.readers).await.expect("a plan");
            let steps = steps.into_iter().map(|(.., step)| step);
            steps.collect::<Vec<_>>().join("\n")
        }
    }
}

async fn a_persons_sign_ins_and_failures_are_listed_newest_first(fixture: &Fixture) {
    let user_id = fixture.account().await;
    fixture.signs_in(user_id, 10).await;
    fixture.refused(user_id, Proof::SignIn, 20).await;
    fixture.signs_in(user_id, 30).await;
    let page = fixture.sign_ins(user_id, &paging(None, 10, None)).await;
    assert_eq!(page.total.rows, 3);
    let told = page.items.iter().map(|one| {
        let (ip, agent) = (one.ip.as_deref(), one.user_agent.as_deref());
        (one.at, one.reason.as_deref(), &*one.method, ip, agent)
    });
    let succeeded = (None, "PASSWORD", Some("203.0.113.9"), Some("browser"));
    let expected = [
        (at(30), succeeded.0, succeeded.1, succeeded.2, succeeded.3),
        (
            at(20),
            Some("ACCOUNT_DISABLED"),
            "PASSWORD",
            None,
            Some("curl"),
        ),
        (at(10), succeeded.0, succeeded.1, succeeded.2, succeeded.3),
    ];
    assert_eq!(told.collect::<Vec<_>>(), expected);
}

async fn a_walk_meets_each_sign_in_once(fixture: &Fixture) {
    let user_id = fixture.account().await;
    for seconds in 0..10 {
        match seconds % 3 {
            0 => fixture.refused(user_id, Proof::SignIn, seconds).await,
            _ => fixture.signs_in(user_id, seconds).await,
        }
    }
    let expected: Vec<Timestamp> = (0..10).rev().map(at).collect();
    let (mut met, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let paging = paging(None, 3, cursor.as_deref());
        let page = fixture.sign_ins(user_id, &paging).await;
        met.extend(page.items.iter().map(|one| one.at));
        let bookmark = |one: &SignIn| Bookmark {
            key: SortKey::Time(one.at),
            id: one.id,
        };
        match page.info(&paging, bookmark).next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(met, expected);
    let second = fixture.sign_ins(user_id, &paging(Some(2), 4, None)).await;
    let of_page: Vec<_> = second.items.iter().map(|one| one.at).collect();
    assert_eq!(of_page, expected[4..8]);
    assert!(second.has_more);
}

async fn what_failed_for_others_or_otherwise_is_no_sign_in(fixture: &Fixture) {
    let (user_id, other) = (fixture.account().await, fixture.account().await);
    fixture.refused(other, Proof::SignIn, 10).await;
    fixture.refused(user_id, Proof::Reauthentication, 10).await;
    fixture.signs_in(other, 10).await;
    let page = fixture.sign_ins(user_id, &paging(None, 10, None)).await;
    assert!(page.items.is_empty());
}

async fn sign_ins_are_found_by_index(fixture: &Fixture) {
    let plan = plan(fixture, sql::sign_ins::page(true, 21, 0)).await;
    for index in ["outbox_actor", "outbox_subject"] {
        assert!(plan.contains(index), "{plan}");
    }
}
