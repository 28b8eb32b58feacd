//! Searches, which SQLite finds by an index that follows the changes.

use super::{lists::names, *};

cases! {
    a_search_sees_each_change_before_and_after_it_is_indexed,
    a_search_is_literal_in_whatever_case,
    a_search_among_all_shows_public_projects_only,
    the_pages_of_a_search_follow_each_other,
}

impl Fixture {
    async fn index(&self) {
        self.database.index_for_searches("projects").await;
    }

    /// The names of the public projects that are found, before and after what was
    /// changed is indexed.
    async fn found(&self, query: &str, by: &Person) -> Vec<String> {
        let before = names(self, by, &public(query), "name").await;
        self.index().await;
        let after = names(self, by, &public(query), "name").await;
        assert_eq!(before, after, "{query}");
        after
    }
}

fn public(query: &str) -> Filter {
    Filter {
        shown: Shown::Public,
        search: Search::new(query),
        role: None,
        archived: None,
    }
}

async fn a_search_sees_each_change_before_and_after_it_is_indexed(fixture: &Fixture) {
    let ada = person("Ada");
    let engine = project("Difference Engine", Visibility::Public);
    let engine = fixture.made(&engine, &ada).await;
    let mill = project("Mill", Visibility::Public);
    fixture.made(&mill, &ada).await;
    assert_eq!(fixture.found("engine", &ada).await, ["Difference Engine"]);
    let renamed = Change {
        slug: Some(slug("brass")),
        ..rename("Wheels")
    };
    let renamed = fixture.update(&engine, &ada, &renamed).await;
    renamed.expect("renamed");
    assert_eq!(fixture.found("wheel", &ada).await, ["Wheels"]);
    assert_eq!(fixture.found("brass", &ada).await, ["Wheels"]);
    assert!(fixture.found("engine", &ada).await.is_empty());
    fixture.delete(&engine, &ada).await;
    assert!(fixture.found("wheel", &ada).await.is_empty());
    assert_eq!(fixture.found("mill", &ada).await, ["Mill"]);
}

async fn a_search_is_literal_in_whatever_case(fixture: &Fixture) {
    let ada = person("Ada");
    for (number, name) in [
        "100% \"Brass\"",
        "a_b\\c *d*",
        "\u{c4}rger \u{130}zmir",
        "NOT a OR b",
    ]
    .into_iter()
    .enumerate()
    {
        let mut made = project(name, Visibility::Public);
        made.slug = slug(&format!("slug-{number}"));
        fixture.made(&made, &ada).await;
    }
    for (query, expected) in [
        ("100%", &["100% \"Brass\""][..]),
        ("\"BRASS\"", &["100% \"Brass\""]),
        ("0% \"", &["100% \"Brass\""]),
        ("A_B", &["a_b\\c *d*"]),
        ("b\\c", &["a_b\\c *d*"]),
        ("*d*", &["a_b\\c *d*"]),
        ("\u{e4}RGE", &["\u{c4}rger \u{130}zmir"]),
        ("\u{130}ZM", &["\u{c4}rger \u{130}zmir"]),
        ("a or", &["NOT a OR b"]),
        ("br", &["100% \"Brass\""]),
        ("\u{c4}R", &["\u{c4}rger \u{130}zmir"]),
        ("q", &[]),
        ("arg", &[]),
        ("bra*", &[]),
        ("a%b", &[]),
        ("1__", &[]),
        ("brass NOT mill", &[]),
        ("search:brass", &[]),
        (&"brass ".repeat(42), &[]),
    ] {
        assert_eq!(fixture.found(query, &ada).await, expected, "{query}");
    }
}

async fn a_search_among_all_shows_public_projects_only(fixture: &Fixture) {
    let (ada, bob) = (person("Ada"), person("Bob"));
    fixture.project("Secret engine", &ada).await;
    let open = project("Open engine", Visibility::Public);
    let open = fixture.made(&open, &ada).await;
    for by in [&ada, &bob] {
        assert_eq!(fixture.found("engine", by).await, ["Open engine"]);
    }
    let archived = |archived| Filter {
        archived,
        ..public("engine")
    };
    fixture.archive(&open, &ada, true).await;
    let found = async |filter: Filter| names(fixture, &bob, &filter, "-updatedAt").await;
    assert!(found(archived(Some(false))).await.is_empty());
    assert_eq!(found(archived(Some(true))).await, ["Open engine"]);
    let owned = Filter {
        role: Some(Role::Owner),
        ..public("engine")
    };
    assert!(found(owned.clone()).await.is_empty());
    assert_eq!(names(fixture, &ada, &owned, "name").await, ["Open engine"]);
}

async fn the_pages_of_a_search_follow_each_other(fixture: &Fixture) {
    let ada = person("Ada");
    for index in 0..5 {
        let made = project(&format!("Engine {index}"), Visibility::Public);
        fixture.made(&made, &ada).await;
        if index == 2 {
            fixture.index().await;
        }
    }
    let filter = public("engine");
    for (column, is_descending) in [
        (Column::Name, false),
        (Column::UpdatedAt, true),
        (Column::CreatedAt, false),
    ] {
        let sort = Sort {
            column,
            is_descending,
        };
        let (mut met, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let paging = paging(None, 2, cursor.as_deref());
            let page = fixture.store.list(ada.id, &filter, sort, &paging);
            let page = page.await.expect("listed");
            assert_eq!(page.total.rows, 5);
            met.extend(page.items.iter().map(|view| view.project.id));
            let info = page.info(&paging, |view| bookmark(column, view));
            match info.next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        met.sort_unstable();
        met.dedup();
        assert_eq!(met.len(), 5, "{column:?}");
    }
}
