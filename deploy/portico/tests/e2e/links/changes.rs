//! Changes of addresses, and how they are undone.

use serde_json::{Value, json};

use super::{ANOTHER, RESET};
use crate::{Instance, Person, in_both_shapes, instance::PASSWORD};

in_both_shapes! {
    a_new_address_counts_once_it_is_confirmed,
    the_former_address_takes_the_account_back,
    a_pending_change_is_undone_before_it_happens,
    the_oldest_address_undoes_several_changes,
    a_password_that_was_set_since_is_undone_too,
    an_address_that_somebody_has_is_told_so_and_nobody_else,
    of_two_who_want_an_address_the_first_to_confirm_gets_it,
    a_former_address_stays_reserved_for_its_person,
    a_confirmation_and_an_undo_at_once_leave_the_former_address,
}

pub(crate) const CONFIRM: &str = "Confirm your new e-mail address";
pub(crate) const UNDO: &str = "Your e-mail address is being changed";

impl Instance {
    /// Asks for a new address; the tokens that confirm and undo it.
    async fn change(&self, who: &Person, from: &str, to: &str) -> (String, String) {
        let undoing = self.mails.count_of(from, UNDO);
        self.ask(Some(who), "email/change", json!({"newEmail": to}))
            .await;
        let confirm = self.mails.mail(to, CONFIRM).await;
        let undo = self.mails.tokens(from, UNDO, undoing + 1).await;
        (confirm.token(), undo[undoing].clone())
    }

    async fn address_of(&self, id: &str) -> Value {
        let admin = self.admin_person().await;
        let call = self.call(&format!("GET /api/v1/users/{id}")).bearer(&admin);
        call.expect(200).await["email"].clone()
    }
}

async fn a_new_address_counts_once_it_is_confirmed(portico: &Instance) {
    let ada = portico.register("ada").await;
    let call = portico.call("POST /api/v1/auth/email/change");
    let call = call.json(json!({"newEmail": "x@example.com"}));
    call.refused(401, "UNAUTHENTICATED").await;
    let call = portico.call("POST /api/v1/auth/email/change").bearer(&ada);
    let error = call
        .json(json!({"newEmail": "x"}))
        .refused(400, "VALIDATION_FAILED");
    assert_eq!(error.await["details"][0]["field"], "newEmail");

    let new = "Lovelace@example.com";
    let (confirm, _) = portico.change(&ada, &ada.email, new).await;
    let mail = portico.mails.mail(new, CONFIRM).await;
    let link = "http://localhost:8080/confirm-email#token=plk_";
    assert!(mail.text.contains(link), "{}", mail.text);
    let mail = portico.mails.mail(&ada.email, UNDO).await;
    let link = "http://localhost:8080/undo-email-change#token=plk_";
    assert!(mail.text.contains(link), "{}", mail.text);
    assert_eq!(portico.me(&ada).await["email"], json!(ada.email));
    assert!(!portico.can_sign_in(new, PASSWORD).await);
    assert_eq!(portico.follow("email/verify", &confirm).await, "OK");
    let me = portico.me(&ada).await;
    assert_eq!(
        (&me["email"], &me["emailVerified"]),
        (&json!(new), &json!(true))
    );
    assert!(portico.can_sign_in(new, PASSWORD).await);
    assert!(!portico.can_sign_in(&ada.email, PASSWORD).await);
    assert_eq!(
        portico.follow("email/verify", &confirm).await,
        "LINK_INVALID"
    );
}

async fn the_former_address_takes_the_account_back(portico: &Instance) {
    let ada = portico.register("ada").await;
    let (confirm, undo) = portico.change(&ada, &ada.email, "eve@example.com").await;
    assert_eq!(portico.follow("email/verify", &confirm).await, "OK");
    let call = portico.call("POST /api/v1/auth/email/undo");
    let user = call.json(json!({"token": undo})).expect(200).await;
    assert_eq!(
        (&user["id"], &user["email"], &user["emailVerified"]),
        (&json!(ada.id), &json!(ada.email), &json!(true))
    );
    let me = portico.call("GET /api/v1/auth/me").bearer(&ada);
    me.refused(401, "TOKEN_REVOKED").await;
    assert!(portico.can_sign_in(&ada.email, PASSWORD).await);
    assert!(!portico.can_sign_in("eve@example.com", PASSWORD).await);
    assert_eq!(portico.follow("email/undo", &undo).await, "LINK_INVALID");
    // It leaves a trace that tells who, and no address.
    let admin = portico.admin_person().await;
    let line = format!("GET /api/v1/audit-log?action=email.&target={}", ada.id);
    let entries = portico.call(&line).bearer(&admin).expect(200).await;
    let actions: Vec<&str> = entries
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| entry["action"].as_str().unwrap())
        .collect();
    assert_eq!(actions, ["email.change_undone", "email.change_requested"]);
    assert!(
        !entries.to_string().contains("eve@example.com"),
        "{entries}"
    );
}

async fn a_pending_change_is_undone_before_it_happens(portico: &Instance) {
    let ada = portico.register("ada").await;
    let (confirm, undo) = portico.change(&ada, &ada.email, "eve@example.com").await;
    assert_eq!(portico.follow("email/undo", &undo).await, "OK");
    assert_eq!(
        portico.follow("email/verify", &confirm).await,
        "LINK_INVALID"
    );
    assert_eq!(portico.address_of(&ada.id).await, json!(ada.email));
    let me = portico.call("GET /api/v1/auth/me").bearer(&ada);
    me.refused(401, "TOKEN_REVOKED").await;
}

async fn the_oldest_address_undoes_several_changes(portico: &Instance) {
    let ada = portico.register("ada").await;
    let (confirm, oldest) = portico.change(&ada, &ada.email, "eve@example.com").await;
    assert_eq!(portico.follow("email/verify", &confirm).await, "OK");
    let eve = "eve@example.com";
    let (confirm, second) = portico.change(&ada, eve, "mallory@example.com").await;
    assert_eq!(portico.follow("email/verify", &confirm).await, "OK");
    let mallory = "mallory@example.com";
    let (pending, third) = portico.change(&ada, mallory, "trudy@example.com").await;
    // The thief undoes a change as well, and cannot keep the account by it.
    assert_eq!(portico.follow("email/undo", &second).await, "OK");
    assert_eq!(portico.address_of(&ada.id).await, json!(eve));
    assert_eq!(portico.follow("email/undo", &oldest).await, "OK");
    assert_eq!(portico.address_of(&ada.id).await, json!(ada.email));
    for (what, token) in [
        ("email/undo", &second),
        ("email/undo", &third),
        ("email/verify", &pending),
    ] {
        assert_eq!(portico.follow(what, token).await, "LINK_INVALID");
    }
}

async fn a_password_that_was_set_since_is_undone_too(portico: &Instance) {
    let ada = portico.register("ada").await;
    let eve = "eve@example.com";
    let (confirm, undo) = portico.change(&ada, &ada.email, eve).await;
    assert_eq!(portico.follow("email/verify", &confirm).await, "OK");
    portico
        .ask(None, "password/forgot", json!({"email": eve}))
        .await;
    let reset = portico.mails.mail(eve, RESET).await.token();
    assert_eq!(portico.follow("password/reset", &reset).await, "OK");
    portico
        .ask(None, "password/forgot", json!({"email": eve}))
        .await;
    let outstanding = portico.mails.tokens(eve, RESET, 2).await;
    assert_eq!(portico.follow("email/undo", &undo).await, "OK");
    for email in [eve, &ada.email] {
        assert!(!portico.can_sign_in(email, ANOTHER).await);
    }
    let code = portico.follow("password/reset", &outstanding[1]).await;
    assert_eq!(code, "LINK_INVALID");
    // The owner is asked at once to choose a password.
    let reset = portico.mails.mail(&ada.email, RESET).await.token();
    assert_eq!(portico.follow("password/reset", &reset).await, "OK");
    assert!(portico.can_sign_in(&ada.email, ANOTHER).await);
}

async fn an_address_that_somebody_has_is_told_so_and_nobody_else(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    portico
        .ask(
            Some(&ada),
            "email/change",
            json!({"newEmail": "BOB@example.com"}),
        )
        .await;
    portico
        .mails
        .mail(&bob.email, "You have an account already")
        .await;
    // Who asked sees the same as with an address that is free.
    let undo = portico.mails.mail(&ada.email, UNDO).await.token();
    assert_eq!(portico.mails.count_of("BOB@example.com", CONFIRM), 0);
    assert_eq!(portico.follow("email/undo", &undo).await, "OK");
    assert_eq!(portico.address_of(&ada.id).await, json!(ada.email));
    assert_eq!(portico.address_of(&bob.id).await, json!(bob.email));
}

async fn of_two_who_want_an_address_the_first_to_confirm_gets_it(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.register("bob").await);
    let new = "carol@example.com";
    let (first, _) = portico.change(&ada, &ada.email, new).await;
    portico
        .ask(Some(&bob), "email/change", json!({"newEmail": new}))
        .await;
    let second = portico.mails.tokens(new, CONFIRM, 2).await.remove(1);
    assert_eq!(portico.follow("email/verify", &first).await, "OK");
    assert_eq!(
        portico.follow("email/verify", &second).await,
        "EMAIL_EXISTS"
    );
    assert_eq!(portico.address_of(&bob.id).await, json!(bob.email));
}

async fn a_former_address_stays_reserved_for_its_person(portico: &Instance) {
    let ada = portico.register("ada").await;
    let (confirm, undo) = portico.change(&ada, &ada.email, "eve@example.com").await;
    assert_eq!(portico.follow("email/verify", &confirm).await, "OK");
    let body = json!({"email": ada.email, "password": PASSWORD, "name": "Mallory"});
    let call = portico.call("POST /api/v1/auth/register").json(body);
    call.refused(409, "EMAIL_EXISTS").await;
    assert_eq!(portico.follow("email/undo", &undo).await, "OK");
    assert_eq!(portico.address_of(&ada.id).await, json!(ada.email));
}

async fn a_confirmation_and_an_undo_at_once_leave_the_former_address(portico: &Instance) {
    for round in 0..4 {
        let ada = portico.register(&format!("ada{round}")).await;
        let new = format!("eve{round}@example.com");
        let (confirm, undo) = portico.change(&ada, &ada.email, &new).await;
        let (_, undone) = tokio::join!(
            portico.follow("email/verify", &confirm),
            portico.follow("email/undo", &undo)
        );
        assert_eq!(undone, "OK");
        assert_eq!(portico.address_of(&ada.id).await, json!(ada.email));
    }
}
