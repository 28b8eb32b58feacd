//! What an operator should know of what this service relies on: its signing keys
//! and its list of breached passwords. Looking changes nothing, and makes no key.

use std::{path::Path, time::Duration};

use portico_chassis::{
    clock::{Clock, Timestamp},
    database::Database,
    finding::Finding,
    status::Error,
};

use crate::{
    Config,
    key::{self, KeyState},
    password, store,
    tokens::{KeyInfo, Tokens},
};

/// The next key is made this long before it signs. When that is overdue by as
/// much again, nobody does it.
const PATIENCE: Duration = Duration::from_secs(3600);

/// Whether the signing keys are in order.
///
/// # Errors
///
/// A failure of the database.
pub async fn examine_keys(
    config: &Config,
    database: &Database,
    clock: Clock,
) -> Result<Finding, Error> {
    let store = store::open(database, config.access_token_ttl);
    let tokens = Tokens::new(config, store, clock.clone());
    Ok(judge(&tokens.keys().await?, clock.now()))
}

fn judge(keys: &[KeyInfo], now: Timestamp) -> Finding {
    if keys.is_empty() {
        return Finding::fine("there are no signing keys yet: auth makes one at its first start");
    }
    let sealed: Vec<&str> = keys
        .iter()
        .filter(|key| !key.opens)
        .map(|key| key.kid.as_str())
        .collect();
    if !sealed.is_empty() {
        return Finding::failure(format!(
            "{} of {} signing keys do not open ({}): PORTICO_MASTER_KEY is not the key that they \
             were sealed with. Bring that one back; without it, second factors and sessions are \
             lost as well",
            sealed.len(),
            keys.len(),
            sealed.join(", ")
        ));
    }
    let Some(active) = keys.iter().find(|key| key.state == KeyState::Active) else {
        return Finding::failure(
            "no signing key is active: is this machine's clock right? If so, run `portico keys \
             rotate`",
        );
    };
    let days = now.since(active.active_from).as_secs() / 86_400;
    let is_followed = keys.iter().any(|key| key.state == KeyState::Pending);
    let due = active.active_from + key::LIFETIME;
    if !is_followed && now.since(due) > PATIENCE {
        return Finding::warning(format!(
            "the signing key {} is {days} days old and no other follows: auth rotates keys while it \
             runs. Does it?",
            active.kid
        ));
    }
    Finding::fine(format!(
        "the signing keys open, {} in all; {} signs, since {days} days of at most {}",
        keys.len(),
        active.kid,
        key::LIFETIME.as_secs() / 86_400
    ))
}

/// Whether the list of breached passwords is one.
#[must_use]
pub fn examine_breached_passwords(path: &Path) -> Finding {
    match password::check_list(path) {
        Ok(()) => Finding::fine("the list of breached passwords is one, in order"),
        Err(error) => Finding::failure(format!("{error:#}; get the list anew, sorted by hash")),
    }
}

#[cfg(test)]
mod tests {
    use portico_chassis::finding::Verdict;

    use super::*;

    const DAY: i64 = 86_400;

    fn key(kid: &str, state: KeyState, opens: bool) -> KeyInfo {
        KeyInfo {
            kid: kid.to_owned(),
            state,
            created_at: Timestamp::from_seconds(0),
            active_from: Timestamp::from_seconds(0),
            opens,
        }
    }

    fn verdict(keys: &[KeyInfo], days: i64) -> Verdict {
        judge(keys, Timestamp::from_seconds(days * DAY)).verdict
    }

    #[test]
    fn a_key_of_another_master_key_is_told_of() {
        let keys = [
            key("a", KeyState::Retiring, false),
            key("b", KeyState::Active, true),
        ];
        let finding = judge(&keys, Timestamp::from_seconds(DAY));
        assert_eq!(finding.verdict, Verdict::Failure);
        let told = "1 of 2 signing keys do not open (a): PORTICO_MASTER_KEY";
        assert!(finding.text.starts_with(told), "{}", finding.text);
    }

    #[test]
    fn one_key_signs_and_is_followed_in_time() {
        let active = key("a", KeyState::Active, true);
        assert_eq!(verdict(&[], 0), Verdict::Fine);
        assert_eq!(verdict(std::slice::from_ref(&active), 89), Verdict::Fine);
        assert_eq!(verdict(std::slice::from_ref(&active), 91), Verdict::Warning);
        let next = key("b", KeyState::Pending, true);
        assert_eq!(verdict(&[active, next.clone()], 91), Verdict::Fine);
        assert_eq!(verdict(&[next], 1), Verdict::Failure);
    }
}
