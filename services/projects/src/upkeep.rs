//! What goes on beside the requests: answers whose keys have expired are
//! forgotten.

use std::{sync::Arc, time::Duration};

use portico_chassis::{clock::Clock, database::upkeep};
use tokio_util::sync::CancellationToken;

use crate::store::Store;

/// How often it is done.
const INTERVAL: Duration = Duration::from_secs(3600);

/// Goes on until `stop`.
pub(crate) async fn run(store: Arc<dyn Store>, clock: Clock, stop: CancellationToken) {
    let pause = || stop.run_until_cancelled(tokio::time::sleep(INTERVAL));
    while pause().await.is_some() {
        if let Err(error) = upkeep(store.forget_expired(clock.now())).await {
            tracing::warn!(%error, "the upkeep is put off");
        }
    }
}
