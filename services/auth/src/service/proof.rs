//! What somebody proves itself by, as a request says it: exactly one of several
//! fields.

use portico_chassis::{
    clock::parse_id,
    status::{Error, from_struct},
};
use portico_proto::{auth as proto, wkt::Struct};
use serde_json::Value;
use uuid::Uuid;

use crate::{
    accounts::Accounts,
    error,
    factors::{self, Attempt, Shown},
    history::Tried,
    passkey::{Answer, Use},
};

/// The one proof that a request shows.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Proof<'a> {
    Password(&'a str),
    Code(&'a str),
    RecoveryCode(&'a str),
    Passkey {
        ceremony_id: &'a str,
        credential: &'a Struct,
    },
}

impl<'a> Proof<'a> {
    pub(super) fn of_challenge(request: &'a proto::AnswerChallengeRequest) -> Result<Self, Error> {
        let code = request.code.as_deref().map(Self::Code);
        let recovery_code = request.recovery_code.as_deref();
        let ceremony_id = request.ceremony_id.as_deref();
        only([
            ("code", code),
            ("recoveryCode", recovery_code.map(Self::RecoveryCode)),
            passkey(ceremony_id, request.credential.as_ref())?,
        ])
    }

    pub(super) fn of_reauthentication(
        request: &'a proto::ReauthenticateRequest,
    ) -> Result<Self, Error> {
        let password = request.password.as_deref().filter(|text| !text.is_empty());
        let code = request.code.as_deref().map(Self::Code);
        let ceremony_id = request.ceremony_id.as_deref();
        only([
            ("password", password.map(Self::Password)),
            ("code", code),
            passkey(ceremony_id, request.credential.as_ref())?,
        ])
    }
}

fn passkey<'a>(
    ceremony_id: Option<&'a str>,
    credential: Option<&'a Struct>,
) -> Result<(&'static str, Option<Proof<'a>>), Error> {
    let proof = match (ceremony_id, credential) {
        (None, None) => None,
        (None, Some(_)) => return Err(required("ceremonyId")),
        (Some(_), None) => return Err(required("credential")),
        (Some(ceremony_id), Some(credential)) => Some(Proof::Passkey {
            ceremony_id,
            credential,
        }),
    };
    Ok(("credential", proof))
}

/// The only proof of these; each stands beside the field that it comes from.
fn only<'a>(proofs: [(&'static str, Option<Proof<'a>>); 3]) -> Result<Proof<'a>, Error> {
    let [(first, ..), ..] = proofs;
    let mut given = proofs
        .into_iter()
        .filter_map(|(field, proof)| Some((field, proof?)));
    let (known, proof) = given.next().ok_or_else(|| required(first))?;
    match given.next() {
        None => Ok(proof),
        Some((field, _)) => {
            let message = format!("cannot stand beside {known}");
            Err(Error::invalid_field(field, "NOT_ALLOWED", message))
        }
    }
}

/// A passkey that somebody shows.
#[derive(Default)]
pub(super) struct ShownPasskey {
    /// Its use, if all is right.
    pub(super) used: Option<Use>,
    /// What it was tried at; nothing, where neither the passkey nor the ceremony
    /// is there.
    pub(super) tried: Option<Tried>,
}

pub(super) fn required(field: &'static str) -> Error {
    Error::invalid_field(field, "REQUIRED", "is required")
}

/// What a browser returned, as JSON.
pub(super) fn json(credential: &Struct) -> Value {
    Value::Object(from_struct(credential.clone()))
}

/// Nothing, if a code was right.
pub(super) fn right(tried: &factors::Tried) -> Result<(), Error> {
    match tried {
        factors::Tried::Right { .. } => Ok(()),
        factors::Tried::Wrong(_) => Err(error::code_incorrect()),
        factors::Tried::Blocked(pause) => Err(error::too_many_codes(*pause)),
    }
}

impl Accounts {
    /// A code that a person shows now.
    pub(super) fn attempt<'a>(&'a self, user_id: Uuid, shown: Shown<'a>) -> Attempt<'a> {
        Attempt {
            user_id,
            shown,
            master_key: &self.0.tokens.0.master_key,
            at: self.now(),
        }
    }

    /// The use of a passkey, if the answer to its ceremony is right. The
    /// ceremony is used up in any case.
    pub(super) async fn used_passkey(
        &self,
        ceremony_id: &str,
        credential: &Struct,
    ) -> Result<Option<Use>, Error> {
        let shown = self.shown_passkey(ceremony_id, credential).await?;
        Ok(shown.used)
    }

    /// What came of a passkey that somebody shows, like [`Self::used_passkey`].
    pub(super) async fn shown_passkey(
        &self,
        ceremony_id: &str,
        credential: &Struct,
    ) -> Result<ShownPasskey, Error> {
        let (store, now) = (self.store(), self.now());
        let (Some(party), Some(id)) = (&self.0.relying_party, parse_id(ceremony_id)) else {
            return Ok(ShownPasskey::default());
        };
        let ceremony = store.take_ceremony(id, now).await?;
        let answer = Answer::parse(&json(credential));
        let passkey = match &answer {
            Some(answer) => store.passkey(answer.credential_id()).await?,
            None => None,
        };
        let tried = match (&passkey, &ceremony) {
            (Some(passkey), _) => Some(Tried::Account(passkey.user_id)),
            (None, Some(ceremony)) => Some(Tried::Ceremony(ceremony.id)),
            (None, None) => None,
        };
        let used = match (ceremony, answer, passkey) {
            (Some(ceremony), Some(answer), Some(passkey)) => {
                party.used(ceremony, &answer, passkey, now)
            }
            _ => None,
        };
        Ok(ShownPasskey { used, tried })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(request: &proto::AnswerChallengeRequest) -> (String, String) {
        let error = Proof::of_challenge(request).expect_err("refused");
        let violation = &error.violations[0];
        (violation.field.clone(), violation.code.to_string())
    }

    #[test]
    fn a_request_shows_exactly_one_proof() {
        let code = proto::AnswerChallengeRequest {
            code: Some("123456".to_owned()),
            ..Default::default()
        };
        assert_eq!(Proof::of_challenge(&code).ok(), Some(Proof::Code("123456")));
        let two = proto::AnswerChallengeRequest {
            recovery_code: Some("abcd".to_owned()),
            ..code
        };
        let of = |field: &str, code: &str| (field.to_owned(), code.to_owned());
        assert_eq!(refused(&two), of("recoveryCode", "NOT_ALLOWED"));
        let none = proto::AnswerChallengeRequest::default();
        assert_eq!(refused(&none), of("code", "REQUIRED"));
    }

    #[test]
    fn a_passkey_needs_both_its_halves() {
        let ceremony = proto::AnswerChallengeRequest {
            ceremony_id: Some("x".to_owned()),
            ..Default::default()
        };
        assert_eq!(refused(&ceremony).0, "credential");
        let credential = proto::AnswerChallengeRequest {
            credential: Some(Struct::default()),
            ..Default::default()
        };
        assert_eq!(refused(&credential).0, "ceremonyId");
    }

    #[test]
    fn an_empty_password_is_none() {
        let request = proto::ReauthenticateRequest {
            password: Some(String::new()),
            ..Default::default()
        };
        let error = Proof::of_reauthentication(&request).expect_err("refused");
        assert_eq!(error.violations[0].field, "password");
        assert_eq!(error.violations[0].code, "REQUIRED");
    }
}
