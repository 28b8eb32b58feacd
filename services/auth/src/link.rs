//! Links in mails: what each is for, how long it works, and what a change of an
//! address is. No I/O, no protobuf, no SQL.

use std::time::Duration;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portico_chassis::{
    clock::{Timestamp, fill_random},
    email_address::EmailAddress,
};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

/// What tokens of links begin with, for secret scanners.
const PREFIX: &str = "plk_";

const HOUR: Duration = Duration::from_secs(3600);

/// For how long after a change of an address was asked for links that undo it
/// are made. They work for as long again.
pub(crate) const UNDO: Duration = Duration::from_secs(7 * 24 * 3600);

/// What whoever follows a link can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Show that the address of an account is the person's.
    VerifyEmail,
    /// Show that the new address of an account is the person's.
    ConfirmEmail,
    /// Give an account its former address back.
    UndoEmailChange,
    /// Choose a new password.
    ResetPassword,
    /// Choose the first password.
    SetPassword,
}

impl Purpose {
    const ALL: [Self; 5] = [
        Self::VerifyEmail,
        Self::ConfirmEmail,
        Self::UndoEmailChange,
        Self::ResetPassword,
        Self::SetPassword,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::VerifyEmail => "VERIFY_EMAIL",
            Self::ConfirmEmail => "CONFIRM_EMAIL",
            Self::UndoEmailChange => "UNDO_EMAIL_CHANGE",
            Self::ResetPassword => "RESET_PASSWORD",
            Self::SetPassword => "SET_PASSWORD",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|purpose| purpose.as_str() == name)
    }

    /// How long a link works. A new password is asked for by somebody who waits
    /// for the mail; an invitation to choose the first one may lie for a while.
    const fn lifetime(self) -> Duration {
        match self {
            Self::ResetPassword => Duration::from_secs(30 * 60),
            Self::VerifyEmail | Self::ConfirmEmail => HOUR.saturating_mul(24),
            Self::SetPassword => HOUR.saturating_mul(7 * 24),
            Self::UndoEmailChange => UNDO,
        }
    }
}

/// A link as it is kept: by a hash, so that whoever has only the database can
/// follow none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Link {
    pub(crate) hash: LinkHash,
    pub(crate) aim: Aim,
    pub(crate) expires_at: Timestamp,
}

/// What a link is bound to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Aim {
    pub(crate) purpose: Purpose,
    pub(crate) user_id: Uuid,
    /// The address that the mail goes to.
    pub(crate) email: EmailAddress,
    /// The change of the address that it is about, if it is about one.
    pub(crate) change_id: Option<Uuid>,
}

impl Aim {
    /// Whether it names a change of the address if and only if it is about one.
    pub(crate) fn is_whole(&self) -> bool {
        let is_about_change = matches!(
            self.purpose,
            Purpose::ConfirmEmail | Purpose::UndoEmailChange
        );
        self.change_id.is_some() == is_about_change
    }
}

/// The hash of a token.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct LinkHash(pub(crate) [u8; 32]);

impl Link {
    /// A new link, and the token that stands in it.
    pub(crate) fn issue(aim: Aim, now: Timestamp) -> (Self, String) {
        let mut secret = [0; 32];
        fill_random(&mut secret);
        let token = format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(secret));
        let link = Self {
            hash: LinkHash::of(&token),
            expires_at: now + aim.purpose.lifetime(),
            aim,
        };
        (link, token)
    }
}

impl LinkHash {
    /// The hash of what somebody shows. A token is too random to be guessed, so
    /// that one round is enough.
    pub(crate) fn of(token: &str) -> Self {
        Self(Sha256::digest(token).into())
    }
}

/// A change of an account's address that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct EmailChange {
    pub(crate) id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) old_email: EmailAddress,
    pub(crate) new_email: EmailAddress,
    pub(crate) requested_at: Timestamp,
    pub(crate) state: ChangeState,
}

/// How far a change of an address has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ChangeState {
    /// The new address is not confirmed yet.
    Pending,
    /// The account has the new address.
    Confirmed,
    /// It was given up for another one, or for a new password.
    Superseded,
    /// The former address took it back.
    Undone,
}

impl ChangeState {
    const ALL: [Self; 4] = [
        Self::Pending,
        Self::Confirmed,
        Self::Superseded,
        Self::Undone,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Confirmed => "CONFIRMED",
            Self::Superseded => "SUPERSEDED",
            Self::Undone => "UNDONE",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == name)
    }
}

impl EmailChange {
    /// Whether a link for this purpose still leads anywhere. An address that
    /// was superseded may be taken back: who asked may have been a thief.
    pub(crate) fn allows(&self, purpose: Purpose, now: Timestamp) -> bool {
        match purpose {
            Purpose::ConfirmEmail => self.state == ChangeState::Pending,
            Purpose::UndoEmailChange => {
                self.state != ChangeState::Undone && now.since(self.requested_at) < UNDO
            }
            _ => false,
        }
    }
}

/// An address that an account gets back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Undo {
    pub(crate) id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) email: EmailAddress,
    /// Whether the password was chosen by whoever changed the address, so that
    /// it is gone.
    pub(crate) needs_password: bool,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn aim(purpose: Purpose) -> Aim {
        Aim {
            purpose,
            user_id: Uuid::from_u128(1),
            email: EmailAddress::stored("ada@example.com".to_owned()),
            change_id: None,
        }
    }

    #[test]
    fn a_link_is_known_by_its_token_and_no_other_has_it() {
        let now = Timestamp::from_seconds(10);
        let (link, token) = Link::issue(aim(Purpose::VerifyEmail), now);
        assert!(token.starts_with("plk_") && token.len() == 47, "{token}");
        assert_eq!(link.hash, LinkHash::of(&token));
        let (other, _) = Link::issue(aim(Purpose::VerifyEmail), now);
        assert_ne!(link.hash, other.hash);
    }

    #[test]
    fn a_link_works_as_long_as_the_contract_says() {
        let now = Timestamp::default();
        let hours = |purpose| {
            let (link, _) = Link::issue(aim(purpose), now);
            link.expires_at.since(now).as_secs_f64() / 3600.0
        };
        let all = Purpose::ALL.map(hours);
        assert_eq!(all, [24.0, 24.0, 168.0, 0.5, 168.0]);
    }

    #[test]
    fn names_are_read_as_they_are_written() {
        for purpose in Purpose::ALL {
            assert_eq!(Purpose::parse(purpose.as_str()), Some(purpose));
        }
        for state in ChangeState::ALL {
            assert_eq!(ChangeState::parse(state.as_str()), Some(state));
        }
        assert_eq!(Purpose::parse("SIGN_IN"), None);
    }

    #[test]
    fn a_change_is_confirmed_once_and_undone_for_seven_days() {
        let change = |state| EmailChange {
            id: Uuid::from_u128(2),
            user_id: Uuid::from_u128(1),
            old_email: EmailAddress::stored("old@example.com".to_owned()),
            new_email: EmailAddress::stored("new@example.com".to_owned()),
            requested_at: Timestamp::from_seconds(0),
            state,
        };
        let soon = Timestamp::from_seconds(60);
        for (state, confirms, undoes) in [
            (ChangeState::Pending, true, true),
            (ChangeState::Confirmed, false, true),
            (ChangeState::Superseded, false, true),
            (ChangeState::Undone, false, false),
        ] {
            let change = change(state);
            assert_eq!(change.allows(Purpose::ConfirmEmail, soon), confirms);
            assert_eq!(change.allows(Purpose::UndoEmailChange, soon), undoes);
            assert!(!change.allows(Purpose::ResetPassword, soon));
        }
        let late = Timestamp::from_seconds(0) + UNDO;
        assert!(!change(ChangeState::Confirmed).allows(Purpose::UndoEmailChange, late));
    }
}
