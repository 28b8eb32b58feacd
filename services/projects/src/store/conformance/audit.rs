//! The record of who did what.

use portico_chassis::outbox::assert_indexes_serve;

use super::{invitations::offer, *};

cases! {
    the_record_tells_who_is_a_member_in_which_role,
    the_record_tells_of_an_invitation_without_the_address,
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

async fn the_record_tells_of_an_invitation_without_the_address(fixture: &Fixture) {
    let (owner, guest) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let before = fixture.database.record().await.len();
    let stranger = Offer {
        addressee: None,
        ..offer(&guest)
    };
    let invited = fixture.invite(&made, &owner, &stranger, 1).await;
    let invited = invited.expect("invited").value().clone();
    let declined = fixture.store.decline(invited.id, &guest, &origin(2)).await;
    declined.expect("declined");
    let into = format!(r#""projectId":"{}","role":"MEMBER""#, made.id);
    let known = format!(r#"{{{into},"userId":"{}"}}"#, guest.id);
    let changes = r#"{"status":{"from":"PENDING","to":"DECLINED"}}"#.to_owned();
    assert_eq!(
        fixture.database.record().await.split_off(before),
        [
            (
                "invitation.created".to_owned(),
                None,
                Some(format!("{{{into}}}")),
                None
            ),
            (
                "invitation.updated".to_owned(),
                None,
                Some(known),
                Some(changes)
            ),
        ]
    );
}

async fn the_record_is_read_by_index(fixture: &Fixture) {
    assert_indexes_serve(&fixture.database.database).await;
}
