//! Links in mails, invitations and tickets.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::{CALLERS, Shown, entries, text};
use crate::{
    Instance, in_both_shapes,
    instance::PASSWORD,
    links::{RESET, WELCOME, changes::CONFIRM, changes::UNDO},
};

in_both_shapes! {
    a_link_counts_once,
    a_link_that_sets_the_first_password_counts_once,
    a_ticket_opens_one_stream,
    an_invitation_makes_one_member,
    of_several_links_to_one_password_one_counts,
}

const VERIFY: &str = "POST /api/v1/auth/email/verify";
const SET_PASSWORD: &str = "POST /api/v1/auth/password/reset";
const ANOTHER: &str = "another good password";

fn set_password(token: &str) -> Shown<'static> {
    Shown::new(
        SET_PASSWORD,
        json!({"token": token, "newPassword": ANOTHER}),
    )
}

async fn a_link_counts_once(portico: &Instance) {
    let ada = portico.register("ada").await;
    let ask = async |what: &str, body: Value| {
        let call = portico.call(&format!("POST /api/v1/auth/{what}"));
        call.bearer(&ada).json(body).expect(202).await;
    };
    let token = portico.mails.mail(&ada.email, WELCOME).await.token();
    let verify = Shown::new(VERIFY, json!({"token": token}));
    let user = verify.counts_once(portico, "LINK_INVALID").await;
    assert_eq!(user["emailVerified"], true);

    ask("email/change", json!({"newEmail": "eve@example.com"})).await;
    let confirm = portico.mails.mail("eve@example.com", CONFIRM).await;
    let undo = portico.mails.mail(&ada.email, UNDO).await;
    let confirm = Shown::new(VERIFY, json!({"token": confirm.token()}));
    let user = confirm.counts_once(portico, "LINK_INVALID").await;
    assert_eq!(user["email"], "eve@example.com");
    let undo = json!({"token": undo.token()});
    let undo = Shown::new("POST /api/v1/auth/email/undo", undo);
    let user = undo.counts_once(portico, "LINK_INVALID").await;
    assert_eq!(user["email"], json!(ada.email));
    assert_eq!(entries(portico, "email.change_undone").await.len(), 1);

    let forgot = portico.call("POST /api/v1/auth/password/forgot");
    forgot.json(json!({"email": ada.email})).expect(202).await;
    let token = portico.mails.mail(&ada.email, RESET).await.token();
    let reset = set_password(&token);
    reset.counts_once(portico, "LINK_INVALID").await;
    assert_eq!(entries(portico, "password.changed").await.len(), 1);
}

async fn a_link_that_sets_the_first_password_counts_once(portico: &Instance) {
    let admin = portico.admin_person().await;
    let body = json!({"email": "bob@example.com", "name": "Bob"});
    let call = portico.call("POST /api/v1/users").bearer(&admin);
    call.json(body).expect(201).await;
    let mail = portico.mails.mail("bob@example.com", "Choose a password");
    let set = set_password(&mail.await.token());
    set.counts_once(portico, "LINK_INVALID").await;
    let body = json!({"email": "bob@example.com", "password": ANOTHER});
    let call = portico.call("POST /api/v1/auth/login").json(body);
    call.expect(200).await;
}

/// Of two who have a link to the same password, the first who follows it
/// chooses.
async fn of_several_links_to_one_password_one_counts(portico: &Instance) {
    let ada = portico.register("ada").await;
    for _ in 0..2 {
        let forgot = portico.call("POST /api/v1/auth/password/forgot");
        forgot.json(json!({"email": ada.email})).expect(202).await;
    }
    let tokens = portico.mails.tokens(&ada.email, RESET, 2).await;
    let [one, other] = [0, 1].map(|place: usize| set_password(&tokens[place]));
    let (one, other) = tokio::join!(one.over_rest(portico), other.over_grpc(portico));
    let mut codes = [one.0, other.0];
    codes.sort_unstable();
    assert_eq!(codes, ["LINK_INVALID", "OK"]);
    let body = json!({"email": ada.email, "password": PASSWORD});
    let call = portico.call("POST /api/v1/auth/login").json(body);
    call.refused(401, "INVALID_CREDENTIALS").await;
}

async fn a_ticket_opens_one_stream(portico: &Instance) {
    let ada = portico.register("ada").await;
    let call = portico.call("POST /api/v1/events/ticket").bearer(&ada);
    let ticket = text(&call.expect(200).await, "ticket");
    // Gateways redeem it over gRPC, as the twenty here do beside streams.
    let service = portico.service_token();
    let body = json!({"ticket": ticket});
    let redeem = async || {
        let answer = portico.grpc("RedeemEventsTicket", Some(&service), &[], &body);
        answer.await.map_or(401, |_| 200)
    };
    let open = async || {
        let url = format!("{}/api/v1/events?ticket={ticket}", portico.http);
        let answer = portico.client.get(url).send().await;
        answer.expect("an answer").status().as_u16()
    };
    let callers = (0..CALLERS).map(async |place| match place % 2 {
        0 => open().await,
        _ => redeem().await,
    });
    let statuses = futures::future::join_all(callers).await;
    let mut tally = BTreeMap::new();
    for status in statuses {
        *tally.entry(status).or_insert(0) += 1;
    }
    assert_eq!(tally, BTreeMap::from([(200, 1), (401, CALLERS - 1)]));
    assert_eq!((open().await, redeem().await), (401, 401));
}

async fn an_invitation_makes_one_member(portico: &Instance) {
    let (ada, bob) = (portico.register("ada").await, portico.verified("bob").await);
    let project = portico.project(&ada, "Apollo").await;
    let path = format!("/api/v1/projects/{}", text(&project, "id"));
    let call = portico.call(&format!("POST {path}/invitations"));
    let body = json!({"email": bob.email, "role": "MEMBER"});
    let invitation = call.bearer(&ada).json(body).expect(201).await;
    let body = json!({"id": invitation["id"]});
    let accept = Shown::new("POST /api/v1/invitations/{id}/accept", body).by(&bob);
    // Accepting again is answered by the same member, in turn and at once.
    let outcomes = accept.at_once(portico).await;
    assert_eq!(outcomes.tally(), BTreeMap::from([("OK", CALLERS)]));
    let mut joined = outcomes.passed();
    joined.push(accept.over_rest(portico).await.1);
    for member in joined {
        assert_eq!(member["user"]["id"], json!(bob.id));
        assert_eq!(member["role"], "MEMBER");
    }
    let call = portico.call(&format!("GET {path}/members")).bearer(&ada);
    let members = call.expect(200).await;
    assert_eq!(members.as_array().expect("a list").len(), 2);
    // Of the owner, and of the one who accepted.
    assert_eq!(entries(portico, "member.added").await.len(), 2);
    // It does not bring back who has been removed.
    let call = portico.call(&format!("DELETE {path}/members/{}", bob.id));
    call.bearer(&ada).expect(200).await;
    let outcomes = accept.at_once(portico).await;
    let refused = BTreeMap::from([("INVITATION_NOT_PENDING", CALLERS)]);
    assert_eq!(outcomes.tally(), refused);
}
