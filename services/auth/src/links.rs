//! What following a link in a mail does, and the making of its token.
//!
//! A link that proves an address changes the person, who is the users
//! service's, and then it is taken, here. Of many who follow it at once all do
//! the first, which is the same for each, and one does the second. Whoever ends
//! links to take an account back, by undoing a change, ends them first and then
//! changes the person: so a link is looked at after the person was read, and the
//! change names the version that was read.

use portico_chassis::{
    caller::Call,
    clock::{Timestamp, new_id},
    email_address::EmailAddress,
    outbox::{Actor, Origin},
    status::Error,
};
use portico_proto::users::{User, user::Status};

use crate::{
    accounts::Accounts,
    error,
    link::{Aim, Link, LinkHash, Purpose, Undo},
    link_request::{LinkRequest, Wish},
    password::Password,
    peers,
};

/// How often a change is begun anew because the person changed meanwhile.
const TRIES: u32 = 10;

impl Accounts {
    /// Writes down what somebody asks for. It is answered later.
    pub(crate) async fn ask(&self, call: &Call, wish: Wish) -> Result<(), Error> {
        let request = self.link_request(call, wish);
        self.store().add_link_request(&request).await?;
        self.0.bell.notify_one();
        Ok(())
    }

    pub(crate) fn link_request(&self, call: &Call, wish: Wish) -> LinkRequest {
        let now = self.now();
        LinkRequest {
            id: new_id(now),
            wish,
            origin: call.origin(now),
        }
    }

    /// Nothing, if the person may sign in as far as the address is concerned.
    /// Else another mail is on its way by which it is verified.
    pub(crate) async fn be_verified(&self, call: &Call, user: &User) -> Result<(), Error> {
        if user.email_verified || !self.0.requires_verified_email {
            return Ok(());
        }
        let user_id = crate::accounts::id_of(user)?;
        self.ask(call, Wish::Verification { user_id }).await?;
        Err(error::email_not_verified())
    }

    /// Makes the token of a link, if it would lead anywhere.
    pub(crate) async fn mint(&self, call: &Call, aim: Aim) -> Result<(String, Timestamp), Error> {
        if !self.is_needed(call, &aim).await? {
            return Err(error::link_not_needed());
        }
        let now = self.now();
        let (link, token) = Link::issue(aim, now);
        match self.store().add_link(&link, now).await? {
            true => Ok((token, link.expires_at)),
            false => Err(error::link_not_needed()),
        }
    }

    async fn is_needed(&self, call: &Call, aim: &Aim) -> Result<bool, Error> {
        let person = self.0.peers.person(call, aim.user_id).await?;
        let Some(person) = person.filter(|person| person.status() != Status::Deleted) else {
            return Ok(false);
        };
        let is_active = person.status() == Status::Active;
        let is_there = has_address(&person, &aim.email);
        let change = match aim.change_id {
            Some(id) => self.store().email_change(id).await?,
            None => None,
        };
        let change = change.filter(|change| change.user_id == aim.user_id);
        Ok(match aim.purpose {
            Purpose::VerifyEmail => is_there && !person.email_verified,
            Purpose::ResetPassword => is_there && is_active,
            Purpose::SetPassword => {
                let hash = self.store().password_hash(aim.user_id).await?;
                is_there && is_active && hash.is_none()
            }
            Purpose::ConfirmEmail => {
                let holder = self.0.peers.lookup(call, aim.email.as_str()).await?;
                holder.is_none()
                    && change.is_some_and(|change| change.new_email.key() == aim.email.key())
            }
            Purpose::UndoEmailChange => {
                change.is_some_and(|change| change.old_email.key() == aim.email.key())
            }
        })
    }

    /// Shows by a link that an address is the person's.
    pub(crate) async fn verify_email(&self, call: &Call, token: &str) -> Result<User, Error> {
        let purposes = [Purpose::VerifyEmail, Purpose::ConfirmEmail];
        let link = self.find_link(token, &purposes).await?;
        let user = self.prove_address(call, &link).await?;
        let is_taken = match link.aim.purpose {
            Purpose::ConfirmEmail => self.store().take_confirmation(&link).await?,
            _ => self.store().take_verification(&link).await?,
        };
        match is_taken {
            true => Ok(user),
            false => Err(error::link_invalid()),
        }
    }

    /// Sets a password by a link, which shows too that the address is the
    /// person's.
    pub(crate) async fn reset_password(
        &self,
        call: &Call,
        token: &str,
        password: &Password,
    ) -> Result<(), Error> {
        let purposes = [Purpose::ResetPassword, Purpose::SetPassword];
        let link = self.find_link(token, &purposes).await?;
        let hash = self.0.passwords.hash(password).await?;
        self.prove_address(call, &link).await?;
        let origin = self.origin_of(call, &link.aim);
        if !self.store().reset_password(&link, &hash, &origin).await? {
            return Err(error::link_invalid());
        }
        self.0.tokens.0.feed.wake();
        self.forget_attempts(link.aim.user_id).await
    }

    /// Gives an account its former address back by a link.
    pub(crate) async fn undo_email_change(&self, call: &Call, token: &str) -> Result<User, Error> {
        let link = self.find_link(token, &[Purpose::UndoEmailChange]).await?;
        let person = self.0.peers.person(call, link.aim.user_id).await?;
        if person.is_none_or(|person| person.status() == Status::Deleted) {
            return Err(error::link_invalid());
        }
        let origin = self.origin_of(call, &link.aim);
        let undo = self.store().begin_undo(&link, &origin).await?;
        let undo = undo.ok_or_else(error::link_invalid)?;
        self.0.tokens.0.feed.wake();
        self.finish_undo(call, &undo).await
    }

    /// Finishes what undoes were begun before a moment.
    pub(crate) async fn resume_undos(&self, before: Timestamp) -> Result<(), Error> {
        let call = Call::default();
        for undo in self.store().undos(before).await? {
            let user_id = undo.user_id;
            tracing::info!(%user_id, "finishing an undone change of an address");
            let Err(error) = self.finish_undo(&call, &undo).await else {
                continue;
            };
            tracing::warn!(%user_id, %error, "an address was not given back");
            if !peers::is_open(&error) {
                let undo = Undo {
                    needs_password: false,
                    ..undo
                };
                let origin = Origin::system(self.now());
                self.store().finish_undo(&undo, &origin).await?;
            }
        }
        Ok(())
    }

    async fn finish_undo(&self, call: &Call, undo: &Undo) -> Result<User, Error> {
        for _ in 0..TRIES {
            let person = self.0.peers.person(call, undo.user_id).await?;
            // As with links: another undo, to an older address, may have begun.
            let current = self.store().undo(undo.user_id).await?;
            let stands = current.is_some_and(|current| current.id == undo.id);
            let person = person.filter(|_| stands).ok_or_else(error::link_invalid)?;
            match self
                .0
                .peers
                .set_email(call, &person, &undo.email, true)
                .await
            {
                Err(error) if error.reason == "ETAG_MISMATCH" => {}
                Err(error) => return Err(error),
                Ok(user) => {
                    let origin = Origin::system(self.now());
                    self.store().finish_undo(undo, &origin).await?;
                    self.0.bell.notify_one();
                    return Ok(user);
                }
            }
        }
        Err(changes_all_the_time())
    }

    /// The link with a token, if it is for one of these purposes.
    async fn find_link(&self, token: &str, purposes: &[Purpose]) -> Result<Link, Error> {
        let link = self.store().link(LinkHash::of(token), self.now()).await?;
        link.filter(|link| purposes.contains(&link.aim.purpose))
            .ok_or_else(error::link_invalid)
    }

    /// Notes that the address that a link was sent to is the person's, who gets
    /// it if it is a new one. Returns the person as it is then.
    async fn prove_address(&self, call: &Call, link: &Link) -> Result<User, Error> {
        let aim = &link.aim;
        for _ in 0..TRIES {
            let person = self.0.peers.person(call, aim.user_id).await?;
            let person = person.filter(|person| person.status() != Status::Deleted);
            let stands = self.store().link(link.hash, self.now()).await?.is_some();
            let person = person.filter(|_| stands).ok_or_else(error::link_invalid)?;
            let is_there = has_address(&person, &aim.email);
            if is_there && person.email_verified {
                return Ok(person);
            }
            if !is_there && aim.purpose != Purpose::ConfirmEmail {
                return Err(error::link_invalid());
            }
            match self
                .0
                .peers
                .set_email(call, &person, &aim.email, false)
                .await
            {
                Err(error) if error.reason == "ETAG_MISMATCH" => {}
                answered => return answered,
            }
        }
        Err(changes_all_the_time())
    }

    /// Whoever follows a link is the person that it was sent to.
    fn origin_of(&self, call: &Call, aim: &Aim) -> Origin {
        Origin {
            actor: Actor::User(aim.user_id),
            ..call.origin(self.now())
        }
    }
}

fn has_address(person: &User, email: &EmailAddress) -> bool {
    EmailAddress::stored(person.email.clone()).key() == email.key()
}

fn changes_all_the_time() -> Error {
    Error::unavailable("the person changes all the time")
}
