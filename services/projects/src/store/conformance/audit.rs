//! The record of who did what.

use portico_chassis::outbox::assert_indexes_serve;

use super::*;

cases! {
    the_record_tells_who_is_a_member_in_which_role,
    the_record_is_read_by_index,
}

async fn the_record_tells_who_is_a_member_in_which_role(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let member = fixture.member(&made, &owner, Role::Viewer).await;
    let changed = fixture
        .change_role(&made, &owner, &member, Role::Admin)
        .await;
    changed.expect("changed");
    fixture
        .remove(&made, &owner, &member)
        .await
        .expect("removed");
    let of_the_project = Some("project".to_owned());
    let details = |person: &Person, role: &str| {
        Some(format!(r#"{{"userId":"{}","role":"{role}"}}"#, person.id))
    };
    let changes = r#"{"role":{"from":"VIEWER","to":"ADMIN"}}"#.to_owned();
    let record = fixture.database.record().await;
    assert_eq!(record[0], ("project.created".to_owned(), None, None, None));
    for (entry, (kind, person, role, changes)) in record[1..].iter().zip([
        ("member.added", &owner, "OWNER", None),
        ("member.added", &member, "VIEWER", None),
        ("member.updated", &member, "ADMIN", Some(changes)),
        ("member.removed", &member, "ADMIN", None),
    ]) {
        let of_the_project = of_the_project.clone();
        let expected = (
            kind.to_owned(),
            of_the_project,
            details(person, role),
            changes,
        );
        assert_eq!(*entry, expected);
    }
    assert_eq!(record.len(), 5);
}

async fn the_record_is_read_by_index(fixture: &Fixture) {
    assert_indexes_serve(&fixture.database.database).await;
}
