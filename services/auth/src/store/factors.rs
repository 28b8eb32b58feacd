//! Second factors, challenges and passkeys. Nobody else changes those of a
//! person while a method does: of many at once, one comes after the other.

use async_trait::async_trait;
use portico_chassis::{
    clock::Timestamp,
    outbox::Origin,
    page::{Page, Paging},
    status::Error,
};
use uuid::Uuid;

use super::RegistrationKey;
use crate::{
    challenge::{Challenge, ChallengeHash},
    factors::{Attempt, Factors, Tried},
    passkey::{Ceremony, Passkey, Use},
    recovery::RecoveryCodes,
    session::Session,
};

/// Reads factors, challenges and passkeys.
#[async_trait]
pub(crate) trait FactorQueries: Send + Sync {
    /// A person's authenticator and recovery codes.
    async fn factors(&self, user_id: Uuid) -> Result<Factors, Error>;

    /// The challenge of a token.
    async fn challenge(
        &self,
        hash: ChallengeHash,
        now: Timestamp,
    ) -> Result<Option<Challenge>, Error>;

    /// All passkeys of a person, the newest first.
    async fn passkeys(&self, user_id: Uuid) -> Result<Vec<Passkey>, Error>;

    /// How many passkeys a person has.
    async fn count_passkeys(&self, user_id: Uuid) -> Result<usize, Error>;

    /// A page of a person's passkeys, the newest first.
    async fn list_passkeys(&self, user_id: Uuid, paging: &Paging) -> Result<Page<Passkey>, Error>;

    /// The passkey that an authenticator knows by this id.
    async fn passkey(&self, credential_id: &[u8]) -> Result<Option<Passkey>, Error>;
}

/// Keeps authenticators and recovery codes.
#[async_trait]
pub(crate) trait FactorStore: Send + Sync {
    /// Keeps the sealed secret of a new authenticator, not confirmed, in place
    /// of one before. Whether it was kept: not if one is confirmed.
    async fn begin_totp(&self, user_id: Uuid, sealed: &[u8]) -> Result<bool, Error>;

    /// Confirms an authenticator by its first code, and keeps new recovery
    /// codes in place of those before.
    async fn confirm_totp(
        &self,
        attempt: &Attempt<'_>,
        recovery_codes: &RecoveryCodes,
        origin: &Origin,
    ) -> Result<Tried, Error>;

    /// Removes an authenticator by a code; with the last factor, the recovery
    /// codes are removed too.
    async fn disable_totp(&self, attempt: &Attempt<'_>, origin: &Origin) -> Result<Tried, Error>;

    /// Keeps new recovery codes in place of those before. Whether it was done:
    /// not if the person has neither an authenticator nor a passkey.
    async fn renew_recovery_codes(
        &self,
        user_id: Uuid,
        recovery_codes: &RecoveryCodes,
        origin: &Origin,
    ) -> Result<bool, Error>;

    /// Notes that the person of a session proved again who it is, by a code.
    /// `None` if the session is not there.
    async fn reauthenticate_by_code(
        &self,
        session_id: Uuid,
        attempt: &Attempt<'_>,
        origin: &Origin,
    ) -> Result<Option<Tried>, Error>;

    /// Removes all factors, passkeys and challenges of a person, and ends its
    /// sessions.
    async fn reset_factors(&self, user_id: Uuid, origin: &Origin) -> Result<(), Error>;
}

/// What became of the answer to a challenge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Answered {
    /// It was right: the session is open.
    Opened,
    /// There is no such challenge any more.
    Gone,
    /// It was wrong.
    Wrong,
    /// There were so many wrong ones that no code is looked at for so long.
    Blocked(std::time::Duration),
}

/// Keeps the sign-ins that wait for a second proof. A challenge is not there
/// once it has expired, its tries are used up, its person's password has changed
/// or its account is being deleted.
#[async_trait]
pub(crate) trait ChallengeStore: Send + Sync {
    /// Opens a challenge for a person whose password was just verified against
    /// `password_hash`. Whether it was opened: not if the password has changed
    /// since.
    async fn open_challenge(
        &self,
        challenge: &Challenge,
        password_hash: &str,
    ) -> Result<bool, Error>;

    /// Answers a challenge by a code: if it is right, the challenge ends and
    /// the session is opened; if it is wrong, it has one try less, and that is
    /// told of.
    async fn answer_by_code(
        &self,
        hash: ChallengeHash,
        attempt: &Attempt<'_>,
        session: &Session,
        origin: &Origin,
    ) -> Result<Answered, Error>;

    /// Answers a challenge by a passkey, like a code; nothing is a wrong one.
    async fn answer_by_passkey(
        &self,
        hash: ChallengeHash,
        passkey: Option<&Use>,
        session: &Session,
        origin: &Origin,
    ) -> Result<Answered, Error>;
}

/// What became of a new passkey.
#[derive(Debug, Clone)]
pub(crate) enum Added {
    /// It is kept.
    New(Box<Passkey>),
    /// One was added before under the same key; that is the answer of then.
    Replayed(Vec<u8>),
    /// The ceremony is not there, or its answer is wrong, or somebody has it.
    Refused,
    /// The person has too many.
    TooMany,
}

/// A passkey that is to be added.
pub(crate) struct NewPasskey<'a> {
    pub(crate) ceremony_id: Uuid,
    pub(crate) user_id: Uuid,
    /// The key under which it is added once.
    pub(crate) key: Option<&'a RegistrationKey>,
    /// Checks the answer to the ceremony.
    pub(crate) check: &'a (dyn Fn(&Ceremony) -> Option<Passkey> + Send + Sync),
    /// What is answered for a passkey.
    pub(crate) answer: &'a (dyn Fn(&Passkey) -> Vec<u8> + Send + Sync),
}

/// Keeps passkeys and ceremonies. One that has expired is not there.
#[async_trait]
pub(crate) trait PasskeyStore: Send + Sync {
    /// Keeps a ceremony.
    async fn begin_ceremony(&self, ceremony: &Ceremony) -> Result<(), Error>;

    /// Takes a ceremony away. Of many at once, one gets it.
    async fn take_ceremony(&self, id: Uuid, now: Timestamp) -> Result<Option<Ceremony>, Error>;

    /// Adds a passkey by the answer to a ceremony, which is taken away whatever
    /// it comes to. One that anybody has is refused.
    async fn add_passkey(&self, new: &NewPasskey<'_>, origin: &Origin) -> Result<Added, Error>;

    /// Renames a passkey of a person.
    async fn rename_passkey(
        &self,
        user_id: Uuid,
        id: Uuid,
        name: &str,
        origin: &Origin,
    ) -> Result<Option<Passkey>, Error>;

    /// Removes a passkey of a person; with the last factor, the recovery codes
    /// are removed too. Whether it was there.
    async fn remove_passkey(&self, user_id: Uuid, id: Uuid, origin: &Origin)
    -> Result<bool, Error>;

    /// Opens a session by a passkey. Whether it was opened: not if the passkey
    /// is gone or its counter did not grow since, nor while the account is
    /// being deleted.
    async fn open_session_by_passkey(
        &self,
        session: &Session,
        passkey: &Use,
        origin: &Origin,
    ) -> Result<bool, Error>;

    /// Notes that the person of a session proved again who it is, by a passkey.
    /// Whether it is so, likewise; `None` if the session is not there.
    async fn reauthenticate_by_passkey(
        &self,
        session_id: Uuid,
        passkey: &Use,
        origin: &Origin,
    ) -> Result<Option<bool>, Error>;
}
