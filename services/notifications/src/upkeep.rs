//! What goes on beside the mails: they are counted, connections that nobody
//! needs are ended, and what ended long ago is forgotten.

use std::{sync::Arc, time::Duration};

use portico_chassis::status::Error;
use tokio_util::sync::CancellationToken;

use crate::{dispatch::Dispatcher, job::Status};

/// How often it is done.
const INTERVAL: Duration = Duration::from_secs(15);

/// How long what was sent or given up is kept. It also tells that an event's
/// mail was sent, for as long as services keep their events.
const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// Goes on until `stop`.
pub(crate) async fn run(dispatcher: Arc<Dispatcher>, stop: CancellationToken) {
    loop {
        dispatcher.delivery.hang_up_idle().await;
        if let Err(error) = tidy(&dispatcher).await {
            tracing::warn!(%error, "the upkeep is put off");
        }
        let pause = tokio::time::sleep(INTERVAL);
        if stop.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}

async fn tidy(dispatcher: &Dispatcher) -> Result<(), Error> {
    let store = &dispatcher.store;
    store.forget(dispatcher.clock.now() - RETENTION).await?;
    let counts = store.count_unsent().await?;
    for status in Status::ALL {
        if status != Status::Sent {
            let counted = counts.iter().find(|(counted, _)| *counted == status);
            let count = counted.map_or(0, |(_, count)| *count);
            dispatcher.metrics.set_mail_jobs(status.as_str(), count);
        }
    }
    Ok(())
}
