//! A row in two forms, each a length and the bytes of every column: as `COPY`
//! takes it, and as SQLite keeps it, which is what both sides are compared in.

use anyhow::{Context as _, bail};
use sqlx::{
    Decode, Row as _, Sqlite, ValueRef as _,
    postgres::PgRow,
    sqlite::{SqliteRow, SqliteValueRef},
};
use uuid::Uuid;

use super::table::{Column, Kind, Table};

/// 2000-01-01T00:00:00Z, from which PostgreSQL counts microseconds, in
/// milliseconds since 1970.
const POSTGRES_EPOCH: i64 = 946_684_800_000;

/// The length of what is null.
const NULL: i32 = -1;

/// What a COPY in the binary format begins with: a signature, no flags, and no
/// extension of the header.
pub(super) const COPY_HEADER: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";

/// And what it ends with.
pub(super) const COPY_TRAILER: &[u8] = &(-1_i16).to_be_bytes();

/// Adds a row to a COPY.
///
/// # Errors
///
/// If PostgreSQL cannot keep a value.
pub(super) fn copy(table: &Table, row: &SqliteRow, bytes: &mut Vec<u8>) -> anyhow::Result<()> {
    let count = i16::try_from(table.columns.len())?;
    bytes.extend_from_slice(&count.to_be_bytes());
    for (place, column) in table.columns.iter().enumerate() {
        copy_value(column, row.try_get_raw(place)?, bytes).with_context(|| {
            let mut kept = Vec::new();
            let key = match keep_sqlite(table, row, &mut kept) {
                Ok(()) => key_text(table, &kept),
                Err(error) => error.to_string(),
            };
            let (table, name) = (&table.name, &column.name);
            format!("{table}.{name} of the row with {key} cannot be moved")
        })?;
    }
    Ok(())
}

fn copy_value(
    column: &Column,
    value: SqliteValueRef<'_>,
    bytes: &mut Vec<u8>,
) -> anyhow::Result<()> {
    if value.is_null() {
        bytes.extend_from_slice(&NULL.to_be_bytes());
        return Ok(());
    }
    match column.kind {
        Kind::Uuid => {
            let id = Uuid::from_slice(blob(value)?).context("it is no UUID")?;
            put(bytes, id.as_bytes())
        }
        Kind::Bytes => put(bytes, blob(value)?),
        Kind::Text => {
            let text = std::str::from_utf8(blob(value)?).context("it is no UTF-8")?;
            if text.contains('\0') {
                bail!("it has the character U+0000, which PostgreSQL does not take");
            }
            put(bytes, text.as_bytes())
        }
        Kind::Moment => {
            let micros = integer(value)?
                .checked_sub(POSTGRES_EPOCH)
                .and_then(|millis| millis.checked_mul(1000))
                .context("it is out of range")?;
            put(bytes, &micros.to_be_bytes())
        }
        Kind::Flag => match integer(value)? {
            flag @ (0 | 1) => put(bytes, &[u8::from(flag == 1)]),
            other => bail!("it is {other}, neither 0 nor 1"),
        },
        Kind::Integer => {
            let number = i32::try_from(integer(value)?).context("it is out of range")?;
            put(bytes, &number.to_be_bytes())
        }
        Kind::Long => put(bytes, &integer(value)?.to_be_bytes()),
    }
}

/// Adds a row of SQLite in the form of SQLite.
pub(super) fn keep_sqlite(
    table: &Table,
    row: &SqliteRow,
    bytes: &mut Vec<u8>,
) -> anyhow::Result<()> {
    for (place, column) in table.columns.iter().enumerate() {
        let value = row.try_get_raw(place)?;
        match column.kind {
            _ if value.is_null() => bytes.extend_from_slice(&NULL.to_be_bytes()),
            Kind::Uuid | Kind::Bytes | Kind::Text => put(bytes, blob(value)?)?,
            Kind::Moment | Kind::Flag | Kind::Integer | Kind::Long => {
                put(bytes, &integer(value)?.to_be_bytes())?;
            }
        }
    }
    Ok(())
}

/// Adds a row of PostgreSQL that was read by [`Column::read_back`]: what comes
/// are the very bytes.
pub(super) fn keep_postgres(row: &PgRow, bytes: &mut Vec<u8>) -> anyhow::Result<()> {
    for place in 0..row.len() {
        let value = row.try_get_raw(place)?;
        if value.is_null() {
            bytes.extend_from_slice(&NULL.to_be_bytes());
        } else {
            let value = value.as_bytes().map_err(anyhow::Error::from_boxed)?;
            put(bytes, value)?;
        }
    }
    Ok(())
}

fn put(bytes: &mut Vec<u8>, value: &[u8]) -> anyhow::Result<()> {
    let length = i32::try_from(value.len()).context("it is too long")?;
    bytes.extend_from_slice(&length.to_be_bytes());
    bytes.extend_from_slice(value);
    Ok(())
}

/// The bytes of a blob or a text.
fn blob(value: SqliteValueRef<'_>) -> anyhow::Result<&[u8]> {
    <&[u8] as Decode<Sqlite>>::decode(value).map_err(anyhow::Error::from_boxed)
}

fn integer(value: SqliteValueRef<'_>) -> anyhow::Result<i64> {
    <i64 as Decode<Sqlite>>::decode(value).map_err(anyhow::Error::from_boxed)
}

/// The columns of a row that is in the form of SQLite; nothing where it is null.
pub(super) fn values(mut kept: &[u8]) -> impl Iterator<Item = Option<&[u8]>> {
    std::iter::from_fn(move || {
        let (length, rest) = kept.split_first_chunk()?;
        let length = usize::try_from(i32::from_be_bytes(*length));
        let (value, rest) = match length {
            Ok(length) => (Some(rest.get(..length)?), rest.get(length..)?),
            Err(_) => (None, rest),
        };
        kept = rest;
        Some(value)
    })
}

/// The key of a row that is in the form of SQLite, for people to read.
pub(super) fn key_text(table: &Table, kept: &[u8]) -> String {
    let values: Vec<_> = values(kept).collect();
    let parts = table.key.iter().zip(table.key_columns());
    let parts = parts.map(|(place, column)| {
        let value = values.get(*place).copied().flatten();
        let value = value.map_or("null".to_owned(), |value| text(column.kind, value));
        format!("{} {value}", column.name)
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn text(kind: Kind, value: &[u8]) -> String {
    match kind {
        Kind::Text => String::from_utf8_lossy(value).into_owned(),
        Kind::Uuid if value.len() == 16 => Uuid::from_slice(value).unwrap_or_default().to_string(),
        Kind::Uuid | Kind::Bytes => hex(value),
        Kind::Moment | Kind::Flag | Kind::Integer | Kind::Long => value.try_into().map_or_else(
            |_| hex(value),
            |bytes| i64::from_be_bytes(bytes).to_string(),
        ),
    }
}

/// Bytes for people to read.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
