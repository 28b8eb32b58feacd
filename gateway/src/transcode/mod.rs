//! JSON ⇄ protobuf wire format, straight, by descriptor.
//!
//! A [`Schema`] is built once from the descriptors. With it JSON is parsed
//! directly into wire bytes, and wire bytes are written directly as JSON: there
//! is no intermediate message, no JSON tree and no generated code per message.
//!
//! The JSON is [ProtoJSON](https://protobuf.dev/programming-guides/json/) with
//! two rules on top, both on output: a field without a value is present as
//! `null`, and so is an enum whose value is zero. On input the zero value of an
//! enum is refused.
//!
//! HTTP, routes and the envelope do not belong here; a request's path and query
//! parameters do, since they end up in the same wire bytes as its body.

mod base64;
mod bound;
mod lexer;
mod number;
mod parameters;
mod parse;
mod parse_known;
mod path;
mod print;
mod print_known;
mod rejection;
mod request;
mod schema;
mod text;
mod time;
mod value;
mod wire;

pub use bound::{AlreadyBound, Bound};
pub use parameters::find_parameter;
pub(crate) use parameters::query_pairs;
pub use print::PrintError;
pub use rejection::{Code, Malformed, Rejection, Violation};
pub use request::{Binding, Body, Capture, Request};
pub use schema::{Field, FieldId, FieldPath, ListShape, MessageId, Schema, SchemaError};
