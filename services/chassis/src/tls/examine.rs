//! How long the certificates are still good.

use std::time::Duration;

use super::{Tls, credentials::date};
use crate::{
    clock::{Clock, Timestamp},
    finding::Finding,
};

/// With less time left, somebody has to do something, as the alert says too.
const SOON: Duration = Duration::from_secs(3 * 24 * 3600);

impl Tls {
    /// Whether what this process shows and trusts is good for long enough.
    #[must_use]
    pub fn examine(&self, clock: &Clock) -> Vec<Finding> {
        let now = clock.now();
        let credentials = self.current.borrow();
        let own = (
            "the certificate of PORTICO_TLS_CERT",
            credentials.expires_at,
        );
        let authorities = credentials.authorities_expire_at;
        let authorities = authorities.map(|until| ("what PORTICO_TLS_CLIENT_CA trusts", until));
        let all = [Some(own), authorities].into_iter().flatten();
        all.map(|(name, until)| judge(name, until, now)).collect()
    }
}

fn judge(name: &str, until: Timestamp, now: Timestamp) -> Finding {
    let told = format!("{name} is good until {}", date(until));
    if until <= now {
        Finding::failure(format!("{told}: that is over; bring a new one"))
    } else if until.since(now) < SOON {
        Finding::warning(format!(
            "{told}: bring a new one, which is taken into use without a restart"
        ))
    } else {
        Finding::fine(told)
    }
}
