//! How long it takes tells strangers nothing either. Calls about addresses with
//! an account and without one are made in a random order, so that whatever else
//! the machine does meets both kinds alike, and their times are compared by rank
//! (Mann and Whitney): no time is absolute, and none that is very long counts
//! for more than another.

use std::time::{Duration, Instant};

use portico_chassis::clock::fill_random;
use serde_json::{Value, json};

use crate::{Instance, Person, in_both_shapes, instance::PASSWORD};

in_both_shapes! {
    with [("PORTICO_AUTH_THROTTLE", "off")];
    a_forgotten_password_takes_as_long_for_strangers_as_for_members,
    an_address_is_changed_as_fast_to_one_that_is_taken,
    whoever_is_invited_takes_as_long_with_an_account_as_without,
    an_account_without_a_password_takes_as_long_as_none,
    nobody_is_told_whose_passkeys_there_are,
}

mod where_addresses_are_verified {
    use super::in_both_shapes;
    pub(super) use super::registering_takes_as_long_with_a_taken_address_as_with_a_free_one;

    in_both_shapes! {
        with [("PORTICO_REQUIRE_VERIFIED_EMAIL", "true")];
        registering_takes_as_long_with_a_taken_address_as_with_a_free_one,
    }
}

/// How many calls of each kind are compared.
const CALLS: usize = 60;

/// How likely a call of one kind takes longer than one of the other; if nothing
/// tells them apart, a half. By chance alone, of [`CALLS`] of each kind it is
/// further than this from a half less than once in a million times.
const FURTHEST: f64 = 0.27;

/// The share of pairs in which the one took longer.
fn likelihood(ones: &[Duration], others: &[Duration]) -> f64 {
    let mut longer = 0.0;
    for one in ones {
        for other in others {
            longer += match one.cmp(other) {
                std::cmp::Ordering::Less => 0.0,
                std::cmp::Ordering::Equal => 0.5,
                std::cmp::Ordering::Greater => 1.0,
            };
        }
    }
    #[expect(clippy::cast_precision_loss, reason = "they are few")]
    let pairs = (ones.len() * others.len()) as f64;
    longer / pairs
}

/// Makes calls of two kinds in a random order, each with its number.
async fn are_alike(mut call: impl AsyncFnMut(bool, usize)) {
    // What is slow the first time is slow for neither kind.
    for place in 0..4 {
        call(place % 2 == 0, CALLS + place).await;
    }
    let (mut ones, mut others) = (Vec::new(), Vec::new());
    while ones.len() + others.len() < 2 * CALLS {
        let mut random = [0; 1];
        fill_random(&mut random);
        let is_one = match (ones.len() < CALLS, others.len() < CALLS) {
            (true, true) => random[0] % 2 == 0,
            (is_one, _) => is_one,
        };
        let times = if is_one { &mut ones } else { &mut others };
        let begun = Instant::now();
        call(is_one, times.len()).await;
        times.push(begun.elapsed());
    }
    let likelihood = likelihood(&ones, &others);
    assert!(
        (likelihood - 0.5).abs() < FURTHEST,
        "one kind takes longer in {likelihood:.2} of all pairs"
    );
}

/// Addresses with accounts that have no password, which are quickly made.
async fn members(portico: &Instance, admin: &Person) {
    for place in 0..CALLS + 4 {
        let body = json!({"email": format!("member-{place}@example.com"), "name": "Member"});
        let call = portico.call("POST /api/v1/users").bearer(admin);
        call.json(body).expect(201).await;
    }
}

fn address(is_member: bool, place: usize) -> String {
    match is_member {
        true => format!("member-{place}@example.com"),
        false => format!("nobody-{place}@example.com"),
    }
}

async fn a_forgotten_password_takes_as_long_for_strangers_as_for_members(portico: &Instance) {
    members(portico, &portico.admin_person().await).await;
    are_alike(async |is_member, place| {
        let body = json!({"email": address(is_member, place)});
        let call = portico.call("POST /api/v1/auth/password/forgot").json(body);
        call.expect(202).await;
    })
    .await;
}

async fn registering_takes_as_long_with_a_taken_address_as_with_a_free_one(portico: &Instance) {
    members(portico, &portico.admin_person().await).await;
    are_alike(async |is_member, place| {
        let email = address(is_member, place);
        let body = json!({"email": email, "password": PASSWORD, "name": "Somebody"});
        let call = portico.call("POST /api/v1/auth/register").json(body);
        call.expect(202).await;
    })
    .await;
}

async fn an_address_is_changed_as_fast_to_one_that_is_taken(portico: &Instance) {
    members(portico, &portico.admin_person().await).await;
    let ada = portico.register("ada").await;
    are_alike(async |is_member, place| {
        let body = json!({"newEmail": address(is_member, place)});
        let call = portico.call("POST /api/v1/auth/email/change").bearer(&ada);
        call.json(body).expect(202).await;
    })
    .await;
}

async fn whoever_is_invited_takes_as_long_with_an_account_as_without(portico: &Instance) {
    members(portico, &portico.admin_person().await).await;
    let ada = portico.register("ada").await;
    let project = portico.project(&ada, "Apollo").await;
    let line = format!(
        "POST /api/v1/projects/{}/invitations",
        project["id"].as_str().expect("an id")
    );
    are_alike(async |is_member, place| {
        let body = json!({"email": address(is_member, place), "role": "MEMBER"});
        let call = portico.call(&line).bearer(&ada).json(body);
        call.expect(201).await;
    })
    .await;
}

async fn an_account_without_a_password_takes_as_long_as_none(portico: &Instance) {
    members(portico, &portico.admin_person().await).await;
    are_alike(async |is_member, place| {
        let body = json!({"email": address(is_member, place), "password": "a wrong guess"});
        let call = portico.call("POST /api/v1/auth/login").json(body);
        call.refused(401, "INVALID_CREDENTIALS").await;
    })
    .await;
}

/// A sign-in by a passkey begins without an address, so that there is nothing to
/// tell.
async fn nobody_is_told_whose_passkeys_there_are(portico: &Instance) {
    let ada = portico.register("ada").await;
    let mut browser = crate::factors::authenticator::Browser::new();
    portico.passkey(&ada, &mut browser).await;
    let call = portico.call("POST /api/v1/auth/passkeys/login/options");
    let options = call.json(json!({})).expect(200).await;
    let known = &options["publicKey"]["allowCredentials"];
    assert!(known.is_null() || *known == json!([]), "{options}");
    let call = portico.call("POST /api/v1/auth/passkeys/login/options");
    let call = call.json(json!({"email": ada.email}));
    let error: Value = call.refused(400, "VALIDATION_FAILED").await;
    assert_eq!(error["details"][0]["code"], "UNKNOWN_FIELD");
}
