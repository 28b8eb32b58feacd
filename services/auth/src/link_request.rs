//! What people ask for that is answered by mail. It is only written down while
//! they wait, in one way for every address, and answered later: so neither the
//! answer nor its time says whether there is an account. No I/O, no SQL.

use portico_chassis::{email_address::EmailAddress, outbox::Origin};
use uuid::Uuid;

use crate::link::EmailChange;

/// Something that was asked for.
#[derive(Debug, Clone)]
pub(crate) struct LinkRequest {
    pub(crate) id: Uuid,
    pub(crate) wish: Wish,
    /// Who asked, when, and from where.
    pub(crate) origin: Origin,
}

/// What was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Wish {
    /// A new password for whoever has the address.
    NewPassword { email: EmailAddress },
    /// To show that its address is the person's own.
    Verification { user_id: Uuid },
    /// Another address for an account.
    NewEmail { user_id: Uuid, email: EmailAddress },
    /// An account, for whoever has the address.
    Account {
        user_id: Uuid,
        email: EmailAddress,
        name: String,
        password_hash: String,
    },
}

/// What is answered, which the events say that mails follow from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Reply {
    /// Nothing: there is no such account, or nothing to do.
    Nothing,
    /// The person may choose a new password.
    NewPassword { user_id: Uuid },
    /// The person may show that the address is its own.
    Verification { user_id: Uuid },
    /// Somebody else wants to use the person's address.
    EmailTaken { holder: Uuid },
    /// The new address may be confirmed, and the change undone. If it is
    /// somebody's, only that person is told, and the change goes nowhere.
    NewEmail {
        change: EmailChange,
        holder: Option<Uuid>,
    },
}
