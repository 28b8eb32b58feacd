//! An invitation into a project, and the rules that hold for one. No I/O, no
//! protobuf, no SQL.

use std::time::Duration;

use portico_chassis::{
    clock::{Timestamp, new_id},
    email_address::EmailAddress,
    status::Error,
};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::{
    error,
    member::{Person, Role},
    project::{Name, Project},
};

/// How long an invitation stands: 7 days.
const LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// An offer to become a member of a project, to whoever has an address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Invitation {
    pub(crate) id: Uuid,
    pub(crate) project_id: Uuid,
    pub(crate) project_name: Name,
    pub(crate) email: EmailAddress,
    pub(crate) role: Role,
    /// What the last change made of it; time goes on: [`Invitation::status_at`].
    pub(crate) status: Status,
    pub(crate) invited_by: Uuid,
    /// The account that had shown, at the last change, that the address is its
    /// own.
    pub(crate) account_id: Option<Uuid>,
    pub(crate) created_at: Timestamp,
    pub(crate) expires_at: Timestamp,
}

/// What became of an invitation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum Status {
    Pending,
    Accepted,
    Declined,
    Revoked,
    Expired,
}

/// What is offered, and to whom.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) email: EmailAddress,
    pub(crate) role: Role,
    /// Who has the address, if there is such an account.
    pub(crate) addressee: Option<Person>,
}

impl Offer {
    /// The offer as a new invitation into a project.
    pub(crate) fn invitation(&self, project: &Project, by: Uuid, at: Timestamp) -> Invitation {
        Invitation {
            id: new_id(at),
            project_id: project.id,
            project_name: project.name.clone(),
            email: self.email.clone(),
            role: self.role,
            status: Status::Pending,
            invited_by: by,
            account_id: account_of(self.addressee.as_ref()),
            created_at: at,
            expires_at: at + LIFETIME,
        }
    }
}

impl Invitation {
    /// What has become of it: one that nobody answers expires by itself.
    pub(crate) fn status_at(&self, now: Timestamp) -> Status {
        match self.status {
            Status::Pending if self.expires_at <= now => Status::Expired,
            status => status,
        }
    }

    /// Whether it can be accepted.
    pub(crate) fn is_pending(&self, now: Timestamp) -> bool {
        self.status_at(now) == Status::Pending
    }

    /// Whether it is to the address of this person, shown to be its own or not.
    pub(crate) fn is_to(&self, person: &Person) -> bool {
        self.email.key() == person.email.key()
    }

    /// Whether this person became a member by it.
    pub(crate) fn was_accepted_by(&self, person: &Person) -> bool {
        self.status == Status::Accepted && self.account_id == Some(person.id)
    }

    /// The invitation accepted.
    ///
    /// # Errors
    ///
    /// `INVITATION_NOT_PENDING`.
    pub(crate) fn accepted(&self, by: &Person, at: Timestamp) -> Result<Self, Error> {
        match self.status_at(at) {
            Status::Pending => Ok(self.answered(Status::Accepted, by)),
            _ => Err(error::invitation_not_pending()),
        }
    }

    /// The invitation declined; `None` if it is.
    ///
    /// # Errors
    ///
    /// `INVITATION_NOT_PENDING`.
    pub(crate) fn declined(&self, by: &Person, at: Timestamp) -> Result<Option<Self>, Error> {
        match self.status_at(at) {
            Status::Pending => Ok(Some(self.answered(Status::Declined, by))),
            Status::Declined => Ok(None),
            _ => Err(error::invitation_not_pending()),
        }
    }

    /// The invitation taken back, whether it has expired or not.
    ///
    /// # Errors
    ///
    /// `INVITATION_NOT_PENDING`.
    pub(crate) fn revoked(&self, addressee: Option<&Person>) -> Result<Self, Error> {
        self.check_unanswered()?;
        Ok(Self {
            status: Status::Revoked,
            account_id: account_of(addressee),
            ..self.clone()
        })
    }

    /// The invitation pending from now on, whether it has expired or not.
    ///
    /// # Errors
    ///
    /// `INVITATION_NOT_PENDING`.
    pub(crate) fn renewed(&self, addressee: Option<&Person>, at: Timestamp) -> Result<Self, Error> {
        self.check_unanswered()?;
        Ok(Self {
            status: Status::Pending,
            account_id: account_of(addressee),
            expires_at: at + LIFETIME,
            ..self.clone()
        })
    }

    /// The invitation as it ends with its project.
    pub(crate) fn ended(self) -> Self {
        Self {
            status: Status::Revoked,
            ..self
        }
    }

    /// The invitation out of the way of another one to the same address.
    ///
    /// # Errors
    ///
    /// `ALREADY_INVITED`, if it can still be accepted.
    pub(crate) fn expired(&self, now: Timestamp) -> Result<Self, Error> {
        if self.is_pending(now) {
            return Err(error::already_invited());
        }
        Ok(Self {
            status: Status::Expired,
            ..self.clone()
        })
    }

    fn answered(&self, status: Status, by: &Person) -> Self {
        Self {
            status,
            account_id: Some(by.id),
            ..self.clone()
        }
    }

    fn check_unanswered(&self) -> Result<(), Error> {
        match self.status {
            Status::Pending | Status::Expired => Ok(()),
            _ => Err(error::invitation_not_pending()),
        }
    }
}

/// The account that an address belongs to without doubt.
fn account_of(addressee: Option<&Person>) -> Option<Uuid> {
    let certain = addressee.filter(|person| person.is_email_verified);
    certain.map(|person| person.id)
}

impl Status {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "PENDING",
            Self::Accepted => "ACCEPTED",
            Self::Declined => "DECLINED",
            Self::Revoked => "REVOKED",
            Self::Expired => "EXPIRED",
        }
    }

    /// From how it is stored; what nobody stored lets nobody in.
    pub(crate) fn stored(text: &str) -> Self {
        match text {
            "PENDING" => Self::Pending,
            "ACCEPTED" => Self::Accepted,
            "DECLINED" => Self::Declined,
            "EXPIRED" => Self::Expired,
            _ => Self::Revoked,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MADE: Timestamp = Timestamp::from_seconds(100);
    const ALL: [Status; 5] = [
        Status::Pending,
        Status::Accepted,
        Status::Declined,
        Status::Revoked,
        Status::Expired,
    ];

    fn person(is_email_verified: bool) -> Person {
        Person {
            id: Uuid::from_u128(2),
            name: "Bob".to_owned(),
            email: EmailAddress::stored("BOB@example.com".to_owned()),
            is_email_verified,
        }
    }

    fn invitation(status: Status) -> Invitation {
        Invitation {
            id: Uuid::from_u128(1),
            project_id: Uuid::from_u128(3),
            project_name: Name::parse("Engine").expect("valid"),
            email: EmailAddress::stored("bob@example.com".to_owned()),
            role: Role::Member,
            status,
            invited_by: Uuid::from_u128(4),
            account_id: None,
            created_at: MADE,
            expires_at: MADE + LIFETIME,
        }
    }

    /// What a change comes to, from each status and from one past its time.
    fn outcomes(
        change: impl Fn(&Invitation, Timestamp) -> Result<Option<Invitation>, Error>,
    ) -> Vec<String> {
        let in_time = ALL.map(|status| (invitation(status), MADE));
        let late = (invitation(Status::Pending), MADE + LIFETIME);
        let outcome = |(invitation, at)| match change(&invitation, at) {
            Ok(Some(changed)) => changed.status.as_str().to_owned(),
            Ok(None) => "unchanged".to_owned(),
            Err(error) => error.reason.into_owned(),
        };
        in_time.into_iter().chain([late]).map(outcome).collect()
    }

    #[test]
    fn nobody_answers_for_seven_days_and_it_expires() {
        let pending = invitation(Status::Pending);
        let last = Timestamp::from_millis(pending.expires_at.millis() - 1);
        assert_eq!(pending.status_at(last), Status::Pending);
        assert_eq!(pending.status_at(pending.expires_at), Status::Expired);
        assert_eq!(pending.expires_at.since(MADE).as_secs(), 604_800);
        let accepted = invitation(Status::Accepted);
        assert_eq!(accepted.status_at(accepted.expires_at), Status::Accepted);
    }

    #[test]
    fn it_is_answered_once_and_in_time() {
        const GONE: &str = "INVITATION_NOT_PENDING";
        let bob = person(true);
        // Pending, accepted, declined, revoked, expired, and past its time.
        assert_eq!(
            outcomes(|invitation, at| invitation.accepted(&bob, at).map(Some)),
            ["ACCEPTED", GONE, GONE, GONE, GONE, GONE]
        );
        assert_eq!(
            outcomes(|invitation, at| invitation.declined(&bob, at)),
            ["DECLINED", GONE, "unchanged", GONE, GONE, GONE]
        );
        assert_eq!(
            outcomes(|invitation, _| invitation.revoked(None).map(Some)),
            ["REVOKED", GONE, GONE, GONE, "REVOKED", "REVOKED"]
        );
        assert_eq!(
            outcomes(|invitation, at| invitation.renewed(None, at).map(Some)),
            ["PENDING", GONE, GONE, GONE, "PENDING", "PENDING"]
        );
    }

    #[test]
    fn a_renewed_one_stands_for_another_seven_days() {
        let late = MADE + LIFETIME + LIFETIME;
        let renewed = invitation(Status::Pending).renewed(None, late);
        let renewed = renewed.expect("renewed");
        assert!(renewed.is_pending(late));
        assert_eq!(renewed.expires_at, late + LIFETIME);
        assert_eq!(renewed.created_at, MADE);
    }

    #[test]
    fn only_one_past_its_time_gives_way_to_another() {
        let pending = invitation(Status::Pending);
        let refused = pending.expired(MADE).expect_err("in the way");
        assert_eq!(refused.reason, "ALREADY_INVITED");
        let expired = pending.expired(MADE + LIFETIME).expect("out of the way");
        assert_eq!(expired.status, Status::Expired);
    }

    #[test]
    fn it_names_the_account_whose_verified_address_it_is() {
        let named = |is_email_verified| {
            let bob = person(is_email_verified);
            let invitation = invitation(Status::Pending);
            let renewed = invitation.renewed(Some(&bob), MADE).expect("renewed");
            renewed.account_id
        };
        assert_eq!(named(true), Some(person(true).id));
        assert_eq!(named(false), None);
    }

    #[test]
    fn it_is_accepted_by_one_person() {
        let bob = person(true);
        let invitation = invitation(Status::Pending);
        assert!(invitation.is_to(&bob) && !invitation.was_accepted_by(&bob));
        let accepted = invitation.accepted(&bob, MADE).expect("accepted");
        assert!(accepted.was_accepted_by(&bob));
        let other = Person {
            id: Uuid::from_u128(9),
            ..bob
        };
        assert!(!accepted.was_accepted_by(&other));
    }

    #[test]
    fn a_status_is_read_as_it_is_written() {
        for status in ALL {
            assert_eq!(Status::stored(status.as_str()), status);
        }
        assert_eq!(Status::stored("nonsense"), Status::Revoked);
    }
}
