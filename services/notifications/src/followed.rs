//! Follows the events of the other services, and queues the mails that they
//! ask for.

mod factors;
#[cfg(test)]
mod tests;

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use portico_chassis::{
    clock::{Clock, Timestamp, parse_id},
    consumer::{Consumer, Handler},
    database::Database,
    status::Error,
    upstream::Upstream,
};
use portico_proto::{
    auth::auth_service_client::AuthServiceClient,
    events::Event,
    projects::{Invitation, projects_service_client::ProjectsServiceClient},
    users::{BatchGetUsersRequest, User, user, users_service_client::UsersServiceClient},
};
use tokio::sync::{Notify, OnceCell};
use tokio_util::sync::CancellationToken;

use crate::{
    convert,
    job::{Cause, NewJob},
    mail::Mail,
    store::Store,
};

/// What happened so long before the service was first started is none of its
/// business: it may have been added to an old installation.
const BEFORE_START: Duration = Duration::from_secs(24 * 3600);

/// A mail about what happened longer ago would surprise more than it tells.
const TOO_OLD: Duration = Duration::from_secs(7 * 24 * 3600);

/// What auth tells that somebody gets a mail about.
const OF_AUTH: [&str; 9] = [
    "password.changed",
    "device.added",
    "totp.enabled",
    "totp.disabled",
    "passkey.added",
    "passkey.removed",
    "recovery_codes.renewed",
    "recovery_code.used",
    "mfa.reset",
];

/// The services that this one calls.
#[derive(Clone)]
pub struct Peers {
    /// Who is there.
    pub users: UsersServiceClient<Upstream>,
    /// Who signs in.
    pub auth: AuthServiceClient<Upstream>,
    /// What people share.
    pub projects: ProjectsServiceClient<Upstream>,
}

/// Queues the mails that events ask for.
pub(crate) struct Followed {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) peers: Peers,
    /// To be rung when a mail became due.
    pub(crate) bell: Arc<Notify>,
    pub(crate) clock: Clock,
    pub(crate) first_start: OnceCell<Timestamp>,
}

impl Followed {
    /// Follows the other services until `stop`. The places are kept in the
    /// service's database.
    pub(crate) async fn run(self, database: Database, stop: CancellationToken) {
        let Peers {
            users,
            auth,
            projects,
        } = &self.peers;
        let consumer = |source, types| Consumer::new(database.clone(), source, types);
        let of_users = |request| {
            let mut users = users.clone();
            async move { users.watch_events(request).await }
        };
        let of_auth = |request| {
            let mut auth = auth.clone();
            async move { auth.watch_events(request).await }
        };
        let of_projects = |request| {
            let mut projects = projects.clone();
            async move { projects.watch_events(request).await }
        };
        tokio::join!(
            consumer("users", &["user.created"]).run(of_users, &self, stop.clone()),
            consumer("auth", &OF_AUTH).run(of_auth, &self, stop.clone()),
            consumer("projects", &["invitation.created", "invitation.resent"]).run(
                of_projects,
                &self,
                stop.clone()
            ),
        );
    }
}

#[async_trait]
impl Handler for Followed {
    /// An event that this service cannot read is passed over: those after it
    /// must not wait for it for ever.
    async fn handle(&self, event: Event) -> Result<(), Error> {
        let now = self.clock.now();
        let start = || self.store.first_start(now);
        let first_start = *self.first_start.get_or_try_init(start).await?;
        let at = event.time.map(Timestamp::from).unwrap_or_default();
        if at < now - TOO_OLD || at < first_start - BEFORE_START {
            return Ok(());
        }
        let Some((mail, to)) = self.asked(&event, at).await? else {
            return Ok(());
        };
        let Some(id) = parse_id(&event.id) else {
            tracing::error!(id = event.id, "an event has no id that can be read");
            return Ok(());
        };
        let cause = Cause {
            request_id: event.request_id,
            traceparent: Some(event.traceparent).filter(|trace| !trace.is_empty()),
        };
        let job = NewJob::of_event(id, mail, to, cause);
        if self.store.enqueue(&job, now).await? {
            self.bell.notify_one();
        }
        Ok(())
    }
}

impl Followed {
    /// The mail that an event asks for, and the address that it goes to.
    async fn asked(&self, event: &Event, at: Timestamp) -> Result<Option<(Mail, String)>, Error> {
        Ok(match event.r#type.as_str() {
            "user.created" => {
                resource::<User>(event).map(|user| (Mail::Welcome { name: user.name }, user.email))
            }
            "password.changed" => {
                let person = self.person(&event.subject).await?;
                person.map(|user| {
                    let name = user.name;
                    (Mail::PasswordChanged { name, at }, user.email)
                })
            }
            "device.added"
            | "totp.enabled"
            | "totp.disabled"
            | "passkey.added"
            | "passkey.removed"
            | "recovery_codes.renewed"
            | "recovery_code.used"
            | "mfa.reset" => self.about_factors(event, at).await?,
            "invitation.created" | "invitation.resent" => resource::<Invitation>(event)
                .filter(|invitation| convert::invited_until(invitation) > self.clock.now())
                .map(|invitation| {
                    let mail = convert::invitation(&invitation);
                    (mail, invitation.email)
                }),
            _ => None,
        })
    }

    /// A person who is there, deleted ones aside.
    async fn person(&self, id: &str) -> Result<Option<User>, Error> {
        let ids = vec![id.to_owned()];
        let mut users = self.peers.users.clone();
        let found = users
            .batch_get_users(BatchGetUsersRequest { ids })
            .await
            .map_err(|status| Error::from_status(&status))?;
        let is_there = |user: &User| user.status() != user::Status::Deleted;
        Ok(found.into_inner().users.into_iter().find(is_there))
    }
}

/// What an event is about.
fn resource<T: prost::Name + Default>(event: &Event) -> Option<T> {
    let resource = event.resource.as_ref()?.to_msg();
    if let Err(error) = &resource {
        tracing::error!(id = event.id, %error, "what an event is about cannot be read");
    }
    resource.ok()
}
