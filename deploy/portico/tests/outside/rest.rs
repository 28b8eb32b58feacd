//! A client of the REST API that takes what comes, also no answer at all.

use std::time::Duration;

use reqwest::{Method, header::HeaderMap};
use serde_json::{Value, json};

use crate::program::PATIENCE;

/// Good enough for everybody here.
pub(crate) const PASSWORD: &str = "correct horse battery";

/// No stream of a test lasts longer.
const LISTENING: Duration = Duration::from_secs(24 * 3600);

/// A client, perhaps as somebody.
#[derive(Debug, Clone)]
pub(crate) struct Rest {
    client: reqwest::Client,
    base: String,
    token: Option<String>,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl Rest {
    pub(crate) fn new(base: &str) -> Self {
        Self {
            client: reqwest::Client::builder()
                .timeout(PATIENCE)
                .build()
                .expect("a client"),
            base: base.to_owned(),
            token: None,
        }
    }

    /// The same client as somebody else.
    pub(crate) fn with_token(&self, token: &str) -> Self {
        Self {
            token: Some(token.to_owned()),
            ..self.clone()
        }
    }

    /// Where it is served.
    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    /// A call such as `GET /api/v1/projects`.
    pub(crate) async fn call(
        &self,
        line: &str,
        headers: &[(&str, &str)],
        body: Option<&Value>,
    ) -> Result<Answer, reqwest::Error> {
        let (method, path) = line.split_once(' ').expect("a method and a path");
        let method: Method = method.parse().expect("a method");
        let mut request = self.client.request(method, format!("{}{path}", self.base));
        if let Some(token) = &self.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        if let Some(body) = body {
            request = request.json(body);
        }
        Self::answer(request.send().await?).await
    }

    /// Puts a text somewhere, which must be taken.
    pub(crate) async fn put_text(&self, path: &str, text: &str) {
        let request = self.client.put(format!("{}{path}", self.base));
        let response = request.body(text.to_owned()).send().await;
        let taken = response.expect("an answer").error_for_status();
        taken.expect("it is taken");
    }

    /// Opens the stream of changes, after the last one that was seen.
    pub(crate) async fn open(
        &self,
        path: &str,
        after: Option<&str>,
    ) -> Result<reqwest::Response, reqwest::Error> {
        let request = self.client.get(format!("{}{path}", self.base));
        let mut request = request.bearer_auth(self.token()).timeout(LISTENING);
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        request.send().await?.error_for_status()
    }

    /// Sends a form, as programs ask for tokens.
    pub(crate) async fn form(&self, path: &str, form: &str) -> Answer {
        let request = self.client.post(format!("{}{path}", self.base));
        let request = request.header("content-type", "application/x-www-form-urlencoded");
        let response = request.body(form.to_owned()).send().await;
        let answer = Self::answer(response.expect("an answer")).await;
        answer.expect("a body")
    }

    async fn answer(response: reqwest::Response) -> Result<Answer, reqwest::Error> {
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let text = response.text().await?;
        let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
        Ok(Answer {
            status,
            headers,
            body,
        })
    }

    /// Whether a process is ready, and nobody will be told any more that the
    /// first administrator is not known.
    pub(crate) async fn is_ready(&self) -> bool {
        let answer = self.call("GET /readyz", &[], None).await;
        answer.is_ok_and(|answer| {
            let told = answer.body.as_str().unwrap_or_default();
            answer.status == 200 && !told.contains("first administrator")
        })
    }

    /// Whether a process is there at all.
    pub(crate) async fn is_alive(&self) -> bool {
        let answer = self.call("GET /livez", &[], None).await;
        answer.is_ok_and(|answer| answer.status == 200)
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let answer = self.call(&format!("GET {path}"), &[], None).await;
        answer.expect("an answer").data(200)
    }

    pub(crate) async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.call(&format!("POST {path}"), &[], Some(&body)).await;
        let answer = answer.expect("an answer");
        let status = answer.status;
        assert!(matches!(status, 200 | 201), "{path}: {}", answer.body);
        answer.data(status)
    }

    /// Every row of a list, by cursor.
    pub(crate) async fn all(&self, path: &str) -> Vec<Value> {
        let (mut rows, mut cursor) = (Vec::new(), String::new());
        let separator = if path.contains('?') { '&' } else { '?' };
        loop {
            let page = format!("GET {path}{separator}limit=100{cursor}");
            let answer = self.call(&page, &[], None).await.expect("an answer");
            let next = answer.body["meta"]["pagination"]["nextCursor"].clone();
            rows.extend(answer.data(200).as_array().expect("a list").iter().cloned());
            match next.as_str() {
                Some(next) => cursor = format!("&cursor={next}"),
                None => return rows,
            }
        }
    }

    /// Makes an account and signs in.
    pub(crate) async fn register(&self, name: &str) -> (Value, Self) {
        let data = self.post("/api/v1/auth/register", account(name)).await;
        let token = data["token"].as_str().expect("a token");
        (data["user"].clone(), self.with_token(token))
    }

    /// Signs in.
    pub(crate) async fn login(&self, email: &str) -> Self {
        let body = json!({"email": email, "password": PASSWORD});
        let data = self.post("/api/v1/auth/login", body).await;
        self.with_token(data["token"].as_str().expect("a token"))
    }

    pub(crate) fn token(&self) -> &str {
        self.token.as_deref().expect("signed in")
    }
}

impl Answer {
    /// The data of a success with this status.
    pub(crate) fn data(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}", self.body);
        self.body["data"].clone()
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name)?.to_str().ok()
    }
}

/// What makes an account with a name of its own.
pub(crate) fn account(name: &str) -> Value {
    json!({"email": format!("{name}@example.com"), "password": PASSWORD, "name": name})
}
