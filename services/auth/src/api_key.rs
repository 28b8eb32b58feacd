//! API keys, and the service accounts that have nothing else. No I/O, no
//! protobuf, no SQL.

use std::{fmt, time::Duration};

use portico_chassis::{
    clock::{Timestamp, new_id},
    status::{Error, Violations},
    token::{ApiKeySecret, KeyHash, key_expired, key_revoked},
};
use serde::{Deserialize, Serialize, Serializer};
use uuid::Uuid;

/// A revoked key is remembered for as long as this, so that its user is told
/// why it fails.
pub(crate) const REMEMBERED: Duration = Duration::from_secs(30 * 24 * 3600);

/// How many keys a person or a service account can have.
pub(crate) const MOST_KEYS: i64 = 100;

/// What a key is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Scope {
    AccountRead,
    AccountWrite,
    UsersRead,
    UsersWrite,
    ProjectsRead,
    ProjectsWrite,
    EventsRead,
    Admin,
}

impl Scope {
    pub(crate) const ALL: [Self; 8] = [
        Self::AccountRead,
        Self::AccountWrite,
        Self::UsersRead,
        Self::UsersWrite,
        Self::ProjectsRead,
        Self::ProjectsWrite,
        Self::EventsRead,
        Self::Admin,
    ];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::AccountRead => "account:read",
            Self::AccountWrite => "account:write",
            Self::UsersRead => "users:read",
            Self::UsersWrite => "users:write",
            Self::ProjectsRead => "projects:read",
            Self::ProjectsWrite => "projects:write",
            Self::EventsRead => "events:read",
            Self::Admin => "admin",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == text)
    }
}

/// Some scopes, each once and in one order. Kept and told with spaces between
/// them (RFC 6749, section 3.3).
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(from = "String")]
pub(crate) struct Scopes(Vec<Scope>);

impl Scopes {
    /// Reads what somebody asks for: at least one, each of those that there are.
    pub(crate) fn parse(texts: &[String], violations: &mut Violations) -> Self {
        if texts.is_empty() {
            violations.add("scopes", "REQUIRED", "is required");
        }
        let mut scopes = Vec::new();
        for (index, text) in texts.iter().enumerate() {
            match Scope::parse(text) {
                Some(scope) => scopes.push(scope),
                None => {
                    let names = Scope::ALL.map(Scope::as_str).join(", ");
                    let message = format!("must be one of {names}");
                    violations.add(&format!("scopes[{index}]"), "NOT_ALLOWED", message);
                }
            }
        }
        Self::of(scopes)
    }

    fn of(mut scopes: Vec<Scope>) -> Self {
        scopes.sort_unstable();
        scopes.dedup();
        Self(scopes)
    }

    /// Those of these scopes that are asked for by name; all, if none is.
    ///
    /// # Errors
    ///
    /// The first one that is not among them.
    pub(crate) fn narrowed<'t>(&self, asked: &'t [String]) -> Result<Self, &'t str> {
        if asked.is_empty() {
            return Ok(self.clone());
        }
        let mut scopes = Vec::new();
        for text in asked {
            let scope = Scope::parse(text).filter(|scope| self.0.contains(scope));
            scopes.push(scope.ok_or(text.as_str())?);
        }
        Ok(Self::of(scopes))
    }

    pub(crate) fn names(&self) -> Vec<String> {
        let names = self.0.iter().map(|scope| scope.as_str().to_owned());
        names.collect()
    }
}

impl fmt::Display for Scopes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.names().join(" "))
    }
}

/// As they are kept. One that there is no more is good for nothing.
impl From<String> for Scopes {
    fn from(text: String) -> Self {
        Self::of(text.split(' ').filter_map(Scope::parse).collect())
    }
}

impl Serialize for Scopes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// Whose key it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Owner {
    Person(Uuid),
    ServiceAccount(Uuid),
}

impl Owner {
    pub(crate) fn id(self) -> Uuid {
        match self {
            Self::Person(id) | Self::ServiceAccount(id) => id,
        }
    }

    pub(crate) fn is_service_account(self) -> bool {
        matches!(self, Self::ServiceAccount(_))
    }
}

/// A key, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ApiKey {
    pub(crate) id: Uuid,
    pub(crate) owner: Owner,
    pub(crate) name: String,
    /// How the secret begins.
    pub(crate) prefix: String,
    pub(crate) scopes: Scopes,
    pub(crate) created_at: Timestamp,
    pub(crate) last_used_at: Option<Timestamp>,
    pub(crate) expires_at: Option<Timestamp>,
}

/// A key that is to be made.
#[derive(Debug)]
pub(crate) struct NewKey {
    pub(crate) name: String,
    pub(crate) scopes: Scopes,
    pub(crate) expires_at: Option<Timestamp>,
}

impl NewKey {
    /// The key and its secret, for an owner.
    pub(crate) fn make(self, owner: Owner, now: Timestamp) -> (ApiKey, ApiKeySecret) {
        let secret = ApiKeySecret::generate();
        let key = ApiKey {
            id: new_id(now),
            owner,
            name: self.name,
            prefix: secret.shown().to_owned(),
            scopes: self.scopes,
            created_at: now,
            last_used_at: None,
            expires_at: self.expires_at,
        };
        (key, secret)
    }
}

/// Until when a key is to count, if not for ever; to the second, as its tokens
/// do.
pub(crate) fn parse_expiry(
    expires_at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Option<Timestamp>, (&'static str, String)> {
    match expires_at.map(|moment| Timestamp::from_seconds(moment.seconds())) {
        Some(moment) if moment <= now => Err(("OUT_OF_RANGE", "must lie in the future".to_owned())),
        expires_at => Ok(expires_at),
    }
}

/// What a key or a service account is called, or another line that an owner
/// writes: without space around it and without control characters.
pub(crate) fn parse_line(text: &str) -> Result<String, (&'static str, String)> {
    let line = text.trim();
    if line.is_empty() {
        return Err(("REQUIRED", "is required".to_owned()));
    }
    if line.chars().any(char::is_control) {
        let message = "must not have control characters".to_owned();
        return Err(("NOT_ALLOWED", message));
    }
    Ok(line.to_owned())
}

/// What the tokens of a person's keys tell of the person.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Holder {
    pub(crate) user_id: Uuid,
    pub(crate) email: String,
    pub(crate) is_admin: bool,
    /// Whether the person may sign in.
    pub(crate) is_active: bool,
}

impl Holder {
    /// What is left of a person who is gone.
    pub(crate) fn nobody(user_id: Uuid) -> Self {
        Self {
            user_id,
            email: String::new(),
            is_admin: false,
            is_active: false,
        }
    }
}

/// A key as it is found when somebody shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ShownKey {
    pub(crate) key: ApiKey,
    pub(crate) is_revoked: bool,
    /// The person whose it is; nobody, of a service account.
    pub(crate) holder: Option<Holder>,
}

impl ShownKey {
    /// Nothing, if the key counts.
    ///
    /// # Errors
    ///
    /// `TOKEN_REVOKED` or `TOKEN_EXPIRED`.
    pub(crate) fn check(&self, now: Timestamp) -> Result<(), Error> {
        let may_sign_in = match (&self.holder, self.key.owner) {
            (Some(holder), _) => holder.is_active,
            (None, owner) => owner.is_service_account(),
        };
        if self.is_revoked || !may_sign_in {
            return Err(key_revoked());
        }
        let is_over = |expires_at: Timestamp| expires_at <= now;
        if self.key.expires_at.is_some_and(is_over) {
            return Err(key_expired());
        }
        Ok(())
    }
}

/// Which key is shown, by what it is kept by, and what for.
#[derive(Debug)]
pub(crate) struct Shown<'a> {
    pub(crate) hash: KeyHash,
    /// The service account whose it is said to be.
    pub(crate) client_id: Option<&'a str>,
    /// The scopes that are needed; none: all that it has.
    pub(crate) scopes: &'a [String],
}

/// An account of a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ServiceAccount {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    pub(crate) created_at: Timestamp,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scopes(texts: &[&str]) -> Result<Scopes, Error> {
        let texts: Vec<String> = texts.iter().map(|&text| text.to_owned()).collect();
        let mut violations = Violations::default();
        let scopes = Scopes::parse(&texts, &mut violations);
        violations.finish().map(|()| scopes)
    }

    #[test]
    fn scopes_are_those_that_there_are_each_once_and_in_order() {
        let read = scopes(&["users:read", "account:read", "users:read"]).expect("valid");
        assert_eq!(read.to_string(), "account:read users:read");
        assert_eq!(Scopes::from(read.to_string()), read);
        assert_eq!(
            scopes(&[]).expect_err("none").violations[0].code,
            "REQUIRED"
        );
        for text in ["", "users:*", "USERS:READ", "users:read admin", "root"] {
            let refused = scopes(&["admin", text]).expect_err("refused");
            let violation = &refused.violations[0];
            assert_eq!(
                (&*violation.field, &*violation.code),
                ("scopes[1]", "NOT_ALLOWED"),
                "{text}"
            );
        }
    }

    #[test]
    fn a_token_is_good_for_no_more_than_its_key() {
        let all = scopes(&["users:read", "events:read"]).expect("valid");
        let asked =
            |texts: &[&str]| -> Vec<String> { texts.iter().map(|&text| text.to_owned()).collect() };
        assert_eq!(all.narrowed(&[]), Ok(all.clone()));
        let one = asked(&["events:read"]);
        let one = all.narrowed(&one).map(|one| one.to_string());
        assert_eq!(one.as_deref(), Ok("events:read"));
        for text in ["admin", "users:write", "nonsense", ""] {
            assert_eq!(all.narrowed(&asked(&["users:read", text])), Err(text));
        }
    }

    fn shown(holder: Option<Holder>, owner: Owner) -> ShownKey {
        let new = NewKey {
            name: "ci".to_owned(),
            scopes: scopes(&["admin"]).expect("valid"),
            expires_at: Some(Timestamp::from_seconds(100)),
        };
        ShownKey {
            key: new.make(owner, Timestamp::from_seconds(10)).0,
            is_revoked: false,
            holder,
        }
    }

    #[test]
    fn a_key_counts_until_it_expires_or_is_revoked_or_its_owner_may_not_sign_in() {
        let id = Uuid::from_u128(1);
        let holder = Holder {
            user_id: id,
            email: "ada@example.com".to_owned(),
            is_admin: false,
            is_active: true,
        };
        let reason = |shown: &ShownKey, seconds| match shown.check(Timestamp::from_seconds(seconds))
        {
            Ok(()) => "counts".to_owned(),
            Err(error) => error.reason.into_owned(),
        };
        let good = shown(Some(holder.clone()), Owner::Person(id));
        assert_eq!(reason(&good, 99), "counts");
        assert_eq!(reason(&good, 100), "TOKEN_EXPIRED");
        let revoked = ShownKey {
            is_revoked: true,
            ..good
        };
        assert_eq!(reason(&revoked, 100), "TOKEN_REVOKED");
        let disabled = Holder {
            is_active: false,
            ..holder
        };
        let disabled = shown(Some(disabled), Owner::Person(id));
        assert_eq!(reason(&disabled, 50), "TOKEN_REVOKED");
        assert_eq!(reason(&shown(None, Owner::Person(id)), 50), "TOKEN_REVOKED");
        assert_eq!(
            reason(&shown(None, Owner::ServiceAccount(id)), 50),
            "counts"
        );
    }

    #[test]
    fn lines_and_expiries_are_sensible() {
        assert_eq!(parse_line("  CI server ").as_deref(), Ok("CI server"));
        for text in ["", "  ", "a\nb", "a\u{0}"] {
            assert!(parse_line(text).is_err(), "{text:?}");
        }
        let now = Timestamp::from_seconds(10);
        assert_eq!(parse_expiry(None, now), Ok(None));
        assert!(parse_expiry(Some(now), now).is_err());
        let later = Some(Timestamp::from_seconds(11));
        assert_eq!(parse_expiry(later, now), Ok(later));
        let between = Some(Timestamp::from_millis(11_999));
        assert_eq!(parse_expiry(between, now), Ok(later));
        assert!(parse_expiry(between, Timestamp::from_millis(11_500)).is_err());
    }
}
