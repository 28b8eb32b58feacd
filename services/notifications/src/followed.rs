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
    email_address::EmailAddress,
    status::Error,
    telemetry::Metrics,
    upstream::Upstream,
};
use portico_proto::{
    auth::{
        EmailChange, GetPasswordStateRequest,
        account_data_service_client::AccountDataServiceClient,
        auth_service_client::AuthServiceClient, links_service_client::LinksServiceClient,
    },
    events::Event,
    projects::{Invitation, projects_service_client::ProjectsServiceClient},
    users::{BatchGetUsersRequest, User, user, users_service_client::UsersServiceClient},
};
use tokio::sync::{Notify, OnceCell};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

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

/// What is told of people that matters here.
const OF_USERS: [&str; 2] = ["user.created", "user.purge_announced"];

/// What is told of accounts that asks for a mail, factors aside.
const OF_ACCOUNTS: [&str; 5] = [
    "password.changed",
    "password.reset_requested",
    "email.verification_requested",
    "email.change_requested",
    "email.taken",
];

/// The services that this one calls.
#[derive(Clone)]
pub struct Peers {
    /// Who is there.
    pub users: UsersServiceClient<Upstream>,
    /// Who signs in.
    pub auth: AuthServiceClient<Upstream>,
    /// What people prove by links in mails.
    pub links: LinksServiceClient<Upstream>,
    /// What is kept of accounts.
    pub accounts: AccountDataServiceClient<Upstream>,
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
    pub(crate) metrics: Arc<Metrics>,
}

impl Followed {
    /// Follows the other services until `stop`. The places are kept in the
    /// service's database.
    pub(crate) async fn run(self, database: Database, stop: CancellationToken) {
        let Peers {
            users,
            auth,
            projects,
            ..
        } = &self.peers;
        let consumer = |source, types| {
            let lag = self
                .metrics
                .event_lag("notifications", source, self.clock.clone());
            Consumer::new(database.clone(), lag, types)
        };
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
        let of_auth_kinds = [&OF_ACCOUNTS[..], &factors::KINDS[..]].concat();
        tokio::join!(
            consumer("users", &OF_USERS).run(of_users, &self, stop.clone()),
            consumer("auth", &of_auth_kinds).run(of_auth, &self, stop.clone()),
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
        if event.r#type == "user.purge_announced" {
            return self.forget(&event.subject).await;
        }
        let now = self.clock.now();
        let start = || self.store.first_start(now);
        let first_start = *self.first_start.get_or_try_init(start).await?;
        let at = event.time.map(Timestamp::from).unwrap_or_default();
        if at < now - TOO_OLD || at < first_start - BEFORE_START {
            return Ok(());
        }
        let asked = self.asked(&event, at).await?;
        let Some(id) = parse_id(&event.id) else {
            tracing::error!(id = event.id, "an event has no id that can be read");
            return Ok(());
        };
        let cause = Cause {
            request_id: event.request_id,
            traceparent: Some(event.traceparent).filter(|trace| !trace.is_empty()),
        };
        for (mail, to) in asked {
            let job = NewJob::of_event(id, mail, to, cause.clone());
            if self.store.enqueue(&job, now).await? {
                self.bell.notify_one();
            }
        }
        Ok(())
    }
}

impl Followed {
    /// When a purge is announced, the person is still there, and with it the
    /// address that mails went to. If it comes too late, or the address was
    /// never shown to be the person's, they are forgotten by their age.
    async fn forget(&self, id: &str) -> Result<(), Error> {
        match self.find(id).await? {
            Some(user) if user.email_verified => {
                let address = EmailAddress::stored(user.email);
                self.store.forget_address(&address).await
            }
            _ => Ok(()),
        }
    }

    /// The mails that an event asks for, and the addresses that they go to.
    async fn asked(&self, event: &Event, at: Timestamp) -> Result<Vec<(Mail, String)>, Error> {
        Ok(match event.r#type.as_str() {
            "user.created" => match resource::<User>(event) {
                Some(user) => self.first_mail(user).await?.into_iter().collect(),
                None => Vec::new(),
            },
            "invitation.created" | "invitation.resent" => resource::<Invitation>(event)
                .filter(|invitation| convert::invited_until(invitation) > self.clock.now())
                .map(|invitation| (convert::invitation(&invitation), invitation.email))
                .into_iter()
                .collect(),
            kind if factors::KINDS.contains(&kind) => {
                self.about_factors(event, at).await?.into_iter().collect()
            }
            _ => match self.person(&event.subject).await? {
                Some(user) => about_account(event, at, user),
                None => Vec::new(),
            },
        })
    }

    /// The one mail to somebody who has an account from now on.
    async fn first_mail(&self, user: User) -> Result<Option<(Mail, String)>, Error> {
        let Some(user_id) = parse_id(&user.id) else {
            return Ok(None);
        };
        let name = user.name;
        let mail = if !self.has_password(user.id).await? {
            Mail::SetPassword { user_id, name }
        } else if user.email_verified {
            Mail::Welcome { name }
        } else {
            Mail::VerifyEmail {
                user_id,
                name,
                is_new: true,
            }
        };
        Ok(Some((mail, user.email)))
    }

    async fn has_password(&self, user_id: String) -> Result<bool, Error> {
        let mut links = self.peers.links.clone();
        let state = links
            .get_password_state(GetPasswordStateRequest { user_id })
            .await
            .map_err(|status| Error::from_status(&status))?;
        Ok(state.into_inner().is_set)
    }

    /// A person who is there, deleted ones aside.
    async fn person(&self, id: &str) -> Result<Option<User>, Error> {
        let is_there = |user: &User| user.status() != user::Status::Deleted;
        Ok(self.find(id).await?.filter(is_there))
    }

    /// A person, deleted or not.
    async fn find(&self, id: &str) -> Result<Option<User>, Error> {
        let ids = vec![id.to_owned()];
        let mut users = self.peers.users.clone();
        let found = users
            .batch_get_users(BatchGetUsersRequest { ids })
            .await
            .map_err(|status| Error::from_status(&status))?;
        Ok(found.into_inner().users.into_iter().next())
    }
}

/// The mails that something that happened to somebody's account asks for.
fn about_account(event: &Event, at: Timestamp, user: User) -> Vec<(Mail, String)> {
    let Some(user_id) = parse_id(&user.id) else {
        return Vec::new();
    };
    let User { name, email, .. } = user;
    match event.r#type.as_str() {
        "password.changed" => vec![(Mail::PasswordChanged { name, at }, email)],
        "password.reset_requested" => vec![(Mail::ResetPassword { user_id, name }, email)],
        "email.verification_requested" => {
            let mail = Mail::VerifyEmail {
                user_id,
                name,
                is_new: false,
            };
            vec![(mail, email)]
        }
        "email.taken" => vec![(Mail::EmailTaken { name }, email)],
        "email.change_requested" => match resource::<EmailChange>(event) {
            Some(change) => about_change(user_id, &name, change),
            None => Vec::new(),
        },
        _ => Vec::new(),
    }
}

/// The mails to both addresses of somebody who changes it.
fn about_change(user_id: Uuid, name: &str, change: EmailChange) -> Vec<(Mail, String)> {
    let Some(change_id) = parse_id(&change.id) else {
        return Vec::new();
    };
    let name = || name.to_owned();
    let confirm = Mail::ConfirmEmail {
        user_id,
        change_id,
        name: name(),
    };
    let undo = Mail::UndoEmailChange {
        user_id,
        change_id,
        name: name(),
        new_email: change.new_email.clone(),
    };
    vec![(confirm, change.new_email), (undo, change.old_email)]
}

/// What an event is about.
fn resource<T: prost::Name + Default>(event: &Event) -> Option<T> {
    let resource = event.resource.as_ref()?.to_msg();
    if let Err(error) = &resource {
        tracing::error!(id = event.id, %error, "what an event is about cannot be read");
    }
    resource.ok()
}
