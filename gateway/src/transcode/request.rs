//! A whole request → wire: the body, the path's parameters and the query's, put
//! together as the route says.
//!
//! Finding the route does not belong here.

use super::bound::Bound;
use super::lexer::locate;
use super::parameters::Parameters;
use super::parse::Parser;
use super::path::Path;
use super::rejection::{Malformed, Rejection, Violations};
use super::schema::{FieldId, FieldPath, Kind, MessageId, Schema, Shape};
use super::wire::{close, open, put_bytes, put_varint};

/// What the body of a request is (`body` of `google.api.http`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Body {
    /// Nothing: all fields that the path leaves come from the query.
    None,
    /// `*`: all fields that the path leaves; there is no query.
    All,
    /// One field; those that it and the path leave come from the query.
    Field(FieldId),
}

/// How the parts of an HTTP request make up a message.
#[derive(Clone, Debug)]
pub struct Binding {
    /// The message.
    pub input: MessageId,
    /// What the body is.
    pub body: Body,
    /// The fields that neither body nor query may set: those of the path, and the
    /// update mask.
    pub bound: Bound,
    /// The field mask that receives the names of the body's fields, on a PATCH.
    pub update_mask: Option<FieldId>,
}

/// A part of a request's path that is a field's value.
#[derive(Clone, Copy, Debug)]
pub struct Capture<'a> {
    /// The field.
    pub field: &'a FieldPath,
    /// The value, with its percent escapes.
    pub value: &'a str,
    /// Whether it may consist of several segments, so that `%2F` is kept.
    pub is_multi_segment: bool,
}

/// A request as the service gets it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Request {
    /// The message.
    pub wire: Vec<u8>,
    /// The fields that the body's object names, in its order, also those that are
    /// `null`. With [`Body::Field`] they are fields of that field's message.
    pub present: Vec<FieldId>,
}

impl Request {
    /// Transcodes a request. An empty body is no JSON: a caller that wants to
    /// take it for an object without members passes `{}`.
    ///
    /// # Errors
    ///
    /// [`Rejection::Malformed`] if the body is no JSON, or not an object where one
    /// is due, or if an escape of the URL is broken; else [`Rejection::Invalid`]
    /// with everything that does not fit the message.
    pub fn new(
        schema: &Schema,
        binding: &Binding,
        captures: &[Capture<'_>],
        query: Option<&str>,
        body: &[u8],
    ) -> Result<Self, Rejection> {
        let mut wire = Vec::with_capacity(body.len() + 64);
        let mut violations = Violations::default();
        let mut parameters = Parameters::new(schema, binding, &mut wire, &mut violations);
        for capture in captures {
            parameters.capture(capture)?;
        }
        if let Some(query) = query {
            parameters.query(query)?;
        }
        let present = match binding.body {
            Body::None => Vec::new(),
            _ => parse_body(schema, binding, body, &mut wire, &mut violations)?,
        };
        violations.into_result()?;
        let mut request = Self { wire, present };
        if let Some(mask) = binding.update_mask {
            request.put_update_mask(schema, binding, mask);
        }
        Ok(request)
    }

    /// Transcodes a JSON text as a whole message.
    ///
    /// # Errors
    ///
    /// As [`Self::new`].
    pub fn from_json(schema: &Schema, message: MessageId, json: &[u8]) -> Result<Self, Rejection> {
        let (input, body, bound) = (message, Body::All, Bound::default());
        let binding = Binding {
            input,
            body,
            bound,
            update_mask: None,
        };
        Self::new(schema, &binding, &[], None, json)
    }

    /// Says which fields are to change: the ones that the body names.
    fn put_update_mask(&mut self, schema: &Schema, binding: &Binding, mask: FieldId) {
        let message = match binding.body {
            Body::Field(field) => schema.message_of(schema.field(binding.input, field)),
            _ => Some(binding.input),
        };
        let Some(message) = message else { return };
        put_varint(&mut self.wire, schema.field(binding.input, mask).tag.into());
        let start = open(&mut self.wire);
        for field in &self.present {
            self.wire.push(0x0a);
            put_bytes(
                &mut self.wire,
                schema.field(message, *field).name().as_bytes(),
            );
        }
        close(&mut self.wire, start);
    }
}

/// Writes the body; returns the fields that its object names.
fn parse_body(
    schema: &Schema,
    binding: &Binding,
    body: &[u8],
    wire: &mut Vec<u8>,
    violations: &mut Violations,
) -> Result<Vec<FieldId>, Malformed> {
    let text = std::str::from_utf8(body)
        .map_err(|error| locate(&body[..error.valid_up_to()], "expected UTF-8"))?;
    let mut parser = Parser::new(schema, text, wire, violations);
    let field = match binding.body {
        Body::Field(id) => Some((id, schema.field(binding.input, id))),
        _ => None,
    };
    let is_object = match field.map_or(Kind::Message(binding.input), |(_, field)| field.kind) {
        Kind::Message(id) => matches!(
            schema.message(id).shape,
            Shape::Plain | Shape::Empty | Shape::Struct | Shape::Any
        ),
        _ => false,
    };
    let is_list = field.is_some_and(|(_, field)| field.is_list());
    if is_object && !is_list && parser.lexer.peek() != b'{' {
        return Err(parser.lexer.error("expected an object").locate(text));
    }
    let parsed = match field {
        Some((id, field)) => {
            let bound = binding.bound.get(id).unwrap_or(Bound::NOTHING);
            parser.field(field, &Path::ROOT, bound)
        }
        None => parser.content(binding.input, &Path::ROOT, &binding.bound),
    };
    parsed
        .and_then(|()| parser.lexer.end())
        .map_err(|error| error.locate(text))?;
    Ok(parser.present)
}
