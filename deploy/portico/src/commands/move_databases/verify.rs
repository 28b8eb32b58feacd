//! Compares a table on both sides, row by row in the order of its key. A row is
//! compared as SQLite keeps it, into which PostgreSQL converts its own: so it is
//! found, too, if the conversion on the way there was wrong.

use anyhow::anyhow;
use futures::TryStreamExt as _;
use sha2::{Digest as _, Sha256};

use super::{
    row::{self, hex, keep_postgres, keep_sqlite},
    source::Source,
    table::Table,
    target::Target,
};

/// What a table has on one side.
#[derive(Default)]
struct Side {
    rows: u64,
    checksum: Sha256,
}

/// What a table has on both sides.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) rows: u64,
    /// SHA-256 of all rows in their order, in hexadecimal digits.
    pub(super) checksum: String,
}

impl Side {
    fn add(&mut self, kept: &[u8]) {
        self.rows += 1;
        self.checksum.update(kept);
    }

    fn contents(self) -> Contents {
        Contents {
            rows: self.rows,
            checksum: hex(&self.checksum.finalize()),
        }
    }
}

/// What both sides of a table have.
///
/// # Errors
///
/// The first row that is not the same, or a failure of a database.
pub(super) async fn compare(
    table: &Table,
    source: &mut Source,
    target: &mut Target,
) -> anyhow::Result<Contents> {
    let mut ours = source.rows(table, Vec::new());
    let mut theirs = target.rows(table);
    let (mut our_side, mut their_side) = (Side::default(), Side::default());
    let (mut our_row, mut their_row) = (Vec::new(), Vec::new());
    loop {
        our_row.clear();
        their_row.clear();
        let (ours, theirs) = (ours.try_next().await?, theirs.try_next().await?);
        if let Some(row) = &ours {
            keep_sqlite(table, row, &mut our_row)?;
            our_side.add(&our_row);
        }
        if let Some(row) = &theirs {
            keep_postgres(row, &mut their_row)?;
            their_side.add(&their_row);
        }
        match (ours, theirs) {
            (Some(_), Some(_)) if our_row == their_row => {}
            (Some(_), Some(_)) => {
                return Err(differs(table, &difference(table, &our_row, &their_row)));
            }
            (Some(_), None) => {
                let key = row::key_text(table, &our_row);
                let what = format!("the row with {key} is missing on PostgreSQL");
                return Err(differs(table, &what));
            }
            (None, Some(_)) => {
                let key = row::key_text(table, &their_row);
                let what = format!("the row with {key} is only on PostgreSQL");
                return Err(differs(table, &what));
            }
            (None, None) => break,
        }
    }
    let (ours, theirs) = (our_side.contents(), their_side.contents());
    if ours != theirs {
        let what = format!("{ours:?} on SQLite, {theirs:?} on PostgreSQL");
        return Err(differs(table, &what));
    }
    Ok(ours)
}

/// What was moved before may be of a file that was used since.
fn differs(table: &Table, what: &str) -> anyhow::Error {
    let name = &table.name;
    anyhow!("{name} differs: {what}. Empty the database before you repeat the move")
}

fn difference(table: &Table, ours: &[u8], theirs: &[u8]) -> String {
    let (our_key, their_key) = (row::key_text(table, ours), row::key_text(table, theirs));
    if our_key != their_key {
        return format!(
            "the row with {our_key} on SQLite stands against that with \
             {their_key} on PostgreSQL"
        );
    }
    let values = row::values(ours).zip(row::values(theirs));
    let columns = table.columns.iter().zip(values);
    let different = columns.filter(|(_, (ours, theirs))| ours != theirs);
    let different: Vec<&str> = different.map(|(column, _)| &*column.name).collect();
    let different = different.join(", ");
    format!("the row with {our_key} has another {different} on PostgreSQL")
}
