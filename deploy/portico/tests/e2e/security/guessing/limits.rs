//! The same by the limits of the gateway, which count whatever comes of a call.

use serde_json::json;

use super::{HOME, guess, login};
use crate::{Instance, in_both_shapes, instance::PASSWORD};

in_both_shapes! {
    with [
        ("PORTICO_TRUSTED_PROXIES", "127.0.0.1/32"),
        ("PORTICO_RATE_LIMIT_CREDENTIALS", "10/1m"),
    ];
    one_address_that_tries_many_accounts_is_limited,
    no_number_of_addresses_keeps_the_owner_out,
}

async fn one_address_that_tries_many_accounts_is_limited(portico: &Instance) {
    for place in 0..12 {
        let email = format!("somebody-{place}@example.com");
        let code = guess(portico, "198.51.100.1", &email).await;
        let expected = match place {
            0..10 => "INVALID_CREDENTIALS",
            _ => "RATE_LIMITED",
        };
        assert_eq!(code, expected, "{place}");
    }
}

async fn no_number_of_addresses_keeps_the_owner_out(portico: &Instance) {
    let ada = portico.register("ada").await;
    login(portico, HOME, &ada.email, PASSWORD).await.data(200);
    for place in 0..40 {
        let stranger = format!("198.18.{place}.1");
        guess(portico, &stranger, &ada.email).await;
        let body = json!({"email": ada.email});
        let call = portico.call("POST /api/v1/auth/password/forgot").json(body);
        let answer = call.header("X-Forwarded-For", &stranger).send().await;
        assert!([202, 429].contains(&answer.status.as_u16()));
    }
    login(portico, HOME, &ada.email, PASSWORD).await.data(200);
}
