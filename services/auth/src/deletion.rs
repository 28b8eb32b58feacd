//! Deletes accounts, in steps that can be repeated:
//!
//! 1. Both services say that nothing stands against it, and it is noted here,
//!    with the heir where an ADMIN names one.
//! 2. Projects let the person go, so that no project is left without an owner.
//! 3. The users service marks the person as deleted.
//! 4. The sessions end, and the note is gone.
//!
//! A refusal in between takes the note back; after a crash the note is found
//! and the steps are repeated.

use portico_chassis::{
    caller::Call,
    clock::{Timestamp, parse_id},
    status::Error,
};
use uuid::Uuid;

use crate::{accounts::Accounts, error, peers, policy, store::Deletion};

impl Accounts {
    /// Deletes an account for the caller, who may name a new owner of what it
    /// owns alone.
    pub(crate) async fn delete(
        &self,
        call: &Call,
        target: Uuid,
        new_owner: Option<&str>,
    ) -> Result<(), Error> {
        let caller = &call.caller;
        policy::delete(caller, target)?;
        let heir_id = match new_owner {
            None => None,
            Some(id) => {
                policy::name_new_owner(caller)?;
                Some(parse_id(id).ok_or_else(error::new_owner_not_found)?)
            }
        };
        if heir_id == Some(target) {
            return Err(error::new_owner_is_deleted());
        }
        if caller.is_person(target) {
            self.be_fresh(call).await?;
        }
        let deletion = Deletion {
            user_id: target,
            heir_id,
        };
        self.0.peers.check_delete(call, target).await?;
        self.0.peers.check_release(call, deletion).await?;
        self.store().begin_deletion(deletion, self.now()).await?;
        self.finish_deletion(call, deletion).await
    }

    /// Finishes the deletions that were noted before a moment.
    pub(crate) async fn resume_deletions(&self, before: Timestamp) -> Result<(), Error> {
        let call = Call::default();
        for deletion in self.store().deletions(before).await? {
            let user_id = deletion.user_id;
            tracing::info!(%user_id, "finishing a deletion that was interrupted");
            if let Err(error) = self.finish_deletion(&call, deletion).await {
                tracing::warn!(%user_id, %error, "a deletion was not finished");
            }
        }
        Ok(())
    }

    async fn finish_deletion(&self, call: &Call, deletion: Deletion) -> Result<(), Error> {
        let target = deletion.user_id;
        let left = match self.0.peers.release(call, deletion).await {
            Ok(()) => self.0.peers.delete(call, target).await,
            refused => refused,
        };
        match left {
            Ok(()) => {}
            Err(error) if peers::is_open(&error) => return Err(error),
            Err(error) => {
                self.store().cancel_deletion(target).await?;
                return Err(error);
            }
        }
        let origin = call.origin(self.now());
        self.store().finish_deletion(target, &origin).await?;
        self.0.tokens.0.feed.wake();
        Ok(())
    }
}
