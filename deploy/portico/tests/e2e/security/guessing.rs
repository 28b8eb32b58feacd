//! Passwords are guessed slowly, from one address at many accounts and from
//! many addresses at one, and neither locks anybody out who is where it always
//! signs in (ASVS 5.0, 6.1.1 and 6.3.1).

mod limits;

use futures::future::join_all;
use serde_json::json;

use crate::{Instance, in_both_shapes, instance::PASSWORD, rest::Answer};

in_both_shapes! {
    with [("PORTICO_TRUSTED_PROXIES", "127.0.0.1/32")];
    one_network_that_tries_many_accounts_waits_and_others_do_not,
    many_addresses_that_try_one_account_wait_and_its_owner_does_not,
    a_network_of_ipv6_is_one_however_many_addresses_it_has,
}

/// Where the owner of an account signs in.
const HOME: &str = "203.0.113.5";

async fn login(portico: &Instance, from: &str, email: &str, password: &str) -> Answer {
    let body = json!({"email": email, "password": password});
    let call = portico.call("POST /api/v1/auth/login").json(body);
    call.header("X-Forwarded-For", from).send().await
}

async fn guess(portico: &Instance, from: &str, email: &str) -> String {
    let answer = login(portico, from, email, "a wrong guess").await;
    let code = answer.body["error"]["code"].as_str();
    code.unwrap_or_else(|| panic!("{}", answer.body)).to_owned()
}

/// How many of these guesses, made ten at a time, were compared.
async fn compared(portico: &Instance, guesses: &[(String, String)]) -> usize {
    let mut count = 0;
    for some in guesses.chunks(10) {
        let codes = some.iter().map(|(from, email)| guess(portico, from, email));
        for code in join_all(codes).await {
            match code.as_str() {
                "INVALID_CREDENTIALS" => count += 1,
                _ => assert_eq!(code, "TOO_MANY_ATTEMPTS"),
            }
        }
    }
    count
}

/// What the right password is answered after another wrong one. Where the
/// machine is so slow that a delay has passed in between, the next is twice as
/// long.
async fn refused(portico: &Instance, from: &str, email: &str) -> Answer {
    loop {
        guess(portico, from, email).await;
        let right = login(portico, from, email, PASSWORD).await;
        if right.status == 429 {
            return right;
        }
    }
}

async fn one_network_that_tries_many_accounts_waits_and_others_do_not(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let neighbour = "198.51.100.250";
    for from in [HOME, neighbour] {
        login(portico, from, &ada.email, PASSWORD).await.data(200);
    }
    // Each account once, each time from another address of one network.
    let guesses: Vec<_> = (0..150)
        .map(|place| {
            let from = format!("198.51.100.{}", place % 200);
            (from, format!("somebody-{place}@example.com"))
        })
        .collect();
    let compared = compared(portico, &guesses).await;
    // A hundred are free, and one more for each delay that has passed.
    assert!((100..110).contains(&compared), "{compared}");
    let right = refused(portico, "198.51.100.9", &bob.email).await;
    let wait = right.header("retry-after").expect("a time to wait");
    assert!((1..=60).contains(&wait.parse().expect("seconds")), "{wait}");
    right.error(429, "TOO_MANY_ATTEMPTS");
    // Who signed in from there before does not suffer, nor anybody elsewhere.
    for (from, person) in [(neighbour, &ada), (HOME, &ada), ("203.0.113.9", &bob)] {
        let answer = login(portico, from, &person.email, PASSWORD).await;
        answer.data(200);
    }
    let admin = portico.admin_person().await;
    let call = portico.call("GET /api/v1/audit-log?action=network.throttled");
    let entries = call.bearer(&admin).expect(200).await;
    assert!(!entries.as_array().expect("a list").is_empty());
}

async fn many_addresses_that_try_one_account_wait_and_its_owner_does_not(portico: &Instance) {
    let ada = portico.register("ada").await;
    login(portico, HOME, &ada.email, PASSWORD).await.data(200);
    // Each guess from another network.
    let guesses: Vec<_> = (0..60)
        .map(|place| (format!("198.18.{place}.7"), ada.email.clone()))
        .collect();
    let compared = compared(portico, &guesses).await;
    assert!((20..30).contains(&compared), "{compared}");
    // The right password is no way around the delay, nor is it told apart from
    // a wrong one.
    let stranger = "198.19.0.1";
    let claimed = format!("{HOME}, {stranger}");
    for from in [stranger, &claimed] {
        let right = refused(portico, from, &ada.email).await;
        right.error(429, "TOO_MANY_ATTEMPTS");
    }
    for _ in 0..3 {
        login(portico, HOME, &ada.email, PASSWORD).await.data(200);
    }
    // Others are none of its business.
    let bob = portico.register("bob").await;
    login(portico, stranger, &bob.email, PASSWORD)
        .await
        .data(200);
}

async fn a_network_of_ipv6_is_one_however_many_addresses_it_has(portico: &Instance) {
    let ada = portico.register("ada").await;
    let guesses: Vec<_> = (0..20)
        .map(|place| {
            (
                format!("2001:db8:7:{place:x}::{place:x}"),
                ada.email.clone(),
            )
        })
        .collect();
    let compared = compared(portico, &guesses).await;
    assert!((5..12).contains(&compared), "{compared}");
    let answer = login(portico, "2001:db8:8::1", &ada.email, PASSWORD).await;
    answer.data(200);
}
