//! What is kept of a person, and forgotten.

use portico_chassis::{
    caller::Grant, database::Database, email_address::EmailAddress, outbox::Actor,
};

use super::*;
use crate::{
    api_key::{Holder, Owner},
    challenge::Challenge,
    link::{Aim, ChangeState, EmailChange, Link, Purpose},
    link_request::{LinkRequest, Reply, Wish},
    ticket::Ticket,
};

cases! {
    what_is_kept_of_a_person_is_read,
    a_person_is_forgotten_and_nobody_else,
    an_export_leaves_an_event,
}

const ADDRESS: &str = "ada@example.com";

fn by(user_id: Uuid, seconds: i64) -> Origin {
    Origin {
        actor: portico_chassis::outbox::Actor::User(user_id),
        client_ip: Some([203, 0, 113, 7].into()),
        ..origin(seconds)
    }
}

impl Fixture {
    /// Somebody of whom everything is kept that can be.
    async fn known(&self) -> (Uuid, EmailChange) {
        let user_id = self.account().await;
        let session = Session::begin(user_id, &visit(3), TTL);
        let opened = self
            .store
            .open_session(&session, verified("hash"), &by(user_id, 3))
            .await;
        assert!(opened.expect("opened").is_some());
        let email = |text: &str| EmailAddress::parse(text).expect("an address");
        let wish = Wish::NewEmail {
            user_id,
            email: email("eve@example.com"),
        };
        let request = LinkRequest {
            id: new_id(at(4)),
            wish,
            origin: by(user_id, 4),
        };
        for id in [request.id, new_id(at(4))] {
            let request = LinkRequest {
                id,
                ..request.clone()
            };
            let kept = self.store.add_link_request(&request).await;
            kept.expect("kept");
        }
        let change = EmailChange {
            id: request.id,
            user_id,
            old_email: email(ADDRESS),
            new_email: email("eve@example.com"),
            requested_at: at(4),
            state: ChangeState::Pending,
        };
        let reply = Reply::NewEmail {
            change: change.clone(),
            holder: None,
        };
        let answered = self.store.answer_link_request(&request, &reply).await;
        answered.expect("answered");
        let aim = Aim {
            purpose: Purpose::UndoEmailChange,
            user_id,
            email: email(ADDRESS),
            change_id: Some(change.id),
        };
        let (link, _) = Link::issue(aim.clone(), at(5));
        assert!(self.store.add_link(&link, at(5)).await.expect("kept"));
        let undone = self.store.begin_undo(&link, &by(user_id, 6)).await;
        undone.expect("done").expect("undone");
        let verification = Aim {
            purpose: Purpose::VerifyEmail,
            change_id: None,
            ..aim
        };
        let (link, _) = Link::issue(verification, at(7));
        assert!(self.store.add_link(&link, at(7)).await.expect("kept"));
        let holder = User {
            id: user_id,
            session_id: session.id,
            grant: Grant::Session,
            is_admin: false,
            issued_at: at(7),
            expires_at: at(607),
        };
        let (ticket, _) = Ticket::issue(&holder, at(7));
        self.store.add_ticket(&ticket).await.expect("kept");
        let session = Session::begin(user_id, &visit(8), TTL);
        let opened = self
            .store
            .open_session(&session, verified("hash"), &by(user_id, 8))
            .await;
        assert!(opened.expect("opened").is_some());
        let wish = Wish::NewEmail {
            user_id,
            email: email("eve@example.com"),
        };
        let request = LinkRequest {
            id: new_id(at(9)),
            wish,
            origin: by(user_id, 9),
        };
        let kept = self.store.add_link_request(&request).await;
        kept.expect("kept");
        let holder = Holder {
            user_id,
            email: ADDRESS.to_owned(),
            is_admin: false,
            is_active: true,
        };
        api_keys::add(self, Owner::Person(user_id), Some(&holder), 10).await;
        let begun = self.store.begin_totp(user_id, b"sealed").await;
        assert!(begun.expect("kept"));
        passkeys::added(self, user_id, 10).await;
        let (challenge, _) = Challenge::issue(user_id, at(11));
        let opened = self.store.open_challenge(&challenge, "hash").await;
        assert!(opened.expect("kept"));
        self.store.note_person(user_id, 2).await.expect("noted");
        (user_id, change)
    }

    /// How many rows each table has that tell of a person.
    async fn rows_of(&self, user_id: Uuid) -> Vec<(&'static str, i64)> {
        let mut counts = Vec::new();
        for table in [
            "credentials",
            "sessions",
            "tickets",
            "link_requests",
            "links",
            "email_changes",
            "email_undos",
            "second_factors",
            "passkeys",
            "challenges",
            "devices",
            "api_keys",
            "key_holders",
            "people",
        ] {
            let column = match table {
                "api_keys" => "owner_id",
                _ => "user_id",
            };
            let sql = format!("SELECT count(*) FROM {table} WHERE {column} = $1");
            let sql = sqlx::AssertSqlSafe(sql);
            let count: i64 = match &self.database.database {
                Database::Postgres(database) => {
                    let query = sqlx::query_scalar(sql).bind(user_id);
                    query.fetch_one(&database.pool).await.expect("counted")
                }
                Database::Sqlite(database) => {
                    let query = sqlx::query_scalar(sql).bind(user_id);
                    query.fetch_one(&database.readers).await.expect("counted")
                }
            };
            counts.push((table, count));
        }
        counts
    }

    /// What the record holds of what somebody did or had done to it.
    async fn told_of(&self, user_id: Uuid) -> Vec<String> {
        let sql = "SELECT payload || ' ' || coalesce(client_ip, '') || ' ' || \
            coalesce(details, '') FROM outbox WHERE actor = $1 OR subject = $2 ORDER BY seq";
        let actor = Actor::User(user_id).to_string();
        match &self.database.database {
            Database::Postgres(database) => {
                let query = sqlx::query_scalar(sql).bind(actor).bind(user_id);
                query.fetch_all(&database.pool).await.expect("read")
            }
            Database::Sqlite(database) => {
                let query = sqlx::query_scalar(sql).bind(actor).bind(user_id);
                query.fetch_all(&database.readers).await.expect("read")
            }
        }
    }
}

async fn what_is_kept_of_a_person_is_read(fixture: &Fixture) {
    let (user_id, change) = fixture.known().await;
    let set_at = fixture.store.password_set_at(user_id).await;
    assert_eq!(set_at.expect("read"), Some(at(1)));
    let sessions = fixture.store.all_sessions(user_id, at(9)).await;
    let sessions = sessions.expect("read").into_iter();
    let ids: BTreeSet<Uuid> = sessions.map(|session| session.id).collect();
    assert_eq!(ids, fixture.live(user_id, 9).await);
    assert_eq!(ids.len(), 1);
    let late = at(9) + TTL;
    let expired = fixture.store.all_sessions(user_id, late).await;
    assert!(expired.expect("read").is_empty());
    let undone = EmailChange {
        state: ChangeState::Undone,
        ..change
    };
    let changes = fixture.store.email_changes(user_id).await;
    assert_eq!(changes.expect("read"), [undone]);
    let nobody = new_id(at(1));
    let set_at = fixture.store.password_set_at(nobody).await;
    assert_eq!(set_at.expect("read"), None);
    let changes = fixture.store.email_changes(nobody).await;
    assert!(changes.expect("read").is_empty());
}

async fn a_person_is_forgotten_and_nobody_else(fixture: &Fixture) {
    let (ada, _) = fixture.known().await;
    let (bob, _) = fixture.known().await;
    let kept = fixture.rows_of(bob).await;
    assert!(kept.iter().all(|(_, count)| *count > 0), "{kept:?}");
    let told = fixture.told_of(bob).await;
    for trace in ["203.0.113", "browser", "eve@example.com"] {
        assert!(told.iter().any(|row| row.contains(trace)), "{trace}");
    }
    for _ in 0..2 {
        fixture.store.forget(ada).await.expect("forgotten");
    }
    let left = fixture.rows_of(ada).await;
    assert!(left.iter().all(|(_, count)| *count == 0), "{left:?}");
    let traces = fixture.told_of(ada).await;
    assert_eq!(traces.len(), told.len());
    for row in traces {
        for trace in ["203.0.113", "browser", "example.com"] {
            assert!(!row.contains(trace), "{row}");
        }
    }
    assert_eq!(fixture.rows_of(bob).await, kept);
    assert_eq!(fixture.told_of(bob).await, told);
}

async fn an_export_leaves_an_event(fixture: &Fixture) {
    let user_id = fixture.account().await;
    let noted = fixture.store.note_export(user_id, &by(user_id, 3)).await;
    noted.expect("noted");
    assert_eq!(fixture.database.event_kinds().await, ["account.exported"]);
}
