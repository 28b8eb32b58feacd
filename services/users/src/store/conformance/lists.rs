//! Lists: filters, orders, pages and cursors.

use super::*;

cases! {
    a_list_hides_deleted_people_unless_asked,
    a_list_filters_and_searches,
    a_list_sorts_by_each_column_and_breaks_ties_by_id,
    a_cursor_walk_meets_everybody_once_while_others_come_and_go,
}

async fn a_list_hides_deleted_people_unless_asked(fixture: &Fixture) {
    let ada = fixture.add("ada", Role::Member).await;
    fixture.add("bob", Role::Member).await;
    fixture
        .store
        .delete(ada.id, &IfMatch::Any, &origin(2))
        .await
        .expect("deleted");
    let all = Filter::default();
    let deleted = Filter {
        status: Some(Status::Deleted),
        ..Filter::default()
    };
    let first = paging(None, 20, None);
    assert_eq!(fixture.names(&all, "name", &first).await, ["bob"]);
    assert_eq!(fixture.names(&deleted, "name", &first).await, ["ada"]);
}

async fn a_list_filters_and_searches(fixture: &Fixture) {
    for (number, name) in ["ada", "adam", "bob%", "Zoë"].into_iter().enumerate() {
        let mut user = person("x", Role::Member);
        user.name = Name::parse(name).expect("name");
        user.email = EmailAddress::parse(&format!("{number}@example.com")).expect("address");
        fixture
            .store
            .create(&user, &origin(1))
            .await
            .expect("created");
    }
    let admin = fixture.add("root", Role::Admin).await;
    let first = paging(None, 20, None);
    let search = |text: &str| Filter {
        search: Search::new(text),
        ..Filter::default()
    };
    assert_eq!(
        fixture.names(&search("ADA"), "name", &first).await,
        ["ada", "adam"]
    );
    assert_eq!(
        fixture.names(&search("dam"), "name", &first).await,
        ["adam"]
    );
    assert_eq!(
        fixture.names(&search("ad"), "name", &first).await,
        ["ada", "adam"]
    );
    assert!(
        fixture
            .names(&search("da"), "name", &first)
            .await
            .is_empty()
    );
    assert_eq!(
        fixture.names(&search("bob%"), "name", &first).await,
        ["bob%"]
    );
    assert!(
        fixture
            .names(&search("%%%"), "name", &first)
            .await
            .is_empty()
    );
    assert_eq!(fixture.names(&search("ZOË"), "name", &first).await, ["Zoë"]);
    let admins = Filter {
        role: Some(Role::Admin),
        status: Some(Status::Active),
        ..Filter::default()
    };
    let page = fixture
        .store
        .list(&admins, sorted("name"), &first)
        .await
        .expect("listed");
    assert_eq!((page.items, page.total.rows), (vec![admin], 1));
}

async fn a_list_sorts_by_each_column_and_breaks_ties_by_id(fixture: &Fixture) {
    let mut expected = Vec::new();
    for index in 0..4 {
        let mut user = person("same", Role::Member);
        user.email = EmailAddress::parse(&format!("{}@example.com", 9 - index)).expect("address");
        fixture
            .store
            .create(&user, &origin(1))
            .await
            .expect("created");
        expected.push(user.id);
    }
    let by_email: Vec<Uuid> = expected.iter().rev().copied().collect();
    expected.sort();
    for sort in ["name", "createdAt", "updatedAt", "email"] {
        for direction in ["", "-"] {
            let mut ids = if sort == "email" {
                by_email.clone()
            } else {
                expected.clone()
            };
            if direction == "-" {
                ids.reverse();
            }
            let sort = sorted(&format!("{direction}{sort}"));
            let page = fixture
                .store
                .list(&Filter::default(), sort, &paging(Some(2), 3, None))
                .await;
            let page = page.expect("listed");
            assert_eq!(
                page.items.iter().map(|user| user.id).collect::<Vec<_>>(),
                ids[3..]
            );
            assert_eq!((page.total.rows, page.has_more), (4, false));
        }
    }
}

async fn a_cursor_walk_meets_everybody_once_while_others_come_and_go(fixture: &Fixture) {
    let names: Vec<String> = (0..9).map(|index| format!("p{index}")).collect();
    for name in &names {
        fixture.add(name, Role::Member).await;
    }
    let (mut met, mut cursor) = (Vec::new(), None::<String>);
    loop {
        let paging = paging(None, 2, cursor.as_deref());
        let page = fixture
            .store
            .list(&Filter::default(), sorted("name"), &paging)
            .await;
        let page = page.expect("listed");
        met.extend(page.items.iter().map(|user| user.name.as_str().to_owned()));
        let info = page.info(&paging, |user| Bookmark {
            key: SortKey::Text(user.name.sort_key()),
            id: user.id,
        });
        assert_eq!(info.page.is_none(), matches!(paging.start, Start::After(_)));
        if met.len() == 4 {
            fixture.add("p0a", Role::Member).await;
            let gone = fixture
                .store
                .lookup(&EmailAddress::parse("p1@example.com").expect("address"))
                .await;
            let gone = gone.expect("read").expect("there");
            fixture
                .store
                .delete(gone.id, &IfMatch::Any, &origin(2))
                .await
                .expect("deleted");
        }
        match info.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(met, names);
}
