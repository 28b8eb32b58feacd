//! Makes accounts. An account is a person in the users
//! service and a credential here; it is made in steps that can be repeated:
//!
//! 1. The credential is kept here, not confirmed: nobody has that id yet.
//! 2. The users service makes the person. Only now the account exists.
//! 3. The credential is confirmed, and the answer kept under the key.
//!
//! A crash after the first leaves a credential of nobody, which is swept away;
//! after the second a whole account, which can sign in.

use std::{sync::Arc, time::Duration};

use portico_chassis::{
    caller::Call,
    clock::{Timestamp, new_id, parse_id},
    database::Database,
    idempotency::{IdempotencyKey, RETENTION},
    outbox::{Origin, Outbox},
    status::{Error, Violations},
    telemetry::{EventLag, Metrics},
};
use portico_proto::users::{self, User};
use prost::Message as _;
use sha2::{Digest as _, Sha256};
use tokio::sync::Notify;
use uuid::Uuid;

use crate::{
    Config, FirstAdmin, Peers, Tokens,
    attempts::Lanes,
    error,
    passkey::RelyingParty,
    password::Passwords,
    peers, policy,
    session::Visit,
    store::{Begun, Registration, RegistrationKey},
};

/// The accounts of an installation.
#[derive(Clone)]
pub struct Accounts(pub(crate) Arc<Inner>);

pub(crate) struct Inner {
    pub(crate) tokens: Tokens,
    pub(crate) peers: Peers,
    pub(crate) passwords: Passwords,
    pub(crate) is_throttled: bool,
    pub(crate) lanes: Lanes,
    /// This installation for passkeys; nothing where it can have none.
    pub(crate) relying_party: Option<RelyingParty>,
    pub(crate) session_ttl: Duration,
    pub(crate) requires_verified_email: bool,
    pub(crate) database: Database,
    pub(crate) outbox: Outbox,
    /// To be rung when something was asked for that is answered later.
    pub(crate) bell: Notify,
    /// How late changes of people are heard of.
    pub(crate) lag: EventLag,
}

/// An account to be made.
#[derive(Clone, Copy)]
pub struct NewAccount<'a> {
    /// The e-mail address.
    pub email: &'a str,
    /// The name shown to others.
    pub name: &'a str,
    /// The role in the installation.
    pub role: users::user::Role,
    /// Whether the address is known to be the person's.
    pub email_verified: bool,
    /// The password; without one, nobody can sign in.
    pub password: Option<&'a str>,
    /// Whether the person registers itself.
    pub by_itself: bool,
}

/// An account that was made.
pub(crate) struct Made {
    pub(crate) user: User,
    /// The hash that its password was kept by, if it was made by this call.
    pub(crate) password_hash: Option<String>,
    pub(crate) is_replayed: bool,
}

impl NewAccount<'_> {
    /// The account's part in the users service.
    pub(crate) fn person(&self, id: Uuid) -> users::CreateUserRequest {
        users::CreateUserRequest {
            id: id.to_string(),
            email: self.email.to_owned(),
            name: self.name.to_owned(),
            role: Some(self.role.into()),
            email_verified: self.email_verified,
            validate_only: false,
            by_itself: self.by_itself,
            ..users::CreateUserRequest::default()
        }
    }
}

impl Accounts {
    /// The accounts, with the services that hold the rest of them.
    ///
    /// # Errors
    ///
    /// If the cost of a password hash is out of bounds, or the list of breached
    /// passwords is none.
    pub fn new(
        config: &Config,
        tokens: &Tokens,
        peers: Peers,
        database: Database,
        outbox: Outbox,
        metrics: Arc<Metrics>,
    ) -> anyhow::Result<Self> {
        let breached = config.breached_passwords.as_deref();
        Ok(Self(Arc::new(Inner {
            tokens: tokens.clone(),
            peers,
            lag: metrics.event_lag("auth", "users", tokens.0.clock.clone()),
            passwords: Passwords::new(config.password_cost, breached, metrics)?,
            is_throttled: config.is_throttled,
            lanes: Lanes::new(),
            relying_party: RelyingParty::at(&config.issuer),
            session_ttl: config.session_ttl,
            requires_verified_email: config.require_verified_email,
            database,
            outbox,
            bell: Notify::new(),
        })))
    }

    /// Makes an account on behalf of the operator.
    ///
    /// # Errors
    ///
    /// `EMAIL_EXISTS`, `VALIDATION_FAILED`, or a failure of a service.
    pub async fn create(&self, account: NewAccount<'_>) -> Result<User, Error> {
        let made = self.make(&Call::default(), account, None).await?;
        Ok(made.user)
    }

    /// Makes the person with an address an ADMIN. Repeating is fine.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND`, or a failure of a service.
    pub async fn promote(&self, email: &str) -> Result<User, Error> {
        let call = Call::default();
        let found = self.0.peers.lookup(&call, email).await?;
        let user = found.ok_or_else(error::user_not_found)?;
        self.0.peers.promote(&call, user.id).await
    }

    /// Takes all second factors and passkeys of the person with an address
    /// away, and ends its sessions.
    ///
    /// # Errors
    ///
    /// `USER_NOT_FOUND`, or a failure of a service.
    pub async fn reset_mfa(&self, email: &str) -> Result<User, Error> {
        let found = self.0.peers.lookup(&Call::default(), email).await?;
        let user = found.ok_or_else(error::user_not_found)?;
        let origin = Origin::system(self.now());
        self.store().reset_factors(id_of(&user)?, &origin).await?;
        Ok(user)
    }

    /// Makes the first administrator, once in the life of an installation.
    /// Whether it was made now.
    ///
    /// # Errors
    ///
    /// `EMAIL_EXISTS`, `VALIDATION_FAILED`, or a failure of a service; it can
    /// be tried again.
    pub async fn make_first_admin(&self, admin: &FirstAdmin) -> Result<bool, Error> {
        let key = RegistrationKey {
            id: Sha256::digest("first administrator").into(),
            fingerprint: [0; 32],
            // The end of the year 9999.
            expires_at: Timestamp::from_seconds(253_402_300_799),
        };
        let now = self.now();
        let store = self.store();
        let begun = store.begin_registration(new_id(now), Some(&key), None, now);
        if matches!(begun.await?, Begun::Done { .. }) {
            return Ok(false);
        }
        let account = NewAccount {
            email: &admin.email,
            name: "Administrator",
            role: users::user::Role::Admin,
            email_verified: true,
            password: Some(&admin.password),
            by_itself: false,
        };
        let made = self.make(&Call::default(), account, Some(&key)).await?;
        Ok(!made.is_replayed)
    }

    /// Nothing, if neither this service nor users finds a field at fault;
    /// else all of them at once.
    pub(crate) async fn check(
        &self,
        call: &Call,
        violations: Violations,
        account: &NewAccount<'_>,
    ) -> Result<(), Error> {
        let own = violations.finish().err().map(|error| error.violations);
        let mut all = own.unwrap_or_default();
        let person = account.person(new_id(self.now()));
        for violation in self.0.peers.check_create(call, person).await? {
            if !all.iter().any(|known| known.field == violation.field) {
                all.push(violation);
            }
        }
        if all.is_empty() {
            Ok(())
        } else {
            Err(Error::validation(all))
        }
    }

    /// Makes an account; under a key that was used before, returns the one
    /// that was made then. Hashes the password first, so that the time does
    /// not tell whether the address is taken.
    pub(crate) async fn make(
        &self,
        call: &Call,
        account: NewAccount<'_>,
        key: Option<&RegistrationKey>,
    ) -> Result<Made, Error> {
        let password_hash = match account.password {
            Some(text) => Some(self.hash_chosen(text).await?),
            None => None,
        };
        let person = account.person(new_id(self.now()));
        self.make_with(call, person, key, password_hash).await
    }

    /// Makes an account whose password has this hash; under a key that was used
    /// before, returns the one that was made then.
    pub(crate) async fn make_with(
        &self,
        call: &Call,
        person: users::CreateUserRequest,
        key: Option<&RegistrationKey>,
        password_hash: Option<String>,
    ) -> Result<Made, Error> {
        let (now, store) = (self.now(), self.store());
        let new_id = parse_id(&person.id).unwrap_or_default();
        let begun = store
            .begin_registration(new_id, key, password_hash.as_deref(), now)
            .await?;
        let user_id = match begun {
            Begun::Open(user_id) => user_id,
            Begun::Done { answer } => {
                return Ok(Made {
                    user: User::decode(&answer[..]).map_err(Error::internal)?,
                    password_hash: None,
                    is_replayed: true,
                });
            }
        };
        let person = users::CreateUserRequest {
            id: user_id.to_string(),
            ..person
        };
        let user = match self.0.peers.create(call, person).await {
            Ok(user) => user,
            // It may have been made: a repeat under the key, or the sweep,
            // will find out.
            Err(error) if peers::is_open(&error) => return Err(error),
            Err(error) => {
                store.abandon_registration(user_id, key).await?;
                return Err(error);
            }
        };
        let registration = Registration {
            user_id,
            key,
            password_hash: password_hash.as_deref(),
            answer: &user.encode_to_vec(),
        };
        let is_first = store.finish_registration(registration, now).await?;
        Ok(Made {
            user,
            password_hash,
            is_replayed: !is_first,
        })
    }

    /// The hash of a new password.
    pub(crate) async fn hash_chosen(&self, text: &str) -> Result<String, Error> {
        let chosen = self.0.passwords.chosen(text).await;
        let password =
            chosen.map_err(|(code, message)| Error::invalid_field("password", code, message))?;
        self.0.passwords.hash(&password).await
    }

    /// The key under which a call makes an account. The request holds a
    /// password, so its hash is keyed.
    pub(crate) fn registration_key(
        &self,
        call: &Call,
        method: &str,
        request: &impl prost::Message,
    ) -> Result<Option<RegistrationKey>, Error> {
        let key = IdempotencyKey::of(call, method, request)?;
        let master_key = &self.0.tokens.0.master_key;
        Ok(key.map(|key| RegistrationKey {
            id: *key.id(),
            fingerprint: master_key.fingerprint(key.fingerprint()),
            expires_at: self.now() + RETENTION,
        }))
    }

    /// Nothing, if the caller proved who it is so lately that sensitive changes
    /// to itself are allowed.
    ///
    /// # Errors
    ///
    /// `REAUTHENTICATION_REQUIRED`, or `FORBIDDEN` for a key and for an ADMIN
    /// in the person's place.
    pub(crate) async fn be_fresh(&self, call: &Call) -> Result<(), Error> {
        let user = call.user()?;
        policy::be_oneself(user)?;
        let now = self.now();
        let session = self.store().session(user.session_id, now).await?;
        policy::be_fresh(&session.ok_or_else(error::session_ended)?, now)
    }

    pub(crate) fn visit(&self, call: &Call) -> Visit {
        Visit {
            at: self.now(),
            ip: call.client_ip,
            user_agent: call.client_agent.clone(),
        }
    }

    pub(crate) fn now(&self) -> Timestamp {
        self.0.tokens.0.clock.now()
    }

    pub(crate) fn store(&self) -> &dyn crate::store::Store {
        self.0.tokens.0.store.as_ref()
    }
}

pub(crate) fn id_of(user: &User) -> Result<Uuid, Error> {
    parse_id(&user.id).ok_or_else(|| Error::internal("the users service sent a malformed id"))
}
