//! Authenticators that are not ours: one that shows codes, and a browser with
//! one of one passkey, made by others than those whose library checks it.

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

/// The origin of the installations here.
const ORIGIN: &str = "http://localhost:8080";

/// Shows the codes of a secret.
pub(crate) struct Generator(totp_rs::Totp);

impl Generator {
    /// Takes a secret over as somebody would type it.
    pub(crate) fn of(secret: &str) -> Self {
        let secret = data_encoding::BASE32_NOPAD.decode(secret.as_bytes());
        let totp = totp_rs::Builder::new()
            .with_secret(secret.expect("Base32"))
            .build();
        Self(totp.expect("a generator"))
    }

    /// The code of now.
    pub(crate) fn code(&self) -> String {
        self.0.generate_current().to_string()
    }

    /// The code after that of now, which counts already.
    pub(crate) fn next_code(&self) -> String {
        self.0.generate(self.0.next_step_current()).to_string()
    }
}

/// A browser on a page of an installation. A copy of it has a copy of the passkey.
#[derive(Clone)]
pub(crate) struct Browser {
    origin: Url,
    passkey: Option<Passkey>,
}

/// The person at the browser.
struct Person;

#[async_trait::async_trait]
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
            verification: true,
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
    pub(crate) fn new() -> Self {
        Self {
            origin: ORIGIN.parse().expect("a URL"),
            passkey: None,
        }
    }

    fn authenticator(&self) -> Authenticator<Option<Passkey>, Person, AwsLcRsBackend> {
        let passkey = self.passkey.clone();
        let mut authenticator =
            Authenticator::new(Aaguid::new_empty(), passkey, Person, AwsLcRsBackend);
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
