//! The statements about links in mails.

use std::time::Duration;

use async_trait::async_trait;
use portico_chassis::{clock::Timestamp, status::Error};
use uuid::Uuid;

use super::super::{
    changes::LinkStatements,
    links::LinkQueries,
    postgres::{PostgresStore, PostgresTransaction},
    sql::links::{self as sql, EmailChangeRow, LinkRequestRow, LinkRow, UndoRow, WishColumns},
    sqlite::{SqliteStore, SqliteTransaction},
};
use crate::{
    api_key::REMEMBERED,
    link::{EmailChange, Link, LinkHash, Purpose, UNDO, Undo},
    link_request::LinkRequest,
    store::changes::Engine,
};

/// How long an answer to a request is tried for.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);

macro_rules! link_statements {
    ($store:ty, $transaction:ty) => {
        #[async_trait]
        impl LinkQueries for $store {
            #[tracing::instrument(level = "debug", skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn link_requests(&self) -> Result<Vec<LinkRequest>, Error> {
                let rows: Vec<LinkRequestRow> = sqlx::query_as(sql::LINK_REQUESTS)
                    .fetch_all(self.reader())
                    .await?;
                rows.into_iter().map(LinkRequest::try_from).collect()
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn link(&self, hash: LinkHash, now: Timestamp) -> Result<Option<Link>, Error> {
                let row: Option<LinkRow> = sqlx::query_as(sql::LINK)
                    .bind(&hash.0[..])
                    .bind(now)
                    .fetch_optional(self.reader())
                    .await?;
                row.map(Link::try_from).transpose()
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn email_change(&self, id: Uuid) -> Result<Option<EmailChange>, Error> {
                let row: Option<EmailChangeRow> = sqlx::query_as(sql::EMAIL_CHANGE)
                    .bind(id)
                    .fetch_optional(self.reader())
                    .await?;
                row.map(EmailChange::try_from).transpose()
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn undos(&self, before: Timestamp) -> Result<Vec<Undo>, Error> {
                let rows: Vec<UndoRow> = sqlx::query_as(sql::UNDOS)
                    .bind(before)
                    .fetch_all(self.reader())
                    .await?;
                Ok(rows.into_iter().map(Undo::from).collect())
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn undo(&self, user_id: Uuid) -> Result<Option<Undo>, Error> {
                let row: Option<UndoRow> = sqlx::query_as(sql::UNDO)
                    .bind(user_id)
                    .fetch_optional(self.reader())
                    .await?;
                Ok(row.map(Undo::from))
            }
        }

        #[async_trait]
        impl LinkStatements for $transaction {
            async fn insert_link_request(&mut self, request: &LinkRequest) -> Result<(), Error> {
                let (wish, origin) = (WishColumns::from(&request.wish), &request.origin);
                run!(
                    self,
                    sql::INSERT_LINK_REQUEST,
                    request.id,
                    wish.name_of_wish,
                    wish.user_id,
                    wish.email,
                    wish.name,
                    wish.password_hash,
                    origin.actor.to_string(),
                    &origin.request_id,
                    &origin.traceparent,
                    origin.client_ip.map(|ip| ip.to_string()),
                    origin.at
                );
                Ok(())
            }

            async fn delete_link_request(&mut self, id: Uuid) -> Result<bool, Error> {
                Ok(run!(self, sql::DELETE_LINK_REQUEST, id) == 1)
            }

            async fn forget_new_emails(&mut self, user_id: Uuid) -> Result<(), Error> {
                run!(self, sql::FORGET_NEW_EMAILS, user_id);
                Ok(())
            }

            async fn insert_email_change(&mut self, change: &EmailChange) -> Result<(), Error> {
                run!(
                    self,
                    sql::INSERT_EMAIL_CHANGE,
                    change.id,
                    change.user_id,
                    change.old_email.as_str(),
                    change.new_email.as_str(),
                    change.requested_at,
                    change.state.as_str()
                );
                Ok(())
            }

            async fn lock_email_change(
                &mut self,
                id: Uuid,
            ) -> Result<Option<EmailChange>, Error> {
                let row: Option<EmailChangeRow> = sqlx::query_as(Self::LOCK_EMAIL_CHANGE)
                    .bind(id)
                    .fetch_optional(&mut self.0)
                    .await?;
                row.map(EmailChange::try_from).transpose()
            }

            async fn supersede_email_changes(
                &mut self,
                user_id: Uuid,
                but: Uuid,
            ) -> Result<(), Error> {
                run!(self, sql::SUPERSEDE_EMAIL_CHANGES, user_id, but);
                Ok(())
            }

            async fn confirm_email_change(&mut self, id: Uuid) -> Result<bool, Error> {
                Ok(run!(self, sql::CONFIRM_EMAIL_CHANGE, id) == 1)
            }

            async fn undo_email_changes(
                &mut self,
                user_id: Uuid,
                since: Timestamp,
            ) -> Result<(), Error> {
                run!(self, sql::UNDO_EMAIL_CHANGES, user_id, since);
                Ok(())
            }

            async fn lock_links(&mut self, user_id: Uuid) -> Result<(), Error> {
                if let Some(lock) = Self::LOCK_LINKS {
                    run!(self, lock, user_id);
                }
                Ok(())
            }

            async fn insert_link(&mut self, link: &Link) -> Result<(), Error> {
                let aim = &link.aim;
                run!(
                    self,
                    sql::INSERT_LINK,
                    &link.hash.0[..],
                    aim.purpose.as_str(),
                    aim.user_id,
                    aim.email.as_str(),
                    aim.email.key(),
                    aim.change_id,
                    link.expires_at
                );
                Ok(())
            }

            async fn delete_link(&mut self, hash: LinkHash) -> Result<bool, Error> {
                Ok(run!(self, sql::DELETE_LINK, &hash.0[..]) == 1)
            }

            async fn forget_links(&mut self, user_id: Uuid, purpose: Purpose) -> Result<(), Error> {
                run!(self, sql::FORGET_LINKS, user_id, purpose.as_str());
                Ok(())
            }

            async fn forget_undoing_links(
                &mut self,
                user_id: Uuid,
                email_key: &str,
                since: Timestamp,
            ) -> Result<(), Error> {
                run!(self, sql::FORGET_UNDOING_LINKS, user_id, email_key, since);
                Ok(())
            }

            async fn set_password(
                &mut self,
                user_id: Uuid,
                hash: &str,
                at: Timestamp,
            ) -> Result<(), Error> {
                run!(self, sql::SET_PASSWORD, user_id, hash, at);
                Ok(())
            }

            async fn forget_password(
                &mut self,
                user_id: Uuid,
                since: Timestamp,
            ) -> Result<bool, Error> {
                Ok(run!(self, sql::FORGET_PASSWORD, user_id, since) == 1)
            }

            async fn forget_passkeys(
                &mut self,
                user_id: Uuid,
                since: Timestamp,
            ) -> Result<(), Error> {
                run!(self, sql::FORGET_PASSKEYS, user_id, since);
                Ok(())
            }

            async fn revoke_recent_keys(
                &mut self,
                user_id: Uuid,
                since: Timestamp,
                at: Timestamp,
            ) -> Result<Vec<Uuid>, Error> {
                Ok(sqlx::query_scalar(sql::REVOKE_RECENT_KEYS)
                    .bind(user_id)
                    .bind(since)
                    .bind(at)
                    .bind(at + REMEMBERED)
                    .fetch_all(&mut self.0)
                    .await?)
            }

            async fn put_undo(&mut self, undo: &Undo, at: Timestamp) -> Result<(), Error> {
                run!(
                    self,
                    sql::PUT_UNDO,
                    undo.user_id,
                    undo.id,
                    undo.email.as_str(),
                    undo.needs_password,
                    at
                );
                Ok(())
            }

            async fn delete_undo(&mut self, undo: &Undo) -> Result<bool, Error> {
                Ok(run!(self, sql::DELETE_UNDO, undo.user_id, undo.id) == 1)
            }

            async fn forget_old_links(&mut self, now: Timestamp) -> Result<(), Error> {
                run!(self, sql::FORGET_EXPIRED_LINKS, now);
                // Links that undo a change are made for so long, and work for so long.
                run!(self, sql::FORGET_EMAIL_CHANGES, now - 2 * UNDO);
                run!(self, sql::FORGET_LINK_REQUESTS, now - PATIENCE);
                Ok(())
            }
        }
    };
}
link_statements!(PostgresStore, PostgresTransaction);
link_statements!(SqliteStore, SqliteTransaction);
