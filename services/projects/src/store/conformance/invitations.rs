//! Invitations: making, resending and revoking them.

use super::*;

cases! {
    an_invitation_is_found_again_as_it_was_made,
    an_address_is_invited_once_in_whatever_case,
    an_expired_invitation_is_not_in_the_way,
    a_member_is_not_invited,
    the_same_key_invites_once,
    an_archived_project_invites_nobody,
    what_nobody_has_answered_is_revoked,
    a_resent_invitation_stands_for_another_seven_days,
    a_resent_invitation_gives_way_to_a_newer_one,
    the_address_of_a_member_gets_nothing_again,
    invitations_are_managed_by_owner_and_admin,
    an_invitation_of_another_project_is_not_found,
    an_invitation_stays_when_the_inviter_goes,
    a_person_who_is_added_needs_no_invitation,
    a_deleted_project_ends_its_invitations,
    the_account_with_the_verified_address_is_told_of_each_change,
}

/// The seconds of a day.
pub(super) const DAY: i64 = 24 * 3600;

pub(super) fn offer(person: &Person) -> Offer {
    Offer {
        email: person.email.clone(),
        role: Role::Member,
        addressee: Some(person.clone()),
    }
}

impl Fixture {
    /// A person invited into a project.
    pub(super) async fn invited(
        &self,
        project: &Project,
        by: &Person,
        person: &Person,
    ) -> Invitation {
        let made = self.invite(project, by, &offer(person), 1).await;
        made.expect("invited").value().clone()
    }

    pub(super) async fn invite(
        &self,
        project: &Project,
        by: &Person,
        offer: &Offer,
        seconds: i64,
    ) -> Result<Created<Invitation>, Error> {
        let at = origin(seconds);
        self.store.invite(project.id, by.id, offer, None, &at).await
    }

    pub(super) async fn revoke(
        &self,
        invitation: &Invitation,
        by: &Person,
        seconds: i64,
    ) -> Result<(), Error> {
        let (project_id, id) = (invitation.project_id, invitation.id);
        self.store
            .revoke(project_id, id, by.id, None, &origin(seconds))
            .await
    }

    pub(super) async fn resend(
        &self,
        invitation: &Invitation,
        by: &Person,
        seconds: i64,
    ) -> Result<Invitation, Error> {
        let (project_id, id) = (invitation.project_id, invitation.id);
        self.store
            .resend(project_id, id, by.id, None, &origin(seconds))
            .await
    }

    /// What has become of an invitation at this second.
    pub(super) async fn status(&self, invitation: &Invitation, seconds: i64) -> Status {
        let found = self.store.invitation(invitation.id).await.expect("read");
        let found = found.expect("an invitation");
        found.status_at(Timestamp::from_seconds(seconds))
    }
}

async fn an_invitation_is_found_again_as_it_was_made(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let invited = fixture.invited(&made, &owner, &bob).await;
    let expected = Invitation {
        id: invited.id,
        project_id: made.id,
        project_name: made.name.clone(),
        email: email("Bob@example.com"),
        role: Role::Member,
        status: Status::Pending,
        invited_by: owner.id,
        account_id: Some(bob.id),
        created_at: Timestamp::from_seconds(1),
        expires_at: Timestamp::from_seconds(1 + 7 * DAY),
    };
    assert_eq!(invited, expected);
    let found = fixture.store.invitation(invited.id).await.expect("read");
    assert_eq!(found, Some(expected));
    fixture
        .update(&made, &owner, &rename("Mill"))
        .await
        .expect("renamed");
    let found = fixture.store.invitation(invited.id).await.expect("read");
    assert_eq!(found.expect("there").project_name.as_str(), "Mill");
    let missing = fixture.store.invitation(Uuid::nil()).await.expect("read");
    assert_eq!(missing, None);
}

async fn an_address_is_invited_once_in_whatever_case(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let to = |text: &str| Offer {
        email: email(text),
        role: Role::Viewer,
        addressee: None,
    };
    let first = to("Bob@B\u{fc}cher.example");
    let first = fixture.invite(&made, &owner, &first, 1).await;
    let first = first.expect("invited").value().clone();
    let again = to("bob@XN--BCHER-kva.example");
    let refused = fixture.invite(&made, &owner, &again, 2).await;
    assert_eq!(reason(refused), "ALREADY_INVITED");
    let other = fixture.project("Mill", &owner).await;
    let elsewhere = fixture.invite(&other, &owner, &again, 2).await;
    elsewhere.expect("invited");
    fixture.revoke(&first, &owner, 3).await.expect("revoked");
    let again = fixture.invite(&made, &owner, &again, 4).await;
    again.expect("invited");
}

async fn an_expired_invitation_is_not_in_the_way(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let first = fixture.invited(&made, &owner, &bob).await;
    let in_time = fixture.invite(&made, &owner, &offer(&bob), 7 * DAY).await;
    assert_eq!(reason(in_time), "ALREADY_INVITED");
    let later = 1 + 7 * DAY;
    let second = fixture.invite(&made, &owner, &offer(&bob), later).await;
    let second = second.expect("invited").value().clone();
    assert_eq!(fixture.status(&first, later).await, Status::Expired);
    assert_eq!(fixture.status(&second, later).await, Status::Pending);
}

async fn a_member_is_not_invited(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let member = fixture.member(&made, &owner, Role::Viewer).await;
    let unverified = Person {
        is_email_verified: false,
        ..member.clone()
    };
    for member in [&owner, &member, &unverified] {
        let refused = fixture.invite(&made, &owner, &offer(member), 3).await;
        assert_eq!(reason(refused), "ALREADY_MEMBER");
    }
}

async fn the_same_key_invites_once(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let (key, offer, at) = (key("k", "Bob"), offer(&bob), origin(3));
    let invite = || {
        let store = &fixture.store;
        store.invite(made.id, owner.id, &offer, Some(&key), &at)
    };
    let first = invite().await.expect("invited");
    assert!(!first.is_replayed());
    fixture.archive(&made, &owner, true).await;
    let second = invite().await.expect("replayed");
    assert_eq!(second, Created::Replayed(first.value().clone()));
}

async fn an_archived_project_invites_nobody(fixture: &Fixture) {
    let (owner, bob, eve) = (person("Ada"), person("Bob"), person("Eve"));
    let made = fixture.project("Engine", &owner).await;
    let of_bob = fixture.invited(&made, &owner, &bob).await;
    let of_eve = fixture.invited(&made, &owner, &eve).await;
    fixture.archive(&made, &owner, true).await;
    let kim = offer(&person("Kim"));
    let refusals = [
        reason(fixture.invite(&made, &owner, &kim, 4).await),
        reason(fixture.resend(&of_bob, &owner, 4).await),
        reason(fixture.store.accept(of_bob.id, &bob, &origin(4)).await),
    ];
    assert_eq!(refusals, ["PROJECT_ARCHIVED"; 3]);
    let declined = fixture.store.decline(of_bob.id, &bob, &origin(4)).await;
    declined.expect("declined");
    let revoked = fixture.revoke(&of_eve, &owner, 4).await;
    revoked.expect("revoked");
}

async fn what_nobody_has_answered_is_revoked(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    for seconds in [2, 30 * DAY] {
        let invited = fixture.invited(&made, &owner, &bob).await;
        let revoked = fixture.revoke(&invited, &owner, seconds).await;
        revoked.expect("revoked");
        assert_eq!(fixture.status(&invited, seconds).await, Status::Revoked);
        let again = fixture.revoke(&invited, &owner, seconds).await;
        assert_eq!(reason(again), "INVITATION_NOT_PENDING");
    }
    let declined = fixture.invited(&made, &owner, &bob).await;
    let answer = fixture.store.decline(declined.id, &bob, &origin(2)).await;
    answer.expect("declined");
    let accepted = fixture.invited(&made, &owner, &bob).await;
    let answer = fixture.store.accept(accepted.id, &bob, &origin(2)).await;
    answer.expect("accepted");
    for answered in [&declined, &accepted] {
        let refusals = [
            reason(fixture.revoke(answered, &owner, 3).await),
            reason(fixture.resend(answered, &owner, 3).await),
        ];
        assert_eq!(refusals, ["INVITATION_NOT_PENDING"; 2]);
    }
    assert_eq!(fixture.role(&made, &bob).await, Some(Role::Member));
}

async fn a_resent_invitation_stands_for_another_seven_days(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let invited = fixture.invited(&made, &owner, &bob).await;
    for day in [3, 30] {
        let resent = fixture.resend(&invited, &owner, day * DAY).await;
        let expected = Invitation {
            // Nobody was found who has the address now.
            account_id: None,
            expires_at: Timestamp::from_seconds((day + 7) * DAY),
            ..invited.clone()
        };
        assert_eq!(resent.expect("resent"), expected);
        let found = fixture.store.invitation(invited.id).await.expect("read");
        assert_eq!(found, Some(expected));
    }
    let at = origin(36 * DAY);
    let accepted = fixture.store.accept(invited.id, &bob, &at).await;
    accepted.expect("accepted");
}

async fn a_resent_invitation_gives_way_to_a_newer_one(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let first = fixture.invited(&made, &owner, &bob).await;
    let newer = fixture.invite(&made, &owner, &offer(&bob), 10 * DAY).await;
    let newer = newer.expect("invited").value().clone();
    let refused = fixture.resend(&first, &owner, 11 * DAY).await;
    assert_eq!(reason(refused), "ALREADY_INVITED");
    let resent = fixture.resend(&first, &owner, 20 * DAY).await;
    resent.expect("the newer one has expired, too");
    assert_eq!(fixture.status(&first, 20 * DAY).await, Status::Pending);
    assert_eq!(fixture.status(&newer, 20 * DAY).await, Status::Expired);
}

async fn the_address_of_a_member_gets_nothing_again(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let to_later_address = Offer {
        email: email("bob@later.example"),
        role: Role::Viewer,
        addressee: None,
    };
    let invited = fixture.invite(&made, &owner, &to_later_address, 1).await;
    let invited = invited.expect("invited").value().clone();
    fixture.join(&made, &owner, &bob, Role::Member).await;
    let (store, at) = (&fixture.store, origin(3));
    let resent = store.resend(made.id, invited.id, owner.id, Some(&bob), &at);
    assert_eq!(reason(resent.await), "ALREADY_MEMBER");
}

/// How what a manager does ends: inviting, revoking and resending.
async fn outcomes(fixture: &Fixture, invitation: &Invitation, by: &Person) -> [String; 3] {
    let outcome = |refusal: Option<Error>| match refusal {
        None => "allowed".to_owned(),
        Some(error) => error.reason.into_owned(),
    };
    let (project_id, store) = (invitation.project_id, &fixture.store);
    let (kim, at) = (offer(&person(&format!("kim-{}", by.id))), origin(3));
    let invited = store.invite(project_id, by.id, &kim, None, &at).await;
    let resent = fixture.resend(invitation, by, 3).await;
    let revoked = fixture.revoke(invitation, by, 3).await;
    [
        outcome(invited.err()),
        outcome(resent.err()),
        outcome(revoked.err()),
    ]
}

async fn invitations_are_managed_by_owner_and_admin(fixture: &Fixture) {
    let (owner, stranger) = (person("Ada"), person("Eve"));
    let made = fixture.project("Engine", &owner).await;
    for (role, expected) in [
        (Role::Owner, "allowed"),
        (Role::Admin, "allowed"),
        (Role::Member, "FORBIDDEN"),
        (Role::Viewer, "FORBIDDEN"),
    ] {
        let guest = person(&format!("guest-of-{}", role.as_str()));
        let invited = fixture.invited(&made, &owner, &guest).await;
        let by = fixture.member(&made, &owner, role).await;
        assert_eq!(outcomes(fixture, &invited, &by).await, [expected; 3]);
    }
    let invited = fixture.invited(&made, &owner, &person("guest")).await;
    let hidden = outcomes(fixture, &invited, &stranger).await;
    assert_eq!(hidden, ["PROJECT_NOT_FOUND"; 3]);
    let public = project("Public", Visibility::Public);
    let public = fixture.made(&public, &owner).await;
    let invited = fixture.invited(&public, &owner, &person("guest")).await;
    let refused = outcomes(fixture, &invited, &stranger).await;
    assert_eq!(refused, ["FORBIDDEN"; 3]);
}

async fn an_invitation_of_another_project_is_not_found(fixture: &Fixture) {
    let (owner, eve) = (person("Ada"), person("Eve"));
    let made = fixture.project("Engine", &owner).await;
    let invited = fixture.invited(&made, &owner, &person("Bob")).await;
    let of_eve = fixture.project("Mill", &eve).await;
    for id in [invited.id, Uuid::nil()] {
        let missing = Invitation {
            id,
            project_id: of_eve.id,
            ..invited.clone()
        };
        let refusals = [
            reason(fixture.revoke(&missing, &eve, 3).await),
            reason(fixture.resend(&missing, &eve, 3).await),
        ];
        assert_eq!(refusals, ["INVITATION_NOT_FOUND"; 2]);
    }
    assert_eq!(fixture.status(&invited, 3).await, Status::Pending);
}

async fn an_invitation_stays_when_the_inviter_goes(fixture: &Fixture) {
    let (owner, bob, eve) = (person("Ada"), person("Bob"), person("Eve"));
    let made = fixture.project("Engine", &owner).await;
    let admin = fixture.member(&made, &owner, Role::Admin).await;
    let of_bob = fixture.invited(&made, &admin, &bob).await;
    let of_eve = fixture.invited(&made, &admin, &eve).await;
    fixture
        .remove(&made, &owner, &admin)
        .await
        .expect("removed");
    let accepted = fixture.store.accept(of_bob.id, &bob, &origin(7)).await;
    accepted.expect("accepted");
    let revoked = fixture.revoke(&of_eve, &owner, 7).await;
    revoked.expect("revoked");
}

async fn a_person_who_is_added_needs_no_invitation(fixture: &Fixture) {
    let (owner, bob) = (person("Ada"), person("Bob"));
    let made = fixture.project("Engine", &owner).await;
    let invited = fixture.invited(&made, &owner, &bob).await;
    fixture.join(&made, &owner, &bob, Role::Viewer).await;
    assert_eq!(fixture.status(&invited, 2).await, Status::Revoked);
    let accepted = fixture.store.accept(invited.id, &bob, &origin(3)).await;
    assert_eq!(reason(accepted), "ALREADY_MEMBER");
    fixture.remove(&made, &owner, &bob).await.expect("removed");
    let accepted = fixture.store.accept(invited.id, &bob, &origin(7)).await;
    assert_eq!(reason(accepted), "INVITATION_NOT_PENDING");
}

async fn a_deleted_project_ends_its_invitations(fixture: &Fixture) {
    let (owner, bob, eve) = (person("Ada"), person("Bob"), person("Eve"));
    let made = fixture.project("Engine", &owner).await;
    let pending = fixture.invited(&made, &owner, &bob).await;
    let declined = fixture.invited(&made, &owner, &eve).await;
    let answer = fixture.store.decline(declined.id, &eve, &origin(2)).await;
    answer.expect("declined");
    let before = fixture.database.event_kinds().await.len();
    fixture.delete(&made, &owner).await;
    for gone in [&pending, &declined] {
        let found = fixture.store.invitation(gone.id).await.expect("read");
        assert_eq!(found, None);
    }
    let told = fixture.database.events().await.split_off(before);
    let kinds: Vec<&str> = told.iter().map(|(kind, _)| kind.as_str()).collect();
    assert_eq!(kinds, ["invitation.updated", "project.deleted"]);
    let ended: Invitation = serde_json::from_str(&told[0].1).expect("an invitation");
    let expected = Invitation {
        status: Status::Revoked,
        ..pending
    };
    assert_eq!(ended, expected);
}

async fn the_account_with_the_verified_address_is_told_of_each_change(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let bob = person("Bob");
    let unverified = Person {
        is_email_verified: false,
        ..bob.clone()
    };
    let before = fixture.database.events().await.len();
    let invited = fixture.invited(&made, &owner, &unverified).await;
    let (store, at) = (&fixture.store, origin(2));
    let resent = store.resend(made.id, invited.id, owner.id, Some(&bob), &at);
    resent.await.expect("resent");
    let revoked = store.revoke(made.id, invited.id, owner.id, Some(&bob), &at);
    revoked.await.expect("revoked");
    let second = fixture.invited(&made, &owner, &bob).await;
    let declined = store.decline(second.id, &bob, &at).await;
    declined.expect("declined");
    let third = fixture.invited(&made, &owner, &bob).await;
    let accepted = store.accept(third.id, &bob, &at).await;
    accepted.expect("accepted");
    let told = fixture.database.events().await.split_off(before);
    let told: Vec<_> = told
        .iter()
        .filter(|(kind, _)| kind != "member.added")
        .map(|(kind, payload)| {
            let invitation: Invitation = serde_json::from_str(payload).expect("an invitation");
            (kind.as_str(), invitation.status, invitation.account_id)
        })
        .collect();
    let known = Some(bob.id);
    assert_eq!(
        told,
        [
            ("invitation.created", Status::Pending, None),
            ("invitation.resent", Status::Pending, known),
            ("invitation.updated", Status::Revoked, known),
            ("invitation.created", Status::Pending, known),
            ("invitation.updated", Status::Declined, known),
            ("invitation.created", Status::Pending, known),
            ("invitation.updated", Status::Accepted, known),
        ]
    );
}
