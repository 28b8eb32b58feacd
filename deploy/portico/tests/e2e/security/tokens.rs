//! Access tokens that somebody made up, and secrets of other kinds in their
//! place (RFC 8725, sections 3.1, 3.8 to 3.12; ASVS 5.0, 9.1 and 9.2).

use aws_lc_rs::hmac;
use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde_json::{Value, json};

use crate::{Instance, in_both_shapes};

in_both_shapes! {
    a_token_that_is_not_signed_by_a_published_key_is_refused,
    nothing_else_that_is_given_out_passes_for_a_token,
}

fn decoded(part: &str) -> Vec<u8> {
    BASE64_URL_SAFE_NO_PAD.decode(part).expect("base64url")
}

fn part(value: &Value) -> String {
    BASE64_URL_SAFE_NO_PAD.encode(value.to_string())
}

/// Shows this instead of a token, over REST and gRPC.
async fn is_refused(portico: &Instance, shown: &str, what: &str) {
    let call = portico.call("GET /api/v1/auth/me").token(shown);
    let answer = call.send().await;
    assert_eq!(answer.body["error"]["code"], "UNAUTHENTICATED", "{what}");
    answer.error(401, "UNAUTHENTICATED");
    let over_grpc = portico.grpc("GetMe", Some(shown), &[], &json!({})).await;
    let reason = over_grpc.expect_err(what).reason;
    assert!(
        ["UNAUTHENTICATED", "FORBIDDEN"].contains(&&*reason),
        "{what}: {reason}"
    );
}

async fn a_token_that_is_not_signed_by_a_published_key_is_refused(portico: &Instance) {
    let ada = portico.register("ada").await;
    let parts: Vec<&str> = ada.token.split('.').collect();
    let header: Value = serde_json::from_slice(&decoded(parts[0])).expect("a header");
    let claims: Value = serde_json::from_slice(&decoded(parts[1])).expect("claims");
    let jwks = portico.call("GET /.well-known/jwks.json").send().await.body;
    let key = jwks["keys"][0].clone();
    let with = |changes: Value| {
        let mut header = header.clone();
        for (name, value) in changes.as_object().expect("an object") {
            header[name] = value.clone();
        }
        part(&header)
    };
    for none in ["none", "None", "NONE", "nOnE"] {
        for signature in ["", parts[2]] {
            let forged = format!("{}.{}.{signature}", with(json!({"alg": none})), parts[1]);
            is_refused(portico, &forged, none).await;
        }
    }

    // The public key in each form in which a verifier could hold it.
    let point = key["x"].as_str().expect("a public key");
    for secret in [decoded(point), point.into(), key.to_string().into()] {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, &secret);
        let signed = format!("{}.{}", with(json!({"alg": "HS256"})), parts[1]);
        let tag = hmac::sign(&secret, signed.as_bytes());
        let tag = BASE64_URL_SAFE_NO_PAD.encode(tag);
        is_refused(portico, &format!("{signed}.{tag}"), "HS256").await;
    }

    for changes in [
        json!({"kid": "../../../../dev/null"}),
        json!({"kid": "http://127.0.0.1:1/jwks.json"}),
        json!({"kid": "' OR '1'='1"}),
        json!({"kid": "\u{0}"}),
        json!({"kid": ""}),
        json!({"kid": null}),
        json!({"kid": "a".repeat(2000)}),
        json!({"jwk": key}),
        json!({"jku": "http://127.0.0.1:1/jwks.json"}),
        json!({"x5u": "http://127.0.0.1:1/key.pem"}),
        json!({"crit": ["exp"]}),
        json!({"typ": "JWT"}),
    ] {
        let forged = format!("{}.{}.{}", with(changes.clone()), parts[1], parts[2]);
        is_refused(portico, &forged, &changes.to_string()).await;
    }
    // Whatever it says of itself, another signature would be needed.
    for changes in [
        json!({"role": "ADMIN"}),
        json!({"aud": "another"}),
        json!({"iss": "https://evil.example"}),
        json!({"exp": 4_102_444_800_i64}),
    ] {
        let mut claims = claims.clone();
        for (name, value) in changes.as_object().expect("an object") {
            claims[name] = value.clone();
        }
        let forged = format!("{}.{}.{}", parts[0], part(&claims), parts[2]);
        is_refused(portico, &forged, &changes.to_string()).await;
    }
    let me = portico.call("GET /api/v1/auth/me").bearer(&ada);
    me.expect(200).await;
}

async fn nothing_else_that_is_given_out_passes_for_a_token(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let challenge = portico.challenge(&ada.person.email).await;
    let call = portico.call("POST /api/v1/events/ticket");
    let ticket = call.bearer(&ada.person).expect(200).await;
    let mail = portico.mails.mail(&ada.person.email, "Welcome").await;
    for (what, shown) in [
        ("a refresh token", &*ada.person.refresh_token),
        ("a challenge", &challenge),
        ("a ticket", ticket["ticket"].as_str().expect("a ticket")),
        ("a link", &mail.token()),
        ("a recovery code", &ada.recovery_codes[0]),
    ] {
        is_refused(portico, shown, what).await;
    }
    // Services know each other by theirs; at the door it is nobody's.
    let service = portico.service_token();
    for line in ["GET /api/v1/auth/me", "GET /api/v1/users"] {
        let call = portico.call(line).token(&service);
        call.refused(401, "UNAUTHENTICATED").await;
    }
    let refresh = portico.call("POST /api/v1/auth/refresh");
    let refresh = refresh.json(json!({"refreshToken": challenge}));
    refresh.refused(401, "REFRESH_TOKEN_INVALID").await;
}
