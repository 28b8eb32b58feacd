use portico_chassis::clock::Timestamp;
use serde_json::json;

use super::{authenticator::Browser, *};

const ADA: Uuid = Uuid::from_u128(1);
const EVE: Uuid = Uuid::from_u128(2);
const ORIGIN: &str = "https://id.example.com";

fn now() -> Timestamp {
    Timestamp::from_seconds(1_000_000_000)
}

fn party() -> RelyingParty {
    RelyingParty::at(ORIGIN).expect("it has a name")
}

fn holder(user_id: Uuid) -> Holder<'static> {
    Holder {
        user_id,
        email: "ada@example.com",
        name: "Ada",
    }
}

/// Adds a passkey of a person in a browser; `None` if it is refused.
async fn add(browser: &mut Browser, user_id: Uuid) -> Option<Passkey> {
    let begun = party().begin_registration(holder(user_id), &[], now());
    let (ceremony, options) = begun.expect("begun");
    let answer = browser.create(&options).await.expect("created");
    party().registered(&ceremony, user_id, &answer, "Key", now())
}

async fn added(browser: &mut Browser) -> Passkey {
    add(browser, ADA).await.expect("added")
}

/// Uses a passkey in a browser; `None` if it is refused.
async fn use_once(browser: &mut Browser, passkey: &Passkey) -> Option<Use> {
    let begun = party().begin_authentication(None, &[], now());
    let (ceremony, options) = begun.expect("begun");
    let answer = browser.get(&options).await.expect("answered");
    let answer = Answer::parse(&answer).expect("an answer");
    assert_eq!(answer.credential_id(), credential_id(passkey).as_slice());
    party().used(ceremony, &answer, passkey.clone(), now())
}

#[tokio::test]
async fn a_passkey_is_added_and_used() {
    let mut browser = Browser::at(ORIGIN);
    let mut passkey = added(&mut browser).await;
    assert_eq!((passkey.user_id, passkey.name.as_str()), (ADA, "Key"));
    assert_eq!(passkey.last_used_at, None);
    for sign_count in 1..4 {
        let used = use_once(&mut browser, &passkey).await.expect("used");
        assert_eq!(used.sign_count, sign_count);
        assert_eq!(used.passkey.last_used_at, Some(now()));
        passkey = used.passkey;
    }
}

#[test]
fn creation_asks_for_a_discoverable_passkey_that_verifies_the_person() {
    let begun = party().begin_registration(holder(ADA), &[], now());
    let (ceremony, options) = begun.expect("begun");
    assert_eq!(ceremony.expires_at, now() + Duration::from_secs(300));
    let selection = &options["authenticatorSelection"];
    assert_eq!(selection["residentKey"], "required");
    assert_eq!(selection["requireResidentKey"], true);
    assert_eq!(selection["userVerification"], "required");
    assert_eq!(
        options["rp"],
        json!({"id": "id.example.com", "name": "id.example.com"})
    );
    assert_eq!(options["user"]["name"], "ada@example.com");
    assert_eq!(options["user"]["displayName"], "Ada");
    assert_eq!(options["timeout"], 300_000);
}

#[tokio::test]
async fn an_authenticator_that_holds_a_passkey_of_the_account_is_excluded() {
    let mut browser = Browser::at(ORIGIN);
    let known = added(&mut browser).await;
    let begun = party().begin_registration(holder(ADA), &[known], now());
    let (_, options) = begun.expect("begun");
    assert!(browser.create(&options).await.is_err());
}

#[tokio::test]
async fn a_passkey_that_does_not_verify_the_person_is_refused() {
    let mut careless = Browser {
        verifies: false,
        ..Browser::at(ORIGIN)
    };
    let begun = party().begin_registration(holder(ADA), &[], now());
    let (ceremony, options) = begun.expect("begun");
    if let Ok(answer) = careless.create(&options).await {
        let refused = party().registered(&ceremony, ADA, &answer, "Key", now());
        assert!(refused.is_none());
    }
}

#[tokio::test]
async fn an_answer_counts_for_its_person_and_ceremony_only() {
    let mut browser = Browser::at(ORIGIN);
    let begin = || party().begin_registration(holder(ADA), &[], now());
    let (ceremony, options) = begin().expect("begun");
    let answer = browser.create(&options).await.expect("created");
    let (other, _) = begin().expect("begun");
    let (login, _) = party()
        .begin_authentication(None, &[], now())
        .expect("begun");
    let register = |ceremony, user_id| {
        let passkey = party().registered(ceremony, user_id, &answer, "Key", now());
        passkey.is_some()
    };
    assert!(!register(&ceremony, EVE));
    assert!(!register(&other, ADA));
    assert!(!register(&login, ADA));
    assert!(register(&ceremony, ADA));
}

#[tokio::test]
async fn a_page_elsewhere_can_neither_add_nor_use_a_passkey() {
    let mut browser = Browser::at(ORIGIN);
    let passkey = added(&mut browser).await;
    // A browser lets a page of a subdomain use the name of the domain above.
    browser.origin = "https://evil.id.example.com".parse().expect("a URL");
    assert!(use_once(&mut browser, &passkey).await.is_none());
    let mut elsewhere = Browser::at("https://id.example.com:8443");
    assert!(add(&mut elsewhere, ADA).await.is_none());
}

#[tokio::test]
async fn a_copy_of_an_authenticator_is_told_by_its_counter() {
    let mut browser = Browser::at(ORIGIN);
    let passkey = added(&mut browser).await;
    let mut copy = browser.clone();
    let first = use_once(&mut browser, &passkey).await.expect("used");
    let second = use_once(&mut browser, &first.passkey).await.expect("used");
    assert!(use_once(&mut copy, &second.passkey).await.is_none());
}

#[tokio::test]
async fn a_passkey_of_somebody_else_proves_nothing() {
    let mut browser = Browser::at(ORIGIN);
    let passkey = added(&mut browser).await;
    let stolen = Passkey {
        user_id: EVE,
        ..passkey.clone()
    };
    assert!(use_once(&mut browser, &stolen).await.is_none());
    let begun = party().begin_authentication(Some(EVE), &[], now());
    let (ceremony, options) = begun.expect("begun");
    let answer = browser.get(&options).await.expect("answered");
    let answer = Answer::parse(&answer).expect("an answer");
    assert!(party().used(ceremony, &answer, passkey, now()).is_none());
}

#[tokio::test]
async fn whoever_is_not_known_yet_must_be_named_by_the_passkey() {
    let mut browser = Browser::at(ORIGIN);
    let passkey = added(&mut browser).await;
    for (user_id, is_enough) in [(Some(ADA), true), (None, false)] {
        let begun = party().begin_authentication(user_id, &[], now());
        let (ceremony, options) = begun.expect("begun");
        let mut answer = browser.get(&options).await.expect("answered");
        answer["response"]["userHandle"] = Value::Null;
        let answer = Answer::parse(&answer).expect("an answer");
        let used = party().used(ceremony, &answer, passkey.clone(), now());
        assert_eq!(used.is_some(), is_enough);
    }
}

#[tokio::test]
async fn a_forged_signature_is_refused() {
    let mut browser = Browser::at(ORIGIN);
    let passkey = added(&mut browser).await;
    let mut forger = Browser::at(ORIGIN);
    added(&mut forger).await;
    let begun = party().begin_authentication(None, &[], now());
    let (ceremony, options) = begun.expect("begun");
    let mut answer = browser.get(&options).await.expect("answered");
    let forged = forger.get(&options).await.expect("answered");
    answer["response"]["signature"] = forged["response"]["signature"].clone();
    let answer = Answer::parse(&answer).expect("an answer");
    assert!(party().used(ceremony, &answer, passkey, now()).is_none());
}

#[tokio::test]
async fn a_ceremony_survives_being_kept() {
    let mut browser = Browser::at(ORIGIN);
    let passkey = added(&mut browser).await;
    let begun = party().begin_authentication(None, &[], now());
    let (mut ceremony, options) = begun.expect("begun");
    let kept = serde_json::to_string(&ceremony.purpose).expect("JSON");
    ceremony.purpose = serde_json::from_str(&kept).expect("a purpose");
    let answer = browser.get(&options).await.expect("answered");
    let answer = Answer::parse(&answer).expect("an answer");
    assert!(party().used(ceremony, &answer, passkey, now()).is_some());
}

#[test]
fn nonsense_is_no_answer() {
    for answer in [json!({}), json!({"id": "x"}), json!({"rawId": 1})] {
        assert!(Answer::parse(&answer).is_none());
    }
}

#[test]
fn passkeys_need_a_host_with_a_name() {
    for (url, is_possible) in [
        ("http://localhost:8080", true),
        ("https://id.example.com/portico", true),
        ("http://127.0.0.1:8080", false),
        ("http://[::1]:8080", false),
        ("nonsense", false),
    ] {
        assert_eq!(RelyingParty::at(url).is_some(), is_possible, "{url}");
    }
}

#[test]
fn a_name_is_one_line_that_says_something() {
    assert_eq!(name("  My phone ").as_deref(), Ok("My phone"));
    for (text, code) in [
        ("", "REQUIRED"),
        ("  ", "REQUIRED"),
        ("a\nb", "NOT_ALLOWED"),
    ] {
        assert_eq!(name(text).expect_err("refused").0, code);
    }
}
