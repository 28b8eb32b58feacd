//! JSON → wire: objects, lists, maps and single values.
//!
//! The parser writes each value as it comes. Where the text is no JSON it stops;
//! where a value does not fit its field it notes a violation and goes on, so that
//! a client learns of all its mistakes at once. What has been written by then is
//! of no use and is thrown away by the caller.
//!
//! The well-known types that have a structure of their own are in `parse_known`.

use std::borrow::Cow;
use std::collections::HashSet;

use super::bound::Bound;
use super::lexer::{DUPLICATE_KEY, Lexer, SyntaxError};
use super::path::Path;
use super::rejection::{Code, Violations};
use super::schema::{Field, FieldId, Kind, Label, Message, MessageId, Schema, Shape};
use super::value;
use super::wire::{MAX_NESTING, close, open, put_varint};

/// Parses one JSON text into wire bytes.
pub(crate) struct Parser<'r, 'a> {
    pub(crate) schema: &'r Schema,
    pub(crate) lexer: Lexer<'a>,
    pub(crate) out: &'r mut Vec<u8>,
    pub(crate) violations: &'r mut Violations,
    /// The fields that the outermost object names, in its order.
    pub(crate) present: Vec<FieldId>,
    nesting: usize,
}

impl<'r, 'a> Parser<'r, 'a> {
    pub(crate) fn new(
        schema: &'r Schema,
        text: &'a str,
        out: &'r mut Vec<u8>,
        violations: &'r mut Violations,
    ) -> Self {
        Self {
            schema,
            lexer: Lexer::new(text),
            out,
            violations,
            present: Vec::new(),
            nesting: 0,
        }
    }

    /// A member of an object: its field's tag and value, or nothing for `null`.
    pub(crate) fn field(
        &mut self,
        field: &Field,
        at: &Path<'_>,
        bound: &Bound,
    ) -> Result<(), SyntaxError> {
        if self.lexer.peek() == b'n' && !self.takes_null(field) {
            return self.lexer.word("null");
        }
        match field.label {
            Label::Map => self.map(field, at),
            Label::List { packed } => self.list(field, packed, at),
            Label::Implicit | Label::Explicit => {
                put_varint(self.out, field.tag.into());
                self.value(field.kind, at, bound)
            }
        }
    }

    /// A single value, without its tag.
    pub(crate) fn value(
        &mut self,
        kind: Kind,
        at: &Path<'_>,
        bound: &Bound,
    ) -> Result<(), SyntaxError> {
        if let Kind::Message(id) = kind {
            let start = self.enter()?;
            self.content(id, at, bound)?;
            self.leave(start);
            return Ok(());
        }
        let result = match self.lexer.peek() {
            b'"' => {
                let text = self.lexer.string()?;
                value::put_string(self.schema, self.out, kind, &text)
            }
            b'-' | b'0'..=b'9' => {
                let text = self.lexer.number()?;
                value::put_number(self.schema, self.out, kind, text)
            }
            b't' => {
                self.lexer.word("true")?;
                value::put_bool(self.out, kind, true)
            }
            b'f' => {
                self.lexer.word("false")?;
                value::put_bool(self.out, kind, false)
            }
            b'n' => {
                self.lexer.word("null")?;
                value::put_null(self.schema, self.out, kind)
            }
            _ => {
                self.lexer.skip()?;
                Err(Code::WrongType)
            }
        };
        if let Err(code) = result {
            self.complain(kind, code, at);
        }
        Ok(())
    }

    /// The content of a message, without its length.
    pub(crate) fn content(
        &mut self,
        id: MessageId,
        at: &Path<'_>,
        bound: &Bound,
    ) -> Result<(), SyntaxError> {
        let message = self.schema.message(id);
        match (message.shape, self.lexer.peek()) {
            (Shape::Plain | Shape::Empty, b'{') => self.object(message, at, bound, false),
            (Shape::Struct, b'{') => self.structure(at),
            (Shape::Any, b'{') => self.any(id, at),
            (Shape::ListValue, b'[') => self.list_value(at),
            (Shape::Value, _) => self.dynamic(at),
            (Shape::Wrapper, _) => {
                put_varint(self.out, message.fields[0].tag.into());
                self.value(message.fields[0].kind, at, bound)
            }
            (shape, b'"') => {
                let text = self.lexer.string()?;
                if let Err(code) = value::put_known(self.out, shape, &text) {
                    self.complain(Kind::Message(id), code, at);
                }
                Ok(())
            }
            _ => self.skip(Kind::Message(id), Code::WrongType, at),
        }
    }

    /// The members of a message's object. In that of an `Any` the key `@type` is
    /// the caller's.
    pub(crate) fn object(
        &mut self,
        message: &Message,
        at: &Path<'_>,
        bound: &Bound,
        is_any: bool,
    ) -> Result<(), SyntaxError> {
        let mut seen = Seen::default();
        let mut next = FieldId(0);
        let mut more = self.lexer.open(b'}')?;
        let is_outermost = self.lexer.depth() == 1;
        while more {
            let start = self.lexer;
            let key = self.lexer.key()?;
            if let Some(id) = message.find_from(next, &key) {
                let field = message.field(id);
                let at = at.field(&field.json_name);
                seen.field(id)
                    .then_some(())
                    .ok_or(start.error(DUPLICATE_KEY))?;
                next = FieldId(id.0 + 1);
                match bound.get(id) {
                    Some(all) if all.is_empty() => {
                        self.unknown(&at, "it is set elsewhere in the request")?
                    }
                    inner => {
                        if is_outermost {
                            self.present.push(id);
                        }
                        if let Some(oneof) = field.oneof
                            && (self.lexer.peek() != b'n' || self.takes_null(field))
                        {
                            seen.oneof(oneof)
                                .then_some(())
                                .ok_or(start.error(SAME_ONEOF))?;
                        }
                        self.field(field, &at, inner.unwrap_or(Bound::NOTHING))?;
                    }
                }
            } else {
                match &*key {
                    "@type" if is_any => self.lexer.skip()?,
                    _ => self.unknown(&at.field(&key), "there is no such field")?,
                }
                seen.other(key)
                    .then_some(())
                    .ok_or(start.error(DUPLICATE_KEY))?;
            }
            more = self.lexer.more(b'}')?;
        }
        Ok(())
    }

    fn list(&mut self, field: &Field, packed: bool, at: &Path<'_>) -> Result<(), SyntaxError> {
        if self.lexer.peek() != b'[' {
            self.violations.push(at, Code::WrongType, "expected a list");
            return self.lexer.skip();
        }
        let mut more = self.lexer.open(b']')?;
        if !more {
            return Ok(());
        }
        let start = packed.then(|| {
            put_varint(self.out, field.tag.into());
            open(self.out)
        });
        let mut index = 0;
        while more {
            if !packed {
                put_varint(self.out, field.tag.into());
            }
            self.value(field.kind, &at.index(index), Bound::NOTHING)?;
            index += 1;
            more = self.lexer.more(b']')?;
        }
        if let Some(start) = start {
            close(self.out, start);
        }
        Ok(())
    }

    /// A map is a list of entries, each a message of key and value.
    fn map(&mut self, field: &Field, at: &Path<'_>) -> Result<(), SyntaxError> {
        let Kind::Message(entry) = field.kind else {
            return self.skip(field.kind, Code::WrongType, at);
        };
        if self.lexer.peek() != b'{' {
            return self.skip(field.kind, Code::WrongType, at);
        }
        let [key_field, value_field] = &*self.schema.message(entry).fields else {
            return self.skip(field.kind, Code::WrongType, at);
        };
        let mut keys = HashSet::new();
        let mut more = self.lexer.open(b'}')?;
        while more {
            let before = self.lexer;
            let key = self.lexer.key()?;
            let at = at.key(&key);
            put_varint(self.out, field.tag.into());
            let start = self.enter()?;
            put_varint(self.out, key_field.tag.into());
            if let Err(code) = value::put_key(self.out, key_field.kind, &key) {
                self.complain(key_field.kind, code, &at);
            }
            put_varint(self.out, value_field.tag.into());
            self.value(value_field.kind, &at, Bound::NOTHING)?;
            self.leave(start);
            keys.insert(key)
                .then_some(())
                .ok_or(before.error(DUPLICATE_KEY))?;
            more = self.lexer.more(b'}')?;
        }
        Ok(())
    }

    /// Whether `null` is a value of the field, and not the lack of one.
    fn takes_null(&self, field: &Field) -> bool {
        !field.is_repeated()
            && match field.kind {
                Kind::Enum(id) => self.schema.enumeration(id).is_null,
                Kind::Message(id) => self.schema.message(id).shape == Shape::Value,
                _ => false,
            }
    }

    /// Begins a message on the wire. Some shapes of JSON take several messages a
    /// level, and readers have limits of their own.
    pub(crate) fn enter(&mut self) -> Result<usize, SyntaxError> {
        if self.nesting == MAX_NESTING {
            return Err(self.lexer.error("nested too deep"));
        }
        self.nesting += 1;
        Ok(open(self.out))
    }

    /// Ends the message that began at `start`.
    pub(crate) fn leave(&mut self, start: usize) {
        self.nesting -= 1;
        close(self.out, start);
    }

    /// Refuses a member for its name.
    pub(crate) fn unknown(&mut self, at: &Path<'_>, message: &str) -> Result<(), SyntaxError> {
        self.violations.push(at, Code::UnknownField, message);
        self.lexer.skip()
    }

    /// Refuses the value that begins here.
    pub(crate) fn skip(
        &mut self,
        kind: Kind,
        code: Code,
        at: &Path<'_>,
    ) -> Result<(), SyntaxError> {
        self.complain(kind, code, at);
        self.lexer.skip()
    }

    pub(crate) fn complain(&mut self, kind: Kind, code: Code, at: &Path<'_>) {
        self.violations
            .push(at, code, value::complaint(self.schema, kind, code));
    }
}

const SAME_ONEOF: &str = "another member of the same oneof is there";

/// What an object has named so far.
#[derive(Default)]
struct Seen<'a> {
    fields: Bits,
    oneofs: Bits,
    /// Keys that are no fields.
    others: HashSet<Cow<'a, str>>,
}

impl<'a> Seen<'a> {
    /// Tells whether it is new; so do the others.
    fn field(&mut self, id: FieldId) -> bool {
        self.fields.insert(id.0)
    }

    fn oneof(&mut self, index: u16) -> bool {
        self.oneofs.insert(index)
    }

    fn other(&mut self, key: Cow<'a, str>) -> bool {
        self.others.insert(key)
    }
}

/// A set of small numbers, which allocates only for larger ones.
#[derive(Default)]
struct Bits {
    first: u64,
    rest: Vec<u64>,
}

impl Bits {
    fn insert(&mut self, bit: u16) -> bool {
        let (word, mask) = (usize::from(bit / 64), 1 << (bit % 64));
        let word = match word.checked_sub(1) {
            None => &mut self.first,
            Some(word) => {
                if self.rest.len() <= word {
                    self.rest.resize(word + 1, 0);
                }
                &mut self.rest[word]
            }
        };
        let is_new = *word & mask == 0;
        *word |= mask;
        is_new
    }
}
