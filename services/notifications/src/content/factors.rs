//! The words of mails about second factors and API keys. Each tells the owner of something
//! that somebody else may have done (OWASP ASVS 5.0, 6.3.7).

use portico_chassis::clock::Timestamp;

use super::{Content, greeting, moment};
use crate::{
    mail::{Factor, Key},
    words::plain,
};

pub(super) fn added(name: &str, at: Timestamp, factor: &Factor, host: &str) -> Content {
    let what = called(factor);
    Content {
        subject: format!("{} was added to your account", capitalised(what)),
        heading: format!("{} was added", capitalised(what)),
        paragraphs: vec![
            greeting(name),
            format!("From now on, you can prove who you are at {host} by {what}."),
            NOT_YOU.to_owned(),
        ],
        facts: facts("Added", at, Some(factor)),
        button: "Open Portico",
        notes: Vec::new(),
    }
}

pub(super) fn removed(name: &str, at: Timestamp, factor: &Factor, host: &str) -> Content {
    let what = called(factor);
    Content {
        subject: format!("{} was removed from your account", capitalised(what)),
        heading: format!("{} was removed", capitalised(what)),
        paragraphs: vec![
            greeting(name),
            format!(
                "{} no longer protects your account at {host}.",
                capitalised(what)
            ),
            NOT_YOU.to_owned(),
        ],
        facts: facts("Removed", at, Some(factor)),
        button: "Open Portico",
        notes: Vec::new(),
    }
}

pub(super) fn renewed(name: &str, at: Timestamp, host: &str) -> Content {
    Content {
        subject: "You have new recovery codes".to_owned(),
        heading: "You have new recovery codes".to_owned(),
        paragraphs: vec![
            greeting(name),
            format!(
                "New recovery codes were made for your account at {host}. Those before count no \
                 more."
            ),
            NOT_YOU.to_owned(),
        ],
        facts: facts("Made", at, None),
        button: "Open Portico",
        notes: Vec::new(),
    }
}

pub(super) fn used(name: &str, at: Timestamp, host: &str) -> Content {
    Content {
        subject: "A recovery code was used".to_owned(),
        heading: "A recovery code was used".to_owned(),
        paragraphs: vec![
            greeting(name),
            format!(
                "One of the recovery codes of your account at {host} was used. It counts no more."
            ),
            NOT_YOU.to_owned(),
        ],
        facts: facts("Used", at, None),
        button: "Open Portico",
        notes: vec!["When few are left, make new ones.".to_owned()],
    }
}

pub(super) fn key_made(name: &str, at: Timestamp, key: &Key, host: &str) -> Content {
    Content {
        subject: "An API key was made for your account".to_owned(),
        heading: "An API key was made".to_owned(),
        paragraphs: vec![
            greeting(name),
            format!("From now on, a program that has the key can act for you at {host}."),
            "If it was you, there is nothing to do. If it was not, somebody else has got into your \
             account: revoke the key, change your password and end all other sessions at once."
                .to_owned(),
        ],
        facts: vec![
            ("Key", plain(&key.name)),
            ("Made", moment(at)),
            ("Scopes", key.scopes.join(", ")),
            (
                "Expires",
                key.expires_at.map_or_else(|| "never".to_owned(), moment),
            ),
        ],
        button: "Open Portico",
        notes: Vec::new(),
    }
}

pub(super) fn reset(name: &str, at: Timestamp, host: &str) -> Content {
    Content {
        subject: "Your second factors were removed".to_owned(),
        heading: "Your second factors were removed".to_owned(),
        paragraphs: vec![
            greeting(name),
            format!(
                "An administrator removed the authenticator, the recovery codes and the passkeys \
                 of your account at {host}, and signed you out everywhere. Until you add new ones, \
                 your password alone protects it."
            ),
            "If you did not ask for this, tell an administrator at once.".to_owned(),
        ],
        facts: facts("Removed", at, None),
        button: "Open Portico",
        notes: Vec::new(),
    }
}

const NOT_YOU: &str = "If it was you, there is nothing to do. If it was not, somebody else has got \
    into your account: change your password and end all other sessions at once.";

fn called(factor: &Factor) -> &'static str {
    match factor {
        Factor::Authenticator => "an authenticator",
        Factor::Passkey(_) => "a passkey",
    }
}

fn capitalised(what: &str) -> String {
    let mut letters = what.chars();
    let first = letters.next().map(|letter| letter.to_ascii_uppercase());
    first.into_iter().chain(letters).collect()
}

fn facts(
    happened: &'static str,
    at: Timestamp,
    factor: Option<&Factor>,
) -> Vec<(&'static str, String)> {
    let mut facts = vec![(happened, moment(at))];
    if let Some(Factor::Passkey(label)) = factor {
        facts.insert(0, ("Passkey", plain(label)));
    }
    facts
}
