//! Credentials, and the sequences that span services.

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    database::begin,
    idempotency,
    outbox::{self, Origin},
    status::Error,
    token::Revoked,
};
use uuid::Uuid;

use super::{
    PostgresStore,
    sessions::{end, revoke},
};
use crate::{
    session::EndReason,
    store::{
        AccountStore, Begun, Registration, RegistrationKey,
        sql::{self, AboutAccount, ClaimRow},
    },
};

/// Takes the row, so that a sign-in that has begun ends first.
const LOCK_PASSWORD: &str = "SELECT 1 FROM credentials WHERE user_id = $1 FOR UPDATE";

#[async_trait]
impl AccountStore for PostgresStore {
    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn begin_registration(
        &self,
        user_id: Uuid,
        key: Option<&RegistrationKey>,
        password_hash: Option<&str>,
        now: Timestamp,
    ) -> Result<Begun, Error> {
        let mut transaction = begin(&self.pool).await?;
        let mut claimed = user_id;
        if let Some(key) = key {
            sqlx::query(sql::FORGET_CLAIM)
                .bind(&key.id[..])
                .bind(now)
                .execute(&mut *transaction)
                .await?;
            sqlx::query(sql::CLAIM)
                .bind(&key.id[..])
                .bind(&key.fingerprint[..])
                .bind(user_id)
                .bind(key.expires_at)
                .execute(&mut *transaction)
                .await?;
            let claim: ClaimRow = sqlx::query_as(sql::READ_CLAIM)
                .bind(&key.id[..])
                .fetch_one(&mut *transaction)
                .await?;
            if claim.fingerprint != key.fingerprint {
                return Err(idempotency::reused());
            }
            claimed = claim.user_id;
            if let Some(answer) = claim.answer {
                return Ok(Begun::Done { answer });
            }
        }
        if let Some(hash) = password_hash {
            sqlx::query(sql::KEEP_PASSWORD)
                .bind(claimed)
                .bind(hash)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(Begun::Open(claimed))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn finish_registration(
        &self,
        registration: Registration<'_>,
        now: Timestamp,
    ) -> Result<bool, Error> {
        let mut transaction = begin(&self.pool).await?;
        let mut is_first = true;
        if let Some(key) = registration.key {
            let answered = sqlx::query(sql::ANSWER_CLAIM)
                .bind(&key.id[..])
                .bind(registration.answer)
                .execute(&mut *transaction)
                .await?;
            is_first = answered.rows_affected() == 1;
        }
        if let Some(hash) = registration.password_hash {
            sqlx::query(sql::CONFIRM_PASSWORD)
                .bind(registration.user_id)
                .bind(hash)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(is_first)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn abandon_registration(
        &self,
        user_id: Uuid,
        key: Option<&RegistrationKey>,
    ) -> Result<(), Error> {
        let mut transaction = begin(&self.pool).await?;
        if let Some(key) = key {
            sqlx::query(sql::ABANDON_CLAIM)
                .bind(&key.id[..])
                .execute(&mut *transaction)
                .await?;
        }
        sqlx::query(sql::ABANDON_PASSWORD)
            .bind(user_id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn unconfirmed(&self, before: Timestamp) -> Result<Vec<Uuid>, Error> {
        Ok(sqlx::query_scalar(sql::UNCONFIRMED)
            .bind(before)
            .fetch_all(&self.pool)
            .await?)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn settle(
        &self,
        existing: &[Uuid],
        missing: &[Uuid],
        before: Timestamp,
    ) -> Result<(), Error> {
        let mut transaction = begin(&self.pool).await?;
        for user_id in existing {
            sqlx::query(sql::CONFIRM)
                .bind(user_id)
                .execute(&mut *transaction)
                .await?;
        }
        for user_id in missing {
            sqlx::query(sql::FORGET_MISSING)
                .bind(user_id)
                .bind(before)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn password_hash(&self, user_id: Uuid) -> Result<Option<String>, Error> {
        Ok(sqlx::query_scalar(sql::PASSWORD_HASH)
            .bind(user_id)
            .fetch_optional(&self.pool)
            .await?)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn upgrade_password(&self, user_id: Uuid, from: &str, to: &str) -> Result<(), Error> {
        sqlx::query(sql::UPGRADE_PASSWORD)
            .bind(user_id)
            .bind(from)
            .bind(to)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn change_password(
        &self,
        user_id: Uuid,
        from: &str,
        to: &str,
        keep: Uuid,
        origin: &Origin,
    ) -> Result<bool, Error> {
        let mut transaction = begin(&self.pool).await?;
        let changed = sqlx::query(sql::CHANGE_PASSWORD)
            .bind(user_id)
            .bind(from)
            .bind(to)
            .bind(origin.at)
            .execute(&mut *transaction)
            .await?;
        if changed.rows_affected() == 0 {
            return Ok(false);
        }
        let ended: Vec<Uuid> = sqlx::query_scalar(sql::END_OTHER_SESSIONS)
            .bind(user_id)
            .bind(keep)
            .fetch_all(&mut *transaction)
            .await?;
        let reason = EndReason::PasswordChanged;
        end(self, &mut transaction, user_id, &ended, reason, origin).await?;
        let about = AboutAccount::of(user_id);
        outbox::append_postgres(&mut transaction, origin, about.event("password.changed")).await?;
        transaction.commit().await?;
        Ok(true)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn begin_deletion(&self, user_id: Uuid, now: Timestamp) -> Result<(), Error> {
        sqlx::query(sql::BEGIN_DELETION)
            .bind(user_id)
            .bind(now)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn cancel_deletion(&self, user_id: Uuid) -> Result<(), Error> {
        sqlx::query(sql::END_DELETION)
            .bind(user_id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn finish_deletion(&self, user_id: Uuid, origin: &Origin) -> Result<(), Error> {
        let mut transaction = begin(&self.pool).await?;
        let noted = sqlx::query(sql::END_DELETION)
            .bind(user_id)
            .execute(&mut *transaction)
            .await?;
        if noted.rows_affected() == 0 {
            return Ok(());
        }
        sqlx::query(LOCK_PASSWORD)
            .bind(user_id)
            .execute(&mut *transaction)
            .await?;
        let ended: Vec<Uuid> = sqlx::query_scalar(sql::END_OTHER_SESSIONS)
            .bind(user_id)
            .bind(Uuid::nil())
            .fetch_all(&mut *transaction)
            .await?;
        let reason = EndReason::AccountClosed;
        end(self, &mut transaction, user_id, &ended, reason, origin).await?;
        revoke(self, &mut transaction, Revoked::User(user_id), origin.at).await?;
        let about = AboutAccount::of(user_id);
        outbox::append_postgres(&mut transaction, origin, about.event("account.deleted")).await?;
        transaction.commit().await?;
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn deletions(&self, before: Timestamp) -> Result<Vec<Uuid>, Error> {
        Ok(sqlx::query_scalar(sql::DELETIONS)
            .bind(before)
            .fetch_all(&self.pool)
            .await?)
    }
}
