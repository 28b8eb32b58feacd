//! Lists of invitations.

use portico_chassis::page::{Bookmark, SortKey};

use super::{
    invitations::{DAY, offer},
    *,
};

cases! {
    a_list_of_a_project_filters_by_status,
    a_list_of_an_address_has_those_of_all_projects,
    a_cursor_walk_meets_every_invitation_once,
}

impl Fixture {
    /// The addresses in a list, as it is at this second.
    async fn addresses(
        &self,
        whose: Whose<'_>,
        status: Option<Status>,
        seconds: i64,
    ) -> Vec<String> {
        let filter = InvitationFilter {
            whose,
            status,
            now: Timestamp::from_seconds(seconds),
        };
        let paging = paging(None, 20, None);
        let page = self.store.invitations(&filter, newest(), &paging).await;
        let page = page.expect("listed");
        assert_eq!(page.total.rows as usize, page.items.len());
        let addresses = page.items.iter().map(|one| one.email.as_str().to_owned());
        addresses.collect()
    }
}

fn newest() -> Sort<()> {
    Sort {
        column: (),
        is_descending: true,
    }
}

async fn a_list_of_a_project_filters_by_status(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let other = fixture.project("Mill", &owner).await;
    fixture.invited(&other, &owner, &person("elsewhere")).await;
    let mut invitations = HashMap::new();
    let names = ["pending", "accepted", "declined", "revoked", "expired"];
    for (name, seconds) in names.into_iter().zip(11..) {
        let guest = offer(&person(name));
        let invited = fixture.invite(&made, &owner, &guest, seconds).await;
        invitations.insert(name, invited.expect("invited").value().clone());
    }
    let answered = |name: &str| {
        let guest = Person {
            email: invitations[name].email.clone(),
            ..person(name)
        };
        (invitations[name].id, guest)
    };
    let (id, guest) = answered("accepted");
    let accepted = fixture.store.accept(id, &guest, &origin(20)).await;
    accepted.expect("accepted");
    let (id, guest) = answered("declined");
    let declined = fixture.store.decline(id, &guest, &origin(20)).await;
    declined.expect("declined");
    let revoked = fixture.revoke(&invitations["revoked"], &owner, 20).await;
    revoked.expect("revoked");
    let later = 7 * DAY + 15;
    let resent = fixture.resend(&invitations["pending"], &owner, later).await;
    resent.expect("resent");
    let whose = Whose::Project(made.id);
    for (status, name) in [
        (Status::Pending, "pending"),
        (Status::Accepted, "accepted"),
        (Status::Declined, "declined"),
        (Status::Revoked, "revoked"),
        (Status::Expired, "expired"),
    ] {
        let found = fixture.addresses(whose, Some(status), later).await;
        assert_eq!(found, [format!("{name}@example.com")]);
    }
    // Written down as expired, it still is.
    let again = offer(&person("expired"));
    let again = fixture.invite(&made, &owner, &again, later).await;
    again.expect("invited");
    let found = fixture.addresses(whose, Some(Status::Expired), later).await;
    assert_eq!(found, ["expired@example.com"]);
    let newest_first = fixture.addresses(whose, None, later).await;
    let mut expected = [
        "pending", "accepted", "declined", "revoked", "expired", "expired",
    ]
    .map(|name| format!("{name}@example.com"));
    expected.reverse();
    assert_eq!(newest_first, expected);
}

async fn a_list_of_an_address_has_those_of_all_projects(fixture: &Fixture) {
    let (ada, kim, bob) = (person("Ada"), person("Kim"), person("Bob"));
    let engine = fixture.project("Engine", &ada).await;
    let mill = fixture.project("Mill", &kim).await;
    let loom = fixture.project("Loom", &kim).await;
    fixture.invited(&engine, &ada, &bob).await;
    fixture.invited(&engine, &ada, &person("Eve")).await;
    let invited = fixture.invite(&mill, &kim, &offer(&bob), 2).await;
    invited.expect("invited");
    let revoked = fixture.invited(&loom, &kim, &bob).await;
    let revoked = fixture.revoke(&revoked, &kim, 3).await;
    revoked.expect("revoked");
    let address = email("BOB@example.com");
    let filter = InvitationFilter {
        whose: Whose::Address(&address),
        status: Some(Status::Pending),
        now: Timestamp::from_seconds(7 * DAY),
    };
    let first = paging(None, 20, None);
    let page = fixture.store.invitations(&filter, newest(), &first).await;
    let page = page.expect("listed");
    let projects = page.items.iter().map(|one| one.project_name.as_str());
    assert_eq!(projects.collect::<Vec<_>>(), ["Mill", "Engine"]);
    assert_eq!((page.total.rows, page.has_more), (2, false));
    // One expires a second before the other.
    let late = 1 + 7 * DAY;
    let whose = Whose::Address(&address);
    let left = fixture.addresses(whose, Some(Status::Pending), late).await;
    assert_eq!(left.len(), 1);
}

async fn a_cursor_walk_meets_every_invitation_once(fixture: &Fixture) {
    let owner = person("Ada");
    let made = fixture.project("Engine", &owner).await;
    let mut invitations = Vec::new();
    for index in 0..7 {
        // Some are made at once, so that only their ids tell them apart.
        let guest = offer(&person(&format!("guest-{index}")));
        let invited = fixture.invite(&made, &owner, &guest, 10 + index / 3).await;
        invitations.push(invited.expect("invited").value().clone());
    }
    for is_descending in [true, false] {
        invitations.sort_by_key(|one| (one.created_at, one.id));
        if is_descending {
            invitations.reverse();
        }
        let sort = Sort {
            column: (),
            is_descending,
        };
        for status in [None, Some(Status::Pending)] {
            let filter = InvitationFilter {
                whose: Whose::Project(made.id),
                status,
                now: Timestamp::from_seconds(20),
            };
            let (mut met, mut cursor) = (Vec::new(), None::<String>);
            loop {
                let paging = paging(None, 2, cursor.as_deref());
                let page = fixture.store.invitations(&filter, sort, &paging).await;
                let page = page.expect("listed");
                met.extend(page.items.iter().cloned());
                let info = page.info(&paging, |one| Bookmark {
                    key: SortKey::Time(one.created_at),
                    id: one.id,
                });
                match info.next_cursor {
                    Some(next) => cursor = Some(next),
                    None => break,
                }
            }
            assert_eq!(met, invitations);
        }
    }
}
