//! Wire → JSON: messages, lists, maps and single values.
//!
//! A message's fields may come in any order and more than once, and JSON wants
//! each of them once. So a first pass over the message notes where each field
//! is, in the order of their numbers; the second writes them.
//!
//! The well-known types are in `print_known`.

use super::base64;
use super::schema::{Field, FieldId, Kind, Label, Message, MessageId, Schema, Shape};
use super::text::quote;
use super::wire::{MAX_NESTING, Raw, Reader, WireError};

/// Why wire bytes have no JSON.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PrintError {
    /// They are not the wire format, or not of this message.
    #[error("malformed wire data: {0}")]
    Wire(&'static str),
    /// A value is not among those that JSON can express.
    #[error("{0} has no form in JSON")]
    Value(&'static str),
    /// An `Any` holds a message that the schema does not know.
    #[error("unknown message type {0:?}")]
    UnknownType(Box<str>),
}

impl From<WireError> for PrintError {
    fn from(WireError(problem): WireError) -> Self {
        Self::Wire(problem)
    }
}

impl Schema {
    /// Appends a message as a JSON object. After an error `out` is as it was.
    ///
    /// # Errors
    ///
    /// When the bytes are no such message, or have no form in JSON.
    pub fn print(
        &self,
        message: MessageId,
        wire: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), PrintError> {
        let length = out.len();
        let result = Printer::new(self, out).message(message, wire);
        result.inspect_err(|_| out.truncate(length))
    }

    /// Appends the value of one field of a message. After an error `out` is as it
    /// was.
    ///
    /// # Errors
    ///
    /// As [`Self::print`].
    pub fn print_field(
        &self,
        message: MessageId,
        field: FieldId,
        wire: &[u8],
        out: &mut Vec<u8>,
    ) -> Result<(), PrintError> {
        let length = out.len();
        let result = Printer::new(self, out).one_field(self.message(message), field, wire);
        result.inspect_err(|_| out.truncate(length))
    }

    /// The value of a singular string field, without printing anything; empty if
    /// it is not there.
    ///
    /// # Errors
    ///
    /// When the bytes are no such message.
    pub fn read_str<'a>(
        &self,
        message: MessageId,
        field: FieldId,
        wire: &'a [u8],
    ) -> Result<&'a str, PrintError> {
        let number = self.field(message, field).number;
        let mut found: &[u8] = &[];
        let mut reader = Reader::new(wire);
        while let Some((other, raw)) = reader.next()? {
            match raw {
                Raw::Bytes(bytes) if other == number => found = bytes,
                _ => {}
            }
        }
        Ok(utf8(found)?)
    }
}

/// Writes messages as JSON.
pub(crate) struct Printer<'s, 'o, 'a> {
    pub(crate) schema: &'s Schema,
    pub(crate) out: &'o mut Vec<u8>,
    /// The fields of the message at hand, after those of the messages around it.
    pub(crate) found: Vec<Found<'a>>,
    nesting: usize,
}

/// A field's value, and where the field stands in its message.
#[derive(Clone, Copy)]
pub(crate) struct Found<'a> {
    pub(crate) field: FieldId,
    pub(crate) raw: Raw<'a>,
}

impl<'s, 'o, 'a> Printer<'s, 'o, 'a> {
    fn new(schema: &'s Schema, out: &'o mut Vec<u8>) -> Self {
        Self {
            schema,
            out,
            found: Vec::with_capacity(32),
            nesting: 0,
        }
    }

    /// A message, in the form that its type has in JSON.
    pub(crate) fn message(&mut self, id: MessageId, wire: &'a [u8]) -> Result<(), PrintError> {
        if self.nesting > MAX_NESTING {
            return Err(PrintError::Wire("messages are nested too deep"));
        }
        self.nesting += 1;
        let message = self.schema.message(id);
        match message.shape {
            Shape::Plain | Shape::Empty => {
                self.out.push(b'{');
                self.members(message, wire, true)?;
                self.out.push(b'}');
            }
            _ => self.known(message, wire)?,
        }
        self.nesting -= 1;
        Ok(())
    }

    /// The members of a message's object.
    pub(crate) fn members(
        &mut self,
        message: &Message,
        wire: &'a [u8],
        is_first: bool,
    ) -> Result<(), PrintError> {
        let start = self.scan(message, wire)?;
        let end = self.found.len();
        let mut at = start;
        for (field, index) in message.fields.iter().zip(0..) {
            if !is_first || index > 0 {
                self.out.push(b',');
            }
            self.out.extend_from_slice(&field.key);
            let from = at;
            while at < end && self.found[at].field == FieldId(index) {
                at += 1;
            }
            self.field(field, from, at)?;
        }
        self.found.truncate(start);
        Ok(())
    }

    /// The value of one field.
    pub(crate) fn one_field(
        &mut self,
        message: &Message,
        id: FieldId,
        wire: &'a [u8],
    ) -> Result<(), PrintError> {
        let start = self.scan(message, wire)?;
        let found = &self.found[start..];
        let from = start + found.partition_point(|found| found.field < id);
        let to = start + found.partition_point(|found| found.field <= id);
        self.field(message.field(id), from, to)?;
        self.found.truncate(start);
        Ok(())
    }

    /// Notes the fields of a message, in the order of the schema; occurrences of
    /// the same field stay in the order of the wire. Returns where they start.
    pub(crate) fn scan(&mut self, message: &Message, wire: &'a [u8]) -> Result<usize, WireError> {
        let start = self.found.len();
        let mut reader = Reader::new(wire);
        let mut is_sorted = true;
        let mut last = FieldId(0);
        while let Some((number, raw)) = reader.next()? {
            let Some(field) = message.find_number(last, number) else {
                continue;
            };
            is_sorted &= last <= field;
            last = field;
            self.found.push(Found { field, raw });
        }
        if message.has_oneofs {
            self.keep_last_members(message, start);
        }
        if !is_sorted {
            self.found[start..].sort_by_key(|found| found.field);
        }
        Ok(start)
    }

    /// Of each oneof the last member counts, and setting it has dropped whatever
    /// was there before of the others.
    fn keep_last_members(&mut self, message: &Message, start: usize) {
        // For each oneof its last member, and whether another came before it.
        let mut lasts: Vec<(u16, FieldId, bool)> = Vec::new();
        let mut kept: Vec<Found<'a>> = Vec::new();
        for found in self.found.drain(start..).rev() {
            let Some(oneof) = message.field(found.field).oneof else {
                kept.push(found);
                continue;
            };
            match lasts.iter_mut().find(|(other, ..)| *other == oneof) {
                None => lasts.push((oneof, found.field, false)),
                Some((_, last, is_closed)) if *is_closed || *last != found.field => {
                    *is_closed = true;
                    continue;
                }
                Some(_) => {}
            }
            kept.push(found);
        }
        self.found.extend(kept.into_iter().rev());
    }

    /// A field's value, from its occurrences.
    pub(crate) fn field(
        &mut self,
        field: &Field,
        from: usize,
        to: usize,
    ) -> Result<(), PrintError> {
        match (field.label, field.kind) {
            (Label::Map, Kind::Message(entry)) => self.map(entry, from, to),
            (Label::List { .. }, _) => self.list(field, from, to),
            _ if from == to => {
                self.missing(field);
                Ok(())
            }
            (_, Kind::Message(id)) if to - from > 1 => self.merged(id, from, to),
            _ => self.value(field.kind, self.found[to - 1].raw),
        }
    }

    /// What stands for a singular field that is not there.
    fn missing(&mut self, field: &Field) {
        self.out.extend_from_slice(match (field.label, field.kind) {
            (Label::Explicit, _) | (_, Kind::Enum(_) | Kind::Message(_)) => b"null",
            (_, kind) => default(kind),
        });
    }

    /// A message that came in pieces: they merge if they are read as one.
    fn merged(&mut self, id: MessageId, from: usize, to: usize) -> Result<(), PrintError> {
        let mut whole = Vec::new();
        for found in &self.found[from..to] {
            whole.extend_from_slice(bytes(found.raw)?);
        }
        Printer {
            schema: self.schema,
            out: self.out,
            found: Vec::new(),
            nesting: self.nesting,
        }
        .message(id, &whole)
    }

    fn list(&mut self, field: &Field, from: usize, to: usize) -> Result<(), PrintError> {
        self.out.push(b'[');
        let before = self.out.len();
        for at in from..to {
            match self.found[at].raw {
                Raw::Bytes(packed) if field.kind.is_packable() => {
                    let mut reader = Reader::new(packed);
                    while !reader.is_empty() {
                        let raw = reader.packed(field.kind.wire_type())?;
                        self.element(field.kind, raw, before)?;
                    }
                }
                raw => self.element(field.kind, raw, before)?,
            }
        }
        self.out.push(b']');
        Ok(())
    }

    fn element(&mut self, kind: Kind, raw: Raw<'a>, before: usize) -> Result<(), PrintError> {
        if self.out.len() > before {
            self.out.push(b',');
        }
        self.value(kind, raw)
    }

    /// A map, in the order of its keys, so that equal maps look alike; of equal
    /// keys the last counts.
    fn map(&mut self, entry: MessageId, from: usize, to: usize) -> Result<(), PrintError> {
        let entry = self.schema.message(entry);
        let [key_field, value_field] = &*entry.fields else {
            return Err(PrintError::Wire("a map's entry is not one"));
        };
        let mut entries = Vec::with_capacity(to - from);
        for at in from..to {
            let wire = bytes(self.found[at].raw)?;
            let start = self.scan(entry, wire)?;
            let key = self.found[start..]
                .iter()
                .rfind(|found| found.field == FieldId(0));
            entries.push((Key::new(key_field.kind, key.map(|found| found.raw))?, wire));
            self.found.truncate(start);
        }
        entries.sort_by(|(a, _), (b, _)| a.cmp(b));
        self.out.push(b'{');
        for (at, (key, wire)) in entries.iter().enumerate() {
            if entries.get(at + 1).is_some_and(|(next, _)| next == key) {
                continue;
            }
            if self.out.last() != Some(&b'{') {
                self.out.push(b',');
            }
            key.print(self.out);
            self.out.push(b':');
            self.entry_value(entry, value_field, wire)?;
        }
        self.out.push(b'}');
        Ok(())
    }

    /// The value of a map's entry; one that is not there has its default, which
    /// for a message is an empty one.
    fn entry_value(
        &mut self,
        entry: &Message,
        field: &Field,
        wire: &'a [u8],
    ) -> Result<(), PrintError> {
        let start = self.scan(entry, wire)?;
        let from = start + self.found[start..].partition_point(|found| found.field == FieldId(0));
        match field.kind {
            Kind::Message(id) if from == self.found.len() => self.message(id, &[])?,
            Kind::Message(_) | Kind::Enum(_) => self.field(field, from, self.found.len())?,
            kind => match self.found[from..].last() {
                Some(found) => self.value(kind, found.raw)?,
                None => self.out.extend_from_slice(default(kind)),
            },
        }
        self.found.truncate(start);
        Ok(())
    }

    /// A single value.
    pub(crate) fn value(&mut self, kind: Kind, raw: Raw<'a>) -> Result<(), PrintError> {
        match (kind, raw) {
            (Kind::String, Raw::Bytes(bytes)) => quote(self.out, utf8(bytes)?),
            (Kind::Message(id), Raw::Bytes(bytes)) => self.message(id, bytes)?,
            (Kind::Bool, Raw::Varint(value)) => {
                self.out
                    .extend_from_slice(if value != 0 { b"true" } else { b"false" });
            }
            (Kind::Enum(id), Raw::Varint(value)) => {
                let (enumeration, number) = (self.schema.enumeration(id), value as i32);
                match enumeration.name(number) {
                    _ if number == 0 || enumeration.is_null => self.out.extend_from_slice(b"null"),
                    Some(name) => quote(self.out, name),
                    None => self.integer(number),
                }
            }
            (Kind::Bytes, Raw::Bytes(bytes)) => base64::quote(self.out, bytes),
            (Kind::Int32, Raw::Varint(value)) => self.integer(value as i32),
            (Kind::Uint32, Raw::Varint(value)) => self.integer(value as u32),
            (Kind::Sint32, Raw::Varint(value)) => self.integer(zigzag(value & 0xffff_ffff) as i32),
            (Kind::Sfixed32, Raw::Fixed32(value)) => self.integer(value as i32),
            (Kind::Fixed32, Raw::Fixed32(value)) => self.integer(value),
            (Kind::Int64, Raw::Varint(value)) => self.quoted_integer(value as i64),
            (Kind::Uint64, Raw::Varint(value)) => self.quoted_integer(value),
            (Kind::Sint64, Raw::Varint(value)) => self.quoted_integer(zigzag(value)),
            (Kind::Sfixed64, Raw::Fixed64(value)) => self.quoted_integer(value as i64),
            (Kind::Fixed64, Raw::Fixed64(value)) => self.quoted_integer(value),
            (Kind::Double, Raw::Fixed64(bits)) => {
                let value = f64::from_bits(bits);
                self.float(value, zmij::Buffer::new().format(value));
            }
            (Kind::Float, Raw::Fixed32(bits)) => {
                let value = f32::from_bits(bits);
                self.float(value.into(), zmij::Buffer::new().format(value));
            }
            _ => return Err(WRONG_WIRE_TYPE.into()),
        }
        Ok(())
    }

    fn integer(&mut self, value: impl itoa::Integer) {
        self.out
            .extend_from_slice(itoa::Buffer::new().format(value).as_bytes());
    }

    /// Integers of 64 bits are more than JavaScript's numbers can hold.
    fn quoted_integer(&mut self, value: impl itoa::Integer) {
        self.out.push(b'"');
        self.integer(value);
        self.out.push(b'"');
    }

    fn float(&mut self, value: f64, finite: &str) {
        self.out.extend_from_slice(match value {
            _ if value.is_nan() => b"\"NaN\"",
            f64::INFINITY => b"\"Infinity\"",
            f64::NEG_INFINITY => b"\"-Infinity\"",
            _ => finite.as_bytes(),
        });
    }
}

/// The key of a map.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Key<'a> {
    Bool(bool),
    Signed(i64),
    Unsigned(u64),
    Text(&'a str),
}

impl<'a> Key<'a> {
    fn new(kind: Kind, raw: Option<Raw<'a>>) -> Result<Self, WireError> {
        Ok(match (kind, raw) {
            (Kind::String, None) => Self::Text(""),
            (Kind::String, Some(Raw::Bytes(bytes))) => Self::Text(utf8(bytes)?),
            (Kind::Bool, None) => Self::Bool(false),
            (Kind::Bool, Some(Raw::Varint(value))) => Self::Bool(value != 0),
            (_, None) => Self::Unsigned(0),
            (Kind::Int32, Some(Raw::Varint(value))) => Self::Signed((value as i32).into()),
            (Kind::Int64, Some(Raw::Varint(value))) => Self::Signed(value as i64),
            (Kind::Uint32, Some(Raw::Varint(value))) => Self::Unsigned((value as u32).into()),
            (Kind::Uint64, Some(Raw::Varint(value))) => Self::Unsigned(value),
            (Kind::Sint32, Some(Raw::Varint(value))) => Self::Signed(zigzag(value & 0xffff_ffff)),
            (Kind::Sint64, Some(Raw::Varint(value))) => Self::Signed(zigzag(value)),
            (Kind::Fixed32, Some(Raw::Fixed32(value))) => Self::Unsigned(value.into()),
            (Kind::Fixed64, Some(Raw::Fixed64(value))) => Self::Unsigned(value),
            (Kind::Sfixed32, Some(Raw::Fixed32(value))) => Self::Signed((value as i32).into()),
            (Kind::Sfixed64, Some(Raw::Fixed64(value))) => Self::Signed(value as i64),
            _ => return Err(WRONG_WIRE_TYPE),
        })
    }

    fn print(&self, out: &mut Vec<u8>) {
        let mut buffer = itoa::Buffer::new();
        quote(
            out,
            match self {
                Self::Bool(true) => "true",
                Self::Bool(false) => "false",
                Self::Signed(value) => buffer.format(*value),
                Self::Unsigned(value) => buffer.format(*value),
                Self::Text(text) => text,
            },
        );
    }
}

/// What stands for a scalar that is not there.
fn default(kind: Kind) -> &'static [u8] {
    match kind {
        Kind::String | Kind::Bytes => b"\"\"",
        Kind::Bool => b"false",
        Kind::Int64 | Kind::Uint64 | Kind::Sint64 | Kind::Fixed64 | Kind::Sfixed64 => b"\"0\"",
        Kind::Double | Kind::Float => b"0.0",
        Kind::Enum(_) | Kind::Message(_) => b"null",
        _ => b"0",
    }
}

fn zigzag(value: u64) -> i64 {
    (value >> 1) as i64 ^ -((value & 1) as i64)
}

pub(crate) fn utf8(bytes: &[u8]) -> Result<&str, WireError> {
    std::str::from_utf8(bytes).map_err(|_| WireError("a string is not UTF-8"))
}

/// What must be length-delimited.
pub(crate) fn bytes(raw: Raw<'_>) -> Result<&[u8], WireError> {
    match raw {
        Raw::Bytes(bytes) => Ok(bytes),
        _ => Err(WRONG_WIRE_TYPE),
    }
}

pub(crate) const WRONG_WIRE_TYPE: WireError = WireError("a field has another wire type");
