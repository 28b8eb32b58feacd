//! The statements, for each database. They are the same but for what each
//! database's own file says: where it reads, and what it locks.

use std::time::Duration;

use async_trait::async_trait;
use portico_chassis::{
    caller::User,
    clock::Timestamp,
    outbox::{self, Event, Origin},
    page::{Page, Paging, Sort, Total, bind_bookmark},
    status::Error,
    token::Revoked,
};
use serde::Serialize;
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    Cursor, Deletion, Queries, RegistrationKey, Revocation, Verified,
    changes::{Claim, Engine, Transaction},
    postgres::{PostgresStore, PostgresTransaction},
    sql::{self, DeletionRow, HolderRow, KeyRow, RevocationRow, SessionRow},
    sqlite::{SqliteStore, SqliteTransaction},
};
use crate::{
    device::Device,
    key::SealedKey,
    session::Session,
    ticket::{Ticket, TicketHash},
};

macro_rules! queries {
    ($store:ty) => {
        #[async_trait]
        impl Queries for $store {
            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn password_hash(&self, user_id: Uuid) -> Result<Option<String>, Error> {
                Ok(sqlx::query_scalar(sql::PASSWORD_HASH)
                    .bind(user_id)
                    .fetch_optional(self.reader())
                    .await?)
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn unconfirmed(&self, before: Timestamp) -> Result<Vec<Uuid>, Error> {
                Ok(sqlx::query_scalar(sql::UNCONFIRMED)
                    .bind(before)
                    .fetch_all(self.reader())
                    .await?)
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn deletions(&self, before: Timestamp) -> Result<Vec<Deletion>, Error> {
                let rows: Vec<DeletionRow> = sqlx::query_as(sql::DELETIONS)
                    .bind(before)
                    .fetch_all(self.reader())
                    .await?;
                Ok(rows.into_iter().map(Deletion::from).collect())
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn session(&self, id: Uuid, now: Timestamp) -> Result<Option<Session>, Error> {
                let row: Option<SessionRow> = sqlx::query_as(sql::SESSION)
                    .bind(id)
                    .bind(now)
                    .fetch_optional(self.reader())
                    .await?;
                Ok(row.map(Session::from))
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
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
                let sql = AssertSqlSafe(sql::SESSIONS.to_owned() + &order);
                let rows = sqlx::query_as::<_, SessionRow>(sql).bind(user_id).bind(now);
                let rows = bind_bookmark!(rows, paging)
                    .fetch_all(self.reader())
                    .await?;
                let count: i64 = sqlx::query_scalar(sql::COUNT_SESSIONS)
                    .bind(user_id)
                    .bind(now)
                    .fetch_one(self.reader())
                    .await?;
                let sessions = rows.into_iter().map(Session::from).collect();
                Ok(Page::of(sessions, Total::counted(count, false), paging))
            }

            #[tracing::instrument(level = "debug", skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn signing_keys(&self) -> Result<Vec<SealedKey>, Error> {
                let rows: Vec<KeyRow> = sqlx::query_as(sql::SIGNING_KEYS)
                    .fetch_all(self.watcher())
                    .await?;
                Ok(rows.into_iter().map(SealedKey::from).collect())
            }

            #[tracing::instrument(level = "debug", skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn revocations(
                &self,
                after: Cursor,
                now: Timestamp,
            ) -> Result<Vec<Revocation>, Error> {
                let rows: Vec<RevocationRow> = sqlx::query_as(Self::REVOCATIONS)
                    .bind(after.transaction.to_string())
                    .bind(after.number)
                    .bind(now)
                    .fetch_all(self.watcher())
                    .await?;
                Ok(rows.into_iter().map(Revocation::from).collect())
            }
        }
    };
}
queries!(PostgresStore);
queries!(SqliteStore);

/// A device that was not used for so long is a new one.
const DEVICE_RETENTION: Duration = Duration::from_secs(365 * 24 * 3600);

/// Runs a statement with what is bound to it. How many rows it changed.
macro_rules! run {
    ($transaction:expr, $sql:expr $(, $bound:expr)*) => {
        sqlx::query($sql)
            $(.bind($bound))*
            .execute(&mut $transaction.0)
            .await?
            .rows_affected()
    };
}

/// Binds what there is of a session beside the person.
macro_rules! bind_session {
    ($query:expr, $session:expr) => {
        $query
            .bind($session.id)
            .bind($session.created_at)
            .bind($session.last_seen_at)
            .bind($session.expires_at)
            .bind($session.authenticated_at)
            .bind(&$session.ip)
            .bind(&$session.user_agent)
            .bind(&$session.seed)
            .bind(i64::from($session.generation))
            .bind($session.rotated_at)
    };
}

mod api_keys;
mod factors;
mod links;
mod privacy;
mod sign_ins;
mod throttle;

macro_rules! transaction {
    ($transaction:ty) => {
        #[async_trait]
        impl Transaction for $transaction {
            async fn claim(
                &mut self,
                key: &RegistrationKey,
                user_id: Uuid,
                now: Timestamp,
            ) -> Result<Claim, Error> {
                run!(self, sql::FORGET_CLAIM, &key.id[..], now);
                run!(
                    self,
                    sql::CLAIM,
                    &key.id[..],
                    &key.fingerprint[..],
                    user_id,
                    key.expires_at
                );
                Ok(sqlx::query_as(sql::READ_CLAIM)
                    .bind(&key.id[..])
                    .fetch_one(&mut self.0)
                    .await?)
            }

            async fn answer_claim(
                &mut self,
                key: &RegistrationKey,
                answer: &[u8],
            ) -> Result<bool, Error> {
                Ok(run!(self, sql::ANSWER_CLAIM, &key.id[..], answer) == 1)
            }

            async fn abandon_claim(&mut self, key: &RegistrationKey) -> Result<(), Error> {
                run!(self, sql::ABANDON_CLAIM, &key.id[..]);
                Ok(())
            }

            async fn keep_password(
                &mut self,
                user_id: Uuid,
                hash: &str,
                now: Timestamp,
            ) -> Result<(), Error> {
                run!(self, sql::KEEP_PASSWORD, user_id, hash, now);
                Ok(())
            }

            async fn confirm_password(
                &mut self,
                user_id: Uuid,
                hash: &str,
                now: Timestamp,
            ) -> Result<(), Error> {
                run!(self, sql::CONFIRM_PASSWORD, user_id, hash, now);
                Ok(())
            }

            async fn abandon_password(&mut self, user_id: Uuid) -> Result<(), Error> {
                run!(self, sql::ABANDON_PASSWORD, user_id);
                Ok(())
            }

            async fn confirm(&mut self, user_id: Uuid) -> Result<(), Error> {
                run!(self, sql::CONFIRM, user_id);
                Ok(())
            }

            async fn forget_unconfirmed(
                &mut self,
                user_id: Uuid,
                before: Timestamp,
            ) -> Result<(), Error> {
                run!(self, sql::FORGET_UNCONFIRMED, user_id, before);
                Ok(())
            }

            async fn upgrade_password(
                &mut self,
                user_id: Uuid,
                from: &str,
                to: &str,
            ) -> Result<(), Error> {
                run!(self, sql::UPGRADE_PASSWORD, user_id, from, to);
                Ok(())
            }

            async fn change_password(
                &mut self,
                user_id: Uuid,
                from: &str,
                to: &str,
                at: Timestamp,
            ) -> Result<bool, Error> {
                Ok(run!(self, sql::CHANGE_PASSWORD, user_id, from, to, at) == 1)
            }

            async fn lock_password(&mut self, user_id: Uuid) -> Result<(), Error> {
                if let Some(lock) = Self::LOCK_PASSWORD {
                    run!(self, lock, user_id);
                }
                Ok(())
            }

            async fn lock_deletions(&mut self) -> Result<(), Error> {
                if let Some(lock) = Self::LOCK_DELETIONS {
                    run!(self, lock);
                }
                Ok(())
            }

            async fn is_leaving(&mut self, user_id: Uuid) -> Result<bool, Error> {
                Ok(sqlx::query_scalar(sql::IS_LEAVING)
                    .bind(user_id)
                    .fetch_one(&mut self.0)
                    .await?)
            }

            async fn is_heir(&mut self, user_id: Uuid) -> Result<bool, Error> {
                Ok(sqlx::query_scalar(sql::IS_HEIR)
                    .bind(user_id)
                    .fetch_one(&mut self.0)
                    .await?)
            }

            async fn begin_deletion(
                &mut self,
                deletion: Deletion,
                now: Timestamp,
            ) -> Result<(), Error> {
                run!(
                    self,
                    sql::BEGIN_DELETION,
                    deletion.user_id,
                    deletion.heir_id,
                    now
                );
                Ok(())
            }

            async fn end_deletion(&mut self, user_id: Uuid) -> Result<bool, Error> {
                Ok(run!(self, sql::END_DELETION, user_id) == 1)
            }

            async fn note_person(&mut self, user_id: Uuid, version: i64) -> Result<(), Error> {
                run!(self, sql::NOTE_PERSON, user_id, version);
                Ok(())
            }

            async fn insert_session(&mut self, session: &Session) -> Result<(), Error> {
                let insert = sqlx::query(sql::INSERT_SESSION).bind(session.user_id);
                self.0.last(bind_session!(insert, session))
            }

            async fn insert_familiar_session(
                &mut self,
                session: &Session,
                verified: Verified<'_>,
                seen_after: Timestamp,
            ) -> Result<(), Error> {
                self.lock_password(session.user_id).await?;
                let insert = sqlx::query(sql::factors::INSERT_FAMILIAR_SESSION)
                    .bind(session.user_id)
                    .bind(Device::of(session).0.to_vec())
                    .bind(verified.password_hash)
                    .bind(verified.version)
                    .bind(seen_after);
                self.0.last(bind_session!(insert, session))
            }

            async fn lock_session(
                &mut self,
                id: Uuid,
                now: Timestamp,
            ) -> Result<Option<Session>, Error> {
                let row: Option<SessionRow> = sqlx::query_as(Self::LOCK_SESSION)
                    .bind(id)
                    .bind(now)
                    .fetch_optional(&mut self.0)
                    .await?;
                Ok(row.map(Session::from))
            }

            async fn refresh_session(&mut self, session: &Session) -> Result<(), Error> {
                let update = sqlx::query(sql::REFRESH_SESSION)
                    .bind(session.id)
                    .bind(session.last_seen_at)
                    .bind(session.expires_at)
                    .bind(&session.ip)
                    .bind(&session.user_agent)
                    .bind(i64::from(session.generation))
                    .bind(session.rotated_at);
                self.0.last(update)
            }

            async fn reauthenticate(&mut self, id: Uuid, at: Timestamp) -> Result<bool, Error> {
                Ok(run!(self, sql::REAUTHENTICATE, id, at) == 1)
            }

            async fn delete_session(
                &mut self,
                user_id: Uuid,
                id: Uuid,
            ) -> Result<Vec<Uuid>, Error> {
                Ok(sqlx::query_scalar(sql::DELETE_SESSION)
                    .bind(user_id)
                    .bind(id)
                    .fetch_all(&mut self.0)
                    .await?)
            }

            async fn delete_other_sessions(
                &mut self,
                user_id: Uuid,
                keep: Uuid,
            ) -> Result<Vec<Uuid>, Error> {
                Ok(sqlx::query_scalar(sql::DELETE_OTHER_SESSIONS)
                    .bind(user_id)
                    .bind(keep)
                    .fetch_all(&mut self.0)
                    .await?)
            }

            async fn revoke(
                &mut self,
                tokens: Revoked,
                at: Timestamp,
                expires_at: Timestamp,
            ) -> Result<(), Error> {
                let (session_id, user_id) = match tokens {
                    Revoked::Session(id) => (Some(id), None),
                    Revoked::User(id) => (None, Some(id)),
                };
                run!(self, sql::REVOKE, session_id, user_id, at, expires_at);
                Ok(())
            }

            async fn insert_ticket(&mut self, ticket: &Ticket) -> Result<(), Error> {
                let holder = &ticket.holder;
                run!(
                    self,
                    sql::INSERT_TICKET,
                    &ticket.hash.0[..],
                    holder.id,
                    holder.session_id,
                    holder.is_admin,
                    holder.issued_at,
                    holder.expires_at,
                    ticket.expires_at
                );
                Ok(())
            }

            async fn delete_ticket(
                &mut self,
                hash: TicketHash,
                now: Timestamp,
            ) -> Result<Option<User>, Error> {
                let row: Option<HolderRow> = sqlx::query_as(sql::DELETE_TICKET)
                    .bind(&hash.0[..])
                    .bind(now)
                    .fetch_optional(&mut self.0)
                    .await?;
                Ok(row.map(User::from))
            }

            async fn forget_expired(&mut self, now: Timestamp) -> Result<(), Error> {
                for forget in sql::FORGET_EXPIRED
                    .into_iter()
                    .chain(sql::factors::FORGET_EXPIRED)
                {
                    run!(self, forget, now);
                }
                run!(self, sql::factors::FORGET_DEVICES, now - DEVICE_RETENTION);
                Ok(())
            }

            async fn lock_keys(&mut self) -> Result<(), Error> {
                if let Some(lock) = Self::LOCK_KEYS {
                    run!(self, lock);
                }
                Ok(())
            }

            async fn newest_key(&mut self) -> Result<Option<String>, Error> {
                Ok(sqlx::query_scalar(sql::NEWEST_KEY)
                    .fetch_optional(&mut self.0)
                    .await?)
            }

            async fn add_key(&mut self, key: &SealedKey) -> Result<(), Error> {
                run!(
                    self,
                    sql::ADD_KEY,
                    &key.kid,
                    &key.public_key,
                    &key.sealed,
                    key.created_at,
                    key.active_from
                );
                Ok(())
            }

            async fn remove_key(&mut self, kid: &str) -> Result<bool, Error> {
                Ok(run!(self, sql::REMOVE_KEY, kid) == 1)
            }

            async fn append<P: Serialize + Sync>(
                &mut self,
                origin: &Origin,
                event: Event<'_, P>,
            ) -> Result<(), Error> {
                outbox::append(&mut self.0, origin, event).await
            }

            async fn commit(self) -> Result<(), Error> {
                self.0.commit().await
            }

            async fn commit_told(self) -> Result<bool, Error> {
                self.0.commit_told().await
            }
        }
    };
}
transaction!(PostgresTransaction);
transaction!(SqliteTransaction);
