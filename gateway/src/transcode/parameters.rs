//! Path and query parameters → wire: escapes, field paths, and which parameters
//! there may be.
//!
//! See the comments in `google/api/http.proto`. Which part of a path belongs to
//! which field is known to the routes.

use std::borrow::Cow;

use super::path::Path;
use super::rejection::{Code, Malformed, Violations};
use super::request::{Binding, Body, Capture};
use super::schema::{FieldId, FieldPath, Kind, Label, MessageId, Schema, Shape};
use super::value;
use super::wire::{close, open, put_varint};

/// Writes parameters, each as a message of its own with nothing but that field:
/// readers merge what comes in pieces.
pub(crate) struct Parameters<'r> {
    schema: &'r Schema,
    binding: &'r Binding,
    out: &'r mut Vec<u8>,
    violations: &'r mut Violations,
    /// The single-valued fields that are set.
    seen: Vec<FieldPath>,
}

impl<'r> Parameters<'r> {
    pub(crate) fn new(
        schema: &'r Schema,
        binding: &'r Binding,
        out: &'r mut Vec<u8>,
        violations: &'r mut Violations,
    ) -> Self {
        Self {
            schema,
            binding,
            out,
            violations,
            seen: Vec::new(),
        }
    }

    /// Writes a part of the path.
    pub(crate) fn capture(&mut self, capture: &Capture<'_>) -> Result<(), Malformed> {
        let escapes = Escapes {
            plus_is_space: false,
            keep_slash: capture.is_multi_segment,
        };
        let value = unescape(capture.value, escapes)?;
        self.put(capture.field, &value);
        self.seen.push(capture.field.clone());
        Ok(())
    }

    /// Writes everything in a query.
    pub(crate) fn query(&mut self, query: &str) -> Result<(), Malformed> {
        for pair in query_pairs(query) {
            let (name, value) = pair?;
            match self.find(&name) {
                Some(path) if self.is_repetition(&path) => {
                    let message = "the parameter may be there only once";
                    self.complain(&path, Code::NotAllowed, message.into());
                }
                Some(path) => {
                    self.put(&path, &value);
                    self.seen.push(path);
                }
                None => {
                    let message = "there is no such parameter";
                    self.violations
                        .push(&Path::ROOT.field(&name), Code::UnknownField, message);
                }
            }
        }
        Ok(())
    }

    /// The field that a query may set under this name.
    fn find(&self, name: &str) -> Option<FieldPath> {
        let path = find_parameter(self.schema, self.binding.input, name)?;
        let mut bound = Some(&self.binding.bound);
        for field in &path {
            bound = bound.and_then(|bound| bound.get(*field));
            if bound.is_some_and(|bound| bound.is_empty()) {
                return None;
            }
        }
        match self.binding.body {
            Body::None => Some(path),
            Body::Field(body) => (path.first() != Some(&body)).then_some(path),
            Body::All => None,
        }
    }

    /// Whether a field has its value already, or another member of its oneof has.
    fn is_repetition(&self, path: &[FieldId]) -> bool {
        let fields = self.schema.along(self.binding.input, path);
        self.seen.iter().any(|seen| {
            let others = self.schema.along(self.binding.input, seen);
            let differ = fields
                .iter()
                .zip(&others)
                .find(|(one, other)| one.number != other.number);
            match differ {
                Some((one, other)) => one.oneof.is_some() && one.oneof == other.oneof,
                None => fields.last().is_some_and(|field| !field.is_repeated()),
            }
        })
    }

    fn put(&mut self, path: &[FieldId], text: &str) {
        if let Err((kind, code)) = put_at(self.schema, self.out, self.binding.input, path, text) {
            self.complain(path, code, value::complaint(self.schema, kind, code));
        }
    }

    fn complain(&mut self, path: &[FieldId], code: Code, message: String) {
        let fields = self.schema.along(self.binding.input, path);
        let names: Vec<_> = fields.iter().map(|field| field.json_name()).collect();
        self.violations
            .push(&Path::ROOT.field(&names.join(".")), code, message);
    }
}

/// The names and values in a query, without their escapes.
pub(crate) fn query_pairs(
    query: &str,
) -> impl Iterator<Item = Result<(Cow<'_, str>, Cow<'_, str>), Malformed>> {
    let escapes = Escapes {
        plus_is_space: true,
        keep_slash: false,
    };
    let pairs = query.split('&').filter(|pair| !pair.is_empty());
    pairs.map(move |pair| {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        Ok((unescape(name, escapes)?, unescape(value, escapes)?))
    })
}

/// The field that a parameter of this name (`a.b`) sets, if there can be one.
#[must_use]
pub fn find_parameter(schema: &Schema, input: MessageId, name: &str) -> Option<FieldPath> {
    let mut path = Vec::new();
    let mut message = Some(input);
    let mut leaf = None;
    for name in name.split('.') {
        let within = message?;
        let id = schema.find_field(within, name)?;
        let field = schema.field(within, id);
        path.push(id);
        leaf = Some(field);
        // Only plain messages have fields that can be named one by one.
        message = schema
            .message_of(field)
            .filter(|inner| !field.is_repeated() && schema.message(*inner).shape == Shape::Plain);
    }
    let is_parameter =
        leaf.is_some_and(|leaf| leaf.label != Label::Map && value::is_parameter(schema, leaf.kind));
    is_parameter.then(|| path.into())
}

fn put_at(
    schema: &Schema,
    out: &mut Vec<u8>,
    message: MessageId,
    path: &[FieldId],
    text: &str,
) -> Result<(), (Kind, Code)> {
    let Some((first, rest)) = path.split_first() else {
        return Ok(());
    };
    let field = schema.field(message, *first);
    put_varint(out, field.single_tag().into());
    match field.kind {
        Kind::Message(inner) if !rest.is_empty() => {
            let start = open(out);
            put_at(schema, out, inner, rest, text)?;
            close(out, start);
            Ok(())
        }
        kind => value::put_parameter(schema, out, kind, text).map_err(|code| (kind, code)),
    }
}

/// How percent-encoding is undone.
#[derive(Clone, Copy)]
struct Escapes {
    /// A `+` is a space: so in queries, as HTML forms have it.
    plus_is_space: bool,
    /// `%2F` stays as it is: so where a plain `/` separates segments.
    keep_slash: bool,
}

fn unescape(text: &str, escapes: Escapes) -> Result<Cow<'_, str>, Malformed> {
    if !text.contains(['%', '+']) {
        return Ok(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some(byte) = rest.split_off_first() {
        match byte {
            b'+' if escapes.plus_is_space => out.push(b' '),
            b'%' => {
                let digits = rest.split_off(..2).unwrap_or_default();
                match hexadecimal(digits) {
                    Some(b'/') if escapes.keep_slash => {
                        out.push(b'%');
                        out.extend_from_slice(digits);
                    }
                    Some(byte) => out.push(byte),
                    None => return Err(Malformed("the URL has an invalid percent escape".into())),
                }
            }
            byte => out.push(*byte),
        }
    }
    let text = String::from_utf8(out)
        .map_err(|_| Malformed("the URL has escapes that are not UTF-8".into()))?;
    Ok(Cow::Owned(text))
}

fn hexadecimal(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? << 4 | digit(*low)?).ok()
}
