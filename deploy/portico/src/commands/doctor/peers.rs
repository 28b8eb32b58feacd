//! The other roles: whether each address of each of them can be reached, says by
//! gRPC health that it serves, and shows the right time.

use std::{sync::Arc, time::Duration};

use portico_chassis::{
    clock::{Clock, Timestamp},
    finding::Finding,
    token::judge_clock,
    upstream::{self, Target},
};
use time::{OffsetDateTime, format_description::well_known::Rfc2822};
use tokio::{net::TcpStream, time::timeout};
use tonic_health::pb::{
    HealthCheckRequest, health_check_response::ServingStatus, health_client::HealthClient,
};

use super::Check;
use crate::{platform::Platform, settings::Settings};

/// So long may a connection, and then an answer, take.
const PATIENCE: Duration = Duration::from_secs(3);

/// As exact are the dates of answers (RFC 9110, section 6.6.1).
const DATE_PRECISION: Duration = Duration::from_secs(1);

/// Adds a check for each address of each role that is called.
pub(super) fn add<'a>(settings: &'a Settings, clock: &'a Clock, checks: &mut Vec<Check<'a>>) {
    let platform = Arc::new(Platform::new(settings, "doctor", clock.clone()));
    for place in &settings.places {
        let Some(target) = &place.target else {
            continue;
        };
        let role = place.role.name();
        for host in target.hosts() {
            let (platform, target) = (platform.clone(), target.only(host));
            let setting = place.role.variable("URL");
            checks.push(Check::new(format!("{role} at {host}"), async move {
                match connect(host).await {
                    Ok(()) => ask(&platform, target, role, clock).await,
                    Err(cause) => vec![
                        Finding::failure(format!(
                            "{cause}; check {setting}, that {role} runs, and what is between"
                        )),
                        Finding::not_checked("health and clock", "it is not reached"),
                    ],
                }
            }));
        }
    }
}

/// Nothing, if a connection is accepted, or why not.
async fn connect(host: &str) -> Result<(), String> {
    let connected = async {
        let addresses = tokio::net::lookup_host(host)
            .await
            .map_err(|error| format!("the name has no address ({error})"))?;
        let mut cause = "the name has no address".to_owned();
        for address in addresses {
            match TcpStream::connect(address).await {
                Ok(_) => return Ok(()),
                Err(error) => cause = format!("no connection to {address} ({error})"),
            }
        }
        Err(cause)
    };
    let seconds = PATIENCE.as_secs();
    timeout(PATIENCE, connected)
        .await
        .unwrap_or_else(|_| Err(format!("no connection within {seconds} s")))
}

/// What a role that accepts connections says of itself.
async fn ask(platform: &Platform, target: Target, role: &str, clock: &Clock) -> Vec<Finding> {
    if let Some(reason) = upstream::refusal(target.clone(), platform.tls.clone()).await {
        return vec![
            Finding::failure(format!(
                "accepts connections, but no call gets through by TLS: {reason}; check \
                 PORTICO_TLS_CERT and PORTICO_TLS_CLIENT_CA, here and there"
            )),
            Finding::not_checked("health and clock", "it is not talked to"),
        ];
    }
    let mut client = HealthClient::new(platform.remote(target));
    let asked = clock.now();
    let answer = timeout(PATIENCE, client.check(HealthCheckRequest::default())).await;
    let answered = clock.now();
    let answer = match answer {
        Ok(Ok(answer)) => answer,
        Ok(Err(status)) => {
            return vec![Finding::failure(format!(
                "accepts connections, but does not answer gRPC: {}; is it Portico that listens \
                 there, and is https:// or http:// right?",
                status.message()
            ))];
        }
        Err(_elapsed) => {
            return vec![Finding::failure(format!(
                "accepts connections, but does not answer within {} s: it is stopped or overloaded",
                PATIENCE.as_secs()
            ))];
        }
    };
    let date = answer.metadata().get("date").cloned();
    let date = date.as_ref().and_then(|date| date.to_str().ok());
    vec![
        judge_health(answer.get_ref().status()),
        judge_date(role, date, (asked, answered)),
    ]
}

fn judge_health(status: ServingStatus) -> Finding {
    match status {
        ServingStatus::Serving => Finding::fine("serves"),
        _ => Finding::failure(
            "is not ready: /readyz on its admin port names what is missing, mostly its database or \
             a role that it calls",
        ),
    }
}

fn judge_date(role: &str, date: Option<&str>, asked: (Timestamp, Timestamp)) -> Finding {
    let parsed = date.and_then(|date| OffsetDateTime::parse(date, &Rfc2822).ok());
    match parsed {
        Some(theirs) => {
            let theirs = Timestamp::from_seconds(theirs.unix_timestamp());
            judge_clock(role, theirs, DATE_PRECISION, asked)
        }
        None => Finding::not_checked("clock", "its answer has no date"),
    }
}

#[cfg(test)]
mod tests {
    use portico_chassis::finding::Verdict;

    use super::*;

    #[test]
    fn a_date_tells_of_a_clock() {
        // 1994-11-06T08:49:37Z, the standard's example.
        let at = |seconds: i64| Timestamp::from_seconds(784_111_777 + seconds);
        let date = Some("Sun, 06 Nov 1994 08:49:37 GMT");
        let verdict = |seconds| judge_date("auth", date, (at(seconds), at(seconds))).verdict;
        assert_eq!(verdict(0), Verdict::Fine);
        assert_eq!(verdict(5), Verdict::Warning);
        assert_eq!(verdict(-60), Verdict::Failure);
        for date in [None, Some("yesterday")] {
            let finding = judge_date("auth", date, (at(0), at(0)));
            assert_eq!(finding.verdict, Verdict::NotChecked);
        }
    }
}
