//! JSON → wire for the well-known types that have a structure of their own:
//! `Struct`, `Value`, `ListValue` and `Any`.
//!
//! The tags are those of `google/protobuf/{struct,any}.proto`.

use std::collections::HashSet;

use super::bound::Bound;
use super::lexer::{DUPLICATE_KEY, SyntaxError};
use super::number;
use super::parse::Parser;
use super::path::Path;
use super::rejection::Code;
use super::schema::{Kind, MessageId, Shape};
use super::wire::put_bytes;

impl Parser<'_, '_> {
    /// The content of a `Struct`.
    pub(crate) fn structure(&mut self, at: &Path<'_>) -> Result<(), SyntaxError> {
        let mut keys = HashSet::new();
        let mut more = self.lexer.open(b'}')?;
        while more {
            let before = self.lexer;
            let key = self.lexer.key()?;
            self.out.push(0x0a);
            let entry = self.enter()?;
            self.out.push(0x0a);
            put_bytes(self.out, key.as_bytes());
            self.out.push(0x12);
            let value = self.enter()?;
            self.dynamic(&at.key(&key))?;
            self.leave(value);
            self.leave(entry);
            keys.insert(key)
                .then_some(())
                .ok_or(before.error(DUPLICATE_KEY))?;
            more = self.lexer.more(b'}')?;
        }
        Ok(())
    }

    /// The content of a `ListValue`.
    pub(crate) fn list_value(&mut self, at: &Path<'_>) -> Result<(), SyntaxError> {
        let mut index = 0;
        let mut more = self.lexer.open(b']')?;
        while more {
            self.out.push(0x0a);
            let value = self.enter()?;
            self.dynamic(&at.index(index))?;
            self.leave(value);
            index += 1;
            more = self.lexer.more(b']')?;
        }
        Ok(())
    }

    /// The content of a `Value`: any JSON at all.
    pub(crate) fn dynamic(&mut self, at: &Path<'_>) -> Result<(), SyntaxError> {
        match self.lexer.peek() {
            b'n' => {
                self.lexer.word("null")?;
                self.out.extend([0x08, 0]);
            }
            b'-' | b'0'..=b'9' => {
                let text = self.lexer.number()?;
                self.out.push(0x11);
                if let Err(code) = number::put(self.out, Kind::Double, text) {
                    self.complain(Kind::Double, code, at);
                }
            }
            b'"' => {
                let text = self.lexer.string()?;
                self.out.push(0x1a);
                put_bytes(self.out, text.as_bytes());
            }
            b'f' => {
                self.lexer.word("false")?;
                self.out.extend([0x20, 0]);
            }
            b't' => {
                self.lexer.word("true")?;
                self.out.extend([0x20, 1]);
            }
            b'{' => {
                self.out.push(0x2a);
                let start = self.enter()?;
                self.structure(at)?;
                self.leave(start);
            }
            b'[' => {
                self.out.push(0x32);
                let start = self.enter()?;
                self.list_value(at)?;
                self.leave(start);
            }
            _ => return Err(self.lexer.error("expected a value")),
        }
        Ok(())
    }

    /// The content of an `Any`: its type, and the message of that type. The key
    /// `@type` may stand anywhere, so it is looked for first.
    pub(crate) fn any(&mut self, id: MessageId, at: &Path<'_>) -> Result<(), SyntaxError> {
        let Some(url) = self.type_url()? else {
            return self.skip(Kind::Message(id), Code::WrongType, at);
        };
        let inner = url
            .rsplit_once('/')
            .and_then(|(_, name)| self.schema.find(name));
        let Some(inner) = inner else {
            return self.skip(Kind::Message(id), Code::NotAllowed, &at.field("@type"));
        };
        self.out.push(0x0a);
        put_bytes(self.out, url.as_bytes());
        self.out.push(0x12);
        let start = self.enter()?;
        match self.schema.message(inner) {
            message if message.shape == Shape::Plain => {
                self.object(message, at, Bound::NOTHING, true)?
            }
            _ => self.any_of_known(inner, at)?,
        }
        self.leave(start);
        Ok(())
    }

    /// The object of an `Any` of a well-known type: beside `@type` only `value`.
    fn any_of_known(&mut self, inner: MessageId, at: &Path<'_>) -> Result<(), SyntaxError> {
        let mut keys = HashSet::new();
        let mut more = self.lexer.open(b'}')?;
        while more {
            let before = self.lexer;
            let key = self.lexer.key()?;
            match &*key {
                "@type" => self.lexer.skip()?,
                "value" => self.content(inner, &at.field("value"), Bound::NOTHING)?,
                _ => self.unknown(&at.field(&key), "there is no such field")?,
            }
            keys.insert(key)
                .then_some(())
                .ok_or(before.error(DUPLICATE_KEY))?;
            more = self.lexer.more(b'}')?;
        }
        if !keys.contains("value") {
            self.complain(Kind::Message(inner), Code::WrongType, &at.field("value"));
        }
        Ok(())
    }

    /// The `@type` of the object that begins here, if it is a string.
    fn type_url(&self) -> Result<Option<String>, SyntaxError> {
        let mut lexer = self.lexer;
        let mut more = lexer.open(b'}')?;
        while more {
            if lexer.key()? == "@type" {
                let is_text = lexer.peek() == b'"';
                return is_text
                    .then(|| Ok(lexer.string()?.into_owned()))
                    .transpose();
            }
            lexer.skip()?;
            more = lexer.more(b'}')?;
        }
        Ok(None)
    }
}
