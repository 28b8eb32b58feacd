//! Factors that an administrator takes away, and mails about new devices.

use serde_json::json;

use super::authenticator::Browser;
use crate::{Instance, in_both_shapes};

in_both_shapes! {
    an_administrator_resets_the_factors_of_somebody_else,
    the_operator_resets_the_factors_of_anybody,
    a_sign_in_from_a_new_device_is_told,
    nothing_secret_about_factors_is_in_the_events,
}

async fn an_administrator_resets_the_factors_of_somebody_else(portico: &Instance) {
    let ada = portico.protected("ada").await;
    portico.passkey(&ada.person, &mut Browser::new()).await;
    let (admin, id) = (portico.admin_person().await, &ada.person.id);
    let reset = |id: &str| portico.call(&format!("POST /api/v1/users/{id}/reset-mfa"));
    let body = || json!({});
    let refused = reset(&admin.id).bearer(&ada.person).json(body());
    refused.refused(403, "FORBIDDEN").await;
    let oneself = reset(&admin.id).bearer(&admin).json(body());
    oneself.refused(403, "FORBIDDEN").await;
    for nobody in ["no-id", "01900000-0000-7000-8000-000000000001"] {
        let refused = reset(nobody).bearer(&admin).json(body());
        refused.refused(404, "USER_NOT_FOUND").await;
    }
    reset(id).bearer(&admin).json(body()).expect(200).await;
    let subject = "Your second factors were removed";
    let mail = portico.mails.mail(&ada.person.email, subject).await;
    assert!(mail.text.contains("An administrator"), "{}", mail.text);
    let refresh = portico.call("POST /api/v1/auth/refresh");
    let refresh = refresh.json(json!({"refreshToken": ada.person.refresh_token}));
    refresh.refused(401, "REFRESH_TOKEN_INVALID").await;
    let again = portico.login(&ada.person.email).await;
    let call = portico.call("GET /api/v1/auth/passkeys").bearer(&again);
    assert_eq!(call.expect(200).await, json!([]));
    let log = portico.call("GET /api/v1/audit-log?action=mfa.reset");
    let log = log.bearer(&admin).expect(200).await;
    assert_eq!(log[0]["actor"]["id"], json!(admin.id));
    assert_eq!(log[0]["target"], json!({"type": "user", "id": id}));
}

async fn the_operator_resets_the_factors_of_anybody(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let email = ["--email", &ada.person.email];
    portico.admin_command("reset-mfa", &email).await;
    portico.login(&ada.person.email).await;
    let mails = &portico.mails;
    mails
        .mail(&ada.person.email, "Your second factors were removed")
        .await;
}

async fn a_sign_in_from_a_new_device_is_told(portico: &Instance) {
    let ada = portico.register("ada").await;
    let login = async |agent: &str| {
        let body = json!({"email": ada.email, "password": crate::instance::PASSWORD});
        let call = portico.call("POST /api/v1/auth/login").json(body);
        call.header("User-Agent", agent).expect(200).await;
    };
    portico.login(&ada.email).await;
    login("Telephone/1.0").await;
    let subject = "New sign-in to your account";
    let mail = portico.mails.mail(&ada.email, subject).await;
    assert!(mail.text.contains("Address: 127.0.0.1"), "{}", mail.text);
    assert!(mail.text.contains("Program: Telephone"), "{}", mail.text);
    login("Telephone/2.0").await;
    login("Television").await;
    // Those of the welcome, the telephone and the television.
    loop {
        let mails = portico.mails.count(&ada.email);
        assert!(mails <= 3, "{mails}");
        if mails == 3 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
}

async fn nothing_secret_about_factors_is_in_the_events(portico: &Instance) {
    let ada = portico.protected("ada").await;
    let mut browser = Browser::new();
    portico.passkey(&ada.person, &mut browser).await;
    let token = portico.challenge(&ada.person.email).await;
    let code = json!({"recoveryCode": ada.recovery_codes[0]});
    portico.answer(&token, code).await.data(200);
    let rows = portico.outboxes().await;
    let mut secrets = ada.recovery_codes.clone();
    secrets.extend([token, ada.generator.code(), ada.generator.next_code()]);
    for row in &rows {
        for secret in &secrets {
            let plain = secret.replace('-', "");
            assert!(!row.contains(secret) && !row.contains(&plain), "{row}");
        }
        assert!(!row.contains("credential"), "{row}");
    }
    assert!(
        rows.iter()
            .any(|row| row.starts_with("recovery_code.used "))
    );
}
