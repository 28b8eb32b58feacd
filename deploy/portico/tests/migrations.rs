//! Migrations expand: while an upgrade goes on, and after it was taken back, an
//! older program serves from the newer schema. What takes something away, or asks
//! for more than an older program writes, must be in a migration of its own that
//! says so by its name, `NNNN_contract_after_MMMM_what.sql`: since migration MMMM no
//! program needs it.

use std::{collections::BTreeMap, fs, path::PathBuf};

/// What each service's first release had: before, nobody had to be careful.
const FIRST_RELEASE: [(&str, u32); 4] = [
    ("users", 7),
    ("auth", 9),
    ("projects", 6),
    ("notifications", 2),
];

const ENGINES: [&str; 2] = ["postgres", "sqlite"];

/// The migrations of a service on an engine: name and statements by number.
fn migrations(service: &str, engine: &str) -> BTreeMap<u32, (String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("../../services")
        .join(service)
        .join("migrations")
        .join(engine);
    let files = fs::read_dir(&folder).expect("a folder");
    let files = files.map(|file| file.expect("a file").path());
    let named = files.map(|path| {
        let name = path.file_name().and_then(|name| name.to_str());
        let name = name.and_then(|name| name.strip_suffix(".sql"));
        let name = name.unwrap_or_else(|| panic!("{} is no migration", path.display()));
        let (number, what) = name.split_once('_').expect("a number and a name");
        let text = fs::read_to_string(&path).expect("text");
        (number.parse().expect("a number"), (what.to_owned(), text))
    });
    named.collect()
}

#[test]
fn migrations_are_the_same_on_both_engines() {
    for (service, _) in FIRST_RELEASE {
        let [postgres, sqlite] = ENGINES.map(|engine| {
            let named = migrations(service, engine).into_iter();
            let named: Vec<_> = named.map(|(number, (name, _))| (number, name)).collect();
            named
        });
        assert_eq!(postgres, sqlite, "{service}");
    }
}

#[test]
fn migrations_expand_or_say_that_they_contract() {
    for (service, first_release) in FIRST_RELEASE {
        for engine in ENGINES {
            let all = migrations(service, engine);
            for (number, (name, text)) in &all {
                let place = format!("{service}/{engine}/{number:04}_{name}");
                let after = needed_after(name);
                if let Some(after) = after {
                    let is_before = after < *number && all.contains_key(&after);
                    assert!(is_before, "{place}: there is no such migration before");
                }
                if *number > first_release && after.is_none() {
                    let found = contracting(text);
                    assert!(
                        found.is_empty(),
                        "{place} would break the version before: {found:#?}"
                    );
                }
            }
        }
    }
}

/// The migration that a name says one must know: `contract_after_0013_names`.
fn needed_after(name: &str) -> Option<u32> {
    let after = name.strip_prefix("contract_")?;
    let number = after.strip_prefix("after_").and_then(|rest| {
        let (number, what) = rest.split_once('_')?;
        number.parse().ok().filter(|_| !what.is_empty())
    });
    Some(number.unwrap_or_else(|| panic!("{name}: contract_after_MMMM_what is expected")))
}

/// The statements that an older program may miss something after, or whose
/// demands it may not meet.
fn contracting(text: &str) -> Vec<String> {
    let statements = statements(text);
    let made: Vec<&str> = statements
        .iter()
        .filter_map(|statement| after(statement, "CREATE TABLE "))
        .collect();
    let is_contracting = |statement: &&String| {
        let has = |words: &str| format!(" {statement} ").contains(words);
        let altered = after(statement, "ALTER TABLE ");
        let indexed = has(" UNIQUE INDEX ")
            .then(|| after(statement, " ON "))
            .flatten();
        let is_old = altered
            .or(indexed)
            .is_some_and(|table| !made.contains(&table));
        let takes_away = [
            "DROP TABLE",
            "DROP COLUMN",
            "DROP DEFAULT",
            "DROP VIEW",
            "DROP TYPE",
            "DROP FUNCTION",
            "DROP SCHEMA",
            "TRUNCATE",
        ];
        let demands = [
            "SET NOT NULL",
            "ADD CONSTRAINT",
            "ADD CHECK",
            "ADD UNIQUE",
            "ADD PRIMARY KEY",
            "ADD FOREIGN KEY",
        ];
        let asks_for_more = has(" ADD COLUMN ") && has(" NOT NULL ") && !has(" DEFAULT ");
        takes_away.iter().any(|words| has(&format!(" {words} ")))
            || altered.is_some() && (has(" RENAME ") || has(" TYPE "))
            || is_old
                && (asks_for_more
                    || indexed.is_some()
                    || demands.iter().any(|words| has(&format!(" {words} "))))
    };
    statements.iter().filter(is_contracting).cloned().collect()
}

/// The word after some others.
fn after<'t>(statement: &'t str, words: &str) -> Option<&'t str> {
    let (_, rest) = statement.split_once(words)?;
    let word = rest.split([' ', '(']).find(|word| !is_filler(word))?;
    Some(word)
}

fn is_filler(word: &str) -> bool {
    matches!(word, "" | "IF" | "NOT" | "EXISTS" | "ONLY")
}

/// Each statement in capitals, its words apart by one space, without comments and
/// texts.
fn statements(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| match line.split_once("--") {
        Some((code, _comment)) => code,
        None => line,
    });
    let code = lines.collect::<Vec<_>>().join(" ");
    // Every other part is between quotes.
    let parts = code.split('\'').step_by(2);
    let code = parts.collect::<Vec<_>>().join("''").to_uppercase();
    let code = code
        .replace('(', " ( ")
        .replace(')', " ) ")
        .replace(',', " , ");
    let words = |statement: &str| statement.split_whitespace().collect::<Vec<_>>().join(" ");
    let statements = code.split(';').map(words);
    statements
        .filter(|statement| !statement.is_empty())
        .collect()
}

#[test]
fn what_takes_something_away_is_found() {
    for statement in [
        "drop table people;",
        "ALTER TABLE people\n    DROP COLUMN name;",
        "ALTER TABLE people RENAME COLUMN name TO full_name;",
        "ALTER TABLE people RENAME TO users;",
        "ALTER TABLE people ALTER COLUMN age TYPE bigint;",
        "ALTER TABLE people ALTER COLUMN name SET NOT NULL;",
        "ALTER TABLE people ADD COLUMN age integer NOT NULL;",
        "ALTER TABLE people ADD CONSTRAINT adults CHECK (age > 17);",
        "ALTER TABLE people ALTER age DROP DEFAULT;",
        "CREATE UNIQUE INDEX people_name ON people (name);",
    ] {
        assert_eq!(contracting(statement).len(), 1, "{statement}");
    }
}

#[test]
fn what_only_adds_is_let_through() {
    for statement in [
        "ALTER TABLE people ADD COLUMN age integer;",
        "ALTER TABLE people ADD COLUMN age integer NOT NULL DEFAULT 0;",
        "ALTER TABLE people ADD COLUMN kind text DEFAULT 'drop table' CHECK (kind <> '');",
        "-- Those that the DROP TABLE left; see people.\nCREATE INDEX people_age ON people (age);",
        "DROP INDEX people_age;",
        "ALTER TABLE people DROP CONSTRAINT adults;",
        "ALTER TABLE people ALTER COLUMN name DROP NOT NULL;",
        "CREATE TABLE pets (name text NOT NULL, owner uuid NOT NULL);\
         CREATE UNIQUE INDEX pets_name ON pets (name) WHERE owner IS NOT NULL;",
        "UPDATE people SET name = 'none' WHERE name IS NOT NULL;",
    ] {
        assert_eq!(contracting(statement), [""; 0], "{statement}");
    }
}

#[test]
fn a_name_tells_what_is_needed() {
    assert_eq!(needed_after("contract_after_0013_old_names"), Some(13));
    assert_eq!(needed_after("contracts_of_people"), None);
}
