//! Time and ids. Code takes a [`Clock`] instead of asking the system, so that
//! tests decide what time it is.

use std::{
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use serde::{Deserialize, Serialize};
use sqlx::{Postgres, Sqlite, encode::IsNull, error::BoxDynError};
use time::OffsetDateTime;
use uuid::Uuid;

/// A moment, in milliseconds since 1970-01-01T00:00:00Z: the precision of the
/// contract. Stored as `timestamptz` on PostgreSQL and as an integer on SQLite.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The moment so many milliseconds after the epoch.
    #[must_use]
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// The moment so many seconds after the epoch, as JWTs count (RFC 7519,
    /// section 2, NumericDate).
    #[must_use]
    pub const fn from_seconds(seconds: i64) -> Self {
        Self(seconds.saturating_mul(1000))
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub const fn millis(self) -> i64 {
        self.0
    }

    /// Whole seconds since the epoch, rounded down.
    #[must_use]
    pub const fn seconds(self) -> i64 {
        self.0.div_euclid(1000)
    }

    /// How long after `earlier` this is; zero if it is before.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }
}

impl std::ops::Add<Duration> for Timestamp {
    type Output = Self;

    fn add(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

impl std::ops::Sub<Duration> for Timestamp {
    type Output = Self;

    fn sub(self, duration: Duration) -> Self {
        let millis = i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_sub(millis))
    }
}

impl From<Timestamp> for prost_types::Timestamp {
    fn from(timestamp: Timestamp) -> Self {
        Self {
            seconds: timestamp.seconds(),
            nanos: i32::try_from(timestamp.0.rem_euclid(1000)).unwrap_or(0) * 1_000_000,
        }
    }
}

impl From<prost_types::Timestamp> for Timestamp {
    fn from(timestamp: prost_types::Timestamp) -> Self {
        Self(
            timestamp
                .seconds
                .saturating_mul(1000)
                .saturating_add(i64::from(timestamp.nanos / 1_000_000)),
        )
    }
}

impl sqlx::Type<Postgres> for Timestamp {
    fn type_info() -> sqlx::postgres::PgTypeInfo {
        <OffsetDateTime as sqlx::Type<Postgres>>::type_info()
    }
}

impl sqlx::Encode<'_, Postgres> for Timestamp {
    fn encode_by_ref(
        &self,
        buffer: &mut sqlx::postgres::PgArgumentBuffer,
    ) -> Result<IsNull, BoxDynError> {
        let moment = OffsetDateTime::from_unix_timestamp_nanos(i128::from(self.0) * 1_000_000)?;
        <OffsetDateTime as sqlx::Encode<'_, Postgres>>::encode_by_ref(&moment, buffer)
    }
}

impl sqlx::Decode<'_, Postgres> for Timestamp {
    fn decode(value: sqlx::postgres::PgValueRef<'_>) -> Result<Self, BoxDynError> {
        let moment = <OffsetDateTime as sqlx::Decode<'_, Postgres>>::decode(value)?;
        Ok(Self(i64::try_from(
            moment.unix_timestamp_nanos().div_euclid(1_000_000),
        )?))
    }
}

impl sqlx::Type<Sqlite> for Timestamp {
    fn type_info() -> sqlx::sqlite::SqliteTypeInfo {
        <i64 as sqlx::Type<Sqlite>>::type_info()
    }

    fn compatible(info: &sqlx::sqlite::SqliteTypeInfo) -> bool {
        <i64 as sqlx::Type<Sqlite>>::compatible(info)
    }
}

impl sqlx::Encode<'_, Sqlite> for Timestamp {
    fn encode_by_ref(
        &self,
        buffer: &mut sqlx::sqlite::SqliteArgumentsBuffer,
    ) -> Result<IsNull, BoxDynError> {
        <i64 as sqlx::Encode<'_, Sqlite>>::encode_by_ref(&self.0, buffer)
    }
}

impl sqlx::Decode<'_, Sqlite> for Timestamp {
    fn decode(value: sqlx::sqlite::SqliteValueRef<'_>) -> Result<Self, BoxDynError> {
        <i64 as sqlx::Decode<'_, Sqlite>>::decode(value).map(Self)
    }
}

/// Tells the time.
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Manual(Arc<AtomicI64>),
}

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that stands still until [`Clock::advance`] moves it.
    #[must_use]
    pub fn manual(start: Timestamp) -> Self {
        Self(Source::Manual(Arc::new(AtomicI64::new(start.0))))
    }

    /// The current time.
    #[must_use]
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that asks the system for the time"
    )]
    pub fn now(&self) -> Timestamp {
        match &self.0 {
            Source::System => Timestamp(
                std::time::SystemTime::now()
                    .duration_since(std::time::UNIX_EPOCH)
                    .ok()
                    .and_then(|age| i64::try_from(age.as_millis()).ok())
                    .unwrap_or(0),
            ),
            Source::Manual(now) => Timestamp(now.load(Ordering::SeqCst)),
        }
    }

    /// Moves a manual clock forward; the system's clock moves by itself.
    pub fn advance(&self, by: Duration) {
        if let Source::Manual(now) = &self.0 {
            let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
            now.fetch_add(millis, Ordering::SeqCst);
        }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Clock({:?})", self.now())
    }
}

/// A new id that sorts by its time of making (RFC 9562, UUIDv7).
#[must_use]
pub fn new_id(now: Timestamp) -> Uuid {
    let mut random = [0; 10];
    fill_random(&mut random);
    let millis = u64::try_from(now.0).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid()
}

/// Fills a buffer from the operating system's randomness.
///
/// # Panics
///
/// If the operating system has no randomness to give: nothing that Portico
/// does is safe then.
#[expect(clippy::expect_used, reason = "see the section on panics")]
pub fn fill_random(buffer: &mut [u8]) {
    getrandom::fill(buffer).expect("the operating system provides randomness");
}

/// An id given by a client; `None` if it has not the form of one, so that it
/// can be answered like any other id that does not exist.
#[must_use]
pub fn parse_id(text: &str) -> Option<Uuid> {
    (text.len() == 36).then(|| Uuid::try_parse(text).ok())?
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_their_time_of_making() {
        let earlier = new_id(Timestamp::from_millis(1_000));
        let later = new_id(Timestamp::from_millis(1_001));
        assert!(earlier < later);
        assert_eq!(earlier.get_version_num(), 7);
    }

    #[test]
    fn only_the_canonical_form_is_an_id() {
        let id = new_id(Timestamp::from_millis(1));
        assert_eq!(parse_id(&id.to_string()), Some(id));
        assert_eq!(parse_id(&id.simple().to_string()), None);
        assert_eq!(parse_id(&format!("{{{id}}}")), None);
        assert_eq!(parse_id("me"), None);
    }

    #[test]
    fn timestamps_before_the_epoch_keep_positive_nanos() {
        let wire = prost_types::Timestamp::from(Timestamp::from_millis(-1));
        assert_eq!((wire.seconds, wire.nanos), (-1, 999_000_000));
        assert_eq!(Timestamp::from(wire), Timestamp::from_millis(-1));
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = Clock::manual(Timestamp::from_millis(5));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_secs(1));
        assert_eq!(clock.now(), Timestamp::from_millis(1005));
    }
}
