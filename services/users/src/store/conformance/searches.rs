//! Searches, which SQLite finds by an index that follows the changes.

use portico_chassis::database::Database;

use super::*;

cases! {
    a_search_sees_each_change_before_and_after_it_is_indexed,
    a_search_is_literal_in_whatever_case,
    the_pages_of_a_search_follow_each_other,
    nothing_is_left_of_the_words_of_a_purged_person,
    few_and_nearly_all_are_found_among_many,
}

impl Fixture {
    async fn index(&self) {
        self.database.index_for_searches("users").await;
    }

    async fn named(&self, name: &str, email: &str) -> User {
        let mut user = person("x", Role::Member);
        user.name = Name::parse(name).expect("name");
        user.email = EmailAddress::parse(email).expect("address");
        let made = self.store.create(&user, &origin(1)).await;
        made.expect("created")
    }

    /// The names of those who are found, before and after what was changed is
    /// indexed.
    async fn found(&self, query: &str) -> Vec<String> {
        let filter = search(query);
        let first = paging(None, 20, None);
        let before = self.names(&filter, "name", &first).await;
        self.index().await;
        let after = self.names(&filter, "name", &first).await;
        assert_eq!(before, after, "{query}");
        after
    }
}

fn search(query: &str) -> Filter {
    Filter {
        search: Search::new(query),
        ..Filter::default()
    }
}

async fn a_search_sees_each_change_before_and_after_it_is_indexed(fixture: &Fixture) {
    let ada = fixture.named("Ada Lovelace", "ada@example.com").await;
    fixture.named("Bob", "bob@example.com").await;
    assert_eq!(fixture.found("lovelace").await, ["Ada Lovelace"]);
    let change = rename("Ada King");
    let changed = fixture
        .store
        .update(ada.id, &change, &IfMatch::Any, &origin(2))
        .await;
    changed.expect("renamed");
    assert_eq!(fixture.found("king").await, ["Ada King"]);
    assert!(fixture.found("lovelace").await.is_empty());
    let deleted = fixture
        .store
        .delete(ada.id, &IfMatch::Any, &origin(3))
        .await;
    deleted.expect("deleted");
    assert!(fixture.found("king").await.is_empty());
    assert_eq!(fixture.found("example").await, ["Bob"]);
    let restored = fixture.store.restore(ada.id, &origin(4)).await;
    restored.expect("restored");
    assert_eq!(fixture.found("king").await, ["Ada King"]);
}

async fn a_search_is_literal_in_whatever_case(fixture: &Fixture) {
    fixture.named("100% \"Brass\"", "a@example.com").await;
    fixture.named("a_b\\c *d*", "b@example.com").await;
    fixture.named("\u{c4}rger", "c@example.com").await;
    for (query, expected) in [
        ("100%", &["100% \"Brass\""][..]),
        ("\"BRASS\"", &["100% \"Brass\""]),
        ("A_B", &["a_b\\c *d*"]),
        ("b\\c", &["a_b\\c *d*"]),
        ("*d*", &["a_b\\c *d*"]),
        ("\u{e4}RGE", &["\u{c4}rger"]),
        ("\u{c4}r", &["\u{c4}rger"]),
        ("C@Example", &["\u{c4}rger"]),
        ("br", &["100% \"Brass\""]),
        ("q", &[]),
        ("arg", &[]),
        ("bra*", &[]),
        ("a%b", &[]),
        ("1__", &[]),
        ("brass OR example", &[]),
    ] {
        assert_eq!(fixture.found(query).await, expected, "{query}");
    }
}

async fn the_pages_of_a_search_follow_each_other(fixture: &Fixture) {
    for number in 0..5 {
        let email = format!("{number}@example.com");
        fixture.named(&format!("Ada {number}"), &email).await;
        if number == 2 {
            fixture.index().await;
        }
    }
    let filter = search("ada");
    for sort in ["name", "email", "createdAt", "updatedAt"] {
        let (mut met, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let paging = paging(None, 2, cursor.as_deref());
            let page = fixture.store.list(&filter, sorted(sort), &paging).await;
            let page = page.expect("listed");
            assert_eq!(page.total.rows, 5);
            met.extend(page.items.iter().map(|user| user.id));
            let info = page.info(&paging, |user| Bookmark {
                key: match sort {
                    "name" => SortKey::Text(user.name.sort_key()),
                    "email" => SortKey::Text(user.email.key().to_owned()),
                    _ => SortKey::Time(user.created_at),
                },
                id: user.id,
            });
            match info.next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        met.sort_unstable();
        met.dedup();
        assert_eq!(met.len(), 5, "{sort}");
    }
}

async fn nothing_is_left_of_the_words_of_a_purged_person(fixture: &Fixture) {
    let user = fixture.named("Ada Lovelace", "ada@example.com").await;
    fixture.index().await;
    let deleted = fixture
        .store
        .delete(user.id, &IfMatch::Any, &origin(10))
        .await;
    deleted.expect("deleted");
    for (seconds, origin) in [(10, origin(20)), (20, origin(30))] {
        let at = Timestamp::from_seconds(seconds);
        let announced = fixture.store.announce_purges(at, &origin).await;
        announced.expect("announced");
        fixture.store.purge(at, &origin).await.expect("purged");
    }
    assert_eq!(fixture.store.get(user.id).await.expect("read"), None);
    fixture.index().await;
    if let Database::Sqlite(database) = &fixture.database.database {
        let left = "SELECT (SELECT count(*) FROM search_pending) + \
            (SELECT count(*) FROM search_numbers) + \
            (SELECT count(*) FROM search_index WHERE search_index MATCH '\"lov\"') AS left_over";
        let left: i64 = sqlx::query_scalar(left)
            .fetch_one(database.watcher())
            .await
            .expect("counted");
        assert_eq!(left, 0);
    }
}

/// Enough that they are met in the order of the list.
const MANY: i64 = 4_100;

const FILL_POSTGRES: &str = "INSERT INTO users (id, email, email_key, name, name_key, search, \
    role, status, email_verified, version, created_at, updated_at) \
    SELECT encode(lpad(n::text, 16, '0')::bytea, 'hex')::uuid, n, n, 'Person ' || n, \
    'person ' || 9999 - n, 'person ' || n, 'MEMBER', 'ACTIVE', false, 1, to_timestamp(n), \
    to_timestamp(n) FROM generate_series(1, $1::bigint) AS n";
const FILL_SQLITE: &str = "WITH numbers (n) AS \
    (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $1) \
    INSERT INTO users (id, email, email_key, name, name_key, search, \
    role, status, email_verified, version, created_at, updated_at) \
    SELECT CAST(printf('%016d', n) AS blob), n, n, 'Person ' || n, \
    'person ' || (9999 - n), 'person ' || n, 'MEMBER', 'ACTIVE', 0, 1, n * 1000, \
    n * 1000 FROM numbers";

async fn fill(database: &Database) {
    macro_rules! fill {
        ($database:expr, $sql:expr) => {{
            let mut transaction = $database.begin().await.expect("begun");
            let filled = sqlx::query($sql).bind(MANY).execute(&mut transaction);
            filled.await.expect("filled");
            transaction.commit().await.expect("committed");
        }};
    }
    match database {
        Database::Postgres(database) => fill!(database, FILL_POSTGRES),
        Database::Sqlite(database) => fill!(database, FILL_SQLITE),
    }
}

async fn few_and_nearly_all_are_found_among_many(fixture: &Fixture) {
    fill(&fixture.database.database).await;
    let first = paging(None, 2, None);
    for is_indexed in [false, true] {
        if is_indexed {
            fixture.index().await;
        }
        for (query, sort, expected, total) in [
            ("person", "name", ["Person 4100", "Person 4099"], 4_100),
            ("person", "createdAt", ["Person 1", "Person 2"], 4_100),
            ("777", "-createdAt", ["Person 3777", "Person 2777"], 4),
            ("person 3", "-name", ["Person 3", "Person 30"], 1_111),
        ] {
            let filter = search(query);
            let page = fixture.store.list(&filter, sorted(sort), &first).await;
            let page = page.expect("listed");
            let names = page.items.iter().map(|user| user.name.as_str());
            assert_eq!(names.collect::<Vec<_>>(), expected, "{query} {sort}");
            assert_eq!(page.total.rows, total, "{query}");
        }
    }
}
