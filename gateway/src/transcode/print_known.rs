//! Wire → JSON for the well-known types.
//!
//! Where a type's JSON is that of one of its fields (`Struct`, `ListValue`,
//! `Value`, the wrappers), that field is printed by the general rules.

use super::print::{PrintError, Printer, WRONG_WIRE_TYPE, utf8};
use super::schema::{FieldId, Kind, Message, Shape};
use super::text::quote;
use super::time::{Instant, print_duration, print_timestamp};
use super::wire::{Raw, Reader};

impl<'a> Printer<'_, '_, 'a> {
    /// The form of a well-known type.
    pub(crate) fn known(&mut self, message: &Message, wire: &'a [u8]) -> Result<(), PrintError> {
        match message.shape {
            Shape::Timestamp | Shape::Duration => self.instant(message.shape, wire),
            Shape::FieldMask => self.field_mask(wire),
            Shape::Any => self.any(wire),
            Shape::Value => self.dynamic(message, wire),
            Shape::Wrapper => self.wrapper(message, wire),
            Shape::Struct | Shape::ListValue | Shape::Plain | Shape::Empty => {
                self.one_field(message, FieldId(0), wire)
            }
        }
    }

    fn instant(&mut self, shape: Shape, wire: &[u8]) -> Result<(), PrintError> {
        let mut instant = Instant {
            seconds: 0,
            nanos: 0,
        };
        let mut reader = Reader::new(wire);
        while let Some(field) = reader.next()? {
            match field {
                (1, Raw::Varint(seconds)) => instant.seconds = seconds as i64,
                (2, Raw::Varint(nanos)) => instant.nanos = nanos as i32,
                (1 | 2, _) => return Err(WRONG_WIRE_TYPE.into()),
                _ => {}
            }
        }
        self.out.push(b'"');
        match shape {
            Shape::Timestamp => {
                print_timestamp(self.out, instant)
                    .map_err(|_| PrintError::Value("a time out of range"))?;
            }
            _ => print_duration(self.out, instant)
                .map_err(|_| PrintError::Value("a duration out of range"))?,
        }
        self.out.push(b'"');
        Ok(())
    }

    /// A wrapper's value, which may be the default.
    fn wrapper(&mut self, message: &Message, wire: &'a [u8]) -> Result<(), PrintError> {
        self.one_field(message, FieldId(0), wire)
    }

    /// A `Value`: whichever member of its oneof is set.
    fn dynamic(&mut self, message: &Message, wire: &'a [u8]) -> Result<(), PrintError> {
        let start = self.scan(message, wire)?;
        let end = self.found.len();
        let Some(last) = self.found[start..].last().copied() else {
            self.out.extend_from_slice(b"null");
            return Ok(());
        };
        let field = message.field(last.field);
        if let (Kind::Double, Raw::Fixed64(bits)) = (field.kind, last.raw)
            && !f64::from_bits(bits).is_finite()
        {
            return Err(PrintError::Value("a Value that is no finite number"));
        }
        self.field(field, start, end)?;
        self.found.truncate(start);
        Ok(())
    }

    fn field_mask(&mut self, wire: &[u8]) -> Result<(), PrintError> {
        let mut joined = String::new();
        let mut reader = Reader::new(wire);
        while let Some((number, raw)) = reader.next()? {
            match raw {
                Raw::Bytes(path) if number == 1 => {
                    if !joined.is_empty() {
                        joined.push(',');
                    }
                    push_camel_case(&mut joined, utf8(path)?)?;
                }
                _ if number == 1 => return Err(WRONG_WIRE_TYPE.into()),
                _ => {}
            }
        }
        quote(self.out, &joined);
        Ok(())
    }

    /// An `Any`: the object of the message in it, with its type; or for one that
    /// has no members of its own, beside its type the `value`.
    fn any(&mut self, wire: &'a [u8]) -> Result<(), PrintError> {
        let (mut url, mut value): (&[u8], &[u8]) = (&[], &[]);
        let mut reader = Reader::new(wire);
        while let Some(field) = reader.next()? {
            match field {
                (1, Raw::Bytes(bytes)) => url = bytes,
                (2, Raw::Bytes(bytes)) => value = bytes,
                (1 | 2, _) => return Err(WRONG_WIRE_TYPE.into()),
                _ => {}
            }
        }
        let url = utf8(url)?;
        let id = url
            .rsplit_once('/')
            .and_then(|(_, name)| self.schema.find(name));
        let id = id.ok_or_else(|| PrintError::UnknownType(url.into()))?;
        self.out.extend_from_slice(b"{\"@type\":");
        quote(self.out, url);
        match self.schema.message(id) {
            message if message.shape == Shape::Plain => self.members(message, value, false)?,
            _ => {
                self.out.extend_from_slice(b",\"value\":");
                self.message(id, value)?;
            }
        }
        self.out.push(b'}');
        Ok(())
    }
}

/// Turns a path of a field mask into `lowerCamelCase`; one that would not turn
/// back into the same has no form in JSON.
fn push_camel_case(out: &mut String, path: &str) -> Result<(), PrintError> {
    let mut is_upper_next = false;
    for letter in path.chars() {
        match letter {
            '_' if !is_upper_next => is_upper_next = true,
            'a'..='z' if is_upper_next => {
                out.push(letter.to_ascii_uppercase());
                is_upper_next = false;
            }
            'A'..='Z' => return Err(BAD_PATH),
            _ if is_upper_next => return Err(BAD_PATH),
            _ => out.push(letter),
        }
    }
    if is_upper_next { Err(BAD_PATH) } else { Ok(()) }
}

const BAD_PATH: PrintError = PrintError::Value("such a field path");
