//! What is told of factors, API keys and new devices.

use portico_proto::auth::{ApiKey, Passkey, Session};

use super::*;
use crate::mail::Key;

#[tokio::test]
async fn whose_factors_change_is_told() {
    let fixture = Fixture::new().await;
    let passkey = Passkey {
        id: NOBODY.to_owned(),
        name: "My phone".to_owned(),
        ..Passkey::default()
    };
    let passkey = Any::from_msg(&passkey).expect("packed");
    for (kind, resource) in [
        ("totp.enabled", None),
        ("totp.disabled", None),
        ("passkey.added", Some(passkey.clone())),
        ("passkey.renamed", Some(passkey.clone())),
        ("passkey.removed", Some(passkey)),
        ("passkey.removed", None),
        ("recovery_codes.renewed", None),
        ("recovery_code.used", None),
        ("mfa.reset", None),
    ] {
        for person in [ADA, DELETED] {
            let event = Event {
                user_ids: vec![person.to_owned()],
                ..fixture.event(kind, NOBODY, resource.clone())
            };
            fixture.handle(&event).await;
        }
    }
    let mut mails = fixture.mails().await;
    mails.sort();
    let expected = [
        "factor-added",
        "factor-added",
        "factor-removed",
        "factor-removed",
        "factors-reset",
        "recovery-code-used",
        "recovery-codes-renewed",
    ];
    assert_eq!(mails, expected.map(|kind| mail(kind, "ada@example.com")));
    fixture.close().await;
}

#[tokio::test]
async fn a_sign_in_from_a_new_device_is_told_with_where_it_came_from() {
    let fixture = Fixture::new().await;
    let session = Session {
        ip: Some("203.0.113.9".to_owned()),
        user_agent: Some("telephone".to_owned()),
        ..Session::default()
    };
    let resource = Any::from_msg(&session).expect("packed");
    let event = Event {
        user_ids: vec![ADA.to_owned()],
        ..fixture.event("device.added", ADA, Some(resource))
    };
    let asked = fixture.followed.asked(&event, fixture.clock.now()).await;
    let expected = Mail::NewSignIn {
        name: "Ada".to_owned(),
        at: fixture.clock.now(),
        ip: Some("203.0.113.9".to_owned()),
        user_agent: Some("telephone".to_owned()),
    };
    let expected = vec![(expected, "ada@example.com".to_owned())];
    assert_eq!(asked.expect("asked"), expected);
    fixture.close().await;
}

#[tokio::test]
async fn a_new_key_is_told_with_what_it_is_good_for() {
    let fixture = Fixture::new().await;
    let made_until = |expires_at: Option<Timestamp>| {
        let key = ApiKey {
            name: "Backup".to_owned(),
            scopes: vec!["account:read".to_owned()],
            expires_at: expires_at.map(Into::into),
            ..ApiKey::default()
        };
        let resource = Any::from_msg(&key).expect("packed");
        Event {
            user_ids: vec![ADA.to_owned()],
            ..fixture.event("api_key.created", NOBODY, Some(resource))
        }
    };
    for expires_at in [None, Some(fixture.clock.now() + DAY)] {
        let event = made_until(expires_at);
        let asked = fixture.followed.asked(&event, fixture.clock.now()).await;
        let expected = Mail::ApiKeyMade {
            name: "Ada".to_owned(),
            at: fixture.clock.now(),
            key: Key {
                name: "Backup".to_owned(),
                scopes: vec!["account:read".to_owned()],
                expires_at,
            },
        };
        let expected = vec![(expected, "ada@example.com".to_owned())];
        assert_eq!(asked.expect("asked"), expected);
    }
    // That of a service account is nobody's.
    let event = Event {
        user_ids: Vec::new(),
        ..made_until(None)
    };
    fixture.handle(&event).await;
    assert!(fixture.mails().await.is_empty());
    fixture.close().await;
}
