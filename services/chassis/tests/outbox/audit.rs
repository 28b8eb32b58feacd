//! The outbox as the record of who did what.

use std::{collections::BTreeSet, time::Duration};

use portico_chassis::{
    clock::Timestamp,
    database::{
        Database,
        testing::{cases, reason},
    },
    outbox::{self, Actor, Changes, Event, Origin, assert_indexes_serve},
};
use portico_proto::{
    events::{AuditEntry, ReadAuditEntriesRequest, actor::Type, audit_entry::Target},
    wkt::{self, value::Kind},
};
use uuid::Uuid;

use crate::{
    MIGRATIONS, THING,
    fixture::{Fixture, RETENTION, next_event},
};

cases! {
    an_entry_tells_who_did_what_to_what_and_from_where,
    entries_come_newest_first_a_part_at_a_time,
    each_filter_leaves_what_it_names_and_all_of_it,
    what_names_nothing_finds_nothing,
    counting_stops_beyond_the_cap,
    the_record_stays_when_the_stream_is_dropped,
    a_walk_meets_each_entry_once_while_others_come,
    each_way_to_read_the_record_walks_an_index,
}

const ADA: Uuid = Uuid::from_u128(0xada);
const OTHER: Uuid = Uuid::from_u128(8);

/// Somebody's change at this second.
fn by(actor: Actor, seconds: i64) -> Origin {
    Origin {
        actor,
        impersonated: None,
        at: Timestamp::from_seconds(seconds),
        request_id: format!("request-{seconds}"),
        traceparent: None,
        client_ip: Some([203, 0, 113, 9].into()),
    }
}

async fn append(fixture: &Fixture, origin: &Origin, event: Event<'_, i64>) {
    macro_rules! append {
        ($database:expr) => {{
            let mut transaction = $database.begin().await.expect("begun");
            let appended = outbox::append(&mut transaction, origin, event).await;
            appended.expect("appended");
            transaction.commit().await.expect("committed");
        }};
    }
    match &fixture.database.database {
        Database::Postgres(database) => append!(database),
        Database::Sqlite(database) => append!(database),
    }
}

/// Writes down what happened at seconds 1, 2, 3, ….
async fn happened(fixture: &Fixture, events: &[(Actor, &'static str, Uuid)]) {
    for (second, (actor, kind, subject)) in (1..).zip(events) {
        let origin = by(actor.clone(), second);
        append(fixture, &origin, Event::new(kind, *subject, &second)).await;
    }
}

/// A request for entries, as many as one may ask for.
fn asked() -> ReadAuditEntriesRequest {
    ReadAuditEntriesRequest {
        limit: 1000,
        ..ReadAuditEntriesRequest::default()
    }
}

async fn read(fixture: &Fixture, request: &ReadAuditEntriesRequest) -> Vec<AuditEntry> {
    fixture.outbox.audit(request).await.expect("read").entries
}

/// The seconds at which the entries happened that a request asks for.
async fn seconds(fixture: &Fixture, request: ReadAuditEntriesRequest) -> Vec<i64> {
    let entries = read(fixture, &request).await;
    let times = entries.iter().map(|entry| entry.created_at);
    let seconds: Vec<i64> = times.map(|at| at.expect("a time").seconds).collect();
    let counted = ReadAuditEntriesRequest {
        count: true,
        ..request
    };
    let total = fixture.outbox.audit(&counted).await.expect("read").total;
    assert_eq!(total, i32::try_from(seconds.len()).ok(), "the count agrees");
    seconds
}

async fn an_entry_tells_who_did_what_to_what_and_from_where(fixture: &Fixture) {
    let changes = Changes::default()
        .field("name", &1, &2)
        .value("role", &"MEMBER", &"ADMIN");
    let event = Event::new("part.updated", THING, &7)
        .with(changes)
        .on("thing")
        .id("userId", OTHER)
        .word("role", "ADMIN");
    append(fixture, &by(Actor::User(ADA), 5), event).await;
    let entries = read(fixture, &asked()).await;
    let [entry] = entries.as_slice() else {
        panic!("one entry: {entries:?}");
    };
    let id: Uuid = entry.id.parse().expect("an id");
    assert_eq!(id.get_timestamp().expect("a time").to_unix().0, 5);
    assert_eq!(entry.created_at, Some(Timestamp::from_seconds(5).into()));
    let actor = entry.actor.clone().expect("an actor");
    assert_eq!(actor.r#type(), Type::User);
    assert_eq!((actor.id, actor.name), (Some(ADA.to_string()), None));
    assert_eq!(entry.action, "part.updated");
    let target = Target {
        r#type: "thing".to_owned(),
        id: THING.to_string(),
    };
    assert_eq!(entry.target, Some(target));
    assert_eq!(entry.ip.as_deref(), Some("203.0.113.9"));
    assert_eq!(entry.request_id, "request-5");
    let details = &entry.details.as_ref().expect("details").fields;
    let text = |value: &wkt::Value| match &value.kind {
        Some(Kind::StringValue(text)) => text.clone(),
        other => panic!("a text: {other:?}"),
    };
    assert_eq!(text(&details["userId"]), OTHER.to_string());
    assert_eq!(text(&details["role"]), "ADMIN");
    let Some(Kind::StructValue(changes)) = &details["changes"].kind else {
        panic!("an object: {details:?}");
    };
    assert_eq!(changes.fields["name"].kind, Some(Kind::NullValue(0)));
    let Some(Kind::StructValue(role)) = &changes.fields["role"].kind else {
        panic!("both values: {changes:?}");
    };
    let (from, to) = (text(&role.fields["from"]), text(&role.fields["to"]));
    assert_eq!((from.as_str(), to.as_str()), ("MEMBER", "ADMIN"));
}

async fn entries_come_newest_first_a_part_at_a_time(fixture: &Fixture) {
    let event = (Actor::System, "thing.updated", THING);
    happened(fixture, &vec![event; 5]).await;
    let (mut met, mut before) = (Vec::new(), None);
    loop {
        let request = ReadAuditEntriesRequest {
            before: before.clone(),
            limit: 2,
            ..asked()
        };
        let entries = read(fixture, &request).await;
        let Some(last) = entries.last() else { break };
        before = Some(last.id.clone());
        met.extend(entries.iter().map(|entry| entry.request_id.clone()));
    }
    assert_eq!(
        met,
        [5, 4, 3, 2, 1].map(|second| format!("request-{second}"))
    );
    let refused = ReadAuditEntriesRequest {
        before: Some("no id".to_owned()),
        ..asked()
    };
    let refused = fixture.outbox.audit(&refused).await;
    assert_eq!(reason(refused), "VALIDATION_FAILED");
}

async fn each_filter_leaves_what_it_names_and_all_of_it(fixture: &Fixture) {
    let service = || Actor::Service("auth".to_owned());
    happened(
        fixture,
        &[
            (Actor::User(ADA), "thing.made", THING),
            (Actor::User(ADA), "thing.updated", OTHER),
            (service(), "thing.updated", THING),
            (Actor::System, "part.updated", THING),
            (Actor::User(OTHER), "thing.gone", OTHER),
            (Actor::User(ADA), "thing.updated", THING),
        ],
    )
    .await;
    let some = |text: &str| Some(text.to_owned());
    let at = |seconds: i64| Some(Timestamp::from_seconds(seconds).into());
    let (ada, thing) = (some(&ADA.to_string()), some(&THING.to_string()));
    for (request, expected) in [
        (asked(), &[6, 5, 4, 3, 2, 1][..]),
        (
            ReadAuditEntriesRequest {
                actor: ada.clone(),
                ..asked()
            },
            &[6, 2, 1],
        ),
        (
            ReadAuditEntriesRequest {
                actor: some("auth"),
                ..asked()
            },
            &[3],
        ),
        (
            ReadAuditEntriesRequest {
                actor: some("system"),
                ..asked()
            },
            &[4],
        ),
        (
            ReadAuditEntriesRequest {
                action: some("thing.updated"),
                ..asked()
            },
            &[6, 3, 2],
        ),
        (
            ReadAuditEntriesRequest {
                action: some("thing."),
                ..asked()
            },
            &[6, 5, 3, 2, 1],
        ),
        (
            ReadAuditEntriesRequest {
                target: thing.clone(),
                ..asked()
            },
            &[6, 4, 3, 1],
        ),
        (
            ReadAuditEntriesRequest {
                since: at(2),
                until: at(5),
                ..asked()
            },
            &[4, 3, 2],
        ),
        (
            ReadAuditEntriesRequest {
                actor: ada,
                action: some("thing."),
                target: thing,
                since: at(2),
                ..asked()
            },
            &[6],
        ),
    ] {
        let label = format!("{request:?}");
        assert_eq!(seconds(fixture, request).await, expected, "{label}");
    }
    let newest_of_each = ReadAuditEntriesRequest {
        action: some("thing."),
        limit: 2,
        ..asked()
    };
    let newest = read(fixture, &newest_of_each).await;
    let ids: Vec<_> = newest.iter().map(|entry| &*entry.request_id).collect();
    assert_eq!(ids, ["request-6", "request-5"]);
}

async fn what_names_nothing_finds_nothing(fixture: &Fixture) {
    happened(fixture, &[(Actor::User(ADA), "thing.made", THING)]).await;
    let hostile = ["", "nobody", "a\0b", "%", "' OR ''='", "user:", "thing"];
    for text in hostile {
        let text = || Some(text.to_owned());
        for request in [
            ReadAuditEntriesRequest {
                actor: text(),
                ..asked()
            },
            ReadAuditEntriesRequest {
                action: text(),
                ..asked()
            },
            ReadAuditEntriesRequest {
                target: text(),
                ..asked()
            },
        ] {
            assert!(seconds(fixture, request).await.is_empty());
        }
    }
}

async fn counting_stops_beyond_the_cap(fixture: &Fixture) {
    macro_rules! fill {
        ($database:expr, $sql:expr) => {{
            let mut transaction = $database.begin().await.expect("begun");
            let filled = sqlx::query($sql).execute(&mut transaction).await;
            filled.expect("filled");
            transaction.commit().await.expect("committed");
        }};
    }
    match &fixture.database.database {
        Database::Postgres(database) => fill!(
            database,
            "INSERT INTO outbox (id, kind, subject, payload, actor, request_id, created_at) \
             SELECT gen_random_uuid(), 'thing.made', gen_random_uuid(), '', 'system', 'r', now() \
             FROM generate_series(1, 10005)"
        ),
        Database::Sqlite(database) => fill!(
            database,
            "WITH RECURSIVE numbers (n) AS \
             (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < 10005) \
             INSERT INTO outbox (id, kind, subject, payload, actor, request_id, created_at) \
             SELECT randomblob(16), 'thing.made', randomblob(16), '', 'system', 'r', 0 FROM numbers"
        ),
    }
    for action in [None, Some("thing.made".to_owned())] {
        let request = ReadAuditEntriesRequest {
            action,
            count: true,
            limit: 1,
            ..asked()
        };
        let answer = fixture.outbox.audit(&request).await.expect("read");
        assert_eq!((answer.entries.len(), answer.total), (1, Some(10_001)));
    }
}

async fn the_record_stays_when_the_stream_is_dropped(fixture: &Fixture) {
    fixture.change(THING).await;
    let before = read(fixture, &asked()).await;
    fixture.clock.advance(RETENTION * 2);
    let mut stream = fixture.watch("0", &[]).await.expect("a stream");
    next_event(&mut stream).await;
    fixture.outbox.trim().await.expect("trimmed");
    let expired = fixture.watch("0000000000000000", &[]).await.map(drop);
    assert_eq!(reason(expired), "CURSOR_EXPIRED");
    assert_eq!(read(fixture, &asked()).await, before);
}

async fn a_walk_meets_each_entry_once_while_others_come(fixture: &Fixture) {
    let mut expected = BTreeSet::new();
    for _ in 0..20 {
        fixture.change(THING).await;
        fixture.clock.advance(Duration::from_millis(1));
    }
    expected.extend(
        read(fixture, &asked())
            .await
            .into_iter()
            .map(|entry| entry.id),
    );
    let (mut met, mut before) = (Vec::new(), None);
    loop {
        let request = ReadAuditEntriesRequest {
            before: before.clone(),
            limit: 3,
            ..asked()
        };
        let entries = read(fixture, &request).await;
        let Some(last) = entries.last() else { break };
        before = Some(last.id.clone());
        met.extend(entries.into_iter().map(|entry| entry.id));
        fixture.change(OTHER).await;
    }
    assert_eq!(met.len(), expected.len());
    assert_eq!(met.into_iter().collect::<BTreeSet<_>>(), expected);
}

async fn each_way_to_read_the_record_walks_an_index(fixture: &Fixture) {
    let event = (Actor::User(ADA), "thing.updated", THING);
    happened(fixture, &vec![event; 50]).await;
    assert_indexes_serve(&fixture.database.database).await;
}
