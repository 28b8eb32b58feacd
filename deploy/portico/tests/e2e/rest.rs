//! A conversation over REST.

use reqwest::{
    Method, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use serde_json::Value;

use crate::Person;

const NDJSON: HeaderValue = HeaderValue::from_static("application/x-ndjson");

/// A call to be made.
pub(crate) struct Call<'a> {
    client: &'a reqwest::Client,
    request: reqwest::RequestBuilder,
    line: String,
}

/// What was answered.
#[derive(Debug)]
pub(crate) struct Answer {
    line: String,
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Value,
}

impl<'a> Call<'a> {
    pub(crate) fn new(client: &'a reqwest::Client, method: &str, url: &str) -> Self {
        let verb: Method = method.parse().expect("a method");
        Self {
            client,
            request: client.request(verb, url),
            line: format!("{method} {url}"),
        }
    }

    pub(crate) fn bearer(self, person: &Person) -> Self {
        self.token(&person.token)
    }

    pub(crate) fn token(mut self, token: &str) -> Self {
        self.request = self.request.bearer_auth(token);
        self
    }

    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.request = self.request.header(name, value);
        self
    }

    pub(crate) fn json(mut self, body: Value) -> Self {
        self.request = self.request.json(&body);
        self
    }

    pub(crate) fn text(mut self, body: &str) -> Self {
        self.request = self.request.body(body.to_owned());
        self
    }

    /// The answer; a body of lines is an array of them.
    pub(crate) async fn send(self) -> Answer {
        let request = self.request.build().expect("a valid request");
        let response = self.client.execute(request).await.expect("an answer");
        let (status, headers) = (response.status(), response.headers().clone());
        let text = response.text().await.expect("a body");
        let has_lines = headers.get("content-type") == Some(&NDJSON);
        let lines = || {
            text.lines()
                .map(serde_json::from_str)
                .collect::<Result<_, _>>()
        };
        let body = match has_lines {
            true => lines().map(Value::Array),
            false => serde_json::from_str(&text),
        };
        Answer {
            line: self.line,
            status,
            headers,
            body: body.unwrap_or(Value::String(text)),
        }
    }

    /// The data of a success with this status.
    pub(crate) async fn expect(self, status: u16) -> Value {
        self.send().await.data(status)
    }

    /// The error of a failure with this status and code.
    pub(crate) async fn refused(self, status: u16, code: &str) -> Value {
        self.send().await.error(status, code)
    }
}

impl Answer {
    /// The data of a success with this status.
    pub(crate) fn data(self, status: u16) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.line, self.body);
        assert_eq!(self.body["success"], true, "{}: {}", self.line, self.body);
        self.body["data"].clone()
    }

    /// The error of a failure with this status and code.
    pub(crate) fn error(self, status: u16, code: &str) -> Value {
        assert_eq!(self.status, status, "{}: {}", self.line, self.body);
        assert_eq!(self.body["success"], false, "{}: {}", self.line, self.body);
        assert_eq!(
            self.body["error"]["code"], code,
            "{}: {}",
            self.line, self.body
        );
        self.body["error"].clone()
    }

    /// A header's text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let name: HeaderName = name.parse().expect("a name");
        self.headers
            .get(name)
            .map(|value| value.to_str().expect("text"))
    }
}

/// The code of the first field at fault.
pub(crate) fn detail(error: &Value) -> (&str, &str) {
    let first = &error["details"][0];
    (
        first["field"].as_str().unwrap_or_default(),
        first["code"].as_str().unwrap_or_default(),
    )
}
