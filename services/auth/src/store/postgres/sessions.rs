//! Sessions.

use std::time::Duration;

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    database::begin,
    outbox::{self, Origin},
    page::{Page, Paging, Sort, SortKey, Total},
    status::Error,
    token::Revoked,
};
use sqlx::{AssertSqlSafe, PgConnection};
use uuid::Uuid;

use super::PostgresStore;
use crate::{
    session::{EndReason, Refreshed, Session, Visit},
    store::{
        SessionStore,
        sql::{self, Ended, Opened, SessionRow, open_session, refresh_session},
    },
};

/// Like [`sql::SESSION`], and nobody else changes it until the transaction ends.
const SESSION_LOCKED: &str = "SELECT id, user_id, created_at, last_seen_at, expires_at, \
    authenticated_at, ip, user_agent, seed, generation, rotated_at \
    FROM sessions WHERE id = $1 AND expires_at > $2 FOR UPDATE";

#[async_trait]
impl SessionStore for PostgresStore {
    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn open_session(
        &self,
        session: &Session,
        password_hash: &str,
        origin: &Origin,
    ) -> Result<bool, Error> {
        let mut transaction = begin(&self.pool).await?;
        let stands = sqlx::query(sql::PASSWORD_STANDS)
            .bind(session.user_id)
            .bind(password_hash)
            .execute(&mut *transaction)
            .await?;
        if stands.rows_affected() == 0 {
            return Ok(false);
        }
        open(&mut transaction, session, origin).await?;
        transaction.commit().await?;
        Ok(true)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<Session>, Error> {
        let row: Option<SessionRow> = sqlx::query_as(sql::SESSION)
            .bind(id)
            .bind(now)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map(Session::from))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn sessions(
        &self,
        user_id: Uuid,
        paging: &Paging,
        now: Timestamp,
    ) -> Result<Page<Session>, Error> {
        let order = Sort {
            column: (),
            is_descending: true,
        };
        let order = order.sql("last_seen_at", "id", paging, 3);
        let mut rows =
            sqlx::query_as::<_, SessionRow>(AssertSqlSafe(sql::SESSIONS.to_owned() + &order))
                .bind(user_id)
                .bind(now);
        if let Some(after) = paging.after() {
            rows = match &after.key {
                SortKey::Time(time) => rows.bind(time),
                SortKey::Text(text) => rows.bind(text),
            };
            rows = rows.bind(after.id);
        }
        let rows = rows.fetch_all(&self.pool).await?;
        let count: i64 = sqlx::query_scalar(sql::COUNT_SESSIONS)
            .bind(user_id)
            .bind(now)
            .fetch_one(&self.pool)
            .await?;
        let sessions = rows.into_iter().map(Session::from).collect();
        Ok(Page::of(sessions, Total::counted(count, false), paging))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn refresh_session(
        &self,
        id: Uuid,
        generation: u32,
        visit: &Visit,
        ttl: Duration,
        origin: &Origin,
    ) -> Result<Option<Refreshed>, Error> {
        let mut transaction = begin(&self.pool).await?;
        let row: Option<SessionRow> = sqlx::query_as(SESSION_LOCKED)
            .bind(id)
            .bind(visit.at)
            .fetch_optional(&mut *transaction)
            .await?;
        let Some(session) = row.map(Session::from) else {
            return Ok(None);
        };
        let refreshed = session.refreshed(generation, visit, ttl);
        match &refreshed {
            Refreshed::Continued(session) => {
                refresh_session!(session).execute(&mut *transaction).await?;
            }
            Refreshed::Reused => {
                let reason = EndReason::TokenReused;
                end_one(self, &mut transaction, session.user_id, id, reason, origin).await?;
            }
        }
        transaction.commit().await?;
        Ok(Some(refreshed))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn reauthenticate(&self, id: Uuid, origin: &Origin) -> Result<bool, Error> {
        let noted = sqlx::query(sql::REAUTHENTICATE)
            .bind(id)
            .bind(origin.at)
            .execute(&self.pool)
            .await?;
        Ok(noted.rows_affected() == 1)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn end_session(
        &self,
        user_id: Uuid,
        id: Uuid,
        reason: EndReason,
        origin: &Origin,
    ) -> Result<bool, Error> {
        let mut transaction = begin(&self.pool).await?;
        let was_there = end_one(self, &mut transaction, user_id, id, reason, origin).await?;
        transaction.commit().await?;
        Ok(was_there)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn end_sessions(
        &self,
        user_id: Uuid,
        reason: EndReason,
        origin: &Origin,
    ) -> Result<(), Error> {
        let mut transaction = begin(&self.pool).await?;
        let ended: Vec<Uuid> = sqlx::query_scalar(sql::END_OTHER_SESSIONS)
            .bind(user_id)
            .bind(Uuid::nil())
            .fetch_all(&mut *transaction)
            .await?;
        end(self, &mut transaction, user_id, &ended, reason, origin).await?;
        transaction.commit().await?;
        Ok(())
    }

    #[tracing::instrument(skip_all, fields(db.system.name = "postgresql", otel.kind = "client"))]
    async fn forget_expired(&self, now: Timestamp) -> Result<(), Error> {
        let mut transaction = begin(&self.pool).await?;
        for forget in sql::FORGET_EXPIRED {
            sqlx::query(forget)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Adds a session and its event.
pub(super) async fn open(
    transaction: &mut PgConnection,
    session: &Session,
    origin: &Origin,
) -> Result<(), Error> {
    open_session!(session).execute(&mut *transaction).await?;
    outbox::append_postgres(transaction, origin, Opened::of(session).event()).await
}

async fn end_one(
    store: &PostgresStore,
    transaction: &mut PgConnection,
    user_id: Uuid,
    id: Uuid,
    reason: EndReason,
    origin: &Origin,
) -> Result<bool, Error> {
    let ended: Vec<Uuid> = sqlx::query_scalar(sql::END_SESSION)
        .bind(user_id)
        .bind(id)
        .fetch_all(&mut *transaction)
        .await?;
    end(store, transaction, user_id, &ended, reason, origin).await?;
    Ok(!ended.is_empty())
}

/// Revokes the tokens of sessions that are gone, and tells of it.
pub(super) async fn end(
    store: &PostgresStore,
    transaction: &mut PgConnection,
    user_id: Uuid,
    ids: &[Uuid],
    reason: EndReason,
    origin: &Origin,
) -> Result<(), Error> {
    for &id in ids {
        revoke(store, transaction, Revoked::Session(id), origin.at).await?;
        let ended = Ended {
            id,
            user_id,
            reason,
        };
        outbox::append_postgres(&mut *transaction, origin, ended.event()).await?;
    }
    Ok(())
}

pub(super) async fn revoke(
    store: &PostgresStore,
    transaction: &mut PgConnection,
    tokens: Revoked,
    at: Timestamp,
) -> Result<(), Error> {
    let (session_id, user_id) = match tokens {
        Revoked::Session(id) => (Some(id), None),
        Revoked::User(id) => (None, Some(id)),
    };
    sqlx::query(sql::REVOKE)
        .bind(session_id)
        .bind(user_id)
        .bind(at)
        .bind(at + store.access_token_ttl + sql::REVOCATION_MARGIN)
        .execute(transaction)
        .await?;
    Ok(())
}
