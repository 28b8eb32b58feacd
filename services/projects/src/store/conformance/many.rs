//! The list of somebody who is in so many projects that they are not sorted, but
//! met in the order of the list.

use portico_chassis::database::Database;

use super::{lists::mine, *};

cases! {
    a_cursor_walk_meets_each_of_many_projects_once,
    a_search_among_many_projects_finds_few_and_nearly_all,
}

const NUMBER: i64 = 4_100;

/// The names are in the order against that of the ids.
const FILL_POSTGRES: [&str; 2] = [
    "INSERT INTO projects (id, name, name_key, slug, visibility, member_count, version, search, \
     created_at, updated_at) SELECT encode(lpad(n::text, 16, '0')::bytea, 'hex')::uuid, \
     9999 - n, 9999 - n, n, 'PRIVATE', 1, 1, 'project ' || n, to_timestamp(n), to_timestamp(n) \
     FROM generate_series(1, $1::bigint) AS n",
    "INSERT INTO members (project_id, user_id, role, version, name_key, joined_at) \
     SELECT id, $1, 'OWNER', 1, '', created_at FROM projects",
];
const FILL_SQLITE: [&str; 2] = [
    "WITH numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $1) \
     INSERT INTO projects (id, name, name_key, slug, visibility, member_count, version, search, \
     created_at, updated_at) SELECT CAST(printf('%016d', n) AS blob), \
     9999 - n, 9999 - n, n, 'PRIVATE', 1, 1, 'project ' || n, n * 1000, n * 1000 FROM numbers",
    "INSERT INTO members (project_id, user_id, role, version, name_key, joined_at) \
     SELECT id, $1, 'OWNER', 1, '', created_at FROM projects",
];

async fn fill(database: &Database, person: Uuid) {
    macro_rules! fill {
        ($database:expr, $sql:expr) => {{
            let [projects, members] = $sql;
            let mut transaction = $database.begin().await.expect("begun");
            let projects = sqlx::query(projects).bind(NUMBER);
            projects.execute(&mut transaction).await.expect("projects");
            let members = sqlx::query(members).bind(person);
            members.execute(&mut transaction).await.expect("members");
            transaction.commit().await.expect("committed");
        }};
    }
    match database {
        Database::Postgres(database) => fill!(database, FILL_POSTGRES),
        Database::Sqlite(database) => fill!(database, FILL_SQLITE),
    }
}

async fn a_cursor_walk_meets_each_of_many_projects_once(fixture: &Fixture) {
    let ada = person("Ada");
    fill(&fixture.database.database, ada.id).await;
    for column in [Column::Name, Column::CreatedAt, Column::UpdatedAt] {
        let sort = Sort {
            column,
            is_descending: false,
        };
        let (mut met, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let paging = paging(None, 1_000, cursor.as_deref());
            let page = fixture.store.list(ada.id, &mine(), sort, &paging).await;
            let page = page.expect("listed");
            assert_eq!(i64::from(page.total.rows), NUMBER);
            let names = page.items.iter().map(|view| view.project.name.as_str());
            met.extend(names.map(str::to_owned));
            let info = page.info(&paging, |view| bookmark(column, view));
            match info.next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        let mut expected: Vec<String> = (1..=NUMBER).map(|n| (9_999 - n).to_string()).collect();
        if column == Column::Name {
            expected.reverse();
        }
        assert!(met == expected, "{column:?}");
    }
}

async fn a_search_among_many_projects_finds_few_and_nearly_all(fixture: &Fixture) {
    let (ada, bob) = (person("Ada"), person("Bob"));
    fill(&fixture.database.database, ada.id).await;
    let theirs = fixture.project("Project 777", &bob).await;
    fixture.join(&theirs, &bob, &ada, Role::Viewer).await;
    fixture.project("Project 1777", &bob).await;
    let search = |query| Filter {
        search: Search::new(query),
        ..mine()
    };
    let found = async |by: &Person, filter: &Filter, column| {
        let sort = Sort {
            column,
            is_descending: true,
        };
        let first = paging(None, 3, None);
        let page = fixture.store.list(by.id, filter, sort, &first).await;
        let page = page.expect("listed");
        let names = page.items.iter().map(|view| view.project.name.as_str());
        let names: Vec<String> = names.map(str::to_owned).collect();
        (names.join(" "), page.total.rows)
    };
    for is_indexed in [false, true] {
        if is_indexed {
            fixture.database.index_for_searches("projects").await;
        }
        for (query, column, expected) in [
            ("4001", Column::Name, ("5998", 1)),
            ("777", Column::Name, ("Project 777 9222 8222", 5)),
            ("777", Column::CreatedAt, ("6222 7222 8222", 5)),
            ("nothing", Column::UpdatedAt, ("", 0)),
            ("project", Column::Name, ("Project 777 9998 9997", 4_101)),
            ("project", Column::UpdatedAt, ("5899 5900 5901", 4_101)),
            ("p", Column::CreatedAt, ("Project 777", 1)),
        ] {
            let (names, total) = found(&ada, &search(query), column).await;
            assert_eq!((names.as_str(), total), expected, "{query} {column:?}");
        }
    }
    let viewed = Filter {
        role: Some(Role::Viewer),
        ..search("777")
    };
    let (names, _) = found(&ada, &viewed, Column::Name).await;
    assert_eq!(names, "Project 777");
    let (names, total) = found(&bob, &search("project"), Column::Name).await;
    assert_eq!((names.as_str(), total), ("Project 777 Project 1777", 2));
}
