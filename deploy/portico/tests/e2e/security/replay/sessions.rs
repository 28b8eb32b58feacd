//! Refresh tokens. Each is good once; the one just before the current one is
//! answered by the current one for thirty seconds, as an answer may be lost; any
//! older one ends the session, as somebody else may have it.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{CALLERS, Shown, entries, text};
use crate::{
    Instance, Person,
    api_keys::{SOON, until_refused},
    in_both_shapes,
};

in_both_shapes! {
    twenty_who_refresh_at_once_get_one_and_the_same_successor,
    an_older_token_ends_the_session_once_whoever_shows_it,
    a_stolen_token_and_the_current_one_at_once_end_the_session,
    no_refresh_brings_back_a_session_that_ends_meanwhile,
}

fn refresh(token: &str) -> Shown<'static> {
    Shown::new("POST /api/v1/auth/refresh", json!({"refreshToken": token}))
}

async fn continued(portico: &Instance, token: &str) -> String {
    let (code, data) = refresh(token).over_rest(portico).await;
    assert_eq!(code, "OK");
    text(&data, "refreshToken")
}

/// None of the tokens that these answers gave is good for anything.
async fn nothing_is_left(portico: &Instance, person: &Person, answers: &[Value]) {
    let mut refresh_tokens = vec![person.refresh_token.clone()];
    let mut tokens = vec![person.token.clone()];
    for answer in answers {
        refresh_tokens.push(text(answer, "refreshToken"));
        tokens.push(text(answer, "token"));
    }
    for token in refresh_tokens {
        refresh(&token)
            .is_refused(portico, "REFRESH_TOKEN_INVALID")
            .await;
    }
    for token in tokens {
        assert!(until_refused(portico, &token, "TOKEN_REVOKED").await < SOON);
    }
}

async fn twenty_who_refresh_at_once_get_one_and_the_same_successor(portico: &Instance) {
    let ada = portico.register("ada").await;
    let outcomes = refresh(&ada.refresh_token).at_once(portico).await;
    assert_eq!(outcomes.tally(), BTreeMap::from([("OK", CALLERS)]));
    let mut successors = Vec::new();
    for answer in outcomes.passed() {
        let me = portico.call("GET /api/v1/auth/me");
        me.token(&text(&answer, "token")).expect(200).await;
        successors.push(text(&answer, "refreshToken"));
    }
    successors.dedup();
    assert_eq!(successors.len(), 1);
    assert_ne!(successors[0], ada.refresh_token);
    // The chain goes on from there, and there is one session.
    let third = continued(portico, &successors[0]).await;
    assert_ne!(third, successors[0]);
    let sessions = portico.call("GET /api/v1/auth/sessions").bearer(&ada);
    let sessions = sessions.expect(200).await;
    assert_eq!(sessions.as_array().expect("a list").len(), 1);
}

async fn an_older_token_ends_the_session_once_whoever_shows_it(portico: &Instance) {
    let ada = portico.register("ada").await;
    let other = portico.login(&ada.email).await;
    let second = continued(portico, &ada.refresh_token).await;
    continued(portico, &second).await;
    let outcomes = refresh(&ada.refresh_token).at_once(portico).await;
    let expected = [
        ("REFRESH_TOKEN_REUSED", 1),
        ("REFRESH_TOKEN_INVALID", CALLERS - 1),
    ];
    assert_eq!(outcomes.tally(), BTreeMap::from(expected));
    nothing_is_left(portico, &ada, &[]).await;
    let ended = entries(portico, "session.revoked").await;
    assert_eq!(ended.len(), 1);
    assert_eq!(ended[0]["details"]["reason"], "TOKEN_REUSED");
    // Other sessions of the person are none of its business.
    continued(portico, &other.refresh_token).await;
}

async fn a_stolen_token_and_the_current_one_at_once_end_the_session(portico: &Instance) {
    let ada = portico.register("ada").await;
    let second = continued(portico, &ada.refresh_token).await;
    let current = continued(portico, &second).await;
    let (stolen, current) = (refresh(&ada.refresh_token), refresh(&current));
    let (stolen, current) = tokio::join!(stolen.at_once(portico), current.at_once(portico));
    assert_eq!(stolen.tally()["REFRESH_TOKEN_REUSED"], 1);
    assert!(stolen.passed().is_empty());
    current.are_among(&["OK", "REFRESH_TOKEN_INVALID"]);
    nothing_is_left(portico, &ada, &current.passed()).await;
}

async fn no_refresh_brings_back_a_session_that_ends_meanwhile(portico: &Instance) {
    let ada = portico.register("ada").await;
    let shown = refresh(&ada.refresh_token);
    let logout = portico.call("POST /api/v1/auth/logout").bearer(&ada);
    let (outcomes, _) = tokio::join!(shown.at_once(portico), logout.expect(200));
    outcomes.are_among(&["OK", "REFRESH_TOKEN_INVALID"]);
    nothing_is_left(portico, &ada, &outcomes.passed()).await;
}
