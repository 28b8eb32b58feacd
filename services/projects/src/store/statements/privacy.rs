//! The statements about what is kept of a person.

use async_trait::async_trait;
use portico_chassis::{email_address::EmailAddress, outbox, status::Error};
use uuid::Uuid;

use super::super::{
    PrivacyQueries,
    changes::{Engine, PrivacyStatements},
    postgres::{PostgresStore, PostgresTransaction},
    privacy::{Membership, Participation},
    sql::{
        invitations::InvitationRow,
        privacy::{
            FORGET_INVITATIONS_OF, FORGET_INVITATIONS_TO, INVITATIONS_BY, INVITATIONS_OF,
            INVITATIONS_TO, MEMBERSHIPS_OF, MembershipRow,
        },
    },
    sqlite::{SqliteStore, SqliteTransaction},
};
use crate::invitation::Invitation;

macro_rules! privacy_statements {
    ($store:ty, $transaction:ty, $forget_addresses:path) => {
        #[async_trait]
        impl PrivacyQueries for $store {
            #[tracing::instrument(skip_all, fields(db.system.name = Self::NAME, otel.kind = "client"))]
            async fn participation(
                &self,
                person: Uuid,
                address: Option<&EmailAddress>,
            ) -> Result<Participation, Error> {
                let query = sqlx::query_as(MEMBERSHIPS_OF).bind(person);
                let memberships: Vec<MembershipRow> = query.fetch_all(self.reader()).await?;
                let query = sqlx::query_as(INVITATIONS_OF).bind(person);
                let mut received: Vec<InvitationRow> = query.fetch_all(self.reader()).await?;
                if let Some(address) = address {
                    let query = sqlx::query_as(INVITATIONS_TO).bind(address.key());
                    received.extend(query.fetch_all(self.reader()).await?);
                }
                let query = sqlx::query_as(INVITATIONS_BY).bind(person);
                let sent: Vec<InvitationRow> = query.fetch_all(self.reader()).await?;
                let mut received: Vec<Invitation> =
                    received.into_iter().map(Invitation::from).collect();
                received.sort_by_key(|invitation| (invitation.created_at, invitation.id));
                received.dedup();
                Ok(Participation {
                    memberships: memberships.into_iter().map(Membership::from).collect(),
                    received,
                    sent: sent.into_iter().map(Invitation::from).collect(),
                })
            }
        }

        #[async_trait]
        impl PrivacyStatements for $transaction {
            async fn forget_invitations_of(&mut self, account: Uuid) -> Result<(), Error> {
                let query = sqlx::query(FORGET_INVITATIONS_OF).bind(account);
                query.execute(&mut self.0).await?;
                Ok(())
            }

            async fn forget_invitations_to(&mut self, address: &EmailAddress) -> Result<(), Error> {
                let query = sqlx::query(FORGET_INVITATIONS_TO).bind(address.key());
                query.execute(&mut self.0).await?;
                Ok(())
            }

            async fn forget_addresses(&mut self, person: Uuid) -> Result<(), Error> {
                $forget_addresses(&mut self.0, person).await
            }
        }
    };
}
privacy_statements!(
    PostgresStore,
    PostgresTransaction,
    outbox::forget_addresses_postgres
);
privacy_statements!(
    SqliteStore,
    SqliteTransaction,
    outbox::forget_addresses_sqlite
);
