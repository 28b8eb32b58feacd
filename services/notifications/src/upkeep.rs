//! What goes on beside the mails: they are counted, connections that nobody
//! needs are ended, and what ended long ago is forgotten.

use std::{sync::Arc, time::Duration};

use portico_chassis::{database::upkeep, status::Error};
use tokio_util::sync::CancellationToken;

use crate::{dispatch::Dispatcher, job::Status};

/// How often it is done.
const INTERVAL: Duration = Duration::from_secs(15);

/// How long what was sent or given up is kept. It also tells that an event has
/// had its mail, long after events are too old to lead to one.
const RETENTION: Duration = Duration::from_secs(30 * 24 * 3600);

/// Goes on until `stop`.
pub(crate) async fn run(dispatcher: Arc<Dispatcher>, stop: CancellationToken) {
    loop {
        dispatcher.delivery.hang_up_idle().await;
        if let Err(error) = upkeep(tidy(&dispatcher)).await {
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

#[cfg(test)]
mod tests {
    use portico_chassis::{
        clock::{Clock, Timestamp, new_id},
        database::testing,
        mailbox::Mailbox,
        token::ServiceIdentity,
        upstream::Upstream,
    };
    use portico_proto::auth::links_service_client::LinksServiceClient;

    use super::*;
    use crate::{
        MIGRATIONS,
        delivery::Delivery,
        dispatch::Pace,
        job::{Cause, NewJob},
        mail::Mail,
        minter::Minter,
        store::{self, Filter},
    };

    #[tokio::test]
    async fn mails_are_counted_and_what_ended_long_ago_is_forgotten() {
        let database = testing::sqlite(&MIGRATIONS).await;
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::manual(Timestamp::from_seconds(10_000_000));
        let identity = ServiceIdentity::new("test", b"secret", clock.clone());
        let nobody = Upstream::local(axum::Router::new(), Arc::new(identity), Arc::default());
        let dispatcher = Arc::new(Dispatcher {
            store: store::open(&database.database),
            minter: Minter {
                links: LinksServiceClient::new(nobody),
            },
            delivery: Delivery::Mailbox(Mailbox::new(folder.path())),
            bell: Arc::default(),
            public_url: "http://localhost:8080".to_owned(),
            from: "portico@localhost".to_owned(),
            clock: clock.clone(),
            metrics: Arc::default(),
            pace: Pace::default(),
        });
        let mail = Mail::Welcome {
            name: "Ada".to_owned(),
        };
        let to = "ada@example.com".to_owned();
        let job = NewJob::of_event(new_id(clock.now()), mail, to, Cause::default());
        let store = &dispatcher.store;
        store.enqueue(&job, clock.now()).await.expect("queued");
        tidy(&dispatcher).await.expect("done");
        let text = dispatcher.metrics.text();
        assert!(
            text.contains("portico_mail_jobs{status=\"QUEUED\"} 1"),
            "{text}"
        );

        let stop = CancellationToken::new();
        let sending = tokio::spawn(dispatcher.clone().run(stop.clone()));
        let mailbox = Mailbox::new(folder.path());
        while mailbox.list().await.expect("read").is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.cancel();
        sending.await.expect("it ends");
        tidy(&dispatcher).await.expect("done");
        let text = dispatcher.metrics.text();
        assert!(
            text.contains("portico_mail_jobs{status=\"QUEUED\"} 0"),
            "{text}"
        );

        let count = async || {
            let paging = testing::paging(None, 20, None);
            let page = store.list(&Filter::default(), &paging).await;
            page.expect("listed").items.len()
        };
        clock.advance(RETENTION);
        tidy(&dispatcher).await.expect("done");
        assert_eq!(count().await, 1);
        clock.advance(Duration::from_millis(1));
        tidy(&dispatcher).await.expect("done");
        assert_eq!(count().await, 0);
    }
}
