//! Lists of projects and of members.

use super::*;

cases! {
    a_list_shows_the_projects_of_a_person,
    a_list_filters_by_role_archive_and_visibility,
    a_list_of_public_projects_shows_those_of_others,
    a_search_finds_name_slug_and_description,
    a_list_sorts_by_each_column_and_breaks_ties_by_id,
    a_cursor_walk_meets_every_project_once_while_others_come_and_go,
    members_are_sorted_and_ties_broken_by_the_persons_id,
    a_cursor_walk_meets_every_member_once,
    a_renamed_person_is_sorted_by_the_new_name_in_all_projects,
}

pub(super) fn mine() -> Filter {
    Filter {
        shown: Shown::Mine,
        search: None,
        role: None,
        archived: None,
    }
}

fn sorted<C>(text: &str, parse: impl FnOnce(&str) -> Option<C>) -> Sort<C> {
    let column = text.trim_start_matches('-');
    Sort {
        column: parse(column).expect("a column"),
        is_descending: text.starts_with('-'),
    }
}

pub(super) async fn names(
    fixture: &Fixture,
    by: &Person,
    filter: &Filter,
    sort: &str,
) -> Vec<String> {
    let sort = sorted(sort, Column::parse);
    let paging = paging(None, 20, None);
    let page = fixture.store.list(by.id, filter, sort, &paging).await;
    let views = page.expect("listed").items;
    let names = views.iter().map(|view| view.project.name.as_str());
    names.map(str::to_owned).collect()
}

async fn a_list_shows_the_projects_of_a_person(fixture: &Fixture) {
    let (ada, bob) = (person("Ada"), person("Bob"));
    let engine = fixture.project("Engine", &ada).await;
    fixture.project("Mill", &ada).await;
    fixture
        .made(&project("Public", Visibility::Public), &ada)
        .await;
    fixture.join(&engine, &ada, &bob, Role::Viewer).await;
    let page = fixture
        .store
        .list(
            bob.id,
            &mine(),
            sorted("name", Column::parse),
            &paging(None, 20, None),
        )
        .await
        .expect("listed");
    assert_eq!(page.items, [fixture.see(&engine, &bob).await]);
    assert_eq!((page.total.rows, page.total.is_capped), (1, false));
    assert_eq!(
        names(fixture, &ada, &mine(), "name").await,
        ["Engine", "Mill", "Public"]
    );
}

async fn a_list_filters_by_role_archive_and_visibility(fixture: &Fixture) {
    let (ada, bob) = (person("Ada"), person("Bob"));
    let engine = fixture.project("Engine", &ada).await;
    fixture.join(&engine, &ada, &bob, Role::Viewer).await;
    fixture.archive(&engine, &ada, true).await;
    fixture
        .made(&project("Public", Visibility::Public), &bob)
        .await;
    let found = async |filter: Filter| names(fixture, &bob, &filter, "name").await;
    let with_role = |role| Filter {
        role: Some(role),
        ..mine()
    };
    assert_eq!(found(with_role(Role::Viewer)).await, ["Engine"]);
    assert_eq!(found(with_role(Role::Owner)).await, ["Public"]);
    let with_archived = |archived| Filter { archived, ..mine() };
    assert_eq!(found(with_archived(Some(true))).await, ["Engine"]);
    assert_eq!(found(with_archived(Some(false))).await, ["Public"]);
    assert_eq!(found(with_archived(None)).await, ["Engine", "Public"]);
    let private = Filter {
        shown: Shown::MinePrivate,
        ..mine()
    };
    assert_eq!(found(private).await, ["Engine"]);
}

async fn a_list_of_public_projects_shows_those_of_others(fixture: &Fixture) {
    let (ada, bob) = (person("Ada"), person("Bob"));
    let public = |name| project(name, Visibility::Public);
    fixture.made(&public("Adas"), &ada).await;
    fixture.made(&public("Bobs"), &bob).await;
    fixture.project("Private", &bob).await;
    let filter = Filter {
        shown: Shown::Public,
        ..mine()
    };
    let page = fixture
        .store
        .list(
            bob.id,
            &filter,
            sorted("-name", Column::parse),
            &paging(None, 20, None),
        )
        .await
        .expect("listed");
    let seen = page.items.iter();
    let seen: Vec<_> = seen
        .map(|view| (view.project.name.as_str(), view.role))
        .collect();
    assert_eq!(seen, [("Bobs", Some(Role::Owner)), ("Adas", None)]);
    let owned = Filter {
        role: Some(Role::Owner),
        ..filter
    };
    assert_eq!(names(fixture, &bob, &owned, "name").await, ["Bobs"]);
}

async fn a_search_finds_name_slug_and_description(fixture: &Fixture) {
    let ada = person("Ada");
    let mut engine = project("Difference Engine", Visibility::Private);
    engine.description = crate::convert::description(Some("100% Brass")).expect("text");
    fixture.made(&engine, &ada).await;
    let mut mill = project("Mill", Visibility::Private);
    mill.slug = slug("analytical");
    fixture.made(&mill, &ada).await;
    for (query, expected) in [
        ("FERENCE", vec!["Difference Engine"]),
        ("brass", vec!["Difference Engine"]),
        ("100%", vec!["Difference Engine"]),
        ("lytic", vec!["Mill"]),
        ("en", vec!["Difference Engine"]),
        ("an", vec!["Mill"]),
        ("m", vec!["Mill"]),
        ("%il", vec![]),
        ("mi__", vec![]),
    ] {
        let filter = Filter {
            search: Search::new(query),
            ..mine()
        };
        let found = names(fixture, &ada, &filter, "name").await;
        assert_eq!(found, expected, "{query}");
    }
}

async fn a_list_sorts_by_each_column_and_breaks_ties_by_id(fixture: &Fixture) {
    let ada = person("Ada");
    let names_of_projects = ["b", "A", "\u{e4}", "c"];
    for (index, name) in names_of_projects.iter().enumerate() {
        let index = i64::try_from(index).expect("small");
        let mut project = project(name, Visibility::Private);
        project.slug = slug(&format!("slug-{index}"));
        project.created_at = Timestamp::from_seconds(10 + index);
        project.id = new_id(project.created_at);
        project.updated_at = Timestamp::from_seconds(20 - index);
        fixture.made(&project, &ada).await;
    }
    for (sort, expected) in [
        ("name", ["A", "b", "c", "\u{e4}"]),
        ("createdAt", ["b", "A", "\u{e4}", "c"]),
        ("updatedAt", ["c", "\u{e4}", "A", "b"]),
    ] {
        assert_eq!(names(fixture, &ada, &mine(), sort).await, expected);
        let mut backwards = expected;
        backwards.reverse();
        let sort = format!("-{sort}");
        assert_eq!(names(fixture, &ada, &mine(), &sort).await, backwards);
    }
    let bob = person("Bob");
    let mut ids = Vec::new();
    for index in 0..4 {
        let mut project = project("Same", Visibility::Private);
        project.slug = slug(&format!("same-{index}"));
        ids.push(fixture.made(&project, &bob).await.id);
    }
    ids.sort();
    for sort in ["name", "createdAt", "updatedAt"] {
        let sort = sorted(sort, Column::parse);
        let second = paging(Some(2), 3, None);
        let page = fixture.store.list(bob.id, &mine(), sort, &second).await;
        let page = page.expect("listed");
        assert_eq!(page.items[0].project.id, ids[3]);
        assert_eq!((page.total.rows, page.has_more), (4, false));
    }
}

async fn a_cursor_walk_meets_every_project_once_while_others_come_and_go(fixture: &Fixture) {
    let ada = person("Ada");
    let mut projects = Vec::new();
    for index in 0..9 {
        projects.push(fixture.project(&format!("project {index}"), &ada).await);
    }
    let (mut met, mut cursor) = (Vec::new(), None::<String>);
    let sort = sorted("name", Column::parse);
    loop {
        let paging = paging(None, 2, cursor.as_deref());
        let page = fixture.store.list(ada.id, &mine(), sort, &paging).await;
        let page = page.expect("listed");
        met.extend(page.items.iter().map(|view| view.project.clone()));
        let info = page.info(&paging, |view| Bookmark {
            key: SortKey::Text(view.project.name.sort_key()),
            id: view.project.id,
        });
        if met.len() == 4 {
            fixture.project("project 0a", &ada).await;
            fixture.delete(&projects[1], &ada).await;
        }
        match info.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    assert_eq!(met, projects);
}

async fn members_are_sorted_and_ties_broken_by_the_persons_id(fixture: &Fixture) {
    let owner = person("Zoe");
    let made = fixture.project("Engine", &owner).await;
    let (bob, ada) = (person("bob"), person("Ada"));
    let mut others = vec![person("Bob"), person("Bob"), bob, ada];
    for other in &others {
        fixture.join(&made, &owner, other, Role::Member).await;
    }
    let found = async |sort: &str| {
        let sort = sorted(sort, MemberColumn::parse);
        let project = fixture.see(&made, &owner).await.project;
        let page = fixture
            .store
            .members(&project, sort, &paging(None, 20, None))
            .await
            .expect("listed");
        assert_eq!(page.total.rows, 5);
        let ids = page.items.iter().map(|member| member.user_id);
        ids.collect::<Vec<_>>()
    };
    let ada = others.pop().expect("Ada").id;
    let mut bobs: Vec<Uuid> = others.iter().map(|person| person.id).collect();
    bobs.sort();
    let by_name = [&[ada][..], &bobs, &[owner.id]].concat();
    assert_eq!(found("name").await, by_name);
    let mut joined_together = [&[ada][..], &bobs].concat();
    joined_together.sort();
    let by_joining = [&[owner.id][..], &joined_together].concat();
    assert_eq!(found("joinedAt").await, by_joining);
    let backwards = by_joining.into_iter().rev().collect::<Vec<_>>();
    assert_eq!(found("-joinedAt").await, backwards);
}

async fn a_cursor_walk_meets_every_member_once(fixture: &Fixture) {
    let owner = person("Zoe");
    let made = fixture.project("Engine", &owner).await;
    let mut expected = vec![owner.id];
    for index in 0..6 {
        let person = person(&format!("p{index}"));
        fixture.join(&made, &owner, &person, Role::Viewer).await;
        expected.push(person.id);
    }
    let (mut met, mut cursor) = (Vec::new(), None::<String>);
    let sort = sorted("-name", MemberColumn::parse);
    loop {
        let paging = paging(None, 3, cursor.as_deref());
        let page = fixture.store.members(&made, sort, &paging).await;
        let page = page.expect("listed");
        met.extend(page.items.iter().map(|member| member.user_id));
        let info = page.info(&paging, |member| Bookmark {
            key: SortKey::Text(member.name_key.clone()),
            id: member.user_id,
        });
        match info.next_cursor {
            Some(next) => cursor = Some(next),
            None => break,
        }
    }
    expected[1..].reverse();
    assert_eq!(met, expected);
}

async fn a_renamed_person_is_sorted_by_the_new_name_in_all_projects(fixture: &Fixture) {
    let (owner, ada) = (person("Bob"), person("Ada"));
    for name in ["Engine", "Mill"] {
        let made = fixture.project(name, &owner).await;
        fixture.join(&made, &owner, &ada, Role::Member).await;
        let by_name = sorted("name", MemberColumn::parse);
        let found = async || {
            let project = fixture.see(&made, &owner).await.project;
            let first = paging(None, 20, None);
            let listed = fixture.store.members(&project, by_name, &first);
            let page = listed.await.expect("listed");
            let ids = page.items.iter().map(|member| member.user_id);
            ids.collect::<Vec<_>>()
        };
        fixture.store.rename(ada.id, "ada").await.expect("renamed");
        assert_eq!(found().await, [ada.id, owner.id]);
        fixture.store.rename(ada.id, "zoe").await.expect("renamed");
        assert_eq!(found().await, [owner.id, ada.id]);
    }
}
