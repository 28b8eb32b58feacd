//! People who were deleted long ago.

use portico_chassis::{caller::Call, database::Database, outbox::Actor};

use super::*;

cases! {
    a_deleted_person_is_restored_within_the_grace_and_not_later,
    a_purge_is_announced_once_and_the_person_is_still_there,
    nobody_else_is_purged,
    a_purged_person_leaves_nothing_but_ids,
    purges_at_once_do_not_disturb_each_other,
}

const DAY: i64 = 24 * 3600;

impl Fixture {
    /// Somebody who was deleted at this second.
    async fn deleted(&self, name: &str, seconds: i64) -> User {
        let user = self.add(name, Role::Member).await;
        let deleted = self
            .store
            .delete(user.id, &IfMatch::Any, &origin(seconds))
            .await;
        deleted.expect("deleted");
        user
    }

    async fn announce(&self, before: i64, seconds: i64) -> Vec<Uuid> {
        let before = Timestamp::from_seconds(before);
        let origin = origin(seconds);
        let announced = self.store.announce_purges(before, &origin).await;
        announced.expect("done")
    }

    async fn purge(&self, before: i64, seconds: i64) -> Vec<Uuid> {
        let before = Timestamp::from_seconds(before);
        let origin = origin(seconds);
        let purged = self.store.purge(before, &origin).await;
        purged.expect("done")
    }
}

async fn a_deleted_person_is_restored_within_the_grace_and_not_later(fixture: &Fixture) {
    let [early, late] = [
        fixture.deleted("ada", 10).await,
        fixture.deleted("bob", 10).await,
    ];
    let restore =
        async |user: &User, seconds| fixture.store.restore(user.id, &origin(seconds)).await;
    let last = 10 + 30 * DAY;
    assert_eq!(reason(restore(&late, last).await), "USER_NOT_FOUND");
    let restored = restore(&early, last - 1).await.expect("restored");
    assert_eq!(restored.status, Status::Active);
}

async fn a_purge_is_announced_once_and_the_person_is_still_there(fixture: &Fixture) {
    let ada = fixture.deleted("ada", 10).await;
    assert!(fixture.announce(9, 20).await.is_empty());
    assert_eq!(fixture.announce(10, 20).await, [ada.id]);
    assert!(fixture.announce(30, 30).await.is_empty());
    let kept = fixture.get(ada.id).await;
    assert_eq!((kept.email, kept.name), (ada.email, ada.name));
    let events = fixture.database.events().await;
    let (kind, payload) = events.last().expect("an event");
    assert_eq!(kind, "user.purge_announced");
    assert!(!payload.to_lowercase().contains("ada"), "{payload}");
    assert!(fixture.purge(19, 40).await.is_empty());
    assert_eq!(fixture.purge(20, 40).await, [ada.id]);
}

async fn nobody_else_is_purged(fixture: &Fixture) {
    let active = fixture.add("ada", Role::Member).await;
    let restored = fixture.deleted("bob", 10).await;
    let back = fixture.store.restore(restored.id, &origin(11)).await;
    back.expect("restored");
    let recent = fixture.deleted("carol", 100).await;
    assert!(fixture.announce(99, 120).await.is_empty());
    assert!(fixture.purge(1_000, 1_000).await.is_empty());
    for user in [active, restored, recent] {
        fixture.get(user.id).await;
    }
}

async fn a_purged_person_leaves_nothing_but_ids(fixture: &Fixture) {
    let ada = person("ada", Role::Member);
    let own = portico_chassis::outbox::Origin {
        actor: Actor::User(ada.id),
        client_ip: Some([203, 0, 113, 9].into()),
        ..Call::default().origin(Timestamp::from_seconds(1))
    };
    fixture.store.create(&ada, &own).await.expect("created");
    let address = Address {
        email: EmailAddress::parse("lovelace@example.com").expect("address"),
        is_verified: true,
        overrides_others: false,
    };
    let changed = fixture
        .store
        .set_email(ada.id, &address, &IfMatch::Any, &own)
        .await;
    changed.expect("changed");
    let reserved = fixture.store.reserved(ada.id, own.at).await;
    assert_eq!(reserved.expect("read"), ["ada@example.com"]);
    let bob = fixture.add("bob", Role::Member).await;
    let deleted = fixture.store.delete(ada.id, &IfMatch::Any, &own).await;
    deleted.expect("deleted");
    fixture.announce(1, 20).await;
    assert_eq!(fixture.purge(20, 30).await, [ada.id]);
    assert_eq!(fixture.store.get(ada.id).await.expect("read"), None);
    for name in ["ada", "lovelace"] {
        fixture.add(name, Role::Member).await;
    }
    let sql = "SELECT payload || ' ' || coalesce(client_ip, '') || ' ' || coalesce(changes, '') \
        FROM outbox WHERE subject = $1 ORDER BY seq";
    let kept: Vec<String> = match &fixture.database.database {
        Database::Postgres(database) => {
            let query = sqlx::query_scalar(sql).bind(ada.id);
            query.fetch_all(&database.pool).await.expect("read")
        }
        Database::Sqlite(database) => {
            let query = sqlx::query_scalar(sql).bind(ada.id);
            query.fetch_all(&database.readers).await.expect("read")
        }
    };
    assert_eq!(kept.len(), 5);
    for row in kept {
        assert!(row.contains(&ada.id.to_string()), "{row}");
        for trace in ["lovelace", "ada@", "\"ada\"", "203.0"] {
            assert!(!row.contains(trace), "{row}");
        }
    }
    let events = fixture.database.events().await;
    assert!(
        events
            .iter()
            .any(|(_, payload)| payload.contains(bob.email.as_str()))
    );
}

async fn purges_at_once_do_not_disturb_each_other(fixture: &Fixture) {
    for number in 0..5 {
        fixture.deleted(&format!("ada{number}"), 10).await;
    }
    let announced = join_all((0..4).map(|_| fixture.announce(10, 20))).await;
    assert_eq!(announced.concat().len(), 5);
    let purged = join_all((0..4).map(|_| fixture.purge(20, 30))).await;
    assert_eq!(purged.concat().len(), 5);
    let kinds = fixture.database.event_kinds().await;
    let told = |kind: &str| kinds.iter().filter(|known| *known == kind).count();
    assert_eq!((told("user.purge_announced"), told("user.purged")), (5, 5));
}
