//! The stream of events: how a client comes back, and by what it is let in.

use serde_json::{Value, json};

use super::clients::PATIENCE;
use crate::{Instance, Person, in_both_shapes};

in_both_shapes! {
    a_ticket_opens_the_stream_once,
    a_client_that_comes_back_sees_what_it_missed_and_may_see_now,
    the_stream_is_a_resource_like_others,
}

/// A client that reads the stream as it is.
struct Stream {
    response: reqwest::Response,
    text: String,
    last_id: String,
}

impl Stream {
    async fn open(portico: &Instance, http: &str, person: &Person, last_id: Option<&str>) -> Self {
        let request = portico.client.get(format!("{http}/api/v1/events"));
        let mut request = request.bearer_auth(&person.token);
        if let Some(id) = last_id {
            request = request.header("Last-Event-ID", id);
        }
        let response = request.send().await.expect("an answer");
        assert_eq!(response.status(), 200);
        assert_eq!(response.headers()["content-type"], "text/event-stream");
        assert_eq!(response.headers()["cache-control"], "no-store");
        assert_eq!(response.headers()["x-accel-buffering"], "no");
        let mut stream = Self {
            response,
            text: String::new(),
            last_id: String::new(),
        };
        let first = stream.block().await.expect("it begins");
        assert!(first.starts_with("retry: 2000\nid: "), "{first}");
        stream
    }

    /// Name and data of the next event; nothing at the end.
    async fn next(&mut self) -> Option<(String, Value)> {
        let begun = tokio::time::Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "nothing happens");
            let block = self.block().await?;
            let field = |name: &str| {
                let mut lines = block.lines();
                lines.find_map(|line| line.strip_prefix(name).map(str::to_owned))
            };
            if let (Some(event), Some(data)) = (field("event: "), field("data: ")) {
                return Some((event, serde_json::from_str(&data).expect("JSON")));
            }
        }
    }

    async fn expect(&mut self, event: &str) -> Value {
        let (name, data) = self.next().await.expect("an event");
        assert_eq!(name, event, "{data}");
        data
    }

    /// The lines up to the next empty one.
    async fn block(&mut self) -> Option<String> {
        loop {
            if let Some((block, rest)) = self.text.split_once("\n\n") {
                let block = block.to_owned();
                self.text = rest.to_owned();
                let id = block.lines().find_map(|line| line.strip_prefix("id: "));
                self.last_id = id.expect("every block has an id").to_owned();
                return Some(block);
            }
            let chunk = tokio::time::timeout(PATIENCE, self.response.chunk()).await;
            let chunk = chunk.expect("it goes on").expect("it can be read")?;
            self.text += std::str::from_utf8(&chunk).expect("text");
        }
    }
}

async fn ticket(portico: &Instance, person: &Person) -> String {
    let call = portico.call("POST /api/v1/events/ticket").bearer(person);
    let answer = call.send().await;
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    let data = answer.data(200);
    assert_eq!(data.as_object().expect("an object").len(), 1);
    data["ticket"].as_str().expect("a ticket").to_owned()
}

/// The status of the stream for whoever has this ticket.
async fn status(portico: &Instance, ticket: &str) -> u16 {
    let url = format!("{}/api/v1/events?ticket={ticket}", portico.http);
    let response = portico.client.get(url).send().await;
    response.expect("an answer").status().as_u16()
}

async fn a_ticket_opens_the_stream_once(portico: &Instance) {
    let ada = portico.register("ada").await;
    let first = ticket(portico, &ada).await;
    assert_eq!(status(portico, &first).await, 200);
    assert_eq!(status(portico, &first).await, 401);
    let contested = ticket(portico, &ada).await;
    let statuses: [u16; 4] = tokio::join!(
        status(portico, &contested),
        status(portico, &contested),
        status(portico, &contested),
        status(portico, &contested),
    )
    .into();
    let winners = statuses.iter().filter(|status| **status == 200).count();
    assert_eq!((winners, statuses.iter().sum::<u16>()), (1, 200 + 3 * 401));
    for nonsense in ["", "nonsense", &"x".repeat(200), "%zz"] {
        assert_eq!(status(portico, nonsense).await, 401, "{nonsense}");
    }
    let late = ticket(portico, &ada).await;
    let logout = portico.call("POST /api/v1/auth/logout").bearer(&ada);
    logout.json(json!({})).expect(200).await;
    assert_eq!(status(portico, &late).await, 401);
    let nobody = portico.call("POST /api/v1/events/ticket").json(json!({}));
    nobody.refused(401, "UNAUTHENTICATED").await;
}

async fn a_client_that_comes_back_sees_what_it_missed_and_may_see_now(portico: &Instance) {
    let ada = portico.register("ada").await;
    let bob = portico.register("bob").await;
    let projects = [
        portico.project(&ada, "Kept").await,
        portico.project(&ada, "Lost").await,
        portico.project(&ada, "Gone").await,
    ];
    let [kept, lost, gone] = projects
        .each_ref()
        .map(|project| format!("/api/v1/projects/{}", project["id"].as_str().unwrap()));
    let change =
        async |line: String, body: Value| portico.call(&line).bearer(&ada).json(body).send().await;
    let mut stream = Stream::open(portico, &portico.http, &bob, None).await;
    let bob_in = json!({"userId": bob.id, "role": "VIEWER"});
    for path in [&kept, &lost, &gone] {
        change(format!("POST {path}/members"), bob_in.clone())
            .await
            .data(201);
        stream.expect("member:added").await;
    }
    let seen = stream.last_id.clone();
    drop(stream);

    for path in [&kept, &lost, &gone] {
        change(format!("PATCH {path}"), json!({"description": "Brass"}))
            .await
            .data(200);
    }
    change(format!("DELETE {lost}/members/{}", bob.id), Value::Null)
        .await
        .data(200);
    change(format!("DELETE {gone}"), Value::Null)
        .await
        .data(200);
    let new = portico.project(&ada, "New").await;
    let new = format!("/api/v1/projects/{}", new["id"].as_str().unwrap());
    change(format!("POST {new}/members"), bob_in)
        .await
        .data(201);

    let mut stream = Stream::open(portico, &portico.http, &bob, Some(&seen)).await;
    let mut missed = Vec::new();
    for _ in 0..5 {
        let (event, data) = stream.next().await.expect("an event");
        let id = if data["projectId"].is_null() {
            &data["id"]
        } else {
            &data["projectId"]
        };
        missed.push((event, id.as_str().expect("an id").to_owned()));
    }
    let path = |path: &str| path.rsplit('/').next().unwrap().to_owned();
    let owner_of_new = ("member:added".to_owned(), path(&new));
    let expected = [
        ("project:updated".to_owned(), path(&kept)),
        ("member:removed".to_owned(), path(&lost)),
        ("project:deleted".to_owned(), path(&gone)),
        // Both members, as both may be seen now.
        owner_of_new.clone(),
        owner_of_new,
    ];
    assert_eq!(missed, expected);
    // And on with what happens, each thing once.
    change(format!("PATCH {new}"), json!({"name": "Newer"}))
        .await
        .data(200);
    assert_eq!(stream.expect("project:updated").await["name"], "Newer");
    let again = stream.last_id.clone();
    change(format!("PATCH {lost}"), json!({"name": "Secret"}))
        .await
        .data(200);
    change(format!("PATCH {kept}"), json!({"name": "Known"}))
        .await
        .data(200);
    assert_eq!(stream.expect("project:updated").await["name"], "Known");
    let mut stream = Stream::open(portico, &portico.http, &bob, Some(&again)).await;
    assert_eq!(stream.expect("project:updated").await["name"], "Known");
}

async fn the_stream_is_a_resource_like_others(portico: &Instance) {
    let ada = portico.register("ada").await;
    let call = |line: &str| portico.call(line).bearer(&ada);
    let stream = portico.call("GET /api/v1/events");
    let answer = stream.send().await;
    assert_eq!(answer.header("www-authenticate"), Some("Bearer"));
    answer.error(401, "UNAUTHENTICATED");
    let answer = call("HEAD /api/v1/events").send().await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("content-type"), Some("text/event-stream"));
    let answer = call("OPTIONS /api/v1/events").send().await;
    assert_eq!(answer.status, 204);
    assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
    let answer = call("POST /api/v1/events").send().await;
    assert_eq!(answer.header("allow"), Some("GET, HEAD, OPTIONS"));
    answer.error(405, "METHOD_NOT_ALLOWED");
    let json_only = call("GET /api/v1/events").header("Accept", "application/json");
    json_only.refused(406, "NOT_ACCEPTABLE").await;
    let mut invalid = Vec::new();
    for (line, id) in [
        ("GET /api/v1/events?since=1", None),
        ("GET /api/v1/events?lastEventId=1&lastEventId=2", None),
        ("GET /api/v1/events?ticket=x", None),
        ("GET /api/v1/events?lastEventId=1.2", None),
        ("GET /api/v1/events?lastEventId=1.2.3", None),
        ("GET /api/v1/events?lastEventId=", None),
        ("GET /api/v1/events", Some("nonsense")),
        ("GET /api/v1/events", Some("0.0.ffffffffffffffff")),
    ] {
        let mut call = call(line);
        if let Some(id) = id {
            call = call.header("Last-Event-ID", id);
        }
        let error = call.refused(400, "VALIDATION_FAILED").await;
        let detail = &error["details"][0];
        invalid.push((detail["field"].clone(), detail["code"].clone()));
    }
    let expected = [
        ("since", "UNKNOWN_FIELD"),
        ("lastEventId", "NOT_ALLOWED"),
        ("ticket", "NOT_ALLOWED"),
        ("Last-Event-ID", "CURSOR_INVALID"),
        ("Last-Event-ID", "CURSOR_INVALID"),
        ("Last-Event-ID", "CURSOR_INVALID"),
        ("Last-Event-ID", "CURSOR_INVALID"),
        ("Last-Event-ID", "CURSOR_INVALID"),
    ];
    assert_eq!(
        invalid,
        expected.map(|(field, code)| (json!(field), json!(code)))
    );
    let malformed = call("GET /api/v1/events?lastEventId=%zz");
    malformed.refused(400, "MALFORMED_REQUEST").await;

    // After the end of a stream, as after the restoring of an older backup.
    let unknown = ["7fffffffffffffff"; 3].join(".");
    let mut stream = Stream::open(portico, &portico.http, &ada, Some(&unknown)).await;
    assert_eq!(stream.expect("resync").await, json!({}));
    portico.project(&ada, "Engine").await;
    stream.expect("project:created").await;
    // All that is kept.
    let mut stream = Stream::open(portico, &portico.http, &ada, Some("0.0.0")).await;
    stream.expect("project:created").await;
    stream.expect("member:added").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_lost_while_a_gateway_is_away() {
    let mut portico = Instance::as_separate_roles().await;
    let first = portico.another_gateway().await;
    let ada = portico.register("ada").await;
    let mut stream = Stream::open(&portico, &first, &ada, None).await;
    let project = portico.project(&ada, "Engine").await;
    stream.expect("project:created").await;
    stream.expect("member:added").await;
    portico.stop_gateway().await;
    assert!(stream.next().await.is_none(), "it ends with the gateway");
    let line = format!("PATCH /api/v1/projects/{}", project["id"].as_str().unwrap());
    for name in ["Mill", "Loom"] {
        let call = portico.call(&line).bearer(&ada);
        call.json(json!({"name": name})).expect(200).await;
    }
    let second = portico.another_gateway().await;
    let mut stream = Stream::open(&portico, &second, &ada, Some(&stream.last_id)).await;
    for name in ["Mill", "Loom"] {
        assert_eq!(stream.expect("project:updated").await["name"], name);
    }
    portico.stop().await;
}

/// Also so that whoever comes back need not read again what concerned others.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quiet_stream_shows_that_it_is_alive_and_how_far_it_is() {
    let portico = Instance::in_one_process().await;
    let ada = portico.register("ada").await;
    let bob = portico.register("bob").await;
    let mut stream = Stream::open(&portico, &portico.http, &ada, None).await;
    let before = stream.last_id.clone();
    portico.project(&bob, "Engine").await;
    let heartbeat = stream.block().await.expect("a heartbeat");
    assert!(heartbeat.starts_with(": alive\nid: "), "{heartbeat}");
    assert!(stream.last_id > before, "{} {before}", stream.last_id);
    portico.stop().await;
}
