//! Somebody in a file, as the file has it.

use portico_auth::Newcomer;
use portico_chassis::clock::Timestamp;
use portico_proto::users::user;
use serde_json::{Map, Value};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};

/// What is said of people.
pub(super) const FIELDS: [&str; 6] = [
    "email",
    "name",
    "role",
    "emailVerified",
    "createdAt",
    "passwordHash",
];

/// Somebody who is imported.
pub(super) struct Person {
    pub(super) email: String,
    name: String,
    role: user::Role,
    email_verified: bool,
    created_at: Option<Timestamp>,
    password_hash: Option<String>,
}

impl Person {
    /// The person that an object is.
    ///
    /// # Errors
    ///
    /// Why it is none, without a value.
    pub(super) fn of_object(object: Map<String, Value>) -> Result<Self, String> {
        let mut texts = Texts::default();
        let mut email_verified = false;
        for (name, value) in object {
            match (&*name, value) {
                ("emailVerified", Value::Bool(value)) => email_verified = value,
                (_, Value::Null) if FIELDS.contains(&&*name) => {}
                ("emailVerified", _) => {
                    return Err("emailVerified: must be true or false".to_owned());
                }
                (_, Value::String(value)) => texts.set(&name, value)?,
                _ if FIELDS.contains(&&*name) => return Err(format!("{name}: must be a text")),
                _ => return Err(unknown()),
            }
        }
        texts.person(email_verified)
    }

    /// The person that values are, each with the name of its column.
    ///
    /// # Errors
    ///
    /// Why they are none, without a value.
    pub(super) fn of_values<'a>(
        values: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Result<Self, String> {
        let mut texts = Texts::default();
        let mut email_verified = false;
        for (name, value) in values.filter(|(_, value)| !value.is_empty()) {
            if name == "emailVerified" {
                email_verified = match &*value.to_ascii_lowercase() {
                    "true" => true,
                    "false" => false,
                    _ => return Err("emailVerified: must be true or false".to_owned()),
                };
            } else {
                texts.set(name, value.to_owned())?;
            }
        }
        texts.person(email_verified)
    }

    pub(super) fn newcomer(&self) -> Newcomer<'_> {
        Newcomer {
            email: &self.email,
            name: &self.name,
            role: self.role,
            email_verified: self.email_verified,
            created_at: self.created_at,
            password_hash: self.password_hash.as_deref(),
        }
    }
}

/// What is said in texts.
#[derive(Default)]
struct Texts {
    email: Option<String>,
    name: Option<String>,
    role: Option<String>,
    created_at: Option<String>,
    password_hash: Option<String>,
}

impl Texts {
    fn set(&mut self, name: &str, value: String) -> Result<(), String> {
        let place = match name {
            "email" => &mut self.email,
            "name" => &mut self.name,
            "role" => &mut self.role,
            "createdAt" => &mut self.created_at,
            "passwordHash" => &mut self.password_hash,
            _ => return Err(unknown()),
        };
        *place = Some(value);
        Ok(())
    }

    fn person(self, email_verified: bool) -> Result<Person, String> {
        let role = match self.role.as_deref() {
            None | Some("MEMBER") => user::Role::Member,
            Some("ADMIN") => user::Role::Admin,
            Some(_) => return Err("role: must be ADMIN or MEMBER".to_owned()),
        };
        let created_at = self.created_at.as_deref().map(moment).transpose()?;
        Ok(Person {
            email: self.email.ok_or("email: is missing")?,
            name: self.name.ok_or("name: is missing")?,
            role,
            email_verified,
            created_at,
            password_hash: self.password_hash,
        })
    }
}

/// A name may be anything, also what was meant to be a value.
fn unknown() -> String {
    format!("has another field than {}", FIELDS.join(", "))
}

fn moment(text: &str) -> Result<Timestamp, String> {
    let moment = OffsetDateTime::parse(text, &Rfc3339)
        .map_err(|_| "createdAt: must be a time such as 2026-01-31T09:30:00Z")?;
    let millis = moment.unix_timestamp_nanos().div_euclid(1_000_000);
    let millis = i64::try_from(millis).map_err(|_| "createdAt: is out of range")?;
    Ok(Timestamp::from_millis(millis))
}
