//! Single values given as text: JSON strings, numbers and keys, path and query
//! parameters, all end here on their way to the wire.
//!
//! Anything with a structure of its own does not belong here.

use super::base64;
use super::number;
use super::rejection::Code;
use super::schema::{EnumId, Kind, Schema, Shape};
use super::time::{self, Instant};
use super::wire::{close, open, put_bytes, put_varint};

/// Writes what a JSON string stands for in a field of this kind.
pub(crate) fn put_string(
    schema: &Schema,
    out: &mut Vec<u8>,
    kind: Kind,
    text: &str,
) -> Result<(), Code> {
    match kind {
        Kind::String => put_bytes(out, text.as_bytes()),
        Kind::Bytes => base64::put_decoded(out, text)?,
        Kind::Enum(id) => put_enum_name(schema, out, id, text)?,
        Kind::Bool | Kind::Message(_) => return Err(Code::WrongType),
        _ if number::is_number(text) => number::put(out, kind, text)?,
        _ => number::put_special(out, kind, text)?,
    }
    Ok(())
}

/// Writes what a JSON number stands for in a field of this kind.
pub(crate) fn put_number(
    schema: &Schema,
    out: &mut Vec<u8>,
    kind: Kind,
    text: &str,
) -> Result<(), Code> {
    match kind {
        Kind::Enum(id) => put_enum_number(schema, out, id, text),
        _ => number::put(out, kind, text),
    }
}

pub(crate) fn put_bool(out: &mut Vec<u8>, kind: Kind, value: bool) -> Result<(), Code> {
    if kind != Kind::Bool {
        return Err(Code::WrongType);
    }
    out.push(u8::from(value));
    Ok(())
}

/// Writes what `null` stands for where it is a value of its own.
pub(crate) fn put_null(schema: &Schema, out: &mut Vec<u8>, kind: Kind) -> Result<(), Code> {
    match kind {
        Kind::Enum(id) if schema.enumeration(id).is_null => out.push(0),
        _ => return Err(Code::WrongType),
    }
    Ok(())
}

/// Writes the key of a map. Integers must be in their canonical form, so that
/// two keys are the same only if their texts are.
pub(crate) fn put_key(out: &mut Vec<u8>, kind: Kind, text: &str) -> Result<(), Code> {
    match kind {
        Kind::String => put_bytes(out, text.as_bytes()),
        Kind::Bool => return put_bool_text(out, text),
        _ if is_canonical_integer(text) => number::put(out, kind, text)?,
        _ => return Err(Code::WrongType),
    }
    Ok(())
}

/// Writes what a path or query parameter stands for.
pub(crate) fn put_parameter(
    schema: &Schema,
    out: &mut Vec<u8>,
    kind: Kind,
    text: &str,
) -> Result<(), Code> {
    match kind {
        Kind::Bool => put_bool_text(out, text),
        Kind::Enum(id) if number::is_number(text) => put_enum_number(schema, out, id, text),
        Kind::Message(id) => {
            let message = schema.message(id);
            let start = open(out);
            match message.shape {
                Shape::Wrapper => {
                    put_varint(out, message.fields[0].tag.into());
                    put_parameter(schema, out, message.fields[0].kind, text)?;
                }
                shape => put_known(out, shape, text)?,
            }
            close(out, start);
            Ok(())
        }
        _ => put_string(schema, out, kind, text),
    }
}

/// Whether values of this kind can be parameters at all.
pub(crate) fn is_parameter(schema: &Schema, kind: Kind) -> bool {
    let Kind::Message(id) = kind else { return true };
    matches!(
        schema.message(id).shape,
        Shape::Timestamp | Shape::Duration | Shape::FieldMask | Shape::Wrapper
    )
}

/// Writes the content of those well-known messages that are strings in JSON.
pub(crate) fn put_known(out: &mut Vec<u8>, shape: Shape, text: &str) -> Result<(), Code> {
    let Instant { seconds, nanos } = match shape {
        Shape::Timestamp => time::parse_timestamp(text)?,
        Shape::Duration => time::parse_duration(text)?,
        Shape::FieldMask => return put_field_mask(out, text),
        _ => return Err(Code::WrongType),
    };
    out.push(0x08);
    put_varint(out, seconds as u64);
    out.push(0x10);
    put_varint(out, i64::from(nanos) as u64);
    Ok(())
}

/// Writes the paths of a field mask, which are `snake_case` on the wire.
fn put_field_mask(out: &mut Vec<u8>, text: &str) -> Result<(), Code> {
    if text.contains('_') {
        return Err(Code::WrongType);
    }
    for path in text.split(',').filter(|path| !path.is_empty()) {
        out.push(0x0a);
        let start = open(out);
        for byte in path.bytes() {
            if byte.is_ascii_uppercase() {
                out.push(b'_');
            }
            out.push(byte.to_ascii_lowercase());
        }
        close(out, start);
    }
    Ok(())
}

fn put_bool_text(out: &mut Vec<u8>, text: &str) -> Result<(), Code> {
    match text {
        "true" => out.push(1),
        "false" => out.push(0),
        _ => return Err(Code::WrongType),
    }
    Ok(())
}

/// The zero value means that nothing was said, so nobody may say it.
fn put_enum_name(schema: &Schema, out: &mut Vec<u8>, id: EnumId, name: &str) -> Result<(), Code> {
    let enumeration = schema.enumeration(id);
    match enumeration.number(name) {
        Some(0) if !enumeration.is_null => Err(Code::NotAllowed),
        Some(number) => {
            put_varint(out, i64::from(number) as u64);
            Ok(())
        }
        None => Err(Code::NotAllowed),
    }
}

/// Numbers without a name are let through: whoever reads them may know them.
fn put_enum_number(schema: &Schema, out: &mut Vec<u8>, id: EnumId, text: &str) -> Result<(), Code> {
    if schema.enumeration(id).is_null || text.contains(['.', 'e', 'E']) {
        return Err(Code::WrongType);
    }
    match number::int32(text)? {
        0 => Err(Code::NotAllowed),
        number => {
            put_varint(out, i64::from(number) as u64);
            Ok(())
        }
    }
}

fn is_canonical_integer(text: &str) -> bool {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_zero_signed_or_padded = digits.starts_with('0') && text.len() > 1;
    !digits.is_empty()
        && digits.bytes().all(|byte| byte.is_ascii_digit())
        && !is_zero_signed_or_padded
}

/// What is wrong with a value of this kind, for people.
pub(crate) fn complaint(schema: &Schema, kind: Kind, code: Code) -> String {
    match (code, kind) {
        (Code::NotAllowed, Kind::Enum(id)) => {
            let names: Vec<_> = schema.enumeration(id).names().collect();
            format!("expected one of {}", names.join(", "))
        }
        (Code::OutOfRange, _) => format!("out of range for {}", description(schema, kind)),
        _ => format!("expected {}", description(schema, kind)),
    }
}

fn description(schema: &Schema, kind: Kind) -> &'static str {
    match kind {
        Kind::Double => "a number",
        Kind::Float => "a single-precision number",
        Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => "a 32-bit integer",
        Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => "a 64-bit integer",
        Kind::Uint32 | Kind::Fixed32 => "an unsigned 32-bit integer",
        Kind::Uint64 | Kind::Fixed64 => "an unsigned 64-bit integer",
        Kind::Bool => "true or false",
        Kind::String => "a string",
        Kind::Bytes => "a string of base64",
        Kind::Enum(id) if schema.enumeration(id).is_null => "null",
        Kind::Enum(_) => "the name of an enum value",
        Kind::Message(id) => {
            let message = schema.message(id);
            match message.shape {
                Shape::Plain | Shape::Empty | Shape::Struct => "an object",
                Shape::Any => "an object with a known @type",
                Shape::Timestamp => "a timestamp as in RFC 3339",
                Shape::Duration => "a duration in seconds, like 1.5s",
                Shape::FieldMask => "field paths in lowerCamelCase, separated by commas",
                Shape::Value => "a value",
                Shape::ListValue => "a list",
                Shape::Wrapper => description(schema, message.fields[0].kind),
            }
        }
    }
}
