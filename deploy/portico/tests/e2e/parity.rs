//! Both faces say the same: one scenario that calls every RPC, played over REST
//! and over gRPC, step by step with the same resource or the same error.

mod audit;
mod factors;
mod invitations;
mod keys;
mod links;
mod names;
mod passwords;
mod people;
mod privacy;

use std::collections::BTreeSet;

use portico_chassis::status::{Error, Violation};
use portico_proto::{CallerClass, METHODS};
use prost_reflect::MethodDescriptor;
use serde_json::{Map, Value, json};

use self::names::{camel_case, http_rule, list_field, snake_case};
use crate::{Instance, Person, grpc, in_both_shapes, instance::PASSWORD};

in_both_shapes! {
    rest_and_grpc_say_the_same,
}

/// The fields whose values differ from play to play.
const VOLATILE: [&str; 10] = [
    "ticket",
    "prefix",
    "validUntil",
    "nextCursor",
    "requestId",
    "secret",
    "otpauthUrl",
    "qrSvg",
    "challenge",
    "recoveryCodes",
];

/// How the scenario is played.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Face {
    Rest,
    Grpc,
}

/// A scenario being played.
struct Play<'a> {
    portico: &'a Instance,
    face: Face,
    /// Ids in the order in which they appeared, so that they can be compared.
    ids: Vec<String>,
    /// What each step came to.
    log: Vec<(String, Value)>,
    /// The methods that succeeded at least once.
    succeeded: BTreeSet<String>,
}

async fn rest_and_grpc_say_the_same(portico: &Instance) {
    let rest = play(portico, Face::Rest).await;
    let grpc = play(portico, Face::Grpc).await;
    assert_eq!(rest.log.len(), grpc.log.len());
    let pairs = rest.log.iter().zip(&grpc.log);
    let differences: Vec<_> = pairs.filter(|(one, other)| one != other).collect();
    assert!(differences.is_empty(), "{differences:#?}");
    let routed = METHODS
        .iter()
        .filter(|method| method.caller != CallerClass::Service);
    for method in routed {
        let name = method.path.rsplit('/').next().expect("a name");
        assert!(rest.succeeded.contains(name), "the scenario lacks {name}");
    }
}

async fn play(portico: &Instance, face: Face) -> Play<'_> {
    let mut play = Play {
        portico,
        face,
        ids: Vec::new(),
        log: Vec::new(),
        succeeded: BTreeSet::new(),
    };
    play.accounts().await;
    play.passwords().await;
    play.factors().await;
    play.links().await;
    play.people().await;
    let project = play.projects().await;
    play.invitations().await;
    play.inheritance().await;
    play.mails().await;
    play.keys().await;
    play.privacy().await;
    play.audit_log(&project).await;
    play.ends().await;
    play
}

impl Play<'_> {
    /// A name that only this play uses.
    fn name(&self, name: &str) -> String {
        let face = if self.face == Face::Rest {
            "rest"
        } else {
            "grpc"
        };
        format!("{face}{name}")
    }

    async fn accounts(&mut self) {
        self.step("GetJwks", None, json!({})).await;
        self.step("GetIssuerMetadata", None, json!({})).await;
        let (ada, email) = (
            self.name("ada"),
            format!("{}@example.com", self.name("ada")),
        );
        let body = json!({"email": email, "password": PASSWORD, "name": ada});
        self.step("Register", None, json!({"email": "x", "password": "y"}))
            .await;
        self.step("Register", None, body.clone()).await;
        self.step("Register", None, body).await;
        self.step(
            "Login",
            None,
            json!({"email": email, "password": "wrong password"}),
        )
        .await;
        let data = self
            .step("Login", None, json!({"email": email, "password": PASSWORD}))
            .await;
        let person = Person::of(&data);
        let refresh = json!({"refreshToken": person.refresh_token});
        self.step("RefreshToken", None, refresh).await;
        self.step("RefreshToken", None, json!({"refreshToken": "nonsense"}))
            .await;
        self.step("GetMe", Some(&person), json!({})).await;
        self.step("GetMe", None, json!({})).await;
        self.step("CreateEventsTicket", Some(&person), json!({}))
            .await;
        self.step("CreateEventsTicket", None, json!({})).await;
        self.step("ListSessions", Some(&person), json!({"limit": 1}))
            .await;
        self.step("DeleteSession", Some(&person), json!({"id": "no id"}))
            .await;
        let mut sessions = self.step("ListSessions", Some(&person), json!({})).await;
        let sessions = sessions["data"].as_array_mut().expect("a list");
        let other = sessions
            .iter()
            .find(|one| one["current"] != true)
            .expect("another session");
        self.step("DeleteSession", Some(&person), json!({"id": other["id"]}))
            .await;
        self.step(
            "Reauthenticate",
            Some(&person),
            json!({"password": "wrong"}),
        )
        .await;
        self.step(
            "Reauthenticate",
            Some(&person),
            json!({"password": PASSWORD}),
        )
        .await;
        let change = json!({"currentPassword": PASSWORD, "newPassword": "short"});
        self.step("ChangePassword", Some(&person), change).await;
        let change = json!({"currentPassword": PASSWORD, "newPassword": "another password"});
        self.step("ChangePassword", Some(&person), change).await;
    }

    async fn projects(&mut self) -> Value {
        let owner = self.portico.register(&self.name("owner")).await;
        let member = self.portico.register(&self.name("member")).await;
        let name = self.name("apollo");
        self.step("CreateProject", Some(&owner), json!({"slug": "No Slug"}))
            .await;
        let body = json!({"name": name, "slug": name, "description": "To the moon"});
        let project = self.step("CreateProject", Some(&owner), body.clone()).await;
        self.step("CreateProject", Some(&owner), body).await;
        let id = &project["id"];
        self.step("GetProject", Some(&owner), json!({"id": name}))
            .await;
        self.step("GetProject", Some(&member), json!({"id": id}))
            .await;
        let change = json!({"id": id, "description": null, "visibility": "PUBLIC"});
        self.step("UpdateProject", Some(&owner), change).await;
        self.step(
            "UpdateProject",
            Some(&member),
            json!({"id": id, "name": "x"}),
        )
        .await;
        self.step("ListMembers", Some(&member), json!({"projectId": id}))
            .await;
        let body = json!({"projectId": id, "userId": member.id, "role": "VIEWER"});
        self.step("CreateMember", Some(&owner), body.clone()).await;
        self.step("CreateMember", Some(&owner), body).await;
        self.step(
            "CreateMember",
            Some(&owner),
            json!({"projectId": id, "userId": id, "role": "VIEWER"}),
        )
        .await;
        self.step("CreateMember", Some(&owner), json!({"projectId": id}))
            .await;
        self.step(
            "ListMembers",
            Some(&member),
            json!({"projectId": id, "sort": "name"}),
        )
        .await;
        self.step("ListProjects", Some(&member), json!({"role": "VIEWER"}))
            .await;
        self.step("ListProjects", Some(&member), json!({"archived": "maybe"}))
            .await;
        let change = json!({"projectId": id, "userId": member.id, "role": "MEMBER"});
        self.step("UpdateMember", Some(&owner), change.clone())
            .await;
        self.step("UpdateMember", Some(&member), change).await;
        let change = json!({"projectId": id, "userId": owner.id, "role": "MEMBER"});
        self.step("UpdateMember", Some(&owner), change).await;
        self.step("ArchiveProject", Some(&owner), json!({"id": id}))
            .await;
        self.step(
            "UpdateProject",
            Some(&owner),
            json!({"id": id, "name": "x"}),
        )
        .await;
        self.step("UnarchiveProject", Some(&owner), json!({"id": id}))
            .await;
        self.step(
            "TransferProject",
            Some(&owner),
            json!({"id": id, "userId": id}),
        )
        .await;
        self.step(
            "TransferProject",
            Some(&owner),
            json!({"id": id, "userId": member.id}),
        )
        .await;
        let leave = json!({"projectId": id, "userId": member.id});
        self.step("DeleteMember", Some(&member), leave).await;
        self.step(
            "DeleteMember",
            Some(&owner),
            json!({"projectId": id, "userId": owner.id}),
        )
        .await;
        self.step("DeleteProject", Some(&owner), json!({"id": id}))
            .await;
        self.step("DeleteProject", Some(&member), json!({"id": id}))
            .await;
        self.step("DeleteProject", Some(&member), json!({"id": id}))
            .await;
        project
    }

    async fn mails(&mut self) {
        let admin = self.portico.admin_person().await;
        let (ada, refused) = (self.name("carol"), self.name("refused"));
        let ada = self.portico.register(&ada).await;
        let refused = self.portico.register(&refused).await;
        self.step("ListMailJobs", None, json!({})).await;
        self.step("ListMailJobs", Some(&ada), json!({})).await;
        self.step("ListMailJobs", Some(&admin), json!({"status": "FAILED"}))
            .await;
        self.step("ListMailJobs", Some(&admin), json!({"limit": 0}))
            .await;
        let dead = self.portico.mail_job(&admin, &refused.email, "DEAD").await;
        let id = json!({"id": dead["id"]});
        self.step("RetryMailJob", Some(&ada), id.clone()).await;
        self.step("RetryMailJob", Some(&admin), id).await;
        let sent = self.portico.mail_job(&admin, &ada.email, "SENT").await;
        self.step("RetryMailJob", Some(&admin), json!({"id": sent["id"]}))
            .await;
        self.step("RetryMailJob", Some(&admin), json!({"id": "no id"}))
            .await;
    }

    async fn ends(&mut self) {
        let ada = self.portico.register(&self.name("leaver")).await;
        self.step("Logout", Some(&ada), json!({})).await;
        let ada = self.portico.login(&ada.email).await;
        self.step("LogoutAll", Some(&ada), json!({})).await;
        let ada = self.portico.login(&ada.email).await;
        self.step("DeleteAccount", Some(&ada), json!({"id": ada.id}))
            .await;
    }

    /// Makes one call, notes what came of it in a form that can be compared,
    /// and returns it as it was.
    async fn step(&mut self, name: &str, who: Option<&Person>, request: Value) -> Value {
        let method = grpc::method(name);
        let token = who.map(|person| person.token.as_str());
        let outcome = match self.face {
            Face::Rest => self.over_rest(&method, token, &request).await,
            Face::Grpc => self.over_grpc(&method, token, request.clone()).await,
        };
        let label = format!("{} {name}", self.log.len());
        if outcome["error"].is_null() {
            self.succeeded.insert(name.to_owned());
        }
        let comparable = self.comparable(None, &outcome);
        self.log.push((label, comparable));
        outcome
    }

    async fn over_rest(
        &self,
        method: &MethodDescriptor,
        token: Option<&str>,
        request: &Value,
    ) -> Value {
        let (verb, template) = http_rule(method);
        let mut rest: Map<String, Value> = request.as_object().expect("an object").clone();
        let mut path = String::new();
        for segment in template.trim_start_matches('/').split('/') {
            let field = segment
                .strip_prefix('{')
                .and_then(|segment| segment.strip_suffix('}'));
            let value = field.map(|field| rest.remove(&camel_case(field)).expect("a path field"));
            path.push('/');
            path += value
                .as_ref()
                .map_or(segment, |value| value.as_str().expect("text"));
        }
        let has_body = matches!(verb.as_str(), "POST" | "PATCH");
        if !has_body && !rest.is_empty() {
            let pairs = rest.iter().map(|(name, value)| match value.as_str() {
                Some(text) => format!("{name}={text}"),
                None => format!("{name}={value}"),
            });
            path = format!("{path}?{}", pairs.collect::<Vec<_>>().join("&"));
        }
        let mut call = self.portico.call(&format!("{verb} {path}"));
        if let Some(token) = token {
            call = call.token(token);
        }
        if has_body {
            call = call.json(Value::Object(rest));
        }
        let body = call.send().await.body;
        if body["success"] == false {
            let error = &body["error"];
            return json!({"error": {"code": error["code"], "message": error["message"], "details": error["details"]}});
        }
        match body.get("meta").map(|meta| &meta["pagination"]) {
            None => body,
            Some(Value::Null) => body["data"].clone(),
            Some(pagination) => json!({"data": body["data"], "pagination": pagination}),
        }
    }

    async fn over_grpc(
        &self,
        method: &MethodDescriptor,
        token: Option<&str>,
        mut request: Value,
    ) -> Value {
        let (verb, template) = http_rule(method);
        if verb == "PATCH" {
            let object = request.as_object().expect("an object");
            let is_in_path = |key: &&String| template.contains(&format!("{{{}}}", snake_case(key)));
            let keys = object.keys().filter(|key| !is_in_path(key));
            let mask = keys.cloned().collect::<Vec<_>>().join(",");
            request["updateMask"] = json!(mask);
        }
        if method.is_server_streaming() {
            let name = method.name();
            let all = self
                .portico
                .grpc_messages(name, token, &[], &request, usize::MAX);
            return match all.await {
                Ok(messages) => Value::Array(messages),
                Err(error) => failure(error),
            };
        }
        match self.portico.grpc(method.name(), token, &[], &request).await {
            Ok(mut answer) => match answer.get("pageInfo").cloned() {
                Some(pagination) => {
                    let items = answer
                        .as_object_mut()
                        .expect("an object")
                        .remove(&list_field(method));
                    json!({"data": items, "pagination": pagination})
                }
                None if method.output().full_name() == "google.protobuf.Empty" => Value::Null,
                None => answer,
            },
            Err(error) => failure(error),
        }
    }

    /// The value without what differs from play to play: names, ids, moments,
    /// tokens, the client's program; and without `null`, which only JSON states.
    fn comparable(&mut self, key: Option<&str>, value: &Value) -> Value {
        match value {
            Value::Object(object) => {
                let mut entries: Vec<_> = object
                    .iter()
                    .filter(|(key, value)| !value.is_null() && *key != "userAgent")
                    .map(|(key, value)| (key.clone(), self.comparable(Some(key), value)))
                    .collect();
                entries.sort_by(|one, other| one.0.cmp(&other.0));
                Value::Object(entries.into_iter().collect())
            }
            Value::Array(items) => items
                .iter()
                .map(|item| self.comparable(key, item))
                .collect(),
            Value::String(text) => {
                let is_uuid = text.len() == 36 && text.matches('-').count() == 4;
                let is_volatile = key.is_some_and(|key| {
                    VOLATILE.contains(&key)
                        || key.ends_with("At")
                        || key.ends_with("oken")
                        // What authenticators know people and passkeys by.
                        || key == "id" && text.len() >= 20 && !is_uuid
                });
                if is_volatile {
                    return json!("<set>");
                }
                let text = text.replace("rest", "face").replace("grpc", "face");
                if is_uuid {
                    let known = self.ids.iter().position(|id| *id == text);
                    let index = known.unwrap_or_else(|| {
                        self.ids.push(text);
                        self.ids.len() - 1
                    });
                    return json!(format!("<id {index}>"));
                }
                json!(text)
            }
            // Of free-form JSON, one face writes `1` and the other `1.0`.
            Value::Number(number) => number.as_f64().into(),
            other => other.clone(),
        }
    }
}

/// A failure, in the form that REST gives it.
fn failure(error: Error) -> Value {
    let violation =
        |one: &Violation| json!({"field": one.field, "code": one.code, "message": one.message});
    let violations: Vec<Value> = error.violations.iter().map(violation).collect();
    let details = match (violations.is_empty(), error.details) {
        (false, _) => json!(violations),
        (true, Some(details)) => json!(details),
        (true, None) => Value::Null,
    };
    json!({"error": {"code": error.reason, "message": error.message, "details": details}})
}
