//! What failures of a database mean to callers: whether it is worth another try.

use crate::status::Error;

/// The unique constraint that a statement broke: the constraint's name on
/// PostgreSQL, `table.column` on SQLite, which names no constraint.
#[must_use]
pub fn unique_violation(error: &sqlx::Error) -> Option<&str> {
    let database = error.as_database_error()?;
    if !database.is_unique_violation() {
        return None;
    }
    database.constraint().or_else(|| {
        database
            .message()
            .strip_prefix("UNIQUE constraint failed: ")
    })
}

/// Whether SQLite says that another process uses the file (`SQLITE_BUSY`).
pub(super) fn is_busy(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| code == "5")
}

impl From<sqlx::Error> for Error {
    fn from(error: sqlx::Error) -> Self {
        let is_passing = match &error {
            // What is no PostgreSQL is mostly something before it, or its end.
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolTimedOut
            | sqlx::Error::PoolClosed => true,
            // 08…: the connection; 25006: no longer the primary; 25P03: stood
            // still in a transaction; 40001 and 40P01: serialisation failure,
            // deadlock; 53…: out of resources; 57…: cancelled, shutting down;
            // 5 and 517: SQLITE_BUSY.
            sqlx::Error::Database(database) => database.code().is_some_and(|code| {
                matches!(&*code, "25006" | "25P03" | "40001" | "40P01" | "5" | "517")
                    || ["08", "53", "57"]
                        .iter()
                        .any(|class| code.starts_with(class))
            }),
            _ => false,
        };
        if is_passing {
            Self::unavailable(error)
        } else {
            Self::internal(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io::{Error as IoError, ErrorKind};

    use super::*;
    use crate::status::Kind;

    #[test]
    fn a_database_out_of_reach_is_unavailable_and_a_wrong_statement_a_fault() {
        let passing = [
            sqlx::Error::Io(IoError::from(ErrorKind::ConnectionReset)),
            sqlx::Error::Protocol("unexpected response from SSLRequest".to_owned()),
            sqlx::Error::PoolTimedOut,
            sqlx::Error::PoolClosed,
        ];
        for error in passing {
            assert_eq!(Error::from(error).kind, Kind::Unavailable);
        }
        let wrong = sqlx::Error::ColumnNotFound("name".to_owned());
        assert_eq!(Error::from(wrong).kind, Kind::Internal);
    }
}
