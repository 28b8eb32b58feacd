//! What goes on beside the requests: deletions and undone changes
//! of addresses that were interrupted are finished, credentials of nobody are swept away, and what has expired is
//! forgotten.

use std::time::Duration;

use portico_chassis::{caller::Call, database::upkeep, status::Error};
use tokio_util::sync::CancellationToken;

use crate::{accounts::Accounts, tokens::stopped_within};

/// How often it is done.
const INTERVAL: Duration = Duration::from_secs(60);

/// A request works on what is newer than this.
const IN_PROGRESS: Duration = Duration::from_secs(60);

/// A credential that the users service should know by now.
const UNCONFIRMED: Duration = Duration::from_secs(3600);

impl Accounts {
    /// Goes on until `stop`. What was interrupted before the process started
    /// is finished at once.
    pub(crate) async fn run(self, stop: CancellationToken) {
        let mut age = Duration::ZERO;
        loop {
            if let Err(error) = upkeep(self.tidy(age)).await {
                tracing::warn!(%error, "the upkeep is put off");
            }
            age = IN_PROGRESS;
            if stopped_within(&stop, INTERVAL).await {
                return;
            }
        }
    }

    async fn tidy(&self, age: Duration) -> Result<(), Error> {
        let now = self.now();
        self.resume_deletions(now - age).await?;
        self.resume_undos(now - age).await?;
        self.settle_credentials().await?;
        self.store().forget_expired(now).await
    }

    /// Asks the users service who of those with a credential exists.
    pub(crate) async fn settle_credentials(&self) -> Result<(), Error> {
        let before = self.now() - UNCONFIRMED;
        let unconfirmed = self.store().unconfirmed(before).await?;
        if unconfirmed.is_empty() {
            return Ok(());
        }
        let missing = self.0.peers.missing(&Call::default(), &unconfirmed).await?;
        let (missing, existing): (Vec<_>, Vec<_>) =
            unconfirmed.into_iter().partition(|id| missing.contains(id));
        self.store().settle(&existing, &missing, before).await
    }
}
