//! The statements, for each database. They are the same but for what each
//! database's own file says.

use std::time::Duration;

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    email_address::EmailAddress,
    page::{Page, Paging, Total, bind_bookmark},
    status::Error,
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use super::{
    Demand, Filter, Store,
    postgres::PostgresStore,
    sql::{
        COUNT_LATELY, COUNT_UNSENT, ClaimRow, DROP, ENQUEUE, FIRST_START, FORGET, FORGET_ADDRESS,
        GIVE_UP, IS_THERE, JobRow, ListSql, MAILS_TO, NEXT_DUE, PROLONG, RAN_OUT, RETRY, SETTLE,
        START, traces,
    },
    sqlite::SqliteStore,
};
use crate::{
    error,
    job::{ATTEMPTS, Claim, Job, NewJob, Outcome, Status},
};

const HOUR: Duration = Duration::from_secs(3600);

macro_rules! statements {
    ($store:ty) => {
        #[async_trait]
        impl Store for $store {
            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn first_start(&self, now: Timestamp) -> Result<Timestamp, Error> {
                let mut transaction = self.begin().await?;
                sqlx::query(START)
                    .bind(now)
                    .execute(&mut transaction)
                    .await?;
                let first = sqlx::query_scalar(FIRST_START)
                    .fetch_one(&mut transaction)
                    .await?;
                transaction.commit().await?;
                Ok(first)
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn enqueue(&self, job: &NewJob, now: Timestamp) -> Result<bool, Error> {
                let content = serde_json::to_string(&job.mail).map_err(Error::internal)?;
                let recipient_key = EmailAddress::stored(job.to.clone()).key();
                let mut transaction = self.begin().await?;
                if let Some(most) = job.mail.most_in_an_hour() {
                    let lately: i64 = sqlx::query_scalar(COUNT_LATELY)
                        .bind(&recipient_key)
                        .bind(job.mail.template())
                        .bind(now - HOUR)
                        .fetch_one(&mut transaction)
                        .await?;
                    if lately >= most {
                        return Ok(false);
                    }
                }
                let inserted = sqlx::query(ENQUEUE)
                    .bind(job.id)
                    .bind(job.mail.template())
                    .bind(&job.to)
                    .bind(content)
                    .bind(&job.cause.request_id)
                    .bind(&job.cause.traceparent)
                    .bind(now)
                    .bind(recipient_key)
                    .execute(&mut transaction)
                    .await?;
                transaction.commit().await?;
                Ok(inserted.rows_affected() == 1)
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn claim(&self, demand: Demand, now: Timestamp) -> Result<Vec<Claim>, Error> {
                let mut transaction = self.begin().await?;
                sqlx::query(GIVE_UP)
                    .bind(now)
                    .bind(RAN_OUT)
                    .bind(i32::try_from(ATTEMPTS).unwrap_or(i32::MAX))
                    .execute(&mut transaction)
                    .await?;
                let rows: Vec<ClaimRow> = sqlx::query_as(Self::CLAIM)
                    .bind(now)
                    .bind(i64::from(demand.limit))
                    .bind(demand.token)
                    .bind(demand.until)
                    .fetch_all(&mut transaction)
                    .await?;
                transaction.commit().await?;
                Ok(rows.into_iter().map(Claim::from).collect())
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn prolong(&self, claim: &Claim, until: Timestamp) -> Result<bool, Error> {
                let mut transaction = self.begin().await?;
                let updated = sqlx::query(PROLONG)
                    .bind(claim.id)
                    .bind(claim.token)
                    .bind(until)
                    .execute(&mut transaction)
                    .await?;
                transaction.commit().await?;
                Ok(updated.rows_affected() == 1)
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn settle(
                &self,
                claim: &Claim,
                outcome: &Outcome,
                now: Timestamp,
            ) -> Result<bool, Error> {
                let (error, due_at, ended_at) = traces(outcome, now);
                let mut transaction = self.begin().await?;
                if *outcome == Outcome::Dropped {
                    let dropped = sqlx::query(DROP)
                        .bind(claim.id)
                        .bind(claim.token)
                        .execute(&mut transaction)
                        .await?;
                    transaction.commit().await?;
                    return Ok(dropped.rows_affected() == 1);
                }
                let updated = sqlx::query(SETTLE)
                    .bind(claim.id)
                    .bind(claim.token)
                    .bind(outcome.as_str())
                    .bind(error)
                    .bind(due_at)
                    .bind(ended_at)
                    .execute(&mut transaction)
                    .await?;
                transaction.commit().await?;
                Ok(updated.rows_affected() == 1)
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
                let due = sqlx::query_scalar(NEXT_DUE).fetch_one(self.watcher()).await?;
                Ok(due)
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn retry(&self, id: Uuid, now: Timestamp) -> Result<Job, Error> {
                let mut transaction = self.begin().await?;
                let row: Option<JobRow> = sqlx::query_as(RETRY)
                    .bind(id)
                    .bind(now)
                    .fetch_optional(&mut transaction)
                    .await?;
                if let Some(row) = row {
                    transaction.commit().await?;
                    return Ok(row.into());
                }
                let rows: i64 = sqlx::query_scalar(IS_THERE)
                    .bind(id)
                    .fetch_one(&mut transaction)
                    .await?;
                Err(match rows {
                    0 => error::not_found(),
                    _ => error::not_dead(),
                })
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn list(&self, filter: &Filter, paging: &Paging) -> Result<Page<Job>, Error> {
                let sql = ListSql::new(filter, paging);
                let rows = sqlx::query_as::<_, JobRow>(AssertSqlSafe(sql.rows));
                let rows = bind_bookmark!(rows, paging)
                    .fetch_all(self.reader())
                    .await?;
                let count = sqlx::query_scalar(AssertSqlSafe(sql.count))
                    .fetch_one(self.reader())
                    .await?;
                let jobs = rows.into_iter().map(Job::from).collect();
                Ok(Page::of(jobs, Total::counted(count, true), paging))
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn mails_to(&self, address: &EmailAddress) -> Result<Vec<Job>, Error> {
                let rows: Vec<JobRow> = sqlx::query_as(MAILS_TO)
                    .bind(address.key())
                    .fetch_all(self.reader())
                    .await?;
                Ok(rows.into_iter().map(Job::from).collect())
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn forget_address(&self, address: &EmailAddress) -> Result<(), Error> {
                let mut transaction = self.begin().await?;
                sqlx::query(FORGET_ADDRESS)
                    .bind(address.key())
                    .execute(&mut transaction)
                    .await?;
                transaction.commit().await
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn count_unsent(&self) -> Result<Vec<(Status, i64)>, Error> {
                let rows: Vec<(String, i64)> = sqlx::query_as(COUNT_UNSENT)
                    .fetch_all(self.reader())
                    .await?;
                Ok(rows
                    .into_iter()
                    .filter_map(|(status, count)| Some((Status::parse(&status)?, count)))
                    .collect())
            }

            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn forget(&self, before: Timestamp) -> Result<(), Error> {
                let mut transaction = self.begin().await?;
                sqlx::query(FORGET)
                    .bind(before)
                    .execute(&mut transaction)
                    .await?;
                transaction.commit().await
            }
        }
    };
}
statements!(PostgresStore);
statements!(SqliteStore);
