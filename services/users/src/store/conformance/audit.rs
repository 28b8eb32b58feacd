//! The record of who did what.

use portico_chassis::outbox::assert_indexes_serve;

use super::*;

cases! {
    the_record_tells_roles_and_which_fields_changed_and_nothing_else_of_a_person,
    the_record_is_read_by_index,
}

async fn the_record_tells_roles_and_which_fields_changed_and_nothing_else_of_a_person(
    fixture: &Fixture,
) {
    let ada = fixture.add("Ada", Role::Member).await;
    let change = Change {
        name: Some(Name::parse("Augusta").expect("a name")),
        role: Some(Role::Admin),
        ..Change::default()
    };
    let any = IfMatch::Any;
    let changed = fixture
        .store
        .update(ada.id, &change, &any, &origin(2))
        .await;
    changed.expect("changed");
    let text = |text: &str| Some(text.to_owned());
    let made = text(r#"{"role":"MEMBER"}"#);
    let changes = text(r#"{"name":null,"role":{"from":"MEMBER","to":"ADMIN"}}"#);
    assert_eq!(
        fixture.database.record().await,
        [
            ("user.created".to_owned(), None, made, None),
            ("user.updated".to_owned(), None, None, changes),
        ]
    );
}

async fn the_record_is_read_by_index(fixture: &Fixture) {
    assert_indexes_serve(&fixture.database.database).await;
}
