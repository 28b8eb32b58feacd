//! The reading of sign-ins, from each database.

use async_trait::async_trait;
use portico_chassis::{
    outbox::Actor,
    page::{Page, Paging, Total},
    status::Error,
};
use sqlx::AssertSqlSafe;
use uuid::Uuid;

use crate::{
    history::SignIn,
    store::{
        SignInQueries,
        changes::Engine as _,
        postgres::PostgresStore,
        sql::sign_ins::{self as sql, SignInRow},
        sqlite::SqliteStore,
    },
};

macro_rules! queries {
    ($store:ty) => {
        #[async_trait]
        impl SignInQueries for $store {
            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn sign_ins(
                &self,
                user_id: Uuid,
                paging: &Paging,
            ) -> Result<Page<SignIn>, Error> {
                let actor = Actor::User(user_id).to_string();
                let after = paging.after();
                let page = sql::page(after.is_some(), paging.fetch(), paging.offset());
                let mut rows = sqlx::query_as::<_, SignInRow>(AssertSqlSafe(page))
                    .bind(&actor)
                    .bind(user_id);
                if let Some(after) = after {
                    rows = rows.bind(after.id);
                }
                let rows = rows.fetch_all(self.reader()).await?;
                let count: i64 = sqlx::query_scalar(AssertSqlSafe(sql::count()))
                    .bind(&actor)
                    .bind(user_id)
                    .fetch_one(self.reader())
                    .await?;
                let sign_ins = rows.into_iter().map(SignIn::from).collect();
                Ok(Page::of(sign_ins, Total::counted(count, true), paging))
            }
        }
    };
}
queries!(PostgresStore);
queries!(SqliteStore);
