//! Sign-ins that were refused.

use async_trait::async_trait;
use portico_chassis::{outbox::Origin, status::Error};

use super::{Engine, Transaction as _, throttle::Failed};
use crate::{
    history::{Failure, Tried},
    store::SignInStore,
};

#[async_trait]
impl<E: Engine> SignInStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn sign_in_refused(
        &self,
        tried: Tried,
        failure: &Failure,
        origin: &Origin,
    ) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        let refused = Failed::of(tried, failure);
        transaction.append(origin, refused.event(&[])).await?;
        transaction.commit().await
    }
}
