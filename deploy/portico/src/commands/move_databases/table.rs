//! What there is to move: the tables of a service, as both databases have them.
//! The catalogues say it, so that a later migration needs nothing here, and a
//! table or column without its counterpart is found rather than left behind.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Context as _, bail};

/// Columns that only PostgreSQL has, by table, and fills by itself:
/// `revocations.xid` is the transaction that wrote the row, which SQLite, where
/// transactions follow each other, does not need.
const ONLY_ON_POSTGRES: [(&str, &str); 1] = [("revocations", "xid")];

/// A table, in the order in which its rows are moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Table {
    pub(super) name: String,
    pub(super) columns: Vec<Column>,
    /// The places of the columns that its rows are ordered by, of which no two
    /// rows have the same.
    pub(super) key: Vec<usize>,
    /// The column that is numbered by the database.
    pub(super) numbered: Option<String>,
}

/// A column, by how each database keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Column {
    pub(super) name: String,
    pub(super) kind: Kind,
}

/// A type of PostgreSQL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// `uuid`; 16 bytes on SQLite.
    Uuid,
    /// `bytea`.
    Bytes,
    /// `text`.
    Text,
    /// `timestamptz`; milliseconds since the epoch on SQLite.
    Moment,
    /// `boolean`; 0 or 1 on SQLite.
    Flag,
    /// `integer`.
    Integer,
    /// `bigint`.
    Long,
}

impl Kind {
    fn of(name: &str) -> Option<Self> {
        Some(match name {
            "uuid" => Self::Uuid,
            "bytea" => Self::Bytes,
            "text" => Self::Text,
            "timestamp with time zone" => Self::Moment,
            "boolean" => Self::Flag,
            "integer" => Self::Integer,
            "bigint" => Self::Long,
            _ => return None,
        })
    }

    /// The type on SQLite, which checks it: all tables are STRICT.
    fn on_sqlite(self) -> &'static str {
        match self {
            Self::Uuid | Self::Bytes => "BLOB",
            Self::Text => "TEXT",
            Self::Moment | Self::Flag | Self::Integer | Self::Long => "INTEGER",
        }
    }
}

impl Column {
    /// Reads the column on PostgreSQL in the form that SQLite keeps.
    pub(super) fn read_back(&self) -> String {
        let name = quoted(&self.name);
        match self.kind {
            Kind::Bytes | Kind::Text | Kind::Long => name,
            Kind::Uuid => format!("uuid_send({name})"),
            Kind::Moment => format!("(extract(epoch FROM {name}) * 1000)::bigint"),
            Kind::Flag => format!("{name}::integer::bigint"),
            Kind::Integer => format!("{name}::bigint"),
        }
    }
}

impl Table {
    /// Its name in a statement.
    pub(super) fn quoted(&self) -> String {
        quoted(&self.name)
    }

    /// The columns of its key.
    pub(super) fn key_columns(&self) -> impl Iterator<Item = &Column> {
        self.key.iter().filter_map(|place| self.columns.get(*place))
    }

    /// The order of its rows on PostgreSQL: by bytes, as on SQLite, whatever
    /// the language of the database is.
    pub(super) fn order_on_postgres(&self, direction: &str) -> String {
        let order = self.key_columns().map(|column| {
            let collation = match column.kind {
                Kind::Text => " COLLATE \"C\"",
                _ => "",
            };
            format!("{}{collation} {direction}", quoted(&column.name))
        });
        order.collect::<Vec<_>>().join(", ")
    }
}

/// A name in a statement of either database.
pub(super) fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// The names of columns in a statement.
pub(super) fn list<'a>(columns: impl Iterator<Item = &'a Column>) -> String {
    let names: Vec<String> = columns.map(|column| quoted(&column.name)).collect();
    names.join(", ")
}

/// The tables of a file of SQLite: the types of their columns, by their names.
pub(super) type SqliteTables = BTreeMap<String, BTreeMap<String, String>>;

/// A column as the catalogue of PostgreSQL tells of it.
#[derive(Debug, Clone, sqlx::FromRow)]
pub(super) struct PostgresColumn {
    pub(super) table: String,
    pub(super) name: String,
    pub(super) kind: String,
    pub(super) is_numbered: bool,
    /// Its place in the primary key.
    pub(super) place_in_key: Option<i32>,
}

/// The tables that both databases have, each after those that it refers to.
///
/// # Errors
///
/// What only one of them has, and what cannot be moved.
pub(super) fn matched(
    sqlite: &SqliteTables,
    postgres: &[PostgresColumn],
    references: &[(String, String)],
) -> anyhow::Result<Vec<Table>> {
    let names: BTreeSet<&String> = postgres.iter().map(|column| &column.table).collect();
    if let Some(name) = sqlite.keys().find(|name| !names.contains(name)) {
        bail!("the table {name} is only on SQLite");
    }
    let mut tables = Vec::new();
    for name in names {
        let theirs = sqlite
            .get(name)
            .with_context(|| format!("the table {name} is only on PostgreSQL"))?;
        let columns = postgres.iter().filter(|column| column.table == *name);
        tables.push(matched_table(name, theirs, columns.collect())?);
    }
    in_order(tables, references)
}

fn matched_table(
    table: &str,
    sqlite: &BTreeMap<String, String>,
    postgres: Vec<&PostgresColumn>,
) -> anyhow::Result<Table> {
    let is_known = |name: &String| postgres.iter().any(|column| column.name == *name);
    if let Some(name) = sqlite.keys().find(|name| !is_known(name)) {
        bail!("the column {table}.{name} is only on SQLite");
    }
    let (mut columns, mut key, mut numbered) = (Vec::new(), Vec::new(), None);
    for column in postgres {
        let name = &column.name;
        if ONLY_ON_POSTGRES.contains(&(table, name)) {
            continue;
        }
        let theirs = sqlite
            .get(name)
            .with_context(|| format!("the column {table}.{name} is only on PostgreSQL"))?;
        let kind = Kind::of(&column.kind)
            .filter(|kind| kind.on_sqlite() == theirs.to_uppercase())
            .with_context(|| {
                format!(
                    "the column {table}.{name} is {theirs} on SQLite and {} on PostgreSQL",
                    column.kind
                )
            })?;
        if column.is_numbered {
            numbered = Some(name.clone());
        }
        if let Some(place) = column.place_in_key {
            key.push((place, columns.len()));
        }
        columns.push(Column {
            name: name.clone(),
            kind,
        });
    }
    key.sort_unstable();
    let mut key: Vec<usize> = key.into_iter().map(|(_, place)| place).collect();
    if key.is_empty() {
        // A table of one row.
        key = (0..columns.len()).collect();
    }
    Ok(Table {
        name: table.to_owned(),
        columns,
        key,
        numbered,
    })
}

/// The tables, each after those that it refers to.
fn in_order(mut tables: Vec<Table>, references: &[(String, String)]) -> anyhow::Result<Vec<Table>> {
    let mut ordered: Vec<Table> = Vec::new();
    while !tables.is_empty() {
        let waits = |table: &Table| {
            references.iter().any(|(from, to)| {
                *from == table.name && from != to && tables.iter().any(|other| other.name == *to)
            })
        };
        let next = tables.iter().position(|table| !waits(table));
        let next = next.context("tables refer to each other in a circle")?;
        ordered.push(tables.remove(next));
    }
    Ok(ordered)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sqlite(table: &str, columns: &[(&str, &str)]) -> SqliteTables {
        let columns = columns.iter();
        let columns = columns.map(|(name, kind)| ((*name).to_owned(), (*kind).to_owned()));
        [(table.to_owned(), columns.collect())].into()
    }

    fn postgres(table: &str, name: &str, kind: &str, place_in_key: Option<i32>) -> PostgresColumn {
        PostgresColumn {
            table: table.to_owned(),
            name: name.to_owned(),
            kind: kind.to_owned(),
            is_numbered: false,
            place_in_key,
        }
    }

    #[test]
    fn what_only_one_database_has_is_found() {
        let ours = [postgres("things", "id", "uuid", Some(1))];
        for (theirs, expected) in [
            (
                SqliteTables::new(),
                "the table things is only on PostgreSQL",
            ),
            (
                sqlite("others", &[("id", "BLOB")]),
                "the table others is only on SQLite",
            ),
            (
                sqlite("things", &[("id", "BLOB"), ("name", "TEXT")]),
                "the column things.name is only on SQLite",
            ),
            (
                sqlite("things", &[("name", "TEXT")]),
                "the column things.name is only on SQLite",
            ),
            (
                sqlite("things", &[("id", "TEXT")]),
                "the column things.id is TEXT on SQLite and uuid on PostgreSQL",
            ),
        ] {
            let error = matched(&theirs, &ours, &[]).expect_err(expected);
            assert_eq!(error.to_string(), expected);
        }
        let more = [ours[0].clone(), postgres("things", "extra", "jsonb", None)];
        let error = matched(&sqlite("things", &[("id", "BLOB")]), &more, &[]);
        assert_eq!(
            error.expect_err("refused").to_string(),
            "the column things.extra is only on PostgreSQL"
        );
        let theirs = sqlite("things", &[("id", "blob"), ("extra", "TEXT")]);
        let error = matched(&theirs, &more, &[]).expect_err("refused");
        assert_eq!(
            error.to_string(),
            "the column things.extra is TEXT on SQLite and jsonb on PostgreSQL"
        );
    }

    #[test]
    fn the_key_is_in_its_own_order_and_a_table_comes_after_those_it_refers_to() {
        let mut theirs = sqlite("members", &[("user", "BLOB"), ("project", "BLOB")]);
        theirs.extend(sqlite("projects", &[("seq", "INTEGER")]));
        let ours = [
            postgres("members", "user", "uuid", Some(1)),
            postgres("members", "project", "uuid", Some(0)),
            postgres("projects", "seq", "bigint", None),
        ];
        let refers = |from: &str, to: &str| (from.to_owned(), to.to_owned());
        let references = [
            refers("members", "projects"),
            refers("projects", "projects"),
        ];
        let tables = matched(&theirs, &ours, &references).expect("they match");
        assert_eq!(tables[0].name, "projects");
        assert_eq!(tables[0].key, [0]);
        assert_eq!(tables[1].key, [1, 0]);
        let circle = [references[0].clone(), refers("projects", "members")];
        assert!(matched(&theirs, &ours, &circle).is_err());
    }
}
