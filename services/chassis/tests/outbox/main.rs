//! The stream of an outbox, those who follow it, and the record that it is, on
//! both databases.

mod audit;
mod consumer;
mod fixture;
mod postgres;

use portico_chassis::database::{
    Migrations,
    testing::{cases, reason},
};
use uuid::Uuid;

use self::fixture::{Fixture, RETENTION, next, next_event, value};

static MIGRATIONS: Migrations = Migrations {
    postgres: sqlx::migrate!("tests/outbox/migrations/postgres"),
    sqlite: sqlx::migrate!("tests/outbox/migrations/sqlite"),
};

cases! {
    a_stream_tells_what_happened_and_goes_on_with_what_happens,
    a_stream_from_now_tells_nothing_of_before,
    a_stream_goes_on_after_a_cursor,
    a_stream_passes_over_other_types,
    the_events_of_one_change_are_told_in_their_order,
    what_a_last_statement_has_not_changed_is_not_told,
    what_is_no_cursor_is_refused,
    what_is_kept_long_enough_is_dropped_and_its_cursors_expire,
    no_event_has_the_number_of_one_that_was_lost,
}

const THING: Uuid = Uuid::from_u128(7);

async fn a_stream_tells_what_happened_and_goes_on_with_what_happens(fixture: &Fixture) {
    fixture.change(THING).await;
    let mut stream = fixture.watch("0", &[]).await.expect("a stream");
    let (first, event) = next_event(&mut stream).await;
    assert_eq!(event.r#type, "thing.updated");
    assert_eq!(event.subject, THING.to_string());
    assert_eq!(event.time, Some(fixture.clock.now().into()));
    assert_eq!(event.updated_fields, ["value"]);
    assert_eq!(value(&event), 1);
    let mut after = fixture.watch(&first, &[]).await.expect("a stream");
    let heartbeat = next(&mut after).await;
    assert_eq!((heartbeat.event, &heartbeat.cursor), (None, &first));
    fixture.change(THING).await;
    let (cursor, event) = next_event(&mut stream).await;
    assert_eq!(value(&event), 2);
    assert!(cursor > first, "cursors are in order");
}

async fn the_events_of_one_change_are_told_in_their_order(fixture: &Fixture) {
    for count in [1, 2, 8, 9, 20] {
        let mut stream = fixture.watch("", &[]).await.expect("a stream");
        next(&mut stream).await;
        fixture.tell(THING, count).await;
        for number in 1..=count {
            assert_eq!(value(&next_event(&mut stream).await.1), number);
        }
    }
}

async fn what_a_last_statement_has_not_changed_is_not_told(fixture: &Fixture) {
    for count in [1, 2, 9] {
        let mut stream = fixture.watch("", &[]).await.expect("a stream");
        next(&mut stream).await;
        let thing = Uuid::from_u128(count as u128);
        assert!(fixture.make(thing, count).await);
        assert!(!fixture.make(thing, count).await);
        fixture.tell(thing, 1).await;
        for number in (1..=count).chain([1]) {
            assert_eq!(value(&next_event(&mut stream).await.1), number);
        }
    }
}

async fn a_stream_from_now_tells_nothing_of_before(fixture: &Fixture) {
    fixture.change(THING).await;
    // Settled, once a stream has told of it.
    let mut all = fixture.watch("0", &[]).await.expect("a stream");
    next_event(&mut all).await;
    let mut stream = fixture.watch("", &[]).await.expect("a stream");
    assert_eq!(next(&mut stream).await.event, None);
    fixture.change(THING).await;
    assert_eq!(value(&next_event(&mut stream).await.1), 2);
}

async fn a_stream_goes_on_after_a_cursor(fixture: &Fixture) {
    for _ in 0..3 {
        fixture.change(THING).await;
    }
    let mut stream = fixture.watch("0", &[]).await.expect("a stream");
    let (cursor, event) = next_event(&mut stream).await;
    assert_eq!(value(&event), 1);
    let mut stream = fixture.watch(&cursor, &[]).await.expect("a stream");
    assert_eq!(value(&next_event(&mut stream).await.1), 2);
    assert_eq!(value(&next_event(&mut stream).await.1), 3);
}

async fn a_stream_passes_over_other_types(fixture: &Fixture) {
    fixture.change(THING).await;
    let mut all = fixture.watch("0", &["thing.updated"]).await.expect("one");
    let (cursor, _) = next_event(&mut all).await;
    let mut stream = fixture.watch("0", &["thing.deleted"]).await.expect("one");
    loop {
        let message = next(&mut stream).await;
        assert_eq!(message.event, None);
        if message.cursor == cursor {
            break;
        }
    }
}

async fn what_is_no_cursor_is_refused(fixture: &Fixture) {
    for cursor in ["1", "beginning", "000000000000000g", "-000000000000001"] {
        let refused = fixture.watch(cursor, &[]).await.map(drop);
        assert_eq!(reason(refused), "VALIDATION_FAILED", "{cursor}");
    }
    let beyond_the_end = fixture.watch("00000000000000ff", &[]).await.map(drop);
    assert_eq!(reason(beyond_the_end), "CURSOR_EXPIRED");
}

async fn what_is_kept_long_enough_is_dropped_and_its_cursors_expire(fixture: &Fixture) {
    fixture.change(THING).await;
    fixture.clock.advance(RETENTION * 2);
    fixture.change(THING).await;
    let mut stream = fixture.watch("0", &[]).await.expect("a stream");
    next_event(&mut stream).await;
    next_event(&mut stream).await;
    fixture.outbox.trim().await.expect("trimmed");
    let refused = fixture.watch("0000000000000000", &[]).await.map(drop);
    let error = refused.expect_err("refused");
    assert_eq!(error.reason, "CURSOR_EXPIRED");
    let details = error.details.expect("where it begins");
    let begins_at = details["beginsAt"].as_str().expect("a cursor");
    for cursor in ["0", begins_at] {
        let mut stream = fixture.watch(cursor, &[]).await.expect("a stream");
        assert_eq!(value(&next_event(&mut stream).await.1), 2);
    }
}

async fn no_event_has_the_number_of_one_that_was_lost(fixture: &Fixture) {
    // Before the first event too.
    fixture.leave_room().await;
    fixture.change(THING).await;
    let mut stream = fixture.watch("0", &[]).await.expect("a stream");
    let (kept, _) = next_event(&mut stream).await;
    fixture.leave_room().await;
    // Where somebody stands who was told of events that are lost.
    let lost = i64::from_str_radix(&kept, 16).expect("a cursor") + 1_000;
    let lost = format!("{lost:016x}");
    let refused = fixture.watch(&lost, &[]).await.map(drop);
    assert_eq!(reason(refused), "CURSOR_EXPIRED");
    fixture.change(THING).await;
    for cursor in [&kept, &lost] {
        let mut stream = fixture.watch(cursor, &[]).await.expect("a stream");
        let (next, event) = next_event(&mut stream).await;
        assert_eq!(value(&event), 2);
        assert!(next > lost, "{next} {lost}");
    }
}
