//! What a mail is about: everything that is known of it when it is queued. It
//! is kept with the job, so it holds no secret: a token that a link needs is
//! minted when the mail is sent. No I/O, no protobuf, no SQL.

use portico_chassis::clock::Timestamp;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

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
    /// To somebody whose address is not known to be the person's own. Who has
    /// just got an account is welcomed too.
    VerifyEmail {
        user_id: Uuid,
        name: String,
        is_new: bool,
    },
    /// To the new address of somebody who changes it.
    ConfirmEmail {
        user_id: Uuid,
        change_id: Uuid,
        name: String,
    },
    /// To the old address of somebody who changes it.
    UndoEmailChange {
        user_id: Uuid,
        change_id: Uuid,
        name: String,
        new_email: String,
    },
    /// To somebody who forgot the password.
    ResetPassword { user_id: Uuid, name: String },
    /// To somebody for whom an administrator made an account.
    SetPassword { user_id: Uuid, name: String },
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
    /// To somebody for whom a program can act from now on.
    ApiKeyMade {
        name: String,
        at: Timestamp,
        key: Key,
    },
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

/// What a program acts for somebody by.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Key {
    /// What the person called it.
    pub(crate) name: String,
    pub(crate) scopes: Vec<String>,
    pub(crate) expires_at: Option<Timestamp>,
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
    /// A page that works with a token of this one mail alone, which proves this.
    WithToken(&'static str, Proof),
}

/// What a token in a link proves that its bearer may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Proof {
    pub(crate) purpose: Purpose,
    /// With whose account.
    pub(crate) user_id: Uuid,
    /// About which change of its address, if it is about one.
    pub(crate) change_id: Option<Uuid>,
}

/// What whoever follows a link may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    VerifyEmail,
    ConfirmEmail,
    UndoEmailChange,
    ResetPassword,
    SetPassword,
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
            Self::ApiKeyMade { .. } => "api-key-made",
            Self::FactorsReset { .. } => "factors-reset",
        }
    }

    /// How many such mails an address gets within an hour, where strangers can
    /// make Portico send them. More are dropped, and nobody is told.
    pub(crate) fn most_in_an_hour(&self) -> Option<i64> {
        match self {
            Self::VerifyEmail { .. }
            | Self::ConfirmEmail { .. }
            | Self::ResetPassword { .. }
            | Self::EmailTaken { .. } => Some(5),
            Self::Invitation { .. } => Some(10),
            Self::Welcome { .. }
            | Self::UndoEmailChange { .. }
            | Self::SetPassword { .. }
            | Self::PasswordChanged { .. }
            | Self::NewSignIn { .. }
            | Self::FactorAdded { .. }
            | Self::FactorRemoved { .. }
            | Self::RecoveryCodesRenewed { .. }
            | Self::RecoveryCodeUsed { .. }
            | Self::ApiKeyMade { .. }
            | Self::FactorsReset { .. } => None,
        }
    }

    /// The page that the mail leads to.
    pub(crate) fn link(&self) -> Link {
        let with_token = |page, purpose, user_id: &Uuid, change_id: Option<&Uuid>| {
            let proof = Proof {
                purpose,
                user_id: *user_id,
                change_id: change_id.copied(),
            };
            Link::WithToken(page, proof)
        };
        match self {
            Self::Invitation { .. } => Link::Page("/invitations"),
            Self::VerifyEmail { user_id, .. } => {
                with_token("/verify-email", Purpose::VerifyEmail, user_id, None)
            }
            Self::ConfirmEmail {
                user_id, change_id, ..
            } => {
                let purpose = Purpose::ConfirmEmail;
                with_token("/confirm-email", purpose, user_id, Some(change_id))
            }
            Self::UndoEmailChange {
                user_id, change_id, ..
            } => {
                let purpose = Purpose::UndoEmailChange;
                with_token("/undo-email-change", purpose, user_id, Some(change_id))
            }
            Self::ResetPassword { user_id, .. } => {
                with_token("/reset-password", Purpose::ResetPassword, user_id, None)
            }
            Self::SetPassword { user_id, .. } => {
                with_token("/set-password", Purpose::SetPassword, user_id, None)
            }
            Self::Welcome { .. }
            | Self::PasswordChanged { .. }
            | Self::EmailTaken { .. }
            | Self::NewSignIn { .. }
            | Self::FactorAdded { .. }
            | Self::FactorRemoved { .. }
            | Self::RecoveryCodesRenewed { .. }
            | Self::RecoveryCodeUsed { .. }
            | Self::ApiKeyMade { .. }
            | Self::FactorsReset { .. } => Link::Page("/"),
        }
    }
}

/// One mail of each kind.
#[cfg(test)]
pub(crate) fn samples() -> Vec<Mail> {
    let name = || "Ada".to_owned();
    let [user_id, change_id] = [1, 2].map(Uuid::from_u128);
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
        Mail::VerifyEmail {
            user_id,
            name: name(),
            is_new: true,
        },
        Mail::VerifyEmail {
            user_id,
            name: name(),
            is_new: false,
        },
        Mail::ConfirmEmail {
            user_id,
            change_id,
            name: name(),
        },
        Mail::UndoEmailChange {
            user_id,
            change_id,
            name: name(),
            new_email: "new@example.com".to_owned(),
        },
        Mail::ResetPassword {
            user_id,
            name: name(),
        },
        Mail::SetPassword {
            user_id,
            name: name(),
        },
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
        Mail::ApiKeyMade {
            name: name(),
            at,
            key: Key {
                name: "Backup".to_owned(),
                scopes: vec!["account:read".to_owned(), "projects:read".to_owned()],
                expires_at: None,
            },
        },
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
                Link::WithToken(page, _) => format!("{page}#token"),
            })
            .filter(|page| page != "/")
            .collect();
        pages.sort();
        pages.dedup();
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
