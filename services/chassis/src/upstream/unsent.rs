//! Tells calls that nobody can have acted on from those of which that is not
//! known: only the former may always be made again.

use std::error::Error;

use h2::Reason;

/// There is nobody to send a call to.
#[derive(Debug, thiserror::Error)]
#[error("no address of the service accepts connections")]
pub(super) struct NoAddress;

/// Whether a call has failed before anybody began to answer it: there was no
/// connection, it was closed before the call was sent, or the other side says
/// that it did not look at the call (RFC 9113, sections 6.8 and 8.7).
pub(super) fn was_never_sent(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        if error.is::<NoAddress>() || error.is::<tonic::ConnectError>() {
            return true;
        }
        if let Some(error) = error.downcast_ref::<hyper::Error>()
            && error.is_canceled()
        {
            return true;
        }
        if let Some(error) = error.downcast_ref::<h2::Error>() {
            let is_refused = error.is_reset() && error.reason() == Some(Reason::REFUSED_STREAM);
            let is_past_the_end = error.is_go_away() && error.reason() == Some(Reason::NO_ERROR);
            return error.is_remote() && (is_refused || is_past_the_end);
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests;
