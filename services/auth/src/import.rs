//! Takes over people from elsewhere, with the hashes of their passwords.
//!
//! It can be interrupted and repeated: the id of somebody who is imported tells
//! that it was, and under which address. So a repeat knows whom it has met, and
//! an account that somebody made otherwise is never taken for an imported one.

use portico_chassis::{
    caller::Call,
    clock::{Timestamp, parse_id},
    email_address::EmailAddress,
    status::Error,
};
use portico_proto::users;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::{accounts::Accounts, error, password::Passwords};

/// Somebody from elsewhere.
#[derive(Clone, Copy)]
pub struct Newcomer<'a> {
    /// The e-mail address.
    pub email: &'a str,
    /// The name shown to others.
    pub name: &'a str,
    /// The role in the installation.
    pub role: users::user::Role,
    /// Whether the address was shown to be the person's.
    pub email_verified: bool,
    /// When the account was made there.
    pub created_at: Option<Timestamp>,
    /// The hash of the password; without one, nobody can sign in until a
    /// password is set by mail.
    pub password_hash: Option<&'a str>,
}

/// What an import of somebody came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Imported {
    /// The account is new.
    Now,
    /// It was imported before, and is as it is.
    Before,
}

impl Accounts {
    /// Makes the account of somebody from elsewhere. Nobody is welcomed, and
    /// nobody is told.
    ///
    /// # Errors
    ///
    /// `EMAIL_EXISTS` if the address has an account that was not imported,
    /// `VALIDATION_FAILED`, or a failure of a service; it can be tried again.
    pub async fn import(&self, newcomer: Newcomer<'_>) -> Result<Imported, Error> {
        if let Some(Err(message)) = newcomer.password_hash.map(Passwords::accept) {
            return Err(Error::invalid_field("passwordHash", "NOT_ALLOWED", message));
        }
        let email = EmailAddress::parse(newcomer.email)
            .map_err(|(code, message)| Error::invalid_field("email", code, message))?;
        let call = Call::default();
        if let Some(known) = self.0.peers.lookup(&call, newcomer.email).await? {
            let id = parse_id(&known.id).unwrap_or_default();
            // The time in an id may be that of another go.
            return match id == id_of(&email, time_of(id)) {
                true => Ok(Imported::Before),
                false => Err(error::email_exists()),
            };
        }
        let now = self.now();
        let made_at = newcomer.created_at.unwrap_or(now).min(now);
        let person = users::CreateUserRequest {
            id: id_of(&email, made_at).to_string(),
            email: newcomer.email.to_owned(),
            name: newcomer.name.to_owned(),
            role: Some(newcomer.role.into()),
            email_verified: newcomer.email_verified,
            imported: true,
            created_at: newcomer.created_at.map(Into::into),
            ..users::CreateUserRequest::default()
        };
        let hash = newcomer.password_hash.map(str::to_owned);
        self.make_with(&call, person, None, hash).await?;
        Ok(Imported::Now)
    }
}

/// The id of somebody who was made elsewhere at a time (RFC 9562, UUIDv7), with
/// a hash of the address where others have randomness.
fn id_of(email: &EmailAddress, made_at: Timestamp) -> Uuid {
    let hash = Sha256::digest(format!("imported\0{}", email.key()));
    let mut tail = [0; 10];
    tail.copy_from_slice(&hash[..10]);
    let millis = u64::try_from(made_at.millis()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &tail).into_uuid()
}

/// The time in an id.
fn time_of(id: Uuid) -> Timestamp {
    let millis = id.as_u128() >> 80;
    Timestamp::from_millis(i64::try_from(millis).unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use portico_chassis::clock::new_id;

    use super::*;

    fn email(text: &str) -> EmailAddress {
        EmailAddress::parse(text).expect("an address")
    }

    #[test]
    fn an_id_tells_under_which_address_it_was_imported() {
        let at = Timestamp::from_millis(1_577_836_800_123);
        let id = id_of(&email("Ada@Example.com"), at);
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(time_of(id), at);
        assert_eq!(id, id_of(&email("ada@example.com"), time_of(id)));
        assert_ne!(id, id_of(&email("bob@example.com"), time_of(id)));
        let other = new_id(at);
        assert_ne!(other, id_of(&email("ada@example.com"), time_of(other)));
    }
}
