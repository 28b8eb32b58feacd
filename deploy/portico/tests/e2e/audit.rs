//! The audit log: who did what to what, from where, in which request.

mod scenario;

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use serde_json::{Value, json};

use self::scenario::Scenario;
use crate::{
    Instance, Person, api_keys::make_key, in_both_shapes, instance::PASSWORD, rest::detail,
};

in_both_shapes! {
    every_change_is_told_once_with_who_did_it_and_in_which_request,
    each_filter_leaves_what_it_names,
    a_walk_meets_each_entry_once_while_others_come,
    pages_reach_as_far_as_they_are_counted,
    an_export_has_what_the_list_has,
    nobody_but_an_admin_reads_it,
    neither_the_log_nor_the_events_hold_a_secret,
}

const LOG: &str = "GET /api/v1/audit-log";
const OTHER_PASSWORD: &str = "another password";

/// All entries that a query asks for, by cursor.
async fn entries(portico: &Instance, by: &Person, query: &str) -> Vec<Value> {
    let (mut entries, mut cursor) = (Vec::new(), String::new());
    loop {
        let call = portico.call(&format!("{LOG}?limit=100&{query}{cursor}"));
        let answer = call.bearer(by).send().await;
        let next = answer.body["meta"]["pagination"]["nextCursor"].clone();
        entries.extend(answer.data(200).as_array().expect("a list").iter().cloned());
        match next.as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return entries,
        }
    }
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Who did what to what, without ids.
fn told(entry: &Value) -> String {
    let (actor, target) = (&entry["actor"], &entry["target"]);
    format!(
        "{} {}: {} {} {}",
        text(&actor["type"]),
        text(&actor["name"]),
        text(&entry["action"]),
        text(&target["type"]),
        entry["details"]
    )
}

async fn every_change_is_told_once_with_who_did_it_and_in_which_request(portico: &Instance) {
    let scenario = Scenario::begin(portico).await;
    scenario.go_on().await;
    let (ada, bob) = (&scenario.ada, &scenario.bob);
    let project = &scenario.project["id"];
    let all = entries(portico, &scenario.admin, "").await;

    // Newest first.
    let ids: Vec<_> = all.iter().map(|entry| text(&entry["id"])).collect();
    assert!(ids.iter().rev().is_sorted());
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len());
    let mut requests: BTreeMap<String, Vec<&Value>> = BTreeMap::new();
    for entry in all.iter().rev() {
        let of_request = requests.entry(text(&entry["requestId"])).or_default();
        of_request.push(entry);
    }

    let [a, b] = [ada, bob].map(|person| &person.id);
    let of_session = |person: &Person, reason: &str| {
        format!(
            r#"session {{"reason":"{reason}","userId":"{}"}}"#,
            person.id
        )
    };
    let of_member = |id: &str, role: &str, from: Option<&str>| {
        let changes =
            from.map(|from| format!(r#""changes":{{"role":{{"from":"{from}","to":"{role}"}}}},"#));
        let changes = changes.unwrap_or_default();
        format!(r#"project {{{changes}"role":"{role}","userId":"{id}"}}"#)
    };
    let deleted = r#"{"changes":{"status":{"from":"ACTIVE","to":"DELETED"}}}"#;
    let restored = r#"{"changes":{"status":{"from":"DELETED","to":"ACTIVE"}}}"#;
    let disabled = r#"{"changes":{"status":{"from":"ACTIVE","to":"DISABLED"}}}"#;
    let published = concat!(
        r#"{"changes":{"description":null,"#,
        r#""visibility":{"from":"PRIVATE","to":"PUBLIC"}}}"#
    );
    let into = format!(r#""projectId":{project},"role":"MEMBER""#);
    let invited = format!("invitation {{{into}}}");
    let ended = r#"{"status":{"from":"PENDING","to":"REVOKED"}}"#;
    let ended = format!(r#"invitation {{"changes":{ended},{into}}}"#);
    for (request, expected) in [
        (
            "register-ada",
            vec![
                "USER Augusta: user.created user {\"role\":\"MEMBER\"}".to_owned(),
                format!("USER Augusta: session.created session {{\"userId\":\"{a}\"}}"),
            ],
        ),
        (
            "register-bob",
            vec![
                "USER bob: user.created user {\"role\":\"MEMBER\"}".to_owned(),
                format!("USER bob: session.created session {{\"userId\":\"{b}\"}}"),
            ],
        ),
        (
            "make",
            vec![
                "USER Augusta: project.created project {}".to_owned(),
                format!("USER Augusta: member.added {}", of_member(a, "OWNER", None)),
            ],
        ),
        (
            "rename",
            vec!["USER Augusta: user.updated user {\"changes\":{\"name\":null}}".to_owned()],
        ),
        (
            "publish",
            vec![format!("USER Augusta: project.updated project {published}")],
        ),
        (
            "share",
            vec![format!(
                "USER Augusta: member.added {}",
                of_member(b, "VIEWER", None)
            )],
        ),
        (
            "invite",
            vec![format!("USER Augusta: invitation.created {invited}")],
        ),
        (
            "promote",
            vec![format!(
                "USER Augusta: member.updated {}",
                of_member(b, "ADMIN", Some("VIEWER"))
            )],
        ),
        (
            "transfer",
            vec![
                format!(
                    "USER Augusta: member.updated {}",
                    of_member(b, "OWNER", Some("ADMIN"))
                ),
                format!(
                    "USER Augusta: member.updated {}",
                    of_member(a, "ADMIN", Some("OWNER"))
                ),
            ],
        ),
        (
            "password",
            vec!["USER Augusta: password.changed user {}".to_owned()],
        ),
        (
            "leave",
            vec![format!(
                "USER Augusta: member.removed {}",
                of_member(a, "ADMIN", None)
            )],
        ),
        (
            "logout",
            vec![format!(
                "USER Augusta: session.revoked {}",
                of_session(ada, "SIGNED_OUT")
            )],
        ),
        (
            "remove",
            vec![
                format!("USER bob: invitation.updated {ended}"),
                "USER bob: project.deleted project {}".to_owned(),
            ],
        ),
        (
            "disable",
            vec![
                format!("USER Administrator: user.updated user {disabled}"),
                format!(
                    "SYSTEM : session.revoked {}",
                    of_session(bob, "ACCOUNT_CLOSED")
                ),
            ],
        ),
        (
            "delete",
            vec![
                format!("USER Administrator: user.deleted user {deleted}"),
                "USER Administrator: account.deleted user {}".to_owned(),
            ],
        ),
        (
            "restore",
            vec![format!("USER Administrator: user.restored user {restored}")],
        ),
    ] {
        let found = requests.remove(request).unwrap_or_default();
        let lines: Vec<_> = found.iter().map(|entry| told(entry)).collect();
        assert_eq!(lines, expected, "{request}");
        for entry in found {
            let is_by_itself = entry["actor"]["type"] == "SYSTEM";
            let ip = if is_by_itself {
                Value::Null
            } else {
                json!("127.0.0.1")
            };
            assert_eq!(entry["ip"], ip, "{entry}");
            assert_eq!(entry["actor"]["id"].is_null(), is_by_itself, "{entry}");
            let target = text(&entry["target"]["type"]);
            if target == "project" {
                assert_eq!(entry["target"]["id"], *project);
            }
        }
    }
    // What was refused or changed nothing is no part of it: the rest is of
    // before the scenario, and who read the log changed nothing.
    for entry in requests.into_values().flatten() {
        let action = text(&entry["action"]);
        assert!(
            ["user.created", "session.created"].contains(&&*action),
            "{entry}"
        );
        assert!(entry["actor"]["id"] != json!(a) && entry["actor"]["id"] != json!(b));
    }
}

async fn each_filter_leaves_what_it_names(portico: &Instance) {
    let scenario = Scenario::begin(portico).await;
    scenario.go_on().await;
    let admin = &scenario.admin;
    let all = entries(portico, admin, "").await;
    let middle = text(&all[all.len() / 2]["createdAt"]);
    let (ada, project) = (&scenario.ada.id, text(&scenario.project["id"]));
    let begins_with = |entry: &Value, start: &str| text(&entry["action"]).starts_with(start);
    type Predicate<'a> = Box<dyn Fn(&Value) -> bool + 'a>;
    let cases: Vec<(String, Predicate<'_>)> = vec![
        (
            format!("actor={ada}"),
            Box::new(|one| one["actor"]["id"] == json!(ada)),
        ),
        (
            "actor=system".into(),
            Box::new(|one| one["actor"]["type"] == "SYSTEM"),
        ),
        (
            format!("target={project}"),
            Box::new(|one| one["target"]["id"] == json!(project)),
        ),
        (
            "action=project.updated".into(),
            Box::new(|one| one["action"] == "project.updated"),
        ),
        (
            "action=member.".into(),
            Box::new(|one| begins_with(one, "member.")),
        ),
        (
            "action=session.".into(),
            Box::new(|one| begins_with(one, "session.")),
        ),
        (
            format!("since={middle}"),
            Box::new(|one| text(&one["createdAt"]) >= middle),
        ),
        (
            format!("until={middle}"),
            Box::new(|one| text(&one["createdAt"]) < middle),
        ),
        (
            format!("actor={ada}&action=member.&target={project}&until=2999-12-31T23:59:59Z"),
            Box::new(|one| one["actor"]["id"] == json!(ada) && begins_with(one, "member.")),
        ),
    ];
    for (query, is_meant) in &cases {
        let found = entries(portico, admin, query).await;
        let expected: Vec<_> = all.iter().filter(|one| is_meant(one)).cloned().collect();
        assert!(!expected.is_empty(), "{query}");
        assert_eq!(found, expected, "{query}");
    }
    // What an actor is called in one shape of deployment or the other.
    let of_service = all.iter().find(|one| one["actor"]["type"] == "SERVICE");
    let service = &of_service.expect("the first administrator")["actor"];
    assert_eq!(service["name"], Value::Null);
    let query = format!("actor={}", text(&service["id"]));
    let found = entries(portico, admin, &query).await;
    assert!(found.iter().all(|one| one["actor"] == *service) && !found.is_empty());

    for query in [
        "actor=nobody",
        "actor=",
        "actor=a%00b",
        "target=no-id",
        "action=project",
        "action=pro%25",
        "action=project.%00",
        "since=2999-01-01T00:00:00Z",
    ] {
        let answer = portico.call(&format!("{LOG}?{query}")).bearer(admin).send();
        let answer = answer.await;
        let pagination = answer.body["meta"]["pagination"].clone();
        assert_eq!(answer.data(200), json!([]), "{query}");
        assert_eq!(pagination["total"], 0, "{query}");
    }
    for (query, field, code) in [
        ("since=yesterday", "since", "WRONG_TYPE"),
        ("until=2024-02-30T00:00:00Z", "until", "WRONG_TYPE"),
        ("since=2024-01-01", "since", "WRONG_TYPE"),
        ("page=501", "page", "OUT_OF_RANGE"),
        ("limit=101", "limit", "OUT_OF_RANGE"),
        ("who=ada", "who", "UNKNOWN_FIELD"),
        ("cursor=x", "cursor", "CURSOR_INVALID"),
    ] {
        let call = portico.call(&format!("{LOG}?{query}")).bearer(admin);
        let error = call.refused(400, "VALIDATION_FAILED").await;
        assert_eq!(detail(&error), (field, code), "{query}");
    }
}

async fn a_walk_meets_each_entry_once_while_others_come(portico: &Instance) {
    let scenario = Scenario::begin(portico).await;
    let admin = &scenario.admin;
    let all = entries(portico, admin, "").await;
    let (mut met, mut cursor) = (Vec::new(), String::new());
    let mut first_cursor = None;
    loop {
        let call = portico.call(&format!("{LOG}?limit=3{cursor}"));
        let answer = call.bearer(admin).send().await;
        let pagination = answer.body["meta"]["pagination"].clone();
        let page = answer.data(200);
        met.extend(page.as_array().expect("a list").iter().cloned());
        assert!(pagination["total"].as_u64().unwrap() >= all.len() as u64);
        // A sign-in is an entry.
        portico.login(&scenario.bob.email).await;
        match pagination["nextCursor"].as_str() {
            Some(next) => {
                assert_eq!(pagination["page"].is_null(), !cursor.is_empty());
                first_cursor = first_cursor.or(Some(next.to_owned()));
                cursor = format!("&cursor={next}");
            }
            None => break,
        }
    }
    assert_eq!(met, all);
    // A cursor is one of the list that it was made for.
    let cursor = first_cursor.expect("more than one page");
    let call = portico.call(&format!("{LOG}?limit=3&action=user.&cursor={cursor}"));
    let error = call.bearer(admin).refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("cursor", "CURSOR_INVALID"));
}

async fn pages_reach_as_far_as_they_are_counted(portico: &Instance) {
    let scenario = Scenario::begin(portico).await;
    let admin = &scenario.admin;
    let all = entries(portico, admin, "").await;
    let mut met = Vec::new();
    for number in 1.. {
        let call = portico.call(&format!("{LOG}?limit=2&page={number}"));
        let answer = call.bearer(admin).send().await;
        let pagination = answer.body["meta"]["pagination"].clone();
        let page = answer.data(200);
        met.extend(page.as_array().expect("a list").iter().cloned());
        assert_eq!(pagination["total"], all.len());
        assert_eq!(pagination["totalPages"], all.len().div_ceil(2));
        assert_eq!(pagination["totalCapped"], false);
        if pagination["hasMore"] == false {
            assert_eq!(pagination["totalPages"], number);
            break;
        }
    }
    assert_eq!(met, all);
}

async fn an_export_has_what_the_list_has(portico: &Instance) {
    let scenario = Scenario::begin(portico).await;
    scenario.go_on().await;
    let admin = &scenario.admin;
    for query in ["", "action=member.", "actor=nobody"] {
        let listed = entries(portico, admin, query).await;
        let call = portico.call(&format!("GET /api/v1/audit-log/export?{query}"));
        let answer = call.bearer(admin).send().await;
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("content-type"), Some("application/x-ndjson"));
        // No body, no lines.
        let exported = match &answer.body {
            Value::Array(lines) => lines.clone(),
            other => panic!("lines: {other}"),
        };
        assert_eq!(exported, listed, "{query}");
    }
    let request = json!({"action": "member."});
    let streamed = portico
        .grpc_messages(
            "ExportAuditEntries",
            Some(&admin.token),
            &[],
            &request,
            usize::MAX,
        )
        .await
        .expect("exported");
    let ids = |entries: &[Value]| -> Vec<String> {
        entries.iter().map(|entry| text(&entry["id"])).collect()
    };
    let listed = entries(portico, admin, "action=member.").await;
    assert_eq!(ids(&streamed), ids(&listed));
    let call = portico.call("GET /api/v1/audit-log/export?since=never");
    let error = call.bearer(admin).refused(400, "VALIDATION_FAILED").await;
    assert_eq!(detail(&error), ("since", "WRONG_TYPE"));
}

async fn nobody_but_an_admin_reads_it(portico: &Instance) {
    let ada = portico.register("ada").await;
    for path in ["GET /api/v1/audit-log", "GET /api/v1/audit-log/export"] {
        portico.call(path).refused(401, "UNAUTHENTICATED").await;
        let call = portico.call(path).bearer(&ada);
        call.refused(403, "FORBIDDEN").await;
    }
}

async fn neither_the_log_nor_the_events_hold_a_secret(portico: &Instance) {
    let scenario = Scenario::begin(portico).await;
    scenario.go_on().await;
    let admin = &scenario.admin;
    let renewed = portico.call("POST /api/v1/auth/refresh");
    let body = json!({"refreshToken": admin.refresh_token});
    let renewed = renewed.json(body).expect(200).await;
    let (_, key) = make_key(portico, admin, &["projects:read"]).await;
    let listed = portico.call("GET /api/v1/projects").token(&key);
    listed.expect(200).await;
    let mut secrets: BTreeSet<String> = [PASSWORD, OTHER_PASSWORD, "$argon2", "Bearer", "eyJ"]
        .map(str::to_owned)
        .into();
    secrets.extend([text(&renewed["token"]), text(&renewed["refreshToken"])]);
    secrets.extend([key[12..].to_owned(), key]);
    for person in [admin, &scenario.ada, &scenario.bob] {
        let tokens = [&person.token, &person.refresh_token];
        secrets.extend(tokens.map(|token| token.clone()));
        // Also a part of one, and what it is without its prefix.
        secrets.extend(tokens.map(|token| token[token.len() - 20..].to_owned()));
    }
    assert!(secrets.iter().all(|secret| secret.len() >= 3));
    let log = entries(portico, admin, "").await;
    let rows = portico.outboxes().await;
    assert_eq!(rows.len(), log.len(), "each event is an entry");
    for text in log.iter().map(Value::to_string).chain(rows) {
        for secret in &secrets {
            assert!(!text.contains(secret), "{secret}: {text}");
        }
    }
    // The log, which is kept for ever, has nothing that people wrote either.
    for mut entry in log {
        entry["actor"]["name"] = Value::Null;
        entry["requestId"] = Value::Null;
        let text = entry.to_string();
        for personal in [
            "@example.com",
            "\"ada\"",
            "Augusta",
            "bob",
            "Apollo",
            "moon",
        ] {
            assert!(!text.contains(personal), "{personal}: {text}");
        }
    }
}
