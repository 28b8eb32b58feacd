//! The list of somebody who is in so many projects that they are not sorted, but
//! met in the order of the list.

use portico_chassis::{
    database::Database,
    page::{Bookmark, SortKey},
};

use super::{lists::mine, *};

cases! {
    a_cursor_walk_meets_each_of_many_projects_once,
}

const NUMBER: i64 = 4_100;

/// The names are in the order against that of the ids.
const FILL_POSTGRES: [&str; 2] = [
    "INSERT INTO projects (id, name, name_key, slug, visibility, member_count, version, search, \
     created_at, updated_at) SELECT encode(lpad(n::text, 16, '0')::bytea, 'hex')::uuid, \
     9999 - n, 9999 - n, n, 'PRIVATE', 1, 1, n, to_timestamp(n), to_timestamp(n) \
     FROM generate_series(1, $1::bigint) AS n",
    "INSERT INTO members (project_id, user_id, role, version, name_key, joined_at) \
     SELECT id, $1, 'OWNER', 1, '', created_at FROM projects",
];
const FILL_SQLITE: [&str; 2] = [
    "WITH numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < $1) \
     INSERT INTO projects (id, name, name_key, slug, visibility, member_count, version, search, \
     created_at, updated_at) SELECT CAST(printf('%016d', n) AS blob), \
     9999 - n, 9999 - n, n, 'PRIVATE', 1, 1, n, n * 1000, n * 1000 FROM numbers",
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
            let info = page.info(&paging, |view| Bookmark {
                key: match column {
                    Column::Name => SortKey::Text(view.project.name.sort_key()),
                    Column::CreatedAt => SortKey::Time(view.project.created_at),
                    Column::UpdatedAt => SortKey::Time(view.project.updated_at),
                },
                id: view.project.id,
            });
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
