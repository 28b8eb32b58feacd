//! Signs people in: the first proof, and what follows from it, a session or a
//! challenge to give a second one.

use portico_chassis::{
    caller::Call,
    clock::Timestamp,
    outbox::{Actor, Origin},
    status::Error,
};
use portico_proto::users::{self, User};
use uuid::Uuid;

use crate::{
    accounts::{Accounts, id_of},
    challenge::Challenge,
    convert, error,
    factors::Method,
    password::Password,
    session::{EndReason, Session},
    store::{Knowledge, Verified},
    tokens::{Standing, Subject},
};

/// What a person gets at sign-in.
pub(crate) struct SignedIn {
    pub(crate) user: User,
    pub(crate) token: String,
    pub(crate) expires_at: Timestamp,
    pub(crate) refresh_token: String,
}

/// What a verified first proof comes to.
pub(crate) enum Admission {
    /// A session.
    SignedIn(Box<SignedIn>),
    /// A second proof is needed.
    Challenged {
        /// What it is given with.
        token: String,
        /// What the person has for it.
        methods: Vec<Method>,
    },
}

impl Admission {
    /// Whether a second proof is needed.
    pub(crate) fn needs_more(&self) -> bool {
        matches!(self, Self::Challenged { .. })
    }
}

impl Accounts {
    /// Signs in a person, if there is one, by its password. Whatever is wrong
    /// takes the same work and reads the same; only who has the password
    /// learns that the account is disabled.
    pub(crate) async fn sign_in(
        &self,
        call: &Call,
        found: Option<User>,
        password: &str,
    ) -> Result<Admission, Error> {
        let password = Password::given(password);
        // Another sign-in may put a stronger hash of the same password in
        // place at this moment; then it is verified against that one.
        for _ in 0..2 {
            let admission = self.try_sign_in(call, found.clone(), &password).await?;
            if let Some(admission) = admission {
                return Ok(admission);
            }
        }
        Err(error::invalid_credentials())
    }

    /// Signs in a person; `None` if the hash of its password changed
    /// meanwhile.
    async fn try_sign_in(
        &self,
        call: &Call,
        found: Option<User>,
        password: &Password,
    ) -> Result<Option<Admission>, Error> {
        let user_id = found.as_ref().map(id_of).transpose()?.unwrap_or_default();
        let hash = self.store().password_hash(user_id).await?;
        let matches = self.0.passwords.verify(password, hash.as_deref()).await?;
        let (Some(user), Some(mut hash), true) = (found, hash, matches) else {
            return Err(error::invalid_credentials());
        };
        match user.status() {
            users::user::Status::Active => {}
            users::user::Status::Disabled => return Err(error::account_disabled()),
            _ => return Err(error::invalid_credentials()),
        }
        self.be_verified(call, &user).await?;
        if self.0.passwords.is_outdated(&hash) {
            hash = self.upgrade(user_id, password, hash).await?;
        }
        self.admit(call, user, &hash).await
    }

    /// Keeps a stronger hash of the same password, unless too many wait for
    /// one. Returns the hash that is kept now.
    async fn upgrade(
        &self,
        user_id: Uuid,
        password: &Password,
        outdated: String,
    ) -> Result<String, Error> {
        let Ok(hash) = self.0.passwords.hash(password).await else {
            return Ok(outdated);
        };
        let store = self.store();
        store.upgrade_password(user_id, &outdated, &hash).await?;
        Ok(hash)
    }

    /// What it comes to that a person's password was verified against `hash`:
    /// a session, or a challenge if the person has a second factor. `None` if
    /// either has changed since. If word came meanwhile that the person itself
    /// has changed, it is read again.
    pub(crate) async fn admit(
        &self,
        call: &Call,
        user: User,
        hash: &str,
    ) -> Result<Option<Admission>, Error> {
        let (session, origin) = self.session_of(call, id_of(&user)?);
        let store = self.store();
        let verified = Verified {
            password_hash: hash,
            version: convert::version(&user)?,
        };
        if let Some(knowledge) = store.open_session(&session, verified, &origin).await? {
            let signed_in = match knowledge {
                Knowledge::Current => self.signed_in(user, &session, session.created_at)?,
                Knowledge::Outdated => self.enter(call, &session, &origin).await?,
            };
            return Ok(Some(Admission::SignedIn(Box::new(signed_in))));
        }
        let factors = store.factors(session.user_id).await?;
        let has_passkeys = !store.passkeys(session.user_id).await?.is_empty();
        let methods = factors.methods(has_passkeys);
        if methods.is_empty() {
            return Ok(None);
        }
        let (challenge, token) = Challenge::issue(session.user_id, origin.at);
        let is_open = store.open_challenge(&challenge, hash).await?;
        Ok(is_open.then_some(Admission::Challenged { token, methods }))
    }

    /// A session for a person who signs in now, to be opened on its behalf.
    pub(crate) fn session_of(&self, call: &Call, user_id: Uuid) -> (Session, Origin) {
        let visit = self.visit(call);
        let session = Session::begin(user_id, &visit, self.0.session_ttl);
        let origin = Origin {
            actor: Actor::User(user_id),
            ..call.origin(visit.at)
        };
        (session, origin)
    }

    /// The tokens of a session that was just opened. Who was an administrator
    /// before the proof was verified may be none now.
    pub(crate) async fn enter(
        &self,
        call: &Call,
        session: &Session,
        origin: &Origin,
    ) -> Result<SignedIn, Error> {
        let now = self.now();
        let user = self.still_active(call, session, origin).await?;
        self.signed_in(user.ok_or_else(error::account_disabled)?, session, now)
    }

    /// The person of a session, as it is now. If it may not sign in any more,
    /// Portico ends the session.
    pub(crate) async fn still_active(
        &self,
        call: &Call,
        session: &Session,
        origin: &Origin,
    ) -> Result<Option<User>, Error> {
        let person = self.0.peers.person(call, session.user_id).await?;
        let is_active = |user: &User| user.status() == users::user::Status::Active;
        if let Some(user) = person.filter(is_active) {
            return Ok(Some(user));
        }
        let reason = EndReason::AccountClosed;
        let origin = Origin {
            actor: Actor::System,
            ..origin.clone()
        };
        self.store()
            .end_session(session.user_id, session.id, reason, &origin)
            .await?;
        self.0.tokens.0.feed.wake();
        Ok(None)
    }

    /// The tokens of a session whose person was as it is given at a moment, or
    /// later. They count from then, so that what is revoked because the person
    /// has changed since covers them.
    pub(crate) fn signed_in(
        &self,
        user: User,
        session: &Session,
        at: Timestamp,
    ) -> Result<SignedIn, Error> {
        let subject = Subject {
            user_id: session.user_id,
            session_id: session.id,
            role: convert::role(&user),
            email: &user.email,
        };
        let tokens = &self.0.tokens;
        let (token, expires_at) = tokens.issue_on(&subject, &Standing::Session, at)?;
        Ok(SignedIn {
            user,
            token,
            expires_at,
            refresh_token: session.refresh_token(&self.0.tokens.0.master_key),
        })
    }
}
