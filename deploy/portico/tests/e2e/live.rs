//! Live changes, as stock clients see them: each exactly what it may, at once,
//! over both transports.

pub(crate) mod clients;
mod sockets;
mod streams;

use serde_json::{Value, json};

use self::clients::{AVATAR, Clients};
use crate::{Instance, Person, in_both_shapes, instance::PASSWORD};

in_both_shapes! {
    each_change_is_seen_exactly_where_it_may_be_seen,
}

async fn each_change_is_seen_exactly_where_it_may_be_seen(portico: &Instance) {
    scenario(portico, &portico.http, &portico.http).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_does_not_matter_which_gateway_a_client_is_connected_to() {
    let mut portico = Instance::as_separate_roles().await;
    let other = portico.another_gateway().await;
    scenario(&portico, &portico.http, &other).await;
    portico.stop().await;
}

/// Each of several people has a socket and a stream; the one who changes things
/// does it through the first gateway.
async fn scenario(portico: &Instance, http: &str, other: &str) {
    let ada = portico.register("ada").await;
    let bob = portico.verified("bob").await;
    let eve = portico.register("eve").await;
    let mut clients = Clients::start();
    clients.socket("ada", http, &ada).await;
    clients.socket("bob", other, &bob).await;
    clients.socket("eve", http, &eve).await;
    clients.stream("ada's stream", portico, other, &ada).await;
    clients.stream("bob's stream", portico, http, &bob).await;
    clients.stream_by_token("eve's stream", other, &eve).await;
    let to_bob = ["bob", "bob's stream"];
    // That the address is verified now may reach the clients yet.
    clients.hear_out(portico, &bob, &to_bob).await;
    let change = async |line: &str, body: Value| {
        let call = portico.call(line).bearer(&ada).json(body);
        call.send().await.body["data"].clone()
    };

    let project = change("POST /api/v1/projects", json!({"name": "Engine"})).await;
    let to_ada = ["ada", "ada's stream"];
    let told = clients.expect_all(&to_ada, "project:created").await;
    assert_eq!(told, as_told(&project));
    let told = clients.expect_all(&to_ada, "member:added").await;
    assert_eq!(
        (&told["user"]["id"], &told["role"]),
        (&json!(ada.id), &json!("OWNER"))
    );

    // Whoever may not see a project does not get into its room.
    clients.join("ada", &project).await;
    let refused = clients
        .emit("bob", "join:project", json!([project["id"]]))
        .await;
    assert_eq!(refused["success"], false);
    assert_eq!(refused["error"]["code"], "PROJECT_NOT_FOUND");

    // Whoever is invited is told, and nobody else.
    let path = format!("/api/v1/projects/{}", project["id"].as_str().unwrap());
    let invitations = format!("{path}/invitations");
    let invitation = json!({"email": bob.email, "role": "VIEWER"});
    let invitation = change(&format!("POST {invitations}"), invitation).await;
    let told = clients.expect_all(&to_bob, "invitation:created").await;
    assert_eq!(told, invitation);
    let invitation = format!("{invitations}/{}", invitation["id"].as_str().unwrap());
    let resent = change(&format!("POST {invitation}/resend"), json!({})).await;
    let told = clients.expect_all(&to_bob, "invitation:updated").await;
    assert_eq!(told, resent);
    change(&format!("DELETE {invitation}"), Value::Null).await;
    let told = clients.expect_all(&to_bob, "invitation:updated").await;
    assert_eq!(told["status"], "REVOKED");

    // A new member is told of it, and hears of the project from then on: in the
    // stream by itself, on the socket once it has joined the room.
    let (patch, members) = (format!("PATCH {path}"), format!("{path}/members"));
    let bob_as = |role: &str| json!({"userId": bob.id, "role": role});
    change(&format!("POST {members}"), bob_as("VIEWER")).await;
    let members_all = ["ada", "ada's stream", "bob", "bob's stream"];
    let told = clients.expect_all(&members_all, "member:added").await;
    assert_eq!(
        told["user"],
        json!({"id": bob.id, "name": "bob", "email": null, "avatar": AVATAR})
    );
    change(&patch, json!({"description": "Brass\nand \"steam\""})).await;
    let told = clients
        .expect_all(&["ada", "ada's stream", "bob's stream"], "project:updated")
        .await;
    assert_eq!(told["description"], "Brass\nand \"steam\"");
    clients.join("bob", &project).await;
    let changed = change(&patch, json!({"visibility": "PUBLIC"})).await;
    let told = clients.expect_all(&members_all, "project:updated").await;
    assert_eq!(told, as_told(&changed));

    // Whoever is no member hears of the project on the socket, and not of its
    // members.
    clients.join("eve", &project).await;
    let bob_path = format!("{members}/{}", bob.id);
    change(&format!("PATCH {bob_path}"), json!({"role": "MEMBER"})).await;
    clients.expect_all(&members_all, "member:updated").await;
    change(&patch, json!({"name": "Mill"})).await;
    let everybody = ["ada", "ada's stream", "bob", "bob's stream", "eve"];
    clients.expect_all(&everybody, "project:updated").await;

    // Whoever is removed is told, and stays for what everybody may see.
    change(&format!("DELETE {bob_path}"), Value::Null).await;
    let told = clients.expect_all(&members_all, "member:removed").await;
    assert_eq!(told, json!({"projectId": project["id"], "userId": bob.id}));
    change(&patch, json!({"name": "Loom"})).await;
    clients
        .expect_all(&["ada", "ada's stream", "bob", "eve"], "project:updated")
        .await;

    // Of a private project its members hear, and nobody else.
    change(&patch, json!({"visibility": "PRIVATE"})).await;
    change(&format!("POST {path}/archive"), json!({})).await;
    clients.expect_all(&to_ada, "project:updated").await;
    let told = clients.expect_all(&to_ada, "project:updated").await;
    assert!(told["archivedAt"].is_string());
    let answer = clients
        .emit("ada", "leave:project", json!([project["id"]]))
        .await;
    assert_eq!(answer, json!({"success": true}));
    change(&format!("POST {path}/unarchive"), json!({})).await;
    clients.expect("ada's stream", "project:updated").await;
    clients.join("ada", &project).await;
    change(&format!("DELETE {path}"), Value::Null).await;
    let told = clients.expect_all(&to_ada, "project:deleted").await;
    assert_eq!(told, json!({"id": project["id"]}));

    // What happens to a person is told to that person.
    let line = format!("PATCH /api/v1/users/{}", bob.id);
    let call = portico.call(&line).bearer(&bob);
    let renamed = call.json(json!({"name": "Bobby"})).expect(200).await;
    assert_eq!(clients.expect_all(&to_bob, "user:updated").await, renamed);
    let revoked = end_another_session(portico, &bob).await;
    let told = clients.expect_all(&to_bob, "session:revoked").await;
    assert_eq!(told, json!({"id": revoked}));

    // And nothing else: what follows comes after all that was before.
    for (person, socket, stream) in [
        (&ada, "ada", "ada's stream"),
        (&bob, "bob", "bob's stream"),
        (&eve, "eve", "eve's stream"),
    ] {
        portico.project(person, "Last").await;
        let line = format!("PATCH /api/v1/users/{}", person.id);
        let call = portico.call(&line).bearer(person);
        call.json(json!({"name": "Last"})).expect(200).await;
        end_another_session(portico, person).await;
        for client in [socket, stream] {
            let mut last = [(); 4].map(|()| String::new());
            for heard in &mut last {
                *heard = clients.next(client).await.0;
            }
            last.sort();
            let expected = [
                "member:added",
                "project:created",
                "session:revoked",
                "user:updated",
            ];
            assert_eq!(last, expected, "{client}");
        }
    }
}

/// Signs in once more and ends that session, whose id it returns.
async fn end_another_session(portico: &Instance, person: &Person) -> Value {
    let body = json!({"email": person.email, "password": PASSWORD});
    let login = portico.call("POST /api/v1/auth/login").json(body);
    let other = Person::of(&login.expect(200).await);
    let sessions = portico.call("GET /api/v1/auth/sessions").bearer(&other);
    let sessions = sessions.expect(200).await;
    let mut sessions = sessions.as_array().unwrap().iter();
    let current = sessions.find(|one| one["current"] == true);
    let id = current.expect("its own session")["id"].clone();
    let line = format!("DELETE /api/v1/auth/sessions/{}", id.as_str().unwrap());
    portico.call(&line).bearer(person).expect(200).await;
    id
}

/// A project as clients are told of it: without what depends on who looks.
fn as_told(project: &Value) -> Value {
    let mut told = project.clone();
    let etag = told["etag"].as_str().expect("a tag");
    let shared = etag.split('-').next().expect("a part").to_owned();
    told["etag"] = json!(shared);
    told["myRole"] = Value::Null;
    told
}
