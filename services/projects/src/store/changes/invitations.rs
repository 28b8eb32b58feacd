//! What each change of an invitation does.

use async_trait::async_trait;
use portico_chassis::{
    idempotency::{Created, IdempotencyKey},
    outbox::{Changes, Event, Origin},
    status::Error,
};
use uuid::Uuid;

use super::{Engine, Transaction, lock_visible, members::join};
use crate::{
    error,
    invitation::{Invitation, Offer, Status},
    member::{Member, Person, Seat},
    policy,
    project::Project,
    store::InvitationStore,
};

#[async_trait]
impl<E: Engine> InvitationStore for E {
    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn invite(
        &self,
        project_id: Uuid,
        by: Uuid,
        offer: &Offer,
        key: Option<&IdempotencyKey>,
        origin: &Origin,
    ) -> Result<Created<Invitation>, Error> {
        let mut transaction = self.begin().await?;
        if let Some(answer) = transaction.claim(key, origin.at).await? {
            return Ok(Created::Replayed(answer));
        }
        let view = lock_visible(&mut transaction, project_id, by).await?;
        policy::manage(&view)?;
        view.project.check_writable()?;
        refuse_member(&mut transaction, project_id, offer.addressee.as_ref()).await?;
        let invitation = offer.invitation(&view.project, by, origin.at);
        make_way(&mut transaction, &invitation, origin).await?;
        transaction.insert_invitation(&invitation).await?;
        record_invitation(&mut transaction, origin, "invitation.created", &invitation).await?;
        transaction.keep(key, &invitation).await?;
        transaction.commit().await?;
        Ok(Created::New(invitation))
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn revoke(
        &self,
        project_id: Uuid,
        id: Uuid,
        by: Uuid,
        addressee: Option<&Person>,
        origin: &Origin,
    ) -> Result<(), Error> {
        let mut transaction = self.begin().await?;
        let view = lock_visible(&mut transaction, project_id, by).await?;
        policy::manage(&view)?;
        let invitation = invitation_into(&mut transaction, project_id, id).await?;
        let revoked = invitation.revoked(addressee)?;
        update(&mut transaction, origin, &revoked).await?;
        transaction.commit().await
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn resend(
        &self,
        project_id: Uuid,
        id: Uuid,
        by: Uuid,
        addressee: Option<&Person>,
        origin: &Origin,
    ) -> Result<Invitation, Error> {
        let mut transaction = self.begin().await?;
        let view = lock_visible(&mut transaction, project_id, by).await?;
        policy::manage(&view)?;
        let invitation = invitation_into(&mut transaction, project_id, id).await?;
        view.project.check_writable()?;
        let renewed = invitation.renewed(addressee, origin.at)?;
        refuse_member(&mut transaction, project_id, addressee).await?;
        make_way(&mut transaction, &renewed, origin).await?;
        transaction.update_invitation(&renewed).await?;
        record_invitation(&mut transaction, origin, "invitation.resent", &renewed).await?;
        transaction.commit().await?;
        Ok(renewed)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn accept(&self, id: Uuid, person: &Person, origin: &Origin) -> Result<Member, Error> {
        let mut transaction = self.begin().await?;
        let (project, invitation) = lock_invitation(&mut transaction, id, person).await?;
        let seat = Seat::new(project.id, person.id);
        if let Some(member) = transaction.member(seat).await? {
            if !invitation.was_accepted_by(person) {
                return Err(error::already_member());
            }
            transaction.commit().await?;
            return Ok(member);
        }
        let accepted = invitation.accepted(person, origin.at)?;
        project.check_writable()?;
        let member = person.joining(project.id, accepted.role, origin.at);
        join(&mut transaction, origin, project, &member).await?;
        update(&mut transaction, origin, &accepted).await?;
        transaction.commit().await?;
        Ok(member)
    }

    #[tracing::instrument(skip_all, fields(db.system.name = E::NAME, otel.kind = "client"))]
    async fn decline(
        &self,
        id: Uuid,
        person: &Person,
        origin: &Origin,
    ) -> Result<Invitation, Error> {
        let mut transaction = self.begin().await?;
        let (_, invitation) = lock_invitation(&mut transaction, id, person).await?;
        let Some(declined) = invitation.declined(person, origin.at)? else {
            transaction.commit().await?;
            return Ok(invitation);
        };
        update(&mut transaction, origin, &declined).await?;
        transaction.commit().await?;
        Ok(declined)
    }
}

/// Revokes the invitation of a person who becomes a member by another way, or
/// it would let the person in again after it has been removed.
pub(super) async fn withdraw(
    transaction: &mut impl Transaction,
    origin: &Origin,
    project_id: Uuid,
    person: &Person,
) -> Result<(), Error> {
    let pending = transaction.pending_to(project_id, &person.email).await?;
    match pending {
        Some(pending) => update(transaction, origin, &pending.revoked(Some(person))?).await,
        None => Ok(()),
    }
}

/// Tells of the invitations that end with their project.
pub(super) async fn end_all(
    transaction: &mut impl Transaction,
    origin: &Origin,
    project_id: Uuid,
) -> Result<(), Error> {
    for pending in transaction.pending_in(project_id, origin.at).await? {
        let ended = pending.ended();
        record_invitation(transaction, origin, "invitation.updated", &ended).await?;
    }
    Ok(())
}

/// An invitation to a person, and its project, which is locked. The invitation
/// is read again under the lock: it may have changed while the lock was waited
/// for.
async fn lock_invitation(
    transaction: &mut impl Transaction,
    id: Uuid,
    person: &Person,
) -> Result<(Project, Invitation), Error> {
    let invitation = transaction.invitation(id).await?;
    let invitation = invitation.ok_or_else(error::invitation_not_found)?;
    policy::answer(&invitation, person)?;
    let project = transaction.lock(invitation.project_id).await?;
    let invitation = transaction.invitation(id).await?;
    project
        .zip(invitation)
        .ok_or_else(error::invitation_not_found)
}

async fn invitation_into(
    transaction: &mut impl Transaction,
    project_id: Uuid,
    id: Uuid,
) -> Result<Invitation, Error> {
    let invitation = transaction.invitation(id).await?;
    invitation
        .filter(|invitation| invitation.project_id == project_id)
        .ok_or_else(error::invitation_not_found)
}

/// Nothing, unless the person with the address is a member.
async fn refuse_member(
    transaction: &mut impl Transaction,
    project_id: Uuid,
    addressee: Option<&Person>,
) -> Result<(), Error> {
    let Some(person) = addressee else {
        return Ok(());
    };
    match transaction.member(Seat::new(project_id, person.id)).await? {
        None => Ok(()),
        Some(_) => Err(error::already_member()),
    }
}

/// Nothing, unless another invitation to the address can still be accepted;
/// one whose time is over is written down as expired.
async fn make_way(
    transaction: &mut impl Transaction,
    invitation: &Invitation,
    origin: &Origin,
) -> Result<(), Error> {
    let other = transaction
        .pending_to(invitation.project_id, &invitation.email)
        .await?
        .filter(|other| other.id != invitation.id);
    match other {
        Some(other) => {
            let expired = other.expired(origin.at)?;
            transaction.update_invitation(&expired).await
        }
        None => Ok(()),
    }
}

async fn update(
    transaction: &mut impl Transaction,
    origin: &Origin,
    invitation: &Invitation,
) -> Result<(), Error> {
    transaction.update_invitation(invitation).await?;
    record_invitation(transaction, origin, "invitation.updated", invitation).await
}

async fn record_invitation(
    transaction: &mut impl Transaction,
    origin: &Origin,
    kind: &'static str,
    invitation: &Invitation,
) -> Result<(), Error> {
    let changes = Changes::default().value("status", &Status::Pending, &invitation.status);
    let event = Event::new(kind, invitation.id, invitation)
        .with(changes)
        .id("projectId", invitation.project_id)
        .word("role", invitation.role.as_str());
    let event = match invitation.account_id {
        Some(account_id) => event.id("userId", account_id),
        None => event,
    };
    transaction.append(origin, event).await
}
