//! Deletes accounts, in steps that can be repeated:
//!
//! 1. Both services say that nothing stands against it, and it is noted here.
//! 2. Projects let the person go, so that no project is left without an owner.
//! 3. The users service marks the person as deleted.
//! 4. The sessions end, and the note is gone.
//!
//! A refusal in between takes the note back; after a crash the note is found
//! and the steps are repeated.

use portico_chassis::{caller::Call, clock::Timestamp, status::Error};
use uuid::Uuid;

use crate::{accounts::Accounts, error, peers, policy};

impl Accounts {
    /// Deletes an account for the caller.
    pub(crate) async fn delete(&self, call: &Call, target: Uuid) -> Result<(), Error> {
        let caller = call.user()?;
        policy::delete(caller, target)?;
        let now = self.now();
        if caller.id == target {
            let session = self.store().session(caller.session_id, now).await?;
            let session = session.ok_or_else(error::session_ended)?;
            policy::be_fresh(&session, now)?;
        }
        self.0.peers.check_delete(call, target).await?;
        self.0.peers.check_release(call, target).await?;
        self.store().begin_deletion(target, now).await?;
        self.finish_deletion(call, target).await
    }

    /// Finishes the deletions that were noted before a moment.
    pub(crate) async fn resume_deletions(&self, before: Timestamp) -> Result<(), Error> {
        let call = Call::default();
        for target in self.store().deletions(before).await? {
            tracing::info!(user_id = %target, "finishing a deletion that was interrupted");
            if let Err(error) = self.finish_deletion(&call, target).await {
                tracing::warn!(user_id = %target, %error, "a deletion was not finished");
            }
        }
        Ok(())
    }

    async fn finish_deletion(&self, call: &Call, target: Uuid) -> Result<(), Error> {
        let left = match self.0.peers.release(call, target).await {
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
