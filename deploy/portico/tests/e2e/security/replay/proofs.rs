//! Codes, recovery codes and answers of passkeys, across everything that takes
//! them. Each of them alone is raced in `factors.rs`.

use serde_json::{Value, json};

use super::{Outcomes, Shown, text};
use crate::{
    Instance,
    factors::authenticator::{Browser, Generator},
    in_both_shapes,
};

in_both_shapes! {
    an_authenticator_is_confirmed_once,
    a_code_counts_once_whatever_it_is_shown_for,
    a_recovery_code_counts_once_whatever_it_is_shown_for,
    a_challenge_is_answered_once,
    an_answer_of_a_passkey_counts_once_whatever_it_is_shown_for,
}

const CHALLENGE: &str = "POST /api/v1/auth/mfa/challenge";
const REAUTHENTICATE: &str = "POST /api/v1/auth/reauthenticate";

/// What is told of a proof that does not count, where it may be asked for again,
/// in a challenge, and where too many were wrong.
const REFUSED: [&str; 4] = [
    "VALIDATION_FAILED",
    "MFA_CODE_INVALID",
    "INVALID_CREDENTIALS",
    "TOO_MANY_ATTEMPTS",
];

/// All of these are made at once, each over REST and over gRPC; one gets
/// through.
async fn one_passes(portico: &Instance, shown: &[Shown<'_>]) {
    let callers = shown.iter().flat_map(|one| [(one, true), (one, false)]);
    let callers = callers.map(async |(one, is_rest)| match is_rest {
        true => one.over_rest(portico).await,
        false => one.over_grpc(portico).await,
    });
    let outcomes = Outcomes(futures::future::join_all(callers).await);
    assert_eq!(outcomes.passed().len(), 1, "{:?}", outcomes.tally());
    let mut known = vec!["OK", "MFA_TOKEN_INVALID"];
    known.extend(REFUSED);
    outcomes.are_among(&known);
    for one in shown {
        let (code, _) = one.over_rest(portico).await;
        assert_ne!(code, "OK", "{}", one.line);
    }
}

/// Of twenty at once one gets through, and nobody after them. What the one was
/// answered.
async fn one_of_twenty_passes(portico: &Instance, shown: &Shown<'_>, late: &str) -> Value {
    let outcomes = shown.at_once(portico).await;
    let mut known = vec!["OK", late];
    known.extend(REFUSED);
    outcomes.are_among(&known);
    assert_eq!(outcomes.passed().len(), 1, "{:?}", outcomes.tally());
    for (code, _) in [
        shown.over_rest(portico).await,
        shown.over_grpc(portico).await,
    ] {
        assert_ne!(code, "OK", "{}", shown.line);
    }
    outcomes.passed().remove(0)
}

async fn an_authenticator_is_confirmed_once(portico: &Instance) {
    let ada = portico.register("ada").await;
    let begin = portico.call("POST /api/v1/auth/mfa/totp").bearer(&ada);
    let begun = begin.json(json!({})).expect(200).await;
    let code = Generator::of(&text(&begun, "secret")).code();
    let confirm = Shown::new("POST /api/v1/auth/mfa/totp/confirm", json!({"code": code}));
    let confirm = confirm.by(&ada);
    // Whoever came just too late finds the code used, or the authenticator there.
    let confirmed = one_of_twenty_passes(portico, &confirm, "MFA_ALREADY_ENABLED").await;
    let codes = confirmed["recoveryCodes"].as_array().expect("codes");
    assert_eq!(codes.len(), 10);
}

async fn a_code_counts_once_whatever_it_is_shown_for(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let code = ada.generator.next_code();
    let mut shown = Vec::new();
    for _ in 0..5 {
        let token = portico.challenge(&ada.person.email).await;
        let body = json!({"mfaToken": token, "code": code});
        shown.push(Shown::new(CHALLENGE, body));
        let body = json!({"code": code});
        shown.push(Shown::new(REAUTHENTICATE, body).by(&ada.person));
    }
    one_passes(portico, &shown).await;
}

async fn a_recovery_code_counts_once_whatever_it_is_shown_for(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let code = &ada.recovery_codes[3];
    let mut shown = Vec::new();
    for _ in 0..9 {
        let token = portico.challenge(&ada.person.email).await;
        let body = json!({"mfaToken": token, "recoveryCode": code});
        shown.push(Shown::new(CHALLENGE, body));
    }
    let disable = Shown::new("POST /api/v1/auth/mfa/totp/disable", json!({"code": code}));
    shown.push(disable.by(&ada.person));
    let callers = shown.iter().map(|one| one.over_rest(portico));
    let outcomes = Outcomes(futures::future::join_all(callers).await);
    assert_eq!(outcomes.passed().len(), 1, "{:?}", outcomes.tally());
    for one in &shown[..9] {
        assert_ne!(one.over_grpc(portico).await.0, "OK");
    }
}

async fn a_challenge_is_answered_once(portico: &Instance) {
    for kind in ["code", "recoveryCode"] {
        let ada = portico.protected(&kind.to_lowercase()).await;
        let token = portico.challenge(&ada.person.email).await;
        let proof = match kind {
            "code" => ada.generator.next_code(),
            _ => ada.recovery_codes[0].clone(),
        };
        let mut body = json!({"mfaToken": token});
        body[kind] = json!(proof);
        let answer = Shown::new(CHALLENGE, body);
        one_of_twenty_passes(portico, &answer, "MFA_TOKEN_INVALID").await;
    }
}

async fn an_answer_of_a_passkey_counts_once_whatever_it_is_shown_for(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mut browser = Browser::new();
    portico.passkey(&ada, &mut browser).await;
    let options = async |line: &str, body: Value| portico.call(line).json(body).expect(200).await;
    let ceremony = options("POST /api/v1/auth/passkeys/login/options", json!({})).await;
    let credential = browser.get(&ceremony["publicKey"]).await;
    let credential = credential.expect("answered");
    let proof = json!({"ceremonyId": ceremony["ceremonyId"], "credential": credential});
    let mut shown = Vec::new();
    for _ in 0..5 {
        shown.push(Shown::new(
            "POST /api/v1/auth/passkeys/login",
            proof.clone(),
        ));
        shown.push(Shown::new(REAUTHENTICATE, proof.clone()).by(&ada));
    }
    one_passes(portico, &shown).await;

    // As a second factor, it belongs to its challenge.
    let token = portico.challenge(&ada.email).await;
    let line = "POST /api/v1/auth/mfa/passkey/options";
    let ceremony = options(line, json!({"mfaToken": token})).await;
    let credential = browser.get(&ceremony["publicKey"]).await;
    let body = json!({
        "mfaToken": token, "ceremonyId": ceremony["ceremonyId"],
        "credential": credential.expect("answered"),
    });
    let answer = Shown::new(CHALLENGE, body);
    let outcomes = answer.at_once(portico).await;
    // Five wrong answers end a challenge: those who came too late for the one
    // answer may end it before whoever came first.
    let passed = outcomes.passed().len();
    assert!(passed <= 1, "{:?}", outcomes.tally());
    outcomes.are_among(&["OK", "INVALID_CREDENTIALS", "MFA_TOKEN_INVALID"]);
    answer.is_refused(portico, "MFA_TOKEN_INVALID").await;
    let sessions = portico.call("GET /api/v1/auth/sessions").bearer(&ada);
    let sessions = sessions.expect(200).await;
    // That of the registration, that of the challenge, and that of the first
    // answer, if it was shown for a sign-in first.
    let count = sessions.as_array().expect("a list").len();
    assert!((1 + passed..=2 + passed).contains(&count), "{count}");
}
