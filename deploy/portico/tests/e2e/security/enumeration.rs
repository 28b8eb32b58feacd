//! Whether somebody has an account is told neither by what a sign-in answers
//! nor by how long that takes (ASVS 5.0, 6.3.8).

mod times;

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::{Instance, in_both_shapes, rest::Answer};

in_both_shapes! {
    a_sign_in_answers_strangers_and_members_alike,
    a_sign_in_takes_as_long_for_strangers_as_for_members,
}

/// How many sign-ins of each kind are compared.
const PAIRS: usize = 15;

async fn guess(portico: &Instance, email: &str) -> Answer {
    let body = json!({"email": email, "password": "a wrong guess"});
    let call = portico.call("POST /api/v1/auth/login").json(body);
    call.send().await
}

async fn a_sign_in_answers_strangers_and_members_alike(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mut seen = Vec::new();
    for email in [&*ada.email, "eve@example.com"] {
        let answer = guess(portico, email).await;
        let names: Vec<String> = answer.headers.keys().map(ToString::to_string).collect();
        let length = answer.header("content-length").map(str::to_owned);
        let status = answer.status;
        seen.push((
            status,
            names,
            length,
            answer.error(401, "INVALID_CREDENTIALS"),
        ));
    }
    assert_eq!(seen[0], seen[1]);
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Hashing a password takes most of a sign-in, so that one without it would be
/// several times as fast. The two kinds take turns, so that whatever else the
/// machine does slows down both, and medians pass over what is slow once: the
/// bounds are far from what a working installation shows, and no time is
/// absolute. Each address is tried once, so that nobody is told to wait.
async fn a_sign_in_takes_as_long_for_strangers_as_for_members(portico: &Instance) {
    for place in 0..PAIRS {
        portico.register(&format!("member-{place}")).await;
    }
    let (mut members, mut strangers) = (Vec::new(), Vec::new());
    for place in 0..PAIRS {
        for (kind, times) in [("member", &mut members), ("nobody", &mut strangers)] {
            let begun = Instant::now();
            let answer = guess(portico, &format!("{kind}-{place}@example.com")).await;
            times.push(begun.elapsed());
            let error: Value = answer.error(401, "INVALID_CREDENTIALS");
            assert_eq!(error["details"], Value::Null);
        }
    }
    let (member, stranger) = (median(&mut members), median(&mut strangers));
    let ratio = stranger.as_secs_f64() / member.as_secs_f64();
    assert!((0.5..2.0).contains(&ratio), "{stranger:?} and {member:?}");
}
