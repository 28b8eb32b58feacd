//! What is told of sign-ins: those that succeeded, and why others did not. No
//! I/O, no protobuf, no SQL.

use portico_chassis::clock::Timestamp;
use uuid::Uuid;

use crate::factors;

/// By what a session was opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Method {
    Password,
    PasswordAndTotp,
    PasswordAndRecoveryCode,
    PasswordAndPasskey,
    Passkey,
}

impl Method {
    /// By a password, and then by this factor.
    pub(crate) const fn with_password(factor: factors::Method) -> Self {
        match factor {
            factors::Method::Totp => Self::PasswordAndTotp,
            factors::Method::RecoveryCode => Self::PasswordAndRecoveryCode,
            factors::Method::Passkey => Self::PasswordAndPasskey,
        }
    }

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "PASSWORD",
            Self::PasswordAndTotp => "PASSWORD_AND_TOTP",
            Self::PasswordAndRecoveryCode => "PASSWORD_AND_RECOVERY_CODE",
            Self::PasswordAndPasskey => "PASSWORD_AND_PASSKEY",
            Self::Passkey => "PASSKEY",
        }
    }
}

/// What somebody failed at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Proof {
    /// To sign in.
    SignIn,
    /// To prove again who it is, being signed in.
    Reauthentication,
}

impl Proof {
    /// The event of its failure.
    pub(crate) const fn failed(self) -> &'static str {
        match self {
            Self::SignIn => "sign_in.failed",
            Self::Reauthentication => "reauthentication.failed",
        }
    }
}

/// What somebody failed to get into.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Tried {
    /// The account of a person.
    Account(Uuid),
    /// Nobody's that is known: the ceremony that was answered.
    Ceremony(Uuid),
}

/// Why somebody could not prove who it is, or may not sign in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) proof: Proof,
    /// By what it was tried.
    pub(crate) method: Method,
    pub(crate) reason: &'static str,
    /// The program that it was tried with.
    pub(crate) user_agent: Option<String>,
}

/// A sign-in, or what was none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct SignIn {
    pub(crate) id: Uuid,
    pub(crate) at: Timestamp,
    /// Why it was none.
    pub(crate) reason: Option<String>,
    /// By what it was done, or tried.
    pub(crate) method: String,
    pub(crate) ip: Option<String>,
    /// The program that it was done with, for as long as that is kept.
    pub(crate) user_agent: Option<String>,
}
