//! What is kept of a person, and forgotten.

use super::{invitations::offer, *};
use crate::store::privacy::Membership;

cases! {
    what_a_person_has_to_do_with_projects_is_read,
    invitations_to_a_person_are_forgotten_and_no_others,
}

impl Fixture {
    async fn participation(&self, of: &Person, address: bool) -> Participation {
        let address = address.then_some(&of.email);
        let read = self.store.participation(of.id, address).await;
        read.expect("read")
    }
}

async fn what_a_person_has_to_do_with_projects_is_read(fixture: &Fixture) {
    let (ada, bob) = (person("ada"), person("bob"));
    let project = fixture.project("Engine", &ada).await;
    let sent = fixture.invited(&project, &ada, &bob).await;
    let read = fixture.participation(&ada, true).await;
    let membership = Membership {
        project_id: project.id,
        project_name: project.name.clone(),
        role: Role::Owner,
        joined_at: project.created_at,
    };
    let expected = Participation {
        memberships: vec![membership],
        received: Vec::new(),
        sent: vec![sent.clone()],
    };
    assert_eq!(read, expected);
    // The account is noted with the invitation, whose address counts only where
    // it is known to be the person's.
    for address in [true, false] {
        let read = fixture.participation(&bob, address).await;
        assert_eq!(read.received, std::slice::from_ref(&sent));
        assert!(read.memberships.is_empty() && read.sent.is_empty());
    }
    let carol = person("carol");
    let stranger = Offer {
        addressee: None,
        ..offer(&carol)
    };
    let invited = fixture.invite(&project, &ada, &stranger, 2).await;
    let invited = invited.expect("invited").value().clone();
    assert_eq!(
        fixture.participation(&carol, true).await.received,
        [invited]
    );
    assert!(
        fixture
            .participation(&carol, false)
            .await
            .received
            .is_empty()
    );
}

async fn invitations_to_a_person_are_forgotten_and_no_others(fixture: &Fixture) {
    let (ada, bob, carol) = (person("ada"), person("bob"), person("carol"));
    let project = fixture.project("Engine", &ada).await;
    let to_bob = fixture.invited(&project, &ada, &bob).await;
    let to_carol = Offer {
        addressee: None,
        ..offer(&carol)
    };
    let to_carol = fixture.invite(&project, &ada, &to_carol, 2).await;
    let to_carol = to_carol.expect("invited").value().clone();
    let is_there = async |invitation: &Invitation| {
        let read = fixture.store.invitation(invitation.id).await;
        read.expect("read").is_some()
    };
    let forget = async |person: &Person, address: Option<&EmailAddress>| {
        let forgotten = fixture.store.forget(person.id, address).await;
        forgotten.expect("forgotten");
    };
    // The address was never shown to be the person's.
    forget(&carol, None).await;
    assert!(is_there(&to_carol).await && is_there(&to_bob).await);
    for _ in 0..2 {
        forget(&bob, None).await;
        assert!(!is_there(&to_bob).await && is_there(&to_carol).await);
    }
    forget(&ada, Some(&ada.email)).await;
    assert!(is_there(&to_carol).await);
    forget(&carol, Some(&carol.email)).await;
    assert!(!is_there(&to_carol).await);
    let kept = fixture.see(&project, &ada).await;
    assert_eq!(kept.role, Some(Role::Owner));
}
