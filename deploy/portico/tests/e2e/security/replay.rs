//! Everything that counts once is shown again, in turn and by twenty at once,
//! half of them over REST and half over gRPC (ASVS 5.0, 6.5.1; RFC 9700,
//! section 4.14.2).

mod keys;
mod links;
mod proofs;
mod sessions;

use std::collections::BTreeMap;

use futures::future::join_all;
use serde_json::Value;

use super::routes::routes;
use crate::{Instance, Person};

/// How many show the same thing at once.
const CALLERS: usize = 20;

/// A call that shows something.
struct Shown<'a> {
    /// A line of the table of routes, whose ids are in the body.
    line: &'a str,
    token: Option<&'a str>,
    key: Option<&'a str>,
    body: Value,
}

/// What an answer comes to: its code, or `OK`, and its data.
type Outcome = (String, Value);

impl<'a> Shown<'a> {
    fn new(line: &'a str, body: Value) -> Self {
        Self {
            line,
            token: None,
            key: None,
            body,
        }
    }

    fn by(self, person: &'a Person) -> Self {
        Self {
            token: Some(&person.token),
            ..self
        }
    }

    fn under(self, key: &'a str) -> Self {
        Self {
            key: Some(key),
            ..self
        }
    }

    async fn over_rest(&self, portico: &Instance) -> Outcome {
        let (mut line, mut body) = (self.line.to_owned(), self.body.clone());
        for (name, value) in self.body.as_object().expect("an object") {
            let place = format!("{{{name}}}");
            if let Some(id) = value.as_str().filter(|_| line.contains(&place)) {
                line = line.replace(&place, id);
                body.as_object_mut().expect("an object").remove(name);
            }
        }
        let mut call = portico.call(&line).json(body);
        if let Some(token) = self.token {
            call = call.token(token);
        }
        if let Some(key) = self.key {
            call = call.header("Idempotency-Key", key);
        }
        let answer = call.send().await.body;
        let code = answer["error"]["code"].as_str().unwrap_or("OK");
        (code.to_owned(), answer["data"].clone())
    }

    async fn over_grpc(&self, portico: &Instance) -> Outcome {
        let (verb, path) = self.line.split_once(' ').expect("a verb and a path");
        let mut known = routes().filter(|route| (route.0, route.1) == (verb, path));
        let (.., facts) = known.next().expect("a route");
        let method = facts[0].replace('/', ".");
        let headers = self.key.map(|key| ("idempotency-key", key));
        let headers: Vec<_> = headers.into_iter().collect();
        let answer = portico.grpc(&method, self.token, &headers, &self.body);
        match answer.await {
            Ok(data) => ("OK".to_owned(), data),
            Err(error) => (error.reason.into_owned(), Value::Null),
        }
    }

    /// Twenty show it at once.
    async fn at_once(&self, portico: &Instance) -> Outcomes {
        let callers = (0..CALLERS).map(async |place| match place % 2 {
            0 => self.over_rest(portico).await,
            _ => self.over_grpc(portico).await,
        });
        Outcomes(join_all(callers).await)
    }

    /// Of twenty at once one gets through, nobody after them does, and all
    /// others are refused by this code. What the one was answered.
    async fn counts_once(&self, portico: &Instance, code: &str) -> Value {
        let outcomes = self.at_once(portico).await;
        let expected = BTreeMap::from([("OK", 1), (code, CALLERS - 1)]);
        assert_eq!(outcomes.tally(), expected, "{}", self.line);
        self.is_refused(portico, code).await;
        outcomes.passed().remove(0)
    }

    async fn is_refused(&self, portico: &Instance, code: &str) {
        for (told, _) in [self.over_rest(portico).await, self.over_grpc(portico).await] {
            assert_eq!(told, code, "{}", self.line);
        }
    }
}

/// What many answers at once come to.
struct Outcomes(Vec<Outcome>);

impl Outcomes {
    /// How many answers have each code.
    fn tally(&self) -> BTreeMap<&str, usize> {
        let mut tally = BTreeMap::new();
        for (code, _) in &self.0 {
            *tally.entry(code.as_str()).or_default() += 1;
        }
        tally
    }

    /// The data of those that went well.
    fn passed(&self) -> Vec<Value> {
        let passed = self.0.iter().filter(|(code, _)| code == "OK");
        passed.map(|(_, data)| data.clone()).collect()
    }

    /// No code is another than these.
    fn are_among(&self, codes: &[&str]) {
        let tally = self.tally();
        assert!(tally.keys().all(|code| codes.contains(code)), "{tally:?}");
    }
}

/// The text of a member.
fn text(value: &Value, name: &str) -> String {
    let text = value[name].as_str();
    text.unwrap_or_else(|| panic!("no {name} in {value}"))
        .to_owned()
}

/// How many entries of a kind the audit log has.
async fn entries(portico: &Instance, action: &str) -> Vec<Value> {
    let admin = portico.admin_person().await;
    let call = portico.call(&format!("GET /api/v1/audit-log?action={action}&limit=100"));
    let entries = call.bearer(&admin).expect(200).await;
    entries.as_array().expect("a list").clone()
}
