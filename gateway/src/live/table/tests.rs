//! What clients are told, word for word.

use portico_proto::{
    FILE_DESCRIPTOR_SET, projects,
    wkt::{Any, Timestamp},
};
use prost_reflect::DescriptorPool;
use serde_json::{Value, json};

use super::*;

const ADA: &str = "01890a5d-0000-7000-8000-000000000001";
const ENGINE: &str = "01890a5d-0000-7000-8000-00000000000a";

fn schema() -> Schema {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("the contracts");
    Schema::new(&pool).expect("a schema")
}

fn event(kind: &str, resource: Option<Any>) -> Event {
    Event {
        r#type: kind.to_owned(),
        subject: ENGINE.to_owned(),
        project_id: ENGINE.to_owned(),
        user_ids: vec![ADA.to_owned()],
        resource,
        ..Event::default()
    }
}

/// Name and payload, as both transports have them.
fn told(event: &Event) -> (String, Value) {
    let news = News::of(event).expect("it is live");
    let printed = news.print(&schema()).expect("it is printed");
    let packet = printed.packet();
    let packet = packet.strip_prefix('2').expect("an event");
    let (name, payload): (String, Value) = serde_json::from_str(packet).expect("JSON");
    let lines = printed.event(&"7");
    let lines: Vec<&str> = lines.lines().collect();
    assert_eq!(lines[..2], [&*format!("event: {name}"), "id: 7"]);
    let data = lines[2].strip_prefix("data: ").expect("data");
    assert_eq!(serde_json::from_str::<Value>(data).expect("JSON"), payload);
    assert_eq!(lines[3..], [""]);
    (name, payload)
}

#[test]
fn a_resource_is_told_with_all_its_fields() {
    let project = projects::Project {
        id: ENGINE.to_owned(),
        name: "Engine\n\"No. 1\"".to_owned(),
        visibility: Visibility::Public.into(),
        member_count: 2,
        created_at: Some(Timestamp::default()),
        ..projects::Project::default()
    };
    let resource = Any::from_msg(&project).expect("encoded");
    let event = event("project.updated", Some(resource));
    let (name, payload) = told(&event);
    assert_eq!(name, "project:updated");
    let expected = json!({
        "id": ENGINE, "name": "Engine\n\"No. 1\"", "slug": "", "description": null,
        "visibility": "PUBLIC", "archivedAt": null, "myRole": null, "memberCount": 2,
        "createdAt": "1970-01-01T00:00:00.000Z", "updatedAt": null, "etag": "",
    });
    assert_eq!(payload, expected);
    assert!(News::of(&event).expect("live").is_public());
}

#[test]
fn of_what_is_gone_the_ids_are_told() {
    let gone = told(&event("project.deleted", None));
    assert_eq!(gone, ("project:deleted".to_owned(), json!({"id": ENGINE})));
    let (name, payload) = told(&event("member.removed", None));
    assert_eq!(name, "member:removed");
    assert_eq!(payload, json!({"projectId": ENGINE, "userId": ADA}));
    let session = told(&event("session.revoked", None));
    assert_eq!(session.1, json!({"id": ENGINE}));
}

#[test]
fn what_is_not_in_the_table_is_not_told() {
    for kind in ["session.created", "password.changed", "user.created", ""] {
        assert!(News::of(&event(kind, None)).is_none(), "{kind}");
    }
}

#[test]
fn what_cannot_be_printed_is_an_error() {
    let unknown = Any {
        type_url: "/portico.none.v1.None".to_owned(),
        value: Vec::new(),
    };
    for resource in [None, Some(unknown)] {
        let event = event("user.updated", resource);
        assert!(News::of(&event).expect("live").print(&schema()).is_err());
    }
}
