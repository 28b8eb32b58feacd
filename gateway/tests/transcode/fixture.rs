//! The test contract, compiled, and short ways to use it.

use std::sync::LazyLock;

use portico_gateway::transcode::{Code, MessageId, Rejection, Request, Schema};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use serde_json::Value;

pub(crate) struct Fixture {
    pub(crate) schema: Schema,
    pub(crate) sink: MessageId,
    pub(crate) descriptor: MessageDescriptor,
}

pub(crate) static FIXTURE: LazyLock<Fixture> = LazyLock::new(|| {
    let include = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/transcode");
    let files = protox::compile(["kitchen_sink.proto"], [include]).unwrap();
    let pool = DescriptorPool::from_file_descriptor_set(files).unwrap();
    let schema = Schema::new(&pool).unwrap();
    Fixture {
        sink: schema.find("portico.test.Sink").unwrap(),
        descriptor: pool.get_message_by_name("portico.test.Sink").unwrap(),
        schema,
    }
});

/// Parses a JSON text as a `Sink`.
pub(crate) fn parse(json: impl AsRef<[u8]>) -> Result<Request, Rejection> {
    Request::from_json(&FIXTURE.schema, FIXTURE.sink, json.as_ref())
}

/// Parses a JSON text and reads the wire bytes with the reference; gives what it
/// prints.
pub(crate) fn parsed(json: &str) -> Value {
    let request = parse(json).unwrap();
    let message = DynamicMessage::decode(FIXTURE.descriptor.clone(), &*request.wire).unwrap();
    serde_json::to_value(message).unwrap()
}

/// The complaint about a text that cannot be read.
pub(crate) fn malformed(json: impl AsRef<[u8]>) -> String {
    match parse(json) {
        Err(Rejection::Malformed(malformed)) => malformed.0,
        other => panic!("not malformed: {other:?}"),
    }
}

/// The fields that do not fit and why.
pub(crate) fn invalid(json: &str) -> Vec<(String, Code)> {
    violations(parse(json))
}

pub(crate) fn violations(result: Result<Request, Rejection>) -> Vec<(String, Code)> {
    match result {
        Err(Rejection::Invalid(found)) => found.into_iter().map(|v| (v.field, v.code)).collect(),
        other => panic!("not invalid: {other:?}"),
    }
}

/// Prints a `Sink` that the reference has encoded from JSON.
pub(crate) fn printed(json: &str) -> Value {
    use prost_reflect::prost::Message;
    let mut reader = serde_json::Deserializer::from_str(json);
    let message = DynamicMessage::deserialize(FIXTURE.descriptor.clone(), &mut reader).unwrap();
    print(&message.encode_to_vec())
}

/// Prints the wire bytes of a `Sink`.
pub(crate) fn print(wire: &[u8]) -> Value {
    let mut out = Vec::new();
    FIXTURE.schema.print(FIXTURE.sink, wire, &mut out).unwrap();
    serde_json::from_slice(&out).unwrap()
}
