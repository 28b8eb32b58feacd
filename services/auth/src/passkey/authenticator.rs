//! A browser with an authenticator of one passkey, for tests: made by others
//! than those whose library checks it.

use async_trait::async_trait;
use passkey::{
    authenticator::{Authenticator, UiHint, UserCheck, UserValidationMethod},
    client::{Client, DefaultClientData, WebauthnError},
    crypto::aws_lc_rs::AwsLcRsBackend,
    types::{
        Passkey,
        ctap2::{Aaguid, Ctap2Error},
    },
};
use serde_json::{Value, json};
use url::Url;

/// A browser on a page of this origin. A copy of it has a copy of the passkey.
#[derive(Clone)]
pub(crate) struct Browser {
    pub(crate) origin: Url,
    pub(crate) passkey: Option<Passkey>,
    /// Whether the authenticator verifies the person, or only says so.
    pub(crate) verifies: bool,
}

/// The person at the browser.
struct Person {
    verifies: bool,
}

#[async_trait]
impl UserValidationMethod for Person {
    type PasskeyItem = Passkey;

    async fn check_user<'a>(
        &self,
        hint: UiHint<'a, Passkey>,
        _: bool,
        _: bool,
    ) -> Result<UserCheck, Ctap2Error> {
        if matches!(hint, UiHint::InformExcludedCredentialFound(_)) {
            return Err(Ctap2Error::CredentialExcluded);
        }
        Ok(UserCheck {
            presence: true,
            verification: self.verifies,
        })
    }

    fn is_presence_enabled(&self) -> bool {
        true
    }

    fn is_verification_enabled(&self) -> Option<bool> {
        Some(true)
    }
}

impl Browser {
    pub(crate) fn at(origin: &str) -> Self {
        Self {
            origin: origin.parse().expect("a URL"),
            passkey: None,
            verifies: true,
        }
    }

    fn authenticator(&self) -> Authenticator<Option<Passkey>, Person, AwsLcRsBackend> {
        let person = Person {
            verifies: self.verifies,
        };
        let passkey = self.passkey.clone();
        let mut authenticator =
            Authenticator::new(Aaguid::new_empty(), passkey, person, AwsLcRsBackend);
        authenticator.set_make_credentials_with_signature_counter(true);
        authenticator
    }

    /// Answers creation options with a new passkey.
    pub(crate) async fn create(&mut self, options: &Value) -> Result<Value, WebauthnError> {
        let options = json!({"publicKey": options});
        let options = serde_json::from_value(options).expect("creation options");
        let mut client = Client::new(self.authenticator()).allows_insecure_localhost(true);
        let made = client.register(&self.origin, options, DefaultClientData);
        let made = serde_json::to_value(made.await?).expect("JSON");
        self.passkey = client.authenticator().store().clone();
        Ok(made)
    }

    /// Answers request options by the passkey.
    pub(crate) async fn get(&mut self, options: &Value) -> Result<Value, WebauthnError> {
        let options = json!({"publicKey": options});
        let options = serde_json::from_value(options).expect("request options");
        let mut client = Client::new(self.authenticator()).allows_insecure_localhost(true);
        let shown = client.authenticate(&self.origin, options, DefaultClientData);
        let shown = serde_json::to_value(shown.await?).expect("JSON");
        self.passkey = client.authenticator().store().clone();
        Ok(shown)
    }
}
