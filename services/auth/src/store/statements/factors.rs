//! The statements about factors, for each database.

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    page::{Page, Paging, Sort, Total, bind_bookmark},
    status::Error,
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    challenge::{Challenge, ChallengeHash},
    device::Device,
    factors::Factors,
    passkey::{Ceremony, Passkey, Use},
    store::{
        FactorQueries, Verified,
        changes::{Engine, FactorStatements, Known, Transaction},
        postgres::{PostgresStore, PostgresTransaction},
        sql::{
            CONFIRM,
            factors::{self as sql, CeremonyRow, ChallengeRow, FactorsRow, PasskeyRow},
        },
        sqlite::{SqliteStore, SqliteTransaction},
    },
};

macro_rules! factor_queries {
    ($store:ty) => {
        #[async_trait]
        impl FactorQueries for $store {
            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn factors(&self, user_id: Uuid) -> Result<Factors, Error> {
                let row: Option<FactorsRow> = sqlx::query_as(sql::FACTORS)
                    .bind(user_id)
                    .fetch_optional(self.reader())
                    .await?;
                Ok(row.map(Factors::from).unwrap_or_default())
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn challenge(
                &self,
                hash: ChallengeHash,
                now: Timestamp,
            ) -> Result<Option<Challenge>, Error> {
                let row: Option<ChallengeRow> = sqlx::query_as(sql::CHALLENGE)
                    .bind(&hash.0[..])
                    .bind(now)
                    .fetch_optional(self.reader())
                    .await?;
                row.map(Challenge::try_from).transpose()
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn passkeys(&self, user_id: Uuid) -> Result<Vec<Passkey>, Error> {
                let rows: Vec<PasskeyRow> = sqlx::query_as(sql::PASSKEYS)
                    .bind(user_id)
                    .fetch_all(self.reader())
                    .await?;
                rows.into_iter().map(Passkey::try_from).collect()
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn count_passkeys(&self, user_id: Uuid) -> Result<usize, Error> {
                let count: i64 = sqlx::query_scalar(sql::COUNT_PASSKEYS)
                    .bind(user_id)
                    .fetch_one(self.reader())
                    .await?;
                Ok(usize::try_from(count).unwrap_or(0))
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn list_passkeys(
                &self,
                user_id: Uuid,
                paging: &Paging,
            ) -> Result<Page<Passkey>, Error> {
                let order = Sort {
                    column: (),
                    is_descending: true,
                };
                let order = order.sql("created_at", "id", paging, 2);
                let sql = AssertSqlSafe(sql::LIST_PASSKEYS.to_owned() + &order);
                let rows = sqlx::query_as::<_, PasskeyRow>(sql).bind(user_id);
                let rows = bind_bookmark!(rows, paging)
                    .fetch_all(self.reader())
                    .await?;
                let count: i64 = sqlx::query_scalar(sql::COUNT_PASSKEYS)
                    .bind(user_id)
                    .fetch_one(self.reader())
                    .await?;
                let passkeys = rows.into_iter().map(Passkey::try_from).collect::<Result<_, _>>()?;
                Ok(Page::of(passkeys, Total::counted(count, false), paging))
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn passkey(&self, credential_id: &[u8]) -> Result<Option<Passkey>, Error> {
                let row: Option<PasskeyRow> = sqlx::query_as(sql::PASSKEY)
                    .bind(credential_id)
                    .fetch_optional(self.reader())
                    .await?;
                row.map(Passkey::try_from).transpose()
            }
        }
    };
}
factor_queries!(PostgresStore);
factor_queries!(SqliteStore);

macro_rules! factor_statements {
    ($transaction:ty) => {
        #[async_trait]
        impl FactorStatements for $transaction {
            async fn lock_factors(&mut self, user_id: Uuid) -> Result<(), Error> {
                // Answers to challenges depend on the password, which not
                // everybody has.
                self.lock_password(user_id).await?;
                if let Some(lock) = Self::LOCK_FACTORS {
                    run!(self, lock, user_id);
                }
                Ok(())
            }

            async fn read_factors(&mut self, user_id: Uuid) -> Result<Factors, Error> {
                let row: Option<FactorsRow> = sqlx::query_as(sql::FACTORS)
                    .bind(user_id)
                    .fetch_optional(&mut self.0)
                    .await?;
                Ok(row.map(Factors::from).unwrap_or_default())
            }

            async fn keep_factors(
                &mut self,
                user_id: Uuid,
                factors: &Factors,
            ) -> Result<(), Error> {
                let totp = factors.totp.as_ref();
                run!(
                    self,
                    sql::KEEP_FACTORS,
                    user_id,
                    totp.map(|totp| &totp.sealed[..]),
                    totp.and_then(|totp| totp.confirmed_at),
                    factors.last_step,
                    factors.recovery_codes.to_bytes(),
                    i32::try_from(factors.failures).unwrap_or(i32::MAX),
                    factors.blocked_until
                );
                Ok(())
            }

            async fn delete_factors(&mut self, user_id: Uuid) -> Result<(), Error> {
                run!(self, sql::DELETE_FACTORS, user_id);
                Ok(())
            }

            async fn has_second_factor(&mut self, user_id: Uuid) -> Result<bool, Error> {
                Ok(sqlx::query_scalar(sql::HAS_SECOND_FACTOR)
                    .bind(user_id)
                    .fetch_one(&mut self.0)
                    .await?)
            }

            async fn insert_challenge(
                &mut self,
                challenge: &Challenge,
                password_hash: &str,
            ) -> Result<bool, Error> {
                let inserted = run!(
                    self,
                    sql::INSERT_CHALLENGE,
                    &challenge.hash.0[..],
                    challenge.user_id,
                    challenge.expires_at,
                    password_hash
                );
                Ok(inserted == 1)
            }

            async fn read_challenge(
                &mut self,
                hash: ChallengeHash,
                now: Timestamp,
            ) -> Result<Option<Challenge>, Error> {
                let row: Option<ChallengeRow> = sqlx::query_as(sql::CHALLENGE)
                    .bind(&hash.0[..])
                    .bind(now)
                    .fetch_optional(&mut self.0)
                    .await?;
                row.map(Challenge::try_from).transpose()
            }

            async fn update_challenge(&mut self, challenge: &Challenge) -> Result<(), Error> {
                let tries = i32::try_from(challenge.tries).unwrap_or(i32::MAX);
                run!(self, sql::UPDATE_CHALLENGE, &challenge.hash.0[..], tries);
                Ok(())
            }

            async fn delete_challenge(&mut self, hash: ChallengeHash) -> Result<(), Error> {
                run!(self, sql::DELETE_CHALLENGE, &hash.0[..]);
                Ok(())
            }

            async fn delete_challenges(&mut self, user_id: Uuid) -> Result<(), Error> {
                run!(self, sql::DELETE_CHALLENGES, user_id);
                Ok(())
            }

            async fn insert_ceremony(&mut self, ceremony: &Ceremony) -> Result<(), Error> {
                let content = serde_json::to_string(&ceremony.purpose).map_err(Error::internal)?;
                run!(
                    self,
                    sql::INSERT_CEREMONY,
                    ceremony.id,
                    content,
                    ceremony.expires_at
                );
                Ok(())
            }

            async fn delete_ceremony(
                &mut self,
                id: Uuid,
                now: Timestamp,
            ) -> Result<Option<Ceremony>, Error> {
                let row: Option<CeremonyRow> = sqlx::query_as(sql::DELETE_CEREMONY)
                    .bind(id)
                    .bind(now)
                    .fetch_optional(&mut self.0)
                    .await?;
                row.map(Ceremony::try_from).transpose()
            }

            async fn count_passkeys(&mut self, user_id: Uuid) -> Result<usize, Error> {
                let count: i64 = sqlx::query_scalar(sql::COUNT_PASSKEYS)
                    .bind(user_id)
                    .fetch_one(&mut self.0)
                    .await?;
                Ok(usize::try_from(count).unwrap_or(0))
            }

            async fn insert_passkey(&mut self, passkey: &Passkey) -> Result<bool, Error> {
                let credential =
                    serde_json::to_string(&passkey.credential).map_err(Error::internal)?;
                let inserted = run!(
                    self,
                    sql::INSERT_PASSKEY,
                    passkey.id,
                    passkey.user_id,
                    &passkey.name,
                    passkey.credential.cred_id().as_slice(),
                    credential,
                    passkey.created_at
                );
                Ok(inserted == 1)
            }

            async fn rename_passkey(
                &mut self,
                user_id: Uuid,
                id: Uuid,
                name: &str,
            ) -> Result<Option<Passkey>, Error> {
                let row: Option<PasskeyRow> = sqlx::query_as(sql::RENAME_PASSKEY)
                    .bind(user_id)
                    .bind(id)
                    .bind(name)
                    .fetch_optional(&mut self.0)
                    .await?;
                row.map(Passkey::try_from).transpose()
            }

            async fn delete_passkey(
                &mut self,
                user_id: Uuid,
                id: Uuid,
            ) -> Result<Option<Passkey>, Error> {
                let row: Option<PasskeyRow> = sqlx::query_as(sql::DELETE_PASSKEY)
                    .bind(user_id)
                    .bind(id)
                    .fetch_optional(&mut self.0)
                    .await?;
                row.map(Passkey::try_from).transpose()
            }

            async fn delete_passkeys(&mut self, user_id: Uuid) -> Result<(), Error> {
                run!(self, sql::DELETE_PASSKEYS, user_id);
                Ok(())
            }

            async fn use_passkey(&mut self, passkey: &Use) -> Result<bool, Error> {
                let credential =
                    serde_json::to_string(&passkey.passkey.credential).map_err(Error::internal)?;
                let used = run!(
                    self,
                    sql::USE_PASSKEY,
                    passkey.passkey.id,
                    credential,
                    i64::from(passkey.sign_count),
                    passkey.passkey.last_used_at
                );
                Ok(used == 1)
            }

            async fn known(&mut self, user_id: Uuid, device: Device) -> Result<Known, Error> {
                Ok(sqlx::query_as(sql::KNOWN)
                    .bind(user_id)
                    .bind(&device.0[..])
                    .fetch_one(&mut self.0)
                    .await?)
            }

            async fn known_by_password(
                &mut self,
                user_id: Uuid,
                verified: Verified<'_>,
                device: Device,
            ) -> Result<Option<Known>, Error> {
                self.lock_password(user_id).await?;
                let known: Option<Known> = sqlx::query_as(sql::KNOWN_BY_PASSWORD)
                    .bind(user_id)
                    .bind(&device.0[..])
                    .bind(verified.password_hash)
                    .bind(verified.version)
                    .fetch_optional(&mut self.0)
                    .await?;
                if known.as_ref().is_some_and(|known| !known.is_confirmed) {
                    run!(self, CONFIRM, user_id);
                }
                Ok(known)
            }

            async fn note_device(
                &mut self,
                user_id: Uuid,
                device: Device,
                at: Timestamp,
            ) -> Result<(), Error> {
                run!(self, sql::NOTE_DEVICE, user_id, &device.0[..], at);
                Ok(())
            }
        }
    };
}
factor_statements!(PostgresTransaction);
factor_statements!(SqliteTransaction);
