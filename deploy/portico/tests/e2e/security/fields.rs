//! Fields that nobody asked for: whatever a resource shows and a call does not
//! take is refused by every call that makes or changes something. Which fields
//! those are follows from the contract, so that a new one is tried by itself.

use std::collections::BTreeSet;

use prost_reflect::{Kind, MessageDescriptor};
use serde_json::{Value, json};

use super::routes::routes;
use crate::{Instance, Person, grpc, in_both_shapes};

in_both_shapes! {
    no_call_takes_a_field_that_it_does_not_ask_for,
    no_change_over_grpc_reaches_a_field_that_is_not_its_own,
}

/// What attackers try wherever they are.
const TRIED: [&str; 17] = [
    "role",
    "status",
    "isAdmin",
    "admin",
    "emailVerified",
    "email_verified",
    "ownerId",
    "userId",
    "invitedBy",
    "scopes",
    "passwordHash",
    "createdAt",
    "deletedAt",
    "updateMask",
    "update_mask",
    "__proto__",
    "constructor",
];

/// An id of nothing. What is refused by its shape is refused before it is
/// looked for.
const NOTHING: &str = "01900000-0000-7000-8000-000000000001";

/// The names of all fields of a message and of the messages in it.
fn names(message: &MessageDescriptor, depth: usize, names: &mut BTreeSet<String>) {
    for field in message.fields() {
        names.insert(field.json_name().to_owned());
        if let Kind::Message(inner) = field.kind()
            && inner.full_name().starts_with("portico.")
            && depth < 3
        {
            self::names(&inner, depth + 1, names);
        }
    }
}

/// A call that makes or changes something.
struct Call {
    verb: &'static str,
    path: &'static str,
    facts: Vec<&'static str>,
    input: MessageDescriptor,
    output: MessageDescriptor,
}

fn calls() -> impl Iterator<Item = Call> {
    routes().filter_map(|(verb, path, facts)| {
        let method = grpc::method(&facts[0].replace('/', "."));
        ["POST", "PATCH", "PUT"].contains(&verb).then(|| Call {
            verb,
            path,
            facts,
            input: method.input(),
            output: method.output(),
        })
    })
}

impl Call {
    /// Whether the body may have a member with this name. What stands in the
    /// path does not stand in the body too.
    fn takes(&self, name: &str) -> bool {
        let mut fields = self.input.fields();
        let field = fields.find(|field| [field.json_name(), field.name()].contains(&name));
        field.is_some_and(|field| {
            let in_path = format!("{{{}}}", field.name());
            field.name() != "update_mask" && !self.path.contains(&in_path)
        })
    }

    /// What it does not take, of all that could be meant.
    fn foreign(&self) -> BTreeSet<String> {
        let mut known = BTreeSet::from(TRIED.map(str::to_owned));
        names(&self.output, 0, &mut known);
        names(&self.input, 0, &mut known);
        known.retain(|name| !self.takes(name));
        known
    }

    fn line(&self) -> String {
        let parts = self
            .path
            .split('/')
            .map(|part| match part.starts_with('{') {
                true => NOTHING,
                false => part,
            });
        format!("{} {}", self.verb, parts.collect::<Vec<_>>().join("/"))
    }
}

async fn no_call_takes_a_field_that_it_does_not_ask_for(portico: &Instance) {
    let (admin, ada) = (portico.admin_person().await, portico.register("ada").await);
    let mut tried = 0;
    for call in calls() {
        let person = match call.facts.contains(&"ADMIN") {
            true => &admin,
            false => &ada,
        };
        for name in call.foreign() {
            tried += 1;
            let send = |line: &str, body: Value| portico.call(line).bearer(person).json(body);
            let line = call.line();
            let in_body = send(&line, json!({(&name): "x"})).send().await;
            let in_query = send(&format!("{line}?{name}=x"), json!({})).send().await;
            for (place, answer) in [("body", in_body), ("query", in_query)] {
                let error = answer.error(400, "VALIDATION_FAILED");
                let code = &error["details"][0]["code"];
                assert_eq!(code, "UNKNOWN_FIELD", "{line}: {name} in the {place}");
            }
        }
    }
    assert!(tried > 500, "{tried} fields were tried");
}

/// Over gRPC the fields that a change is about are named in its mask. What a
/// resource shows and a change does not set is refused there.
async fn no_change_over_grpc_reaches_a_field_that_is_not_its_own(portico: &Instance) {
    let admin = portico.admin_person().await;
    let ada = portico.register("ada").await;
    let mut tried = 0;
    for call in calls().filter(|call| call.input.get_field_by_name("update_mask").is_some()) {
        let method = call.facts[0].replace('/', ".");
        let mut shown = BTreeSet::new();
        names(&call.output, 0, &mut shown);
        names(&call.input, 0, &mut shown);
        shown.retain(|name| !call.takes(name));
        shown.extend(["passwordHash", "updateMask"].map(str::to_owned));
        for name in shown {
            tried += 1;
            let mut request = json!({"updateMask": name});
            for field in call.input.fields() {
                if call.path.contains(&format!("{{{}}}", field.name())) {
                    request[field.json_name()] = json!(NOTHING);
                }
            }
            for person in [&ada, &admin] {
                let mut request = request.clone();
                if method.ends_with("UpdateUser") {
                    request["id"] = json!(person.id);
                }
                let answer = portico.grpc(&method, Some(&person.token), &[], &request);
                let error = answer.await.expect_err("refused");
                assert_eq!(error.reason, "VALIDATION_FAILED", "{method}: {name}");
            }
        }
    }
    assert!(tried > 20, "{tried} fields were tried");
    for person in [&ada, &admin] {
        is_unchanged(portico, person).await;
    }
}

async fn is_unchanged(portico: &Instance, person: &Person) {
    let me = portico.call("GET /api/v1/auth/me").bearer(person);
    let me = me.expect(200).await;
    assert_eq!(me["id"], json!(person.id));
    assert_eq!(me["email"], json!(person.email));
    assert_eq!(me["createdAt"], me["updatedAt"], "{me}");
}
