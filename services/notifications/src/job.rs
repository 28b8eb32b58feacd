//! A mail as a job: how far it has come, and what follows an attempt. No I/O,
//! no protobuf, no SQL.

use std::time::Duration;

use portico_chassis::clock::Timestamp;
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

use crate::mail::Mail;

/// How often a mail is tried.
pub(crate) const ATTEMPTS: u32 = 8;

/// The pause after the first attempt; each further one is four times as long,
/// so that a mail server may be away for most of a night.
const FIRST_PAUSE: Duration = Duration::from_secs(5);

/// A mail that somebody is to get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct NewJob {
    pub(crate) id: Uuid,
    pub(crate) mail: Mail,
    /// The address that it goes to.
    pub(crate) to: String,
    pub(crate) cause: Cause,
}

/// The request that led to a mail, so that the logs and traces of both connect.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Cause {
    pub(crate) request_id: String,
    /// Its trace (W3C Trace Context), if it had one.
    pub(crate) traceparent: Option<String>,
}

impl NewJob {
    /// The one mail of this kind that an event asks for. Asked for again, it
    /// has the same id.
    pub(crate) fn of_event(event: Uuid, mail: Mail, to: String, cause: Cause) -> Self {
        Self {
            id: derived_id(event, mail.template()),
            mail,
            to,
            cause,
        }
    }
}

/// The id of an event's mail: as old as the event, and else a hash of both.
fn derived_id(event: Uuid, template: &str) -> Uuid {
    let mut millis = [0; 8];
    millis[2..].copy_from_slice(&event.as_bytes()[..6]);
    let digest = Sha256::digest(format!("{event}\0{template}"));
    let mut rest = [0; 10];
    rest.copy_from_slice(&digest[..10]);
    uuid::Builder::from_unix_timestamp_millis(u64::from_be_bytes(millis), &rest).into_uuid()
}

/// How far a mail has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Status {
    /// Waits for its first attempt.
    Queued,
    /// Is being sent by a process.
    Running,
    /// The mail server took it.
    Sent,
    /// Waits for another attempt.
    Failed,
    /// Given up.
    Dead,
}

impl Status {
    pub(crate) const ALL: [Self; 5] = [
        Self::Queued,
        Self::Running,
        Self::Sent,
        Self::Failed,
        Self::Dead,
    ];

    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "QUEUED",
            Self::Running => "RUNNING",
            Self::Sent => "SENT",
            Self::Failed => "FAILED",
            Self::Dead => "DEAD",
        }
    }

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|status| status.as_str() == name)
    }
}

/// A mail and how far it has come, for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Job {
    pub(crate) id: Uuid,
    pub(crate) template: String,
    pub(crate) to: String,
    pub(crate) status: Status,
    /// How many attempts were begun.
    pub(crate) attempts: u32,
    pub(crate) last_error: Option<String>,
    pub(crate) created_at: Timestamp,
    /// When the next attempt is due, where one is.
    pub(crate) next_attempt_at: Option<Timestamp>,
}

/// A mail that this process is to send now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Claim {
    pub(crate) id: Uuid,
    /// Tells this claim from those before and after it.
    pub(crate) token: Uuid,
    /// What the mail is about, as it is kept. It may come from a newer version
    /// of this program.
    pub(crate) content: String,
    pub(crate) to: String,
    /// Which attempt this is, from 1.
    pub(crate) attempt: u32,
    pub(crate) cause: Cause,
}

/// Why a mail was not sent. The text is shown to administrators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// It may work later.
    ForNow(String),
    /// It never will.
    ForGood(String),
    /// Nobody waits for it any more.
    NotNeeded,
}

/// What became of a claim.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// The mail server took it.
    Sent,
    /// It is to be tried again.
    Failed { error: String, next: Timestamp },
    /// It is given up.
    Dead { error: String },
    /// It is not sent, and not kept: nobody waits for it any more.
    Dropped,
}

impl Outcome {
    /// What becomes of a claim whose attempt ended like this.
    pub(crate) fn of(
        result: Result<(), Refusal>,
        attempt: u32,
        now: Timestamp,
        random: u8,
    ) -> Self {
        match result {
            Ok(()) => Self::Sent,
            Err(Refusal::ForNow(error)) if attempt < ATTEMPTS => Self::Failed {
                error,
                next: now + pause(attempt, random),
            },
            Err(Refusal::ForNow(error) | Refusal::ForGood(error)) => Self::Dead { error },
            Err(Refusal::NotNeeded) => Self::Dropped,
        }
    }

    /// What it is called.
    pub(crate) const fn as_str(&self) -> &'static str {
        match self {
            Self::Sent => Status::Sent.as_str(),
            Self::Failed { .. } => Status::Failed.as_str(),
            Self::Dead { .. } => Status::Dead.as_str(),
            Self::Dropped => "DROPPED",
        }
    }
}

/// The pause after an attempt: exponential, and by chance up to a quarter
/// shorter or longer, so that mails that failed together are not tried
/// together.
fn pause(attempt: u32, random: u8) -> Duration {
    let exponential = FIRST_PAUSE * 4_u32.saturating_pow(attempt.saturating_sub(1));
    let share = 0.75 + f64::from(random) / f64::from(u8::MAX) / 2.0;
    exponential.mul_f64(share)
}

#[cfg(test)]
mod tests {
    use portico_chassis::clock::new_id;

    use super::*;

    fn now() -> Timestamp {
        Timestamp::from_seconds(1_000_000)
    }

    fn failed(attempt: u32, random: u8) -> Outcome {
        let refusal = Refusal::ForNow("421 busy".to_owned());
        Outcome::of(Err(refusal), attempt, now(), random)
    }

    #[test]
    fn an_event_asks_for_a_mail_once() {
        let event = new_id(now());
        let welcome = || Mail::Welcome {
            name: "Ada".to_owned(),
        };
        let made = |event, mail| {
            let to = "ada@example.com".to_owned();
            NewJob::of_event(event, mail, to, Cause::default())
        };
        let mail = |event| made(event, welcome());
        assert_eq!(mail(event).id, mail(event).id);
        assert_ne!(mail(event).id, mail(new_id(now())).id);
        let other = Mail::ResetPassword {
            user_id: Uuid::nil(),
            name: "Ada".to_owned(),
        };
        assert_ne!(mail(event).id, made(event, other).id);
    }

    #[test]
    fn the_id_of_a_mail_is_as_old_as_its_event() {
        let event = new_id(now());
        let id = derived_id(event, "welcome");
        assert_eq!(id.get_version_num(), 7);
        assert_eq!(id.as_bytes()[..6], event.as_bytes()[..6]);
    }

    #[test]
    fn pauses_grow_and_differ_by_chance() {
        let pauses: Vec<u64> = (1..ATTEMPTS)
            .map(|attempt| pause(attempt, 0).as_secs())
            .collect();
        assert_eq!(pauses, [3, 15, 60, 240, 960, 3_840, 15_360]);
        assert_eq!(pause(1, 0), FIRST_PAUSE.mul_f64(0.75));
        assert_eq!(pause(1, u8::MAX), FIRST_PAUSE.mul_f64(1.25));
    }

    #[test]
    fn what_may_work_later_is_tried_eight_times() {
        let Outcome::Failed { next, .. } = failed(1, 0) else {
            panic!("it is tried again");
        };
        assert!(next > now());
        assert_eq!(failed(ATTEMPTS - 1, 0).as_str(), "FAILED");
        assert_eq!(failed(ATTEMPTS, 0).as_str(), "DEAD");
    }

    #[test]
    fn what_never_works_is_given_up_at_once() {
        let refusal = Refusal::ForGood("550 no such person".to_owned());
        let outcome = Outcome::of(Err(refusal), 1, now(), 0);
        assert_eq!(outcome.as_str(), "DEAD");
    }

    #[test]
    fn what_nobody_waits_for_is_dropped() {
        let outcome = Outcome::of(Err(Refusal::NotNeeded), 1, now(), 0);
        assert_eq!(outcome, Outcome::Dropped);
    }

    #[test]
    fn statuses_are_kept_by_their_names() {
        for status in Status::ALL {
            assert_eq!(Status::parse(status.as_str()), Some(status));
        }
        assert_eq!(Status::parse("LOST"), None);
    }
}
