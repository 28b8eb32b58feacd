//! Answers to invitations, and what holds when several people act at once.

use futures::future::join_all;

use super::{invitations::offer, *};

cases! {
    an_accepted_invitation_makes_a_member,
    accepting_again_answers_the_same_member_as_long_as_it_is_one,
    a_member_by_another_way_does_not_accept,
    what_is_not_pending_is_not_accepted,
    a_declined_invitation_stays_declined,
    an_invitation_is_answered_by_the_verified_address_alone,
    one_address_invited_at_once_is_invited_once,
    one_of_two_expired_invitations_resent_at_once_is_pending,
    an_invitation_accepted_many_times_at_once_makes_one_member,
    an_invitation_accepted_and_revoked_at_once_is_one_of_both,
    an_invitation_accepted_while_the_project_is_deleted_leaves_nobody,
    a_person_added_while_it_accepts_joins_once,
    people_who_accept_at_once_are_all_counted,
}

impl Fixture {
    async fn accept(&self, invitation: &Invitation, person: &Person) -> Result<Member, Error> {
        self.store.accept(invitation.id, person, &origin(3)).await
    }

    async fn decline(&self, invitation: &Invitation, person: &Person) -> Result<Invitation, Error> {
        self.store.decline(invitation.id, person, &origin(3)).await
    }
}

async fn an_accepted_invitation_makes_a_member(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    for role in [Role::Admin, Role::Member, Role::Viewer] {
        let guest = person(role.as_str());
        let offer = Offer {
            role,
            // The invitation may be older than the account.
            addressee: None,
            ..offer(&guest)
        };
        let invited = fixture.invite(&made, &owner, &offer, 1).await;
        let invited = invited.expect("invited").value().clone();
        let member = fixture.accept(&invited, &guest).await.expect("accepted");
        assert_eq!(member, guest.joining(made.id, role, origin(3).at));
        assert_eq!(fixture.see(&made, &guest).await.role, Some(role));
        assert_eq!(fixture.status(&invited, 3).await, Status::Accepted);
    }
    let seen = fixture.see(&made, &owner).await.project;
    assert_eq!((seen.member_count, seen.version), (4, made.version));
    let kinds = fixture.database.event_kinds().await;
    let last = kinds.last_chunk().expect("many");
    assert_eq!(
        last,
        &["invitation.created", "member.added", "invitation.updated"]
    );
}

async fn accepting_again_answers_the_same_member_as_long_as_it_is_one(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let invited = fixture.invited(&made, &owner, &bob).await;
    let first = fixture.accept(&invited, &bob).await.expect("accepted");
    let before = fixture.database.event_kinds().await;
    fixture.archive(&made, &owner, true).await;
    let again = fixture.accept(&invited, &bob).await;
    assert_eq!(again.expect("accepted"), first);
    fixture.archive(&made, &owner, false).await;
    let after = fixture.database.event_kinds().await;
    assert_eq!(after.len() - before.len(), 2, "only the archiving is told");
    fixture.remove(&made, &bob, &bob).await.expect("left");
    let gone = fixture.accept(&invited, &bob).await;
    assert_eq!(reason(gone), "INVITATION_NOT_PENDING");
    // Somebody else may have the address by now.
    let other = Person {
        email: bob.email.clone(),
        ..person("Other")
    };
    let gone = fixture.accept(&invited, &other).await;
    assert_eq!(reason(gone), "INVITATION_NOT_PENDING");
}

async fn a_member_by_another_way_does_not_accept(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    fixture.join(&made, &owner, &bob, Role::Viewer).await;
    // Under an address that it has only since.
    let bob = Person {
        email: email("bob@later.example"),
        ..bob
    };
    let to_later_address = Offer {
        addressee: None,
        ..offer(&bob)
    };
    let invited = fixture.invite(&made, &owner, &to_later_address, 1).await;
    let invited = invited.expect("invited").value().clone();
    let before = fixture.database.event_kinds().await;
    for _ in 0..2 {
        let refused = fixture.accept(&invited, &bob).await;
        assert_eq!(reason(refused), "ALREADY_MEMBER");
    }
    assert_eq!(fixture.role(&made, &bob).await, Some(Role::Viewer));
    assert_eq!(fixture.status(&invited, 3).await, Status::Pending);
    assert_eq!(fixture.database.event_kinds().await, before);
}

async fn what_is_not_pending_is_not_accepted(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let revoked = fixture.invited(&made, &owner, &bob).await;
    fixture.revoke(&revoked, &owner, 2).await.expect("revoked");
    let declined = fixture.invited(&made, &owner, &bob).await;
    fixture.decline(&declined, &bob).await.expect("declined");
    for ended in [&revoked, &declined] {
        let refused = fixture.accept(ended, &bob).await;
        assert_eq!(reason(refused), "INVITATION_NOT_PENDING");
    }
    let expired = fixture.invited(&made, &owner, &bob).await;
    let late = origin(1 + 7 * 24 * 3600);
    let refused = fixture.store.accept(expired.id, &bob, &late).await;
    assert_eq!(reason(refused), "INVITATION_NOT_PENDING");
    let refused = fixture.store.decline(expired.id, &bob, &late).await;
    assert_eq!(reason(refused), "INVITATION_NOT_PENDING");
    assert_eq!(fixture.role(&made, &bob).await, None);
}

async fn a_declined_invitation_stays_declined(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let invited = fixture.invited(&made, &owner, &bob).await;
    let first = fixture.decline(&invited, &bob).await.expect("declined");
    assert_eq!(first.status, Status::Declined);
    let before = fixture.database.event_kinds().await;
    let again = fixture.decline(&invited, &bob).await.expect("declined");
    assert_eq!(again, first);
    assert_eq!(fixture.database.event_kinds().await, before);
    let accepted = fixture.invited(&made, &owner, &bob).await;
    fixture.accept(&accepted, &bob).await.expect("accepted");
    let refused = fixture.decline(&accepted, &bob).await;
    assert_eq!(reason(refused), "INVITATION_NOT_PENDING");
}

async fn an_invitation_is_answered_by_the_verified_address_alone(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let invited = fixture.invited(&made, &owner, &bob).await;
    let unverified = Person {
        is_email_verified: false,
        ..bob.clone()
    };
    for (by, code) in [
        (&unverified, "EMAIL_NOT_VERIFIED"),
        (&owner, "INVITATION_NOT_FOUND"),
        (&person("Eve"), "INVITATION_NOT_FOUND"),
    ] {
        assert_eq!(reason(fixture.accept(&invited, by).await), code);
        assert_eq!(reason(fixture.decline(&invited, by).await), code);
    }
    let missing = Invitation {
        id: Uuid::nil(),
        ..invited
    };
    let refused = fixture.accept(&missing, &bob).await;
    assert_eq!(reason(refused), "INVITATION_NOT_FOUND");
    assert_eq!(fixture.see(&made, &owner).await.project.member_count, 1);
}

async fn one_address_invited_at_once_is_invited_once(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let offer = offer(&bob);
    let attempts = (0..8).map(|_| fixture.invite(&made, &owner, &offer, 1));
    let answers = join_all(attempts).await;
    assert_eq!(answers.iter().filter(|made| made.is_ok()).count(), 1);
    for refusal in answers.into_iter().filter(Result::is_err) {
        assert_eq!(reason(refusal), "ALREADY_INVITED");
    }
}

async fn one_of_two_expired_invitations_resent_at_once_is_pending(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let late = 30 * 24 * 3600;
    let first = fixture.invited(&made, &owner, &bob).await;
    let second = fixture.invite(&made, &owner, &offer(&bob), late / 2).await;
    let second = second.expect("invited").value().clone();
    let (of_first, of_second) = tokio::join!(
        fixture.resend(&first, &owner, late),
        fixture.resend(&second, &owner, late),
    );
    let refused = match (of_first, of_second) {
        (Ok(_), refused @ Err(_)) | (refused @ Err(_), Ok(_)) => refused,
        both => panic!("one is resent and one is refused, not {both:?}"),
    };
    assert_eq!(reason(refused), "ALREADY_INVITED");
}

async fn an_invitation_accepted_many_times_at_once_makes_one_member(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let invited = fixture.invited(&made, &owner, &bob).await;
    let attempts = (0..8).map(|_| fixture.accept(&invited, &bob));
    let answers = join_all(attempts).await;
    let members: Vec<Member> = answers
        .into_iter()
        .map(|answer| answer.expect("accepted"))
        .collect();
    assert!(members.iter().all(|member| *member == members[0]));
    assert_eq!(fixture.see(&made, &owner).await.project.member_count, 2);
    let kinds = fixture.database.event_kinds().await;
    let added = kinds.iter().filter(|kind| *kind == "member.added");
    assert_eq!(added.count(), 2);
}

async fn an_invitation_accepted_and_revoked_at_once_is_one_of_both(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    for round in 0..20 {
        let guest = person(&format!("guest-{round}"));
        let invited = fixture.invited(&made, &owner, &guest).await;
        let (accepted, revoked) = tokio::join!(
            fixture.accept(&invited, &guest),
            fixture.revoke(&invited, &owner, 3),
        );
        let (status, role) = match (&accepted, &revoked) {
            (Ok(_), Err(_)) => (Status::Accepted, Some(Role::Member)),
            (Err(_), Ok(())) => (Status::Revoked, None),
            both => panic!("one happens and one is refused, not {both:?}"),
        };
        let refusal = accepted.err().or(revoked.err()).expect("one is refused");
        assert_eq!(refusal.reason, "INVITATION_NOT_PENDING");
        assert_eq!(fixture.status(&invited, 3).await, status);
        assert_eq!(fixture.role(&made, &guest).await, role);
    }
}

async fn an_invitation_accepted_while_the_project_is_deleted_leaves_nobody(fixture: &Fixture) {
    for round in 0..20 {
        let (owner, bob) = (person("Ada"), person("Bob"));
        let made = fixture.project(&format!("Engine {round}"), &owner).await;
        let invited = fixture.invited(&made, &owner, &bob).await;
        let (accepted, ()) = tokio::join!(
            fixture.accept(&invited, &bob),
            fixture.delete(&made, &owner)
        );
        if accepted.is_err() {
            assert_eq!(reason(accepted), "INVITATION_NOT_FOUND");
        }
        let found = fixture.store.invitation(invited.id).await.expect("read");
        assert_eq!(found, None);
        let seen = fixture.find(&made, &bob).await;
        assert_eq!(reason(seen), "PROJECT_NOT_FOUND");
    }
}

async fn a_person_added_while_it_accepts_joins_once(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    for round in 0..20 {
        let guest = person(&format!("guest-{round}"));
        let invited = fixture.invited(&made, &owner, &guest).await;
        let (accepted, added) = tokio::join!(
            fixture.accept(&invited, &guest),
            fixture.add(&made, &owner, Some(&guest), Role::Viewer),
        );
        assert!(accepted.is_ok() != added.is_ok(), "{accepted:?} {added:?}");
        let refusal = accepted.err().or(added.err()).expect("one is refused");
        assert_eq!(refusal.reason, "ALREADY_MEMBER");
        assert_ne!(fixture.status(&invited, 3).await, Status::Pending);
        let count = fixture.see(&made, &owner).await.project.member_count;
        assert_eq!(count, round + 2);
    }
}

async fn people_who_accept_at_once_are_all_counted(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let mut guests = Vec::new();
    for index in 0..8 {
        let guest = person(&format!("guest-{index}"));
        guests.push((fixture.invited(&made, &owner, &guest).await, guest));
    }
    let accepting = guests
        .iter()
        .map(|(invited, guest)| fixture.accept(invited, guest));
    for accepted in join_all(accepting).await {
        accepted.expect("accepted");
    }
    assert_eq!(fixture.see(&made, &owner).await.project.member_count, 9);
}
