//! What a mail is about: everything that is known of it when it is queued. It
//! is kept with the job, so it holds no secret: a token that a link needs is
//! minted when the mail is sent. No I/O, no protobuf, no SQL.

use portico_chassis::clock::Timestamp;
use serde::{Deserialize, Serialize};

/// What a mail is about. Texts are as somebody chose them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "template", rename_all = "kebab-case")]
pub(crate) enum Mail {
    /// To somebody who has an account from now on.
    Welcome { name: String },
    /// To somebody who is asked to join a project, with or without an account.
    Invitation {
        project: String,
        /// The inviter's name, if the person is still there.
        inviter: Option<String>,
        role: InvitedAs,
        expires_at: Timestamp,
    },
    /// To somebody whose address is not known to be the person's own.
    VerifyEmail { name: String },
    /// To the new address of somebody who changes it.
    ConfirmEmail { name: String },
    /// To the old address of somebody who changes it.
    UndoEmailChange { name: String, new_email: String },
    /// To somebody who forgot the password.
    ResetPassword { name: String },
    /// To somebody for whom an administrator made an account.
    SetPassword { name: String },
    /// To somebody whose password is another one from now on.
    PasswordChanged { name: String, at: Timestamp },
    /// To the holder of an account whose address somebody wants to use for
    /// another one.
    EmailTaken { name: String },
    /// To somebody whose account was signed in to from a place not seen before.
    NewSignIn {
        name: String,
        at: Timestamp,
        ip: Option<String>,
        user_agent: Option<String>,
    },
    /// To somebody who has one more way to prove who it is.
    FactorAdded {
        name: String,
        at: Timestamp,
        factor: Factor,
    },
    /// To somebody who has one less.
    FactorRemoved {
        name: String,
        at: Timestamp,
        factor: Factor,
    },
    /// To somebody whose earlier recovery codes count no more.
    RecoveryCodesRenewed { name: String, at: Timestamp },
    /// To somebody who has one recovery code less.
    RecoveryCodeUsed { name: String, at: Timestamp },
    /// To somebody whose second factors were all taken away.
    FactorsReset { name: String, at: Timestamp },
}

/// What somebody proves itself by beside a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Factor {
    Authenticator,
    /// With the name that the person gave it.
    Passkey(String),
}

/// The role that an invitation offers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum InvitedAs {
    Admin,
    Member,
    Viewer,
}

/// The page that a mail leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Link {
    /// A page for everybody.
    Page(&'static str),
    /// A page that works with a token of this one mail alone.
    WithToken(&'static str),
}

impl Mail {
    /// The name of the template.
    pub(crate) fn template(&self) -> &'static str {
        match self {
            Self::Welcome { .. } => "welcome",
            Self::Invitation { .. } => "invitation",
            Self::VerifyEmail { .. } => "verify-email",
            Self::ConfirmEmail { .. } => "confirm-email",
            Self::UndoEmailChange { .. } => "undo-email-change",
            Self::ResetPassword { .. } => "reset-password",
            Self::SetPassword { .. } => "set-password",
            Self::PasswordChanged { .. } => "password-changed",
            Self::EmailTaken { .. } => "email-taken",
            Self::NewSignIn { .. } => "new-sign-in",
            Self::FactorAdded { .. } => "factor-added",
            Self::FactorRemoved { .. } => "factor-removed",
            Self::RecoveryCodesRenewed { .. } => "recovery-codes-renewed",
            Self::RecoveryCodeUsed { .. } => "recovery-code-used",
            Self::FactorsReset { .. } => "factors-reset",
        }
    }

    /// The page that the mail leads to.
    pub(crate) fn link(&self) -> Link {
        match self {
            Self::Invitation { .. } => Link::Page("/invitations"),
            Self::VerifyEmail { .. } => Link::WithToken("/verify-email"),
            Self::ConfirmEmail { .. } => Link::WithToken("/confirm-email"),
            Self::UndoEmailChange { .. } => Link::WithToken("/undo-email-change"),
            Self::ResetPassword { .. } => Link::WithToken("/reset-password"),
            Self::SetPassword { .. } => Link::WithToken("/set-password"),
            Self::Welcome { .. }
            | Self::PasswordChanged { .. }
            | Self::EmailTaken { .. }
            | Self::NewSignIn { .. }
            | Self::FactorAdded { .. }
            | Self::FactorRemoved { .. }
            | Self::RecoveryCodesRenewed { .. }
            | Self::RecoveryCodeUsed { .. }
            | Self::FactorsReset { .. } => Link::Page("/"),
        }
    }
}

/// One mail of each kind.
#[cfg(test)]
pub(crate) fn samples() -> Vec<Mail> {
    let name = || "Ada".to_owned();
    // 2026-11-25T18:05:00Z
    let at = Timestamp::from_seconds(1_795_629_900);
    vec![
        Mail::Welcome { name: name() },
        Mail::Invitation {
            project: "Apollo".to_owned(),
            inviter: Some("Margaret".to_owned()),
            role: InvitedAs::Member,
            expires_at: at,
        },
        Mail::VerifyEmail { name: name() },
        Mail::ConfirmEmail { name: name() },
        Mail::UndoEmailChange {
            name: name(),
            new_email: "new@example.com".to_owned(),
        },
        Mail::ResetPassword { name: name() },
        Mail::SetPassword { name: name() },
        Mail::PasswordChanged { name: name(), at },
        Mail::EmailTaken { name: name() },
        Mail::NewSignIn {
            name: name(),
            at,
            ip: Some("203.0.113.9".to_owned()),
            user_agent: Some("Mozilla/5.0 (X11; Linux)".to_owned()),
        },
        Mail::FactorAdded {
            name: name(),
            at,
            factor: Factor::Passkey("My phone".to_owned()),
        },
        Mail::FactorRemoved {
            name: name(),
            at,
            factor: Factor::Authenticator,
        },
        Mail::RecoveryCodesRenewed { name: name(), at },
        Mail::RecoveryCodeUsed { name: name(), at },
        Mail::FactorsReset { name: name(), at },
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_is_kept_under_the_name_of_its_template() {
        for mail in samples() {
            let kept = serde_json::to_value(&mail).expect("JSON");
            assert_eq!(kept["template"], mail.template());
            assert_eq!(serde_json::from_value::<Mail>(kept).expect("a mail"), mail);
        }
    }

    #[test]
    fn links_lead_to_the_pages_of_the_contract() {
        let mut pages: Vec<String> = samples()
            .iter()
            .map(|mail| match mail.link() {
                Link::Page(page) => page.to_owned(),
                Link::WithToken(page) => format!("{page}#token"),
            })
            .filter(|page| page != "/")
            .collect();
        pages.sort();
        let expected = [
            "/confirm-email#token",
            "/invitations",
            "/reset-password#token",
            "/set-password#token",
            "/undo-email-change#token",
            "/verify-email#token",
        ];
        assert_eq!(pages, expected);
    }
}
