//! Answers what was asked for, beside the requests: who has the address, and
//! what is to be told by mail. While it fails it is tried again.

use std::time::Duration;

use portico_chassis::{caller::Call, database::upkeep, status::Error};
use portico_proto::users::{self, User, user::Status};
use tokio_util::sync::CancellationToken;
use uuid::Uuid;

use crate::{
    accounts::{Accounts, NewAccount, id_of},
    link::{ChangeState, EmailChange},
    link_request::{LinkRequest, Reply, Wish},
    peers,
    store::Registration,
};

/// How often is looked for what other processes left, or what failed.
const INTERVAL: Duration = Duration::from_secs(5);

impl Accounts {
    /// Goes on until `stop`.
    pub(crate) async fn answer_requests(self, stop: CancellationToken) {
        let answered = async {
            loop {
                if let Err(error) = upkeep(self.answer_all()).await {
                    tracing::warn!(%error, "requests for mails are answered later");
                }
                tokio::select! {
                    () = self.0.bell.notified() => {}
                    () = tokio::time::sleep(INTERVAL) => {}
                }
            }
        };
        stop.run_until_cancelled(answered).await;
    }

    /// Answers what waits, as far as it can be answered now.
    pub(crate) async fn answer_all(&self) -> Result<(), Error> {
        loop {
            let waiting = self.store().link_requests().await?;
            if waiting.is_empty() {
                return Ok(());
            }
            let mut answered = Ok(());
            for request in &waiting {
                // One that fails does not stand in the way of the others.
                if let Err(error) = self.answer(request).await {
                    answered = Err(error);
                }
            }
            answered?;
        }
    }

    async fn answer(&self, request: &LinkRequest) -> Result<(), Error> {
        let reply = self.reply(&call_of(request), request).await?;
        self.store().answer_link_request(request, &reply).await
    }

    async fn reply(&self, call: &Call, request: &LinkRequest) -> Result<Reply, Error> {
        match &request.wish {
            Wish::NewPassword { email } => {
                let person = self.0.peers.lookup(call, email.as_str()).await?;
                let person = person.filter(is_active);
                Ok(match person {
                    Some(user) => Reply::NewPassword {
                        user_id: id_of(&user)?,
                    },
                    None => Reply::Nothing,
                })
            }
            Wish::Verification { user_id } => {
                let person = self.0.peers.person(call, *user_id).await?;
                let person = person.filter(|user| is_active(user) && !user.email_verified);
                Ok(match person {
                    Some(_) => Reply::Verification { user_id: *user_id },
                    None => Reply::Nothing,
                })
            }
            Wish::NewEmail { user_id, email } => {
                let person = self.0.peers.person(call, *user_id).await?;
                let Some(person) = person.filter(is_active) else {
                    return Ok(Reply::Nothing);
                };
                let holder = self.0.peers.lookup(call, email.as_str()).await?;
                let holder = holder.as_ref().map(id_of).transpose()?;
                if holder == Some(*user_id) {
                    return Ok(Reply::Nothing);
                }
                let change = EmailChange {
                    id: request.id,
                    user_id: *user_id,
                    old_email: portico_chassis::email_address::EmailAddress::stored(person.email),
                    new_email: email.clone(),
                    requested_at: request.origin.at,
                    state: ChangeState::Pending,
                };
                Ok(Reply::NewEmail { change, holder })
            }
            Wish::Account {
                user_id,
                email,
                name,
                password_hash,
            } => {
                let account = NewAccount {
                    email: email.as_str(),
                    name,
                    role: users::user::Role::Member,
                    email_verified: false,
                    password: None,
                    by_itself: true,
                };
                self.make_asked(call, *user_id, account, password_hash)
                    .await
            }
        }
    }

    /// Makes an account whose password is hashed already, or finds who has its
    /// address. The steps are those of [`Accounts::make`].
    async fn make_asked(
        &self,
        call: &Call,
        user_id: Uuid,
        account: NewAccount<'_>,
        password_hash: &str,
    ) -> Result<Reply, Error> {
        let (now, store) = (self.now(), self.store());
        store
            .begin_registration(user_id, None, Some(password_hash), now)
            .await?;
        match self.0.peers.create(call, account.person(user_id)).await {
            Ok(_) => {
                let registration = Registration {
                    user_id,
                    key: None,
                    password_hash: Some(password_hash),
                    answer: &[],
                };
                store.finish_registration(registration, now).await?;
                Ok(Reply::Nothing)
            }
            Err(error) if peers::is_open(&error) => Err(error),
            Err(error) => {
                store.abandon_registration(user_id, None).await?;
                tracing::debug!(%error, "an account that was asked for is not made");
                let holder = self.0.peers.lookup(call, account.email).await?;
                Ok(match holder {
                    Some(holder) => Reply::EmailTaken {
                        holder: id_of(&holder)?,
                    },
                    None => Reply::Nothing,
                })
            }
        }
    }
}

fn is_active(user: &User) -> bool {
    user.status() == Status::Active
}

/// The call that a request came with, as far as it is remembered.
fn call_of(request: &LinkRequest) -> Call {
    let origin = &request.origin;
    let mut call = Call::default();
    call.request_id = origin.request_id.as_str().into();
    call.traceparent = origin.traceparent.as_deref().map(Into::into);
    call.client_ip = origin.client_ip;
    call
}
