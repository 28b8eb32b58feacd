//! What must hold for any input at all, with prost-reflect's dynamic messages as
//! the reference. The fuzz target uses the same.

use portico_gateway::transcode::{Code, MessageId, PrintError, Rejection, Request, Schema};
use prost_reflect::prost::Message;
use prost_reflect::{DeserializeOptions, DynamicMessage, MessageDescriptor, SerializeOptions};
use serde_json::Value;

/// JSON that is accepted is accepted by the reference as the same message; JSON
/// that is refused is refused by it too, or for one of the reasons of which it
/// knows nothing.
pub(crate) fn check_json(
    schema: &Schema,
    id: MessageId,
    descriptor: &MessageDescriptor,
    json: &[u8],
) {
    let theirs = read(descriptor, json);
    match (Request::from_json(schema, id, json), theirs) {
        (Ok(ours), Some(theirs)) => {
            let ours = DynamicMessage::decode(descriptor.clone(), &*ours.wire)
                .expect("the reference reads what was written");
            if ours != theirs && !is_inexact(json) {
                // Not-a-number differs from itself, but not in print.
                let [ours, theirs] =
                    [ours, theirs].map(|message| to_json(&message).unwrap_or_default());
                assert_eq!(difference(&ours, &theirs), None);
            }
        }
        (Ok(_), None) => assert!(is_lenient(json), "only the reference refuses it"),
        (Err(rejection), Some(_)) => assert!(
            is_strict(&rejection),
            "only the reference accepts it: {rejection:?}"
        ),
        (Err(_), None) => {}
    }
}

/// Wire bytes that the reference can read and print are printed alike; all that
/// is printed is JSON.
pub(crate) fn check_wire(
    schema: &Schema,
    id: MessageId,
    descriptor: &MessageDescriptor,
    wire: &[u8],
) {
    let printed = print(schema, id, wire);
    let Ok(theirs) = DynamicMessage::decode(descriptor.clone(), wire) else {
        return;
    };
    let printed = match printed {
        // The reference takes maps of any wire type; what it writes itself is right.
        Err(PrintError::Wire(_)) => print(schema, id, &theirs.encode_to_vec()),
        printed => printed,
    };
    match (printed, to_json(&theirs)) {
        (Ok(ours), Some(theirs)) => assert_eq!(difference(&normal(ours), &normal(theirs)), None),
        // The reference adds up durations whose parts differ in sign.
        (Err(PrintError::Value("a duration out of range")), Some(_)) | (_, None) => {}
        (Err(error), Some(_)) => panic!("only the reference prints it: {error}"),
    }
}

fn print(schema: &Schema, id: MessageId, wire: &[u8]) -> Result<Value, PrintError> {
    let mut out = b"before".to_vec();
    let result = schema.print(id, wire, &mut out);
    result.inspect_err(|_| assert_eq!(out, b"before", "an error leaves nothing behind"))?;
    Ok(serde_json::from_slice(&out[6..]).expect("what is printed is JSON"))
}

fn read(descriptor: &MessageDescriptor, json: &[u8]) -> Option<DynamicMessage> {
    let mut reader = serde_json::Deserializer::from_slice(json);
    let options = DeserializeOptions::new();
    let message =
        DynamicMessage::deserialize_with_options(descriptor.clone(), &mut reader, &options).ok()?;
    reader.end().ok()?;
    Some(message)
}

/// All of a message; `None` if it has no form in JSON.
fn to_json(message: &DynamicMessage) -> Option<Value> {
    let options = SerializeOptions::new().skip_default_fields(false);
    let mut json = Vec::new();
    message
        .serialize_with_options(&mut serde_json::Serializer::new(&mut json), &options)
        .ok()?;
    serde_json::from_slice(&json).ok()
}

/// Whether the text has a number that the reference reads by way of a float and
/// so rounds twice.
fn is_inexact(json: &[u8]) -> bool {
    let is_numeric = |byte: &u8| byte.is_ascii_digit() || b".eE+-".contains(byte);
    json.split(|byte| !is_numeric(byte))
        .any(|token| token.len() > 15)
}

/// Whether the text has an integer in quotes that is written as a decimal, which
/// the reference refuses against the specification.
fn is_lenient(json: &[u8]) -> bool {
    json.split(|byte| *byte == b'"').any(|token| {
        let is_number = serde_json::from_slice::<serde_json::Number>(token).is_ok();
        is_number && token.iter().any(|byte| b".eE".contains(byte))
    }) || is_inexact(json)
}

/// Whether the reason is one that the reference does not know, by design.
fn is_strict(rejection: &Rejection) -> bool {
    const MALFORMED: [&str; 4] = ["there twice", "same oneof", "64 levels", "too deep"];
    const TEXTS: [&str; 4] = ["timestamp", "duration", "number", "integer"];
    match rejection {
        Rejection::Malformed(malformed) => {
            MALFORMED.iter().any(|reason| malformed.0.ends_with(reason))
        }
        Rejection::Invalid(violations) => violations.iter().all(|violation| match violation.code {
            // The zero value of an enum.
            Code::NotAllowed => true,
            // Strings that Rust's own parsers take: `+1`, `inf`, a leap second.
            Code::WrongType | Code::OutOfRange => {
                TEXTS.iter().any(|text| violation.message.contains(text))
            }
            Code::UnknownField => false,
        }),
    }
}

/// Where two values differ first, and how.
fn difference(ours: &Value, theirs: &Value) -> Option<String> {
    match (ours, theirs) {
        (Value::Object(ours), Value::Object(theirs)) => {
            let mut names = ours.keys().chain(theirs.keys());
            names.find_map(|name| match (ours.get(name), theirs.get(name)) {
                (Some(ours), Some(theirs)) => Some(format!("{name}.{}", difference(ours, theirs)?)),
                (Some(ours), None) => Some(format!("{name}, ours alone: {ours}")),
                (None, theirs) => Some(format!("{name}, theirs alone: {theirs:?}")),
            })
        }
        (Value::Array(ours), Value::Array(theirs)) if ours.len() == theirs.len() => ours
            .iter()
            .zip(theirs)
            .find_map(|(ours, theirs)| difference(ours, theirs)),
        _ => (ours != theirs).then(|| format!("ours {ours}, theirs {theirs}")),
    }
}

/// Undoes what is different by design: `null` for what is not there and for zero
/// enums, milliseconds, and the length of durations.
fn normal(value: Value) -> Value {
    match value {
        Value::Object(members) => {
            let members = members
                .into_iter()
                .map(|(name, value)| (name, normal(value)));
            members.filter(|(_, value)| !value.is_null()).collect()
        }
        Value::Array(elements) => elements.into_iter().map(normal).collect(),
        // Floats that are no numbers: in wrappers the reference prints `null`.
        Value::String(text)
            if ["COLOR_UNSPECIFIED", "NaN", "Infinity", "-Infinity"].contains(&&*text) =>
        {
            Value::Null
        }
        Value::String(text) => Value::String(normal_text(&text)),
        Value::Null | Value::Bool(_) | Value::Number(_) => value,
    }
}

fn normal_text(text: &str) -> String {
    let is_time = |text: &str| text.len() >= 19 && text.as_bytes()[10] == b'T' && text.is_ascii();
    match (text.strip_suffix('Z'), text.strip_suffix('s')) {
        (Some(time), _) if is_time(time) => {
            let fraction = time.get(20..).unwrap_or_default();
            format!("{}.{:0<3.3}Z", &time[..19], fraction)
        }
        (_, Some(duration)) if duration.contains('.') => {
            let shortest = duration.trim_end_matches('0').trim_end_matches('.');
            format!("{shortest}s")
        }
        _ => text.into(),
    }
}
