//! Examples of messages, made from the names, the comments and the shapes of
//! their fields. They fit the schemas; they are no test data.

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::{
    contract::{Rules, comment},
    schema::Form,
};

/// How deep an example goes, for messages that contain themselves.
const DEPTH: usize = 4;

/// An example of a message without the fields that come from elsewhere.
pub(super) fn message(
    message: &MessageDescriptor,
    form: Form,
    elsewhere: &[FieldDescriptor],
) -> Value {
    object(message, form, elsewhere, DEPTH)
}

/// An example of a path variable or a query parameter, if there is a telling
/// one.
pub(super) fn parameter(field: &FieldDescriptor) -> Option<Value> {
    if field.is_list() || field.is_map() {
        return None;
    }
    value(field, Form::Query, DEPTH).filter(|value| !value.is_null())
}

fn object(
    message: &MessageDescriptor,
    form: Form,
    elsewhere: &[FieldDescriptor],
    depth: usize,
) -> Value {
    let mut example = Map::new();
    for field in message.fields() {
        let rules = Rules::of(&field);
        let example_of_field = if form == Form::Answer {
            value(&field, form, depth).or_else(|| empty(&field))
        } else if rules.output_only || elsewhere.contains(&field) {
            None
        } else {
            value(&field, form, depth).filter(|value| !value.is_null())
        };
        if let Some(value) = example_of_field {
            example.insert(field.json_name().to_owned(), value);
        }
    }
    example.into()
}

/// What stands in an answer where no example is known.
fn empty(field: &FieldDescriptor) -> Option<Value> {
    Some(match field.kind() {
        _ if field.is_map() => json!({}),
        _ if field.is_list() => json!([]),
        _ if field.supports_presence() => Value::Null,
        Kind::String => "text".into(),
        Kind::Bytes => "".into(),
        _ => return None,
    })
}

fn value(field: &FieldDescriptor, form: Form, depth: usize) -> Option<Value> {
    if field.is_map() || depth == 0 {
        return None;
    }
    let single = match field.kind() {
        Kind::String => json!(text(field)?),
        Kind::Bool => json!(false),
        Kind::Bytes => return None,
        Kind::Enum(values) if !field.is_list() => first(field, &values)?,
        Kind::Enum(_) => return None,
        Kind::Message(message) => match message.full_name() {
            "google.protobuf.Timestamp" => timestamp(field.name()),
            "google.protobuf.Struct" if Rules::of(field).required => json!({"type": "public-key"}),
            name if name.starts_with("google.protobuf.") => return None,
            _ => object(&message, form, &[], depth - 1),
        },
        Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64 => json!("1"),
        _ if field.name() == "limit" => json!(20),
        _ => json!(1),
    };
    Some(if field.is_list() {
        json!([single])
    } else {
        single
    })
}

fn first(field: &FieldDescriptor, values: &EnumDescriptor) -> Option<Value> {
    if let Some(names) = Rules::of(field).narrowed(values) {
        return names.into_iter().next().map(Value::from);
    }
    let mut values = values.values();
    let named = values.find(|value| value.number() != 0)?;
    Some(named.name().into())
}

fn timestamp(name: &str) -> Value {
    match name {
        "archived_at" | "deleted_at" => Value::Null,
        "expires_at" | "valid_until" => "2026-01-31T09:40:00.000Z".into(),
        _ => "2026-01-31T09:30:00.000Z".into(),
    }
}

fn text(field: &FieldDescriptor) -> Option<String> {
    let example = match field.name() {
        // One of several ways, of which an example shows another.
        "ceremony_id" if !Rules::of(field).required => return None,
        "id" => "019c12f5-6a40-7c3e-9d0b-6f2b7c1e4a58",
        name if name.ends_with("_id") => "019c12f5-7b10-7a94-8e55-2d3c9a7f0b16",
        "avatar" => "https://example.com/ada.png",
        "description" => "Notes on the Analytical Engine",
        name if name.ends_with("email") => "ada@example.com",
        "etag" => "7.0",
        "ip" => "192.0.2.1",
        "name" => "Ada",
        "reason" => "Asked for help by telephone",
        "scope" | "scopes" => "projects:read",
        "slug" => "analytical-engine",
        "user_agent" => "Mozilla/5.0",
        name if name.ends_with("password") => "correct horse battery staple",
        name if name == "token" || name.ends_with("_token") => "an-opaque-text",
        "issuer" => "https://example.com",
        name if name.ends_with("_uri") || name.ends_with("_url") => "https://example.com/there",
        _ => return stated(field),
    };
    Some(example.to_owned())
}

/// The value that a comment ends with, as in "The algorithm: `EdDSA`."
fn stated(field: &FieldDescriptor) -> Option<String> {
    let comment = comment(&field.parent_file(), field.path());
    let (_, stated) = comment.strip_suffix("`.")?.rsplit_once(": `")?;
    (!stated.contains('`')).then(|| stated.to_owned())
}
