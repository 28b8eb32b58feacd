//! Sends the mails that are due, a few at a time.
//!
//! Each event leads to one mail, and a mail that a server took is not sent
//! again. What remains: a process that dies after the server took a mail and
//! before that is noted leaves open what happened, and the mail is sent again
//! rather than lost. Both carry the same `Message-ID`, by which a receiver
//! knows them for one. The same holds for a process that stands still for
//! longer than its claim lasts, and where the clocks of processes are further
//! apart than that.

#[cfg(test)]
mod tests;

use std::{pin::pin, sync::Arc, time::Duration};

use portico_chassis::{
    clock::{Clock, Timestamp, fill_random, new_id},
    database::in_time,
    mailbox::Letter,
    status::Error,
    telemetry::{self, Metrics},
};
use tokio::{sync::Notify, task::JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::Instrument as _;

use crate::{
    delivery::Delivery,
    job::{Claim, Outcome, Refusal},
    letter::{Envelope, write},
    mail::{Link, Mail},
    minter::Minter,
    store::{Demand, Store},
};

/// How many mails are sent at a time.
const PLACES: usize = 5;

/// How things are timed.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    /// How often is looked for mails that other processes have queued.
    look: Duration,
    /// How long a claim lasts: a mail is free again so long after the process
    /// that was sending it has died.
    claim: Duration,
    /// How often a claim is prolonged.
    prolong: Duration,
    /// How long mails that are being sent may take when the process stops.
    farewell: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            look: Duration::from_secs(2),
            claim: Duration::from_secs(30),
            prolong: Duration::from_secs(10),
            farewell: Duration::from_secs(10),
        }
    }
}

/// Sends the mails that are due.
pub(crate) struct Dispatcher {
    pub(crate) store: Arc<dyn Store>,
    pub(crate) minter: Minter,
    pub(crate) delivery: Delivery,
    /// Rung when a mail became due.
    pub(crate) bell: Arc<Notify>,
    /// Where people find Portico, without a slash at the end.
    pub(crate) public_url: String,
    /// Who sends the mails.
    pub(crate) from: String,
    pub(crate) clock: Clock,
    pub(crate) metrics: Arc<Metrics>,
    pub(crate) pace: Pace,
}

impl Dispatcher {
    /// Goes on until `stop`, and then until the mails that are being sent are
    /// sent, in a bounded time. The others wait.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let hurry = CancellationToken::new();
        let mut sending = JoinSet::new();
        while !stop.is_cancelled() {
            let free = PLACES - sending.len();
            let (claims, rest) = self.look(free).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "the mails cannot be read");
                (Vec::new(), self.pace.look)
            });
            for claim in claims {
                let span = span(&claim);
                let attempt = self.clone().attempt(claim, hurry.clone());
                sending.spawn(attempt.instrument(span));
            }
            tokio::select! {
                () = stop.cancelled() => {}
                Some(ended) = sending.join_next() => note_panic(ended),
                () = self.bell.notified() => {}
                () = tokio::time::sleep(rest) => {}
            }
        }
        let all_sent = async {
            while let Some(ended) = sending.join_next().await {
                note_panic(ended);
            }
        };
        let mut all_sent = pin!(all_sent);
        if tokio::time::timeout(self.pace.farewell, &mut all_sent)
            .await
            .is_err()
        {
            hurry.cancel();
            all_sent.await;
        }
    }

    /// Claims what is due, as far as there are places, and says how long to
    /// rest before the next look.
    async fn look(&self, free: usize) -> Result<(Vec<Claim>, Duration), Error> {
        let now = self.clock.now();
        let nothing = |rest: Duration| (Vec::new(), rest.min(self.pace.look));
        let Some(due) = in_time(self.store.next_due()).await? else {
            return Ok(nothing(self.pace.look));
        };
        if due > now {
            return Ok(nothing(due.since(now)));
        }
        // A place that becomes free ends the rest.
        if free == 0 {
            return Ok(nothing(self.pace.look));
        }
        let demand = Demand {
            limit: u32::try_from(free).unwrap_or(u32::MAX),
            token: new_id(now),
            until: now + self.pace.claim,
        };
        let claims = in_time(self.store.claim(demand, now)).await?;
        // Others may have been quicker.
        let rest = if claims.is_empty() {
            self.pace.look
        } else {
            Duration::ZERO
        };
        Ok((claims, rest))
    }

    /// Tries to send a mail, and notes what became of it.
    async fn attempt(self: Arc<Self>, claim: Claim, hurry: CancellationToken) {
        let result = match self.letter(&claim).await {
            Ok(letter) => match self.deliver(&claim, letter, &hurry).await {
                Some(result) => result,
                None => return,
            },
            Err(refusal) => Err(refusal),
        };
        let mut random = [0];
        fill_random(&mut random);
        let outcome = Outcome::of(result, claim.attempt, self.clock.now(), random[0]);
        match &outcome {
            Outcome::Sent => tracing::debug!("a mail was sent"),
            Outcome::Failed { error, .. } => tracing::warn!(error, "a mail is to be tried again"),
            Outcome::Dead { error } => tracing::error!(error, "a mail is given up"),
            Outcome::Dropped => tracing::info!("a mail is dropped: nobody waits for it any more"),
        }
        self.note(&claim, &outcome, &hurry).await;
    }

    /// The mail, written out.
    async fn letter(&self, claim: &Claim) -> Result<Letter, Refusal> {
        // It may come from a newer version, which will then send it.
        let mail: Mail = serde_json::from_str(&claim.content)
            .map_err(|_| Refusal::ForNow("This version does not know such a mail.".to_owned()))?;
        let link = match mail.link() {
            Link::Page(page) => format!("{}{page}", self.public_url),
            Link::WithToken(page, proof) => {
                let token = self.minter.token(claim, &proof).await?;
                format!("{}{page}#token={token}", self.public_url)
            }
        };
        let host = self
            .public_url
            .split_once("://")
            .map_or("", |(_, host)| host);
        let envelope = Envelope {
            id: claim.id,
            at: self.clock.now(),
            from: &self.from,
            to: &claim.to,
            host,
        };
        write(&mail, &link, envelope)
            .map_err(|error| Refusal::ForGood(format!("The mail cannot be written: {error}.")))
    }

    /// Delivers a letter while its claim stands; nothing, if it no longer does.
    async fn deliver(
        &self,
        claim: &Claim,
        letter: Letter,
        hurry: &CancellationToken,
    ) -> Option<Result<(), Refusal>> {
        let mut until = self.clock.now() + self.pace.claim;
        let mut delivered = pin!(self.delivery.deliver(letter));
        loop {
            tokio::select! {
                result = &mut delivered => return Some(result),
                () = hurry.cancelled() => {
                    let reason = "The process was stopped while it was sending.".to_owned();
                    return Some(Err(Refusal::ForNow(reason)));
                }
                () = tokio::time::sleep(self.pace.prolong) => {
                    if !self.prolong(claim, &mut until).await {
                        tracing::warn!("the claim on a mail is lost; another process sends it");
                        return None;
                    }
                }
            }
        }
    }

    /// Whether a claim still stands.
    async fn prolong(&self, claim: &Claim, until: &mut Timestamp) -> bool {
        let now = self.clock.now();
        let prolonged = self.store.prolong(claim, now + self.pace.claim);
        match in_time(prolonged).await {
            Ok(stands) => {
                *until = now + self.pace.claim;
                stands
            }
            Err(error) => {
                tracing::warn!(%error, "the claim on a mail cannot be prolonged at the moment");
                now < *until
            }
        }
    }

    /// Notes what became of a claim. While the database is away, what a mail
    /// server took must not be forgotten.
    async fn note(&self, claim: &Claim, outcome: &Outcome, hurry: &CancellationToken) {
        loop {
            let settled = self.store.settle(claim, outcome, self.clock.now());
            match in_time(settled).await {
                Ok(true) => {
                    self.metrics.mail_attempted(outcome.as_str());
                    return;
                }
                Ok(false) => {
                    tracing::warn!("the claim on a mail ran out before its end could be noted");
                    return;
                }
                Err(error) => tracing::warn!(%error, "what became of a mail cannot be noted yet"),
            }
            tokio::select! {
                () = hurry.cancelled() => return,
                () = tokio::time::sleep(self.pace.look) => {}
            }
        }
    }
}

/// The span of an attempt, in the trace of the request that led to the mail.
fn span(claim: &Claim) -> tracing::Span {
    telemetry::enter_later(claim.cause.traceparent.as_deref(), || {
        tracing::info_span!(
            "mail",
            otel.kind = "consumer",
            job = %claim.id,
            attempt = claim.attempt,
            request_id = claim.cause.request_id,
        )
    })
}

fn note_panic(ended: Result<(), tokio::task::JoinError>) {
    if let Err(error) = ended {
        tracing::error!(%error, "an attempt to send a mail panicked");
    }
}
