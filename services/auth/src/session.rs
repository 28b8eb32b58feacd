//! A session and its refresh tokens, and the rules that hold for them. No I/O,
//! no protobuf, no SQL.
//!
//! A refresh token is the session's id, a number that counts the tokens, and a
//! secret derived from both, the session's seed in the database and the master
//! key. So no token is stored, neither the database nor the master key alone
//! is enough to make one, an old token can be told from a made-up one without
//! keeping it, and one whose answer was lost can be given again.

use std::{net::IpAddr, time::Duration};

use aws_lc_rs::constant_time::verify_slices_are_equal;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use portico_chassis::clock::{Timestamp, fill_random, new_id};
use serde::Serialize;
use uuid::Uuid;

use crate::secret::MasterKey;

/// How long the refresh token just before the current one still works: a reply
/// lost on the way, or two tabs at once.
const GRACE: Duration = Duration::from_secs(30);

/// How long a sign-in counts as fresh (OWASP ASVS 5.0, 7.5.1).
pub(crate) const FRESHNESS: Duration = Duration::from_secs(10 * 60);

/// What refresh tokens begin with, for secret scanners.
const PREFIX: &str = "prt_";

/// More of a program's name is not kept.
const MAX_USER_AGENT: usize = 512;

/// A sign-in on one device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) id: Uuid,
    pub(crate) user_id: Uuid,
    pub(crate) created_at: Timestamp,
    pub(crate) last_seen_at: Timestamp,
    pub(crate) expires_at: Timestamp,
    /// When the person last proved who it is.
    pub(crate) authenticated_at: Timestamp,
    pub(crate) ip: Option<String>,
    pub(crate) user_agent: Option<String>,
    /// What the refresh tokens are derived from.
    pub(crate) seed: Vec<u8>,
    /// The number of the current refresh token.
    pub(crate) generation: u32,
    /// When the current refresh token became the current one.
    pub(crate) rotated_at: Timestamp,
}

/// A use of a session: when, and by which client.
#[derive(Debug, Clone)]
pub(crate) struct Visit {
    pub(crate) at: Timestamp,
    pub(crate) ip: Option<IpAddr>,
    pub(crate) user_agent: Option<String>,
}

/// What comes of a refresh token that was shown.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Refreshed {
    /// The session goes on, with this current token.
    Continued(Session),
    /// The token was used before: somebody else may have it.
    Reused,
}

impl Session {
    /// A new session that lasts for `ttl` unless it is used.
    pub(crate) fn begin(user_id: Uuid, visit: &Visit, ttl: Duration) -> Self {
        let mut seed = vec![0; 32];
        fill_random(&mut seed);
        Self {
            id: new_id(visit.at),
            user_id,
            created_at: visit.at,
            last_seen_at: visit.at,
            expires_at: visit.at + ttl,
            authenticated_at: visit.at,
            ip: visit.ip.map(|ip| ip.to_string()),
            user_agent: visit.user_agent.as_deref().map(shortened),
            seed,
            generation: 1,
            rotated_at: visit.at,
        }
    }

    /// The session after the refresh token with the number `generation` was
    /// shown. The current token is replaced; the one just before is answered
    /// with the current one for a while; any other means that a token was
    /// stolen (RFC 9700, section 4.14.2).
    pub(crate) fn refreshed(&self, generation: u32, visit: &Visit, ttl: Duration) -> Refreshed {
        let seen = Self {
            last_seen_at: visit.at,
            expires_at: visit.at + ttl,
            ip: visit.ip.map(|ip| ip.to_string()),
            user_agent: visit.user_agent.as_deref().map(shortened),
            ..self.clone()
        };
        if generation == self.generation {
            return Refreshed::Continued(Self {
                generation: self.generation.saturating_add(1),
                rotated_at: visit.at,
                ..seen
            });
        }
        let is_just_before = generation.checked_add(1) == Some(self.generation);
        if is_just_before && visit.at.since(self.rotated_at) <= GRACE {
            return Refreshed::Continued(seen);
        }
        Refreshed::Reused
    }

    /// Whether the person proved who it is so lately that sensitive changes
    /// are allowed.
    pub(crate) fn is_fresh(&self, now: Timestamp) -> bool {
        now.since(self.authenticated_at) <= FRESHNESS
    }

    /// The current refresh token.
    pub(crate) fn refresh_token(&self, master_key: &MasterKey) -> String {
        let mut token = [0; 52];
        token[..16].copy_from_slice(self.id.as_bytes());
        token[16..20].copy_from_slice(&self.generation.to_be_bytes());
        let secret = secret(master_key, &token[..20], &self.seed);
        token[20..].copy_from_slice(&secret);
        format!("{PREFIX}{}", BASE64_URL_SAFE_NO_PAD.encode(token))
    }
}

/// A refresh token that somebody shows; whether it is one of ours is not known
/// yet.
pub(crate) struct RefreshToken([u8; 52]);

impl RefreshToken {
    /// Reads a token; `None` for what has not the form of one.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let encoded = text.strip_prefix(PREFIX)?;
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(encoded).ok()?;
        bytes.try_into().ok().map(Self)
    }

    /// The session that it claims to belong to.
    pub(crate) fn session_id(&self) -> Uuid {
        Uuid::from_slice(&self.0[..16]).unwrap_or_default()
    }

    /// The number of the token.
    pub(crate) fn generation(&self) -> u32 {
        let mut number = [0; 4];
        number.copy_from_slice(&self.0[16..20]);
        u32::from_be_bytes(number)
    }

    /// Whether it is, or was, a token of this session.
    pub(crate) fn is_authentic(&self, master_key: &MasterKey, session: &Session) -> bool {
        let (head, shown) = self.0.split_at(20);
        let expected = secret(master_key, head, &session.seed);
        self.session_id() == session.id
            && self.generation() <= session.generation
            && verify_slices_are_equal(shown, &expected).is_ok()
    }
}

fn secret(master_key: &MasterKey, head: &[u8], seed: &[u8]) -> [u8; 32] {
    master_key.refresh_secret(&[head, seed].concat())
}

/// The name of a program, as far as it is kept: people read it, in one line.
pub(crate) fn shortened(user_agent: &str) -> String {
    let in_one_line = user_agent.chars().map(|letter| match letter.is_control() {
        true => ' ',
        false => letter,
    });
    in_one_line.take(MAX_USER_AGENT).collect()
}

/// Why a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(crate) enum EndReason {
    /// The person signed out, there or everywhere.
    SignedOut,
    /// The person ended it from elsewhere.
    Revoked,
    /// An ADMIN ended it.
    EndedByAdmin,
    /// The password changed.
    PasswordChanged,
    /// A change of the e-mail address was undone.
    EmailChangeUndone,
    /// A refresh token was used twice.
    TokenReused,
    /// The account was disabled or deleted.
    AccountClosed,
    /// An administrator took the person's second factors away.
    FactorsReset,
}

impl EndReason {
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::SignedOut => "SIGNED_OUT",
            Self::Revoked => "REVOKED",
            Self::EndedByAdmin => "ENDED_BY_ADMIN",
            Self::PasswordChanged => "PASSWORD_CHANGED",
            Self::EmailChangeUndone => "EMAIL_CHANGE_UNDONE",
            Self::TokenReused => "TOKEN_REUSED",
            Self::AccountClosed => "ACCOUNT_CLOSED",
            Self::FactorsReset => "FACTORS_RESET",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TTL: Duration = Duration::from_secs(3600);

    fn master_key() -> MasterKey {
        MasterKey::parse(&"A".repeat(43)).expect("key")
    }

    fn visit(seconds: i64) -> Visit {
        Visit {
            at: Timestamp::from_seconds(seconds),
            ip: "203.0.113.9".parse().ok(),
            user_agent: Some("browser".to_owned()),
        }
    }

    fn session() -> Session {
        Session::begin(Uuid::from_u128(1), &visit(1_000), TTL)
    }

    fn continued(session: &Session, generation: u32, seconds: i64) -> Session {
        match session.refreshed(generation, &visit(seconds), TTL) {
            Refreshed::Continued(session) => session,
            Refreshed::Reused => panic!("reused"),
        }
    }

    #[test]
    fn each_use_replaces_the_token_and_moves_the_end() {
        let first = session();
        let second = continued(&first, 1, 1_100);
        assert_eq!(second.generation, 2);
        assert_eq!(second.expires_at, Timestamp::from_seconds(1_100) + TTL);
        assert_eq!(second.authenticated_at, first.authenticated_at);
        assert_ne!(
            first.refresh_token(&master_key()),
            second.refresh_token(&master_key())
        );
    }

    #[test]
    fn the_token_just_before_gets_the_current_one_for_30_seconds() {
        let second = continued(&session(), 1, 1_100);
        for at in [1_100, 1_115, 1_130] {
            let again = continued(&second, 1, at);
            assert_eq!(
                again.refresh_token(&master_key()),
                second.refresh_token(&master_key())
            );
        }
        let late = second.refreshed(1, &visit(1_131), TTL);
        assert_eq!(late, Refreshed::Reused);
    }

    #[test]
    fn asking_again_does_not_prolong_the_grace() {
        let second = continued(&session(), 1, 1_100);
        let again = continued(&second, 1, 1_120);
        assert_eq!(again.refreshed(1, &visit(1_140), TTL), Refreshed::Reused);
    }

    #[test]
    fn an_older_token_is_a_reuse_at_any_time() {
        let third = continued(&continued(&session(), 1, 1_100), 2, 1_100);
        assert_eq!(third.refreshed(1, &visit(1_100), TTL), Refreshed::Reused);
    }

    #[test]
    fn old_tokens_are_authentic_and_made_up_ones_are_not() {
        let first = session();
        let old = RefreshToken::parse(&first.refresh_token(&master_key())).expect("token");
        let now = continued(&first, 1, 1_100);
        assert_eq!((old.session_id(), old.generation()), (now.id, 1));
        assert!(old.is_authentic(&master_key(), &now));
        let mut forged = RefreshToken(old.0);
        forged.0[51] ^= 1;
        assert!(!forged.is_authentic(&master_key(), &now));
        let other = MasterKey::parse(&"B".repeat(44)).expect("key");
        assert!(!old.is_authentic(&other, &now));
        let elsewhere = Session {
            seed: vec![0; 32],
            ..now
        };
        assert!(!old.is_authentic(&master_key(), &elsewhere));
    }

    #[test]
    fn what_has_not_the_form_of_a_token_is_none() {
        let token = session().refresh_token(&master_key());
        assert!(token.starts_with("prt_"));
        assert!(RefreshToken::parse(&token).is_some());
        assert!(RefreshToken::parse(&token[4..]).is_none());
        assert!(RefreshToken::parse(&token[..token.len() - 1]).is_none());
        assert!(RefreshToken::parse(&format!("{token}A")).is_none());
        assert!(RefreshToken::parse("").is_none());
    }

    #[test]
    fn a_sign_in_is_fresh_for_ten_minutes() {
        let session = session();
        assert!(session.is_fresh(Timestamp::from_seconds(1_600)));
        assert!(!session.is_fresh(Timestamp::from_seconds(1_601)));
    }
}
