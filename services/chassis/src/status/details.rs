//! The free-form details of an error, carried as a `google.protobuf.Struct`.

use prost::Message;
use prost_types::{Any, Struct, value::Kind};
use serde_json::{Map, Number, Value};
use tonic::Status;

const STRUCT: &str = "google.protobuf.Struct";

/// Packs a message as a detail of a status.
pub(super) fn pack(name: &str, message: &impl Message) -> Any {
    Any {
        type_url: format!("type.googleapis.com/{name}"),
        value: message.encode_to_vec(),
    }
}

/// Packs the free-form details for a status.
pub(super) fn write(details: Map<String, Value>) -> Any {
    pack(STRUCT, &to_struct(details))
}

/// The details of a status, if it has any.
pub(super) fn read(status: &Status) -> Option<Map<String, Value>> {
    let status = tonic_types::pb::Status::decode(status.details()).ok()?;
    let any = status
        .details
        .iter()
        .find(|any| any.type_url.ends_with(STRUCT))?;
    Struct::decode(any.value.as_slice()).ok().map(from_struct)
}

/// An object as its protobuf message.
#[must_use]
pub fn to_struct(map: Map<String, Value>) -> Struct {
    Struct {
        fields: map
            .into_iter()
            .map(|(name, value)| (name, to_value(value)))
            .collect(),
    }
}

fn to_value(value: Value) -> prost_types::Value {
    let kind = match value {
        Value::Null => Kind::NullValue(0),
        Value::Bool(flag) => Kind::BoolValue(flag),
        Value::Number(number) => Kind::NumberValue(number.as_f64().unwrap_or_default()),
        Value::String(text) => Kind::StringValue(text),
        Value::Array(items) => Kind::ListValue(prost_types::ListValue {
            values: items.into_iter().map(to_value).collect(),
        }),
        Value::Object(map) => Kind::StructValue(to_struct(map)),
    };
    prost_types::Value { kind: Some(kind) }
}

/// The object of a protobuf message.
#[must_use]
pub fn from_struct(message: Struct) -> Map<String, Value> {
    message
        .fields
        .into_iter()
        .map(|(name, value)| (name, from_value(value)))
        .collect()
}

fn from_value(value: prost_types::Value) -> Value {
    match value.kind {
        None | Some(Kind::NullValue(_)) => Value::Null,
        Some(Kind::BoolValue(flag)) => Value::Bool(flag),
        Some(Kind::NumberValue(number)) => from_number(number),
        Some(Kind::StringValue(text)) => Value::String(text),
        Some(Kind::ListValue(list)) => {
            Value::Array(list.values.into_iter().map(from_value).collect())
        }
        Some(Kind::StructValue(inner)) => Value::Object(from_struct(inner)),
    }
}

/// A number that is whole is an integer, whose text has no fraction.
fn from_number(number: f64) -> Value {
    /// Up to here every integer is a number of its own.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    if number.fract() == 0.0 && number.abs() <= EXACT {
        #[expect(clippy::cast_possible_truncation, reason = "it is whole and in bounds")]
        let whole = number as i64;
        return whole.into();
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}
