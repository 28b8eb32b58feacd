//! What goes on beside the requests: people who were deleted long enough ago are
//! purged. First the other services are told, which look up what they need to
//! forget the person; when they had time for it, the person is gone.

use std::{sync::Arc, time::Duration};

use portico_chassis::{clock::Clock, database::upkeep, outbox::Origin, status::Error};
use tokio_util::sync::CancellationToken;

use crate::{store::Store, user::GRACE};

/// How often is looked for them.
const INTERVAL: Duration = Duration::from_secs(10);

/// How much time the others have.
const NOTICE: Duration = Duration::from_secs(3600);

/// Goes on until `stop`.
pub(crate) async fn run(store: Arc<dyn Store>, clock: Clock, stop: CancellationToken) {
    loop {
        if let Err(error) = upkeep(purge(store.as_ref(), &clock)).await {
            tracing::warn!(%error, "the upkeep is put off");
        }
        let pause = tokio::time::sleep(INTERVAL);
        if stop.run_until_cancelled(pause).await.is_none() {
            return;
        }
    }
}

async fn purge(store: &dyn Store, clock: &Clock) -> Result<(), Error> {
    let now = clock.now();
    let origin = Origin::system(now);
    for id in store.announce_purges(now - GRACE, &origin).await? {
        tracing::info!(%id, "a deleted person is about to be purged");
    }
    for id in store.purge(now - NOTICE, &origin).await? {
        tracing::info!(%id, "a deleted person was purged");
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use portico_chassis::{
        clock::{Timestamp, new_id},
        database::testing,
        email_address::EmailAddress,
        etag::IfMatch,
    };

    use super::*;
    use crate::{
        MIGRATIONS, store,
        user::{Name, Role, Status, User},
    };

    #[tokio::test]
    async fn a_deleted_person_is_gone_after_the_grace_and_the_notice() {
        let database = testing::sqlite(&MIGRATIONS).await;
        let store = store::open(&database.database);
        let clock = Clock::manual(Timestamp::from_seconds(1_000_000));
        let user = User {
            id: new_id(clock.now()),
            email: EmailAddress::parse("ada@example.com").expect("address"),
            name: Name::parse("Ada").expect("name"),
            avatar: None,
            role: Role::Member,
            status: Status::Active,
            email_verified: false,
            version: 1,
            created_at: clock.now(),
            updated_at: clock.now(),
            deleted_at: None,
        };
        let origin = || Origin::system(clock.now());
        store.create(&user, &origin()).await.expect("created");
        let deleted = store.delete(user.id, &IfMatch::Any, &origin()).await;
        deleted.expect("deleted");
        let is_there = async || store.get(user.id).await.expect("read").is_some();
        let step = Duration::from_millis(1);
        for (later, is_left) in [
            (GRACE - step, true),
            (step, true),
            (NOTICE - step, true),
            (step, false),
        ] {
            clock.advance(later);
            purge(store.as_ref(), &clock).await.expect("done");
            assert_eq!(is_there().await, is_left);
        }
        store.create(&user, &origin()).await.expect("it is free");
        database.close().await;
    }
}
