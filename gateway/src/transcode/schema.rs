//! What the transcoder knows of messages and enums: flat tables that refer to
//! each other by index, built once from the descriptors.
//!
//! How values are read or written does not belong here.

mod build;

use std::collections::HashMap;

pub use build::SchemaError;

/// Names a message of a [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct MessageId(u32);

/// Names an enum of a [`Schema`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct EnumId(u32);

/// Names a field within its message: its place in the order of numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FieldId(pub(crate) u16);

/// The way from a message to a field in it or in a message nested in it.
pub type FieldPath = Box<[FieldId]>;

/// The tables of all messages and enums of a descriptor pool.
#[derive(Debug)]
pub struct Schema {
    messages: Vec<Message>,
    enums: Vec<Enum>,
    by_name: HashMap<Box<str>, MessageId>,
}

/// What a list response looks like: one repeated field beside `page_info`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ListShape {
    /// The repeated field.
    pub items: FieldId,
    /// The field `page_info`.
    pub page_info: FieldId,
}

/// How a message looks in JSON.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shape {
    Plain,
    Empty,
    Any,
    Timestamp,
    Duration,
    FieldMask,
    Struct,
    Value,
    ListValue,
    Wrapper,
}

#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) name: Box<str>,
    pub(crate) shape: Shape,
    pub(crate) has_oneofs: bool,
    /// In the order of their numbers.
    pub(crate) fields: Box<[Field]>,
    /// Both spellings of every field, sorted.
    names: Box<[(Box<str>, FieldId)]>,
}

/// One field of a message.
#[derive(Debug)]
pub struct Field {
    pub(crate) number: u32,
    /// The tag as it stands on the wire: number and wire type.
    pub(crate) tag: u32,
    pub(crate) name: Box<str>,
    pub(crate) json_name: Box<str>,
    /// The JSON name as it is written: escaped, in quotes, with its colon.
    pub(crate) key: Box<[u8]>,
    pub(crate) kind: Kind,
    pub(crate) label: Label,
    /// Index of the oneof in its message; none for proto3's `optional`.
    pub(crate) oneof: Option<u16>,
}

/// How often a field occurs, and how it looks when it does not.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    /// Absent means the default value.
    Implicit,
    /// Absent means no value.
    Explicit,
    List {
        packed: bool,
    },
    Map,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Double,
    Float,
    Int32,
    Int64,
    Uint32,
    Uint64,
    Sint32,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed32,
    Sfixed64,
    Bool,
    String,
    Bytes,
    Enum(EnumId),
    Message(MessageId),
}

pub(crate) const LENGTH_DELIMITED: u32 = 2;

#[derive(Debug)]
pub(crate) struct Enum {
    /// Whether it is `google.protobuf.NullValue`, whose JSON is `null`.
    pub(crate) is_null: bool,
    by_name: Box<[(Box<str>, i32)]>,
    by_number: Box<[(i32, Box<str>)]>,
}

impl Schema {
    /// The message of this full name, `package.Message`.
    #[must_use]
    pub fn find(&self, full_name: &str) -> Option<MessageId> {
        self.by_name.get(full_name).copied()
    }

    /// The full name of a message.
    #[must_use]
    pub fn name(&self, message: MessageId) -> &str {
        &self.message(message).name
    }

    /// The fields of a message in the order of their numbers.
    pub fn fields(&self, message: MessageId) -> impl ExactSizeIterator<Item = (FieldId, &Field)> {
        let fields = self.message(message).fields.iter();
        fields
            .enumerate()
            .map(|(index, field)| (field_id(index), field))
    }

    /// One field of a message.
    #[must_use]
    pub fn field(&self, message: MessageId, field: FieldId) -> &Field {
        self.message(message).field(field)
    }

    /// The field of this name, in either spelling.
    #[must_use]
    pub fn find_field(&self, message: MessageId, name: &str) -> Option<FieldId> {
        self.message(message).find(name)
    }

    /// The message that a field holds, if it holds one.
    #[must_use]
    pub fn message_of(&self, field: &Field) -> Option<MessageId> {
        match field.kind {
            Kind::Message(id) => Some(id),
            _ => None,
        }
    }

    /// The field mask `update_mask`, if there is one.
    #[must_use]
    pub fn find_update_mask(&self, message: MessageId) -> Option<FieldId> {
        let id = self.find_field(message, "update_mask")?;
        let inner = self.message_of(self.field(message, id))?;
        (self.message(inner).shape == Shape::FieldMask).then_some(id)
    }

    /// Whether the field at the end of a path is a list or a map.
    #[must_use]
    pub fn is_repeated(&self, message: MessageId, path: &[FieldId]) -> bool {
        self.along(message, path)
            .last()
            .is_some_and(|field| field.is_repeated())
    }

    /// The fields on the way to a field.
    pub(crate) fn along(&self, message: MessageId, path: &[FieldId]) -> Vec<&Field> {
        let mut fields = Vec::with_capacity(path.len());
        let mut within = Some(message);
        for id in path {
            let Some(message) = within else { break };
            let field = self.field(message, *id);
            within = self.message_of(field);
            fields.push(field);
        }
        fields
    }

    /// Whether a message is a list response: one repeated field beside `page_info`
    /// and nothing else.
    #[must_use]
    pub fn list_shape(&self, message: MessageId) -> Option<ListShape> {
        let page_info = self.find_field(message, "page_info")?;
        let mut others = self.fields(message).filter(|(id, _)| *id != page_info);
        let (items, field) = others.next()?;
        (field.is_list() && others.next().is_none()).then_some(ListShape { items, page_info })
    }

    pub(crate) fn message(&self, id: MessageId) -> &Message {
        &self.messages[id.0 as usize]
    }

    pub(crate) fn enumeration(&self, id: EnumId) -> &Enum {
        &self.enums[id.0 as usize]
    }
}

impl Message {
    pub(crate) fn field(&self, id: FieldId) -> &Field {
        &self.fields[usize::from(id.0)]
    }

    /// The field of this name, in either spelling.
    pub(crate) fn find(&self, name: &str) -> Option<FieldId> {
        let place = self
            .names
            .binary_search_by(|(other, _)| by_length(other, name))
            .ok()?;
        Some(self.names[place].1)
    }

    /// As [`Self::find`], but looks first where most clients are: at the field
    /// after the one that they named last.
    pub(crate) fn find_from(&self, next: FieldId, name: &str) -> Option<FieldId> {
        match self.fields.get(usize::from(next.0)) {
            Some(field) if *field.json_name == *name => Some(next),
            _ => self.find(name),
        }
    }

    /// The field of this number. Looks from `last` onwards, since senders keep to
    /// the order of numbers; only if they did not, everywhere.
    pub(crate) fn find_number(&self, last: FieldId, number: u32) -> Option<FieldId> {
        let from = usize::from(last.0);
        if self.fields.get(from)?.number > number {
            let found = self
                .fields
                .binary_search_by_key(&number, |field| field.number);
            return found.ok().map(field_id);
        }
        let ahead = self.fields[from..]
            .iter()
            .position(|field| field.number >= number)?;
        (self.fields[from + ahead].number == number).then(|| field_id(from + ahead))
    }
}

impl Field {
    /// The tag of one value that does not come packed with others.
    pub(crate) fn single_tag(&self) -> u32 {
        self.number << 3 | self.kind.wire_type()
    }

    /// Its name in the contract: `snake_case`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its name in JSON: `lowerCamelCase`.
    #[must_use]
    pub fn json_name(&self) -> &str {
        &self.json_name
    }

    pub(crate) fn is_list(&self) -> bool {
        matches!(self.label, Label::List { .. })
    }

    /// Whether it is a list or a map.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        matches!(self.label, Label::List { .. } | Label::Map)
    }
}

impl Kind {
    /// Whether lists of it may come packed.
    pub(crate) fn is_packable(self) -> bool {
        self.wire_type() != LENGTH_DELIMITED
    }

    /// The wire type of one value.
    pub(crate) fn wire_type(self) -> u32 {
        match self {
            Self::Double | Self::Fixed64 | Self::Sfixed64 => 1,
            Self::String | Self::Bytes | Self::Message(_) => LENGTH_DELIMITED,
            Self::Float | Self::Fixed32 | Self::Sfixed32 => 5,
            _ => 0,
        }
    }
}

impl Enum {
    pub(crate) fn number(&self, name: &str) -> Option<i32> {
        let place = self
            .by_name
            .binary_search_by(|(other, _)| (**other).cmp(name))
            .ok()?;
        Some(self.by_name[place].1)
    }

    pub(crate) fn name(&self, number: i32) -> Option<&str> {
        let place = self
            .by_number
            .binary_search_by_key(&number, |(other, _)| *other)
            .ok()?;
        Some(&self.by_number[place].1)
    }

    /// The names that are accepted as input, for messages.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let named = self.by_number.iter().filter(|(number, _)| *number != 0);
        named.map(|(_, name)| &**name)
    }
}

/// An order that tells most names apart without looking at them.
fn by_length(a: &str, b: &str) -> std::cmp::Ordering {
    a.len().cmp(&b.len()).then_with(|| a.cmp(b))
}

/// A field's place as its id; messages are checked for their size at the start.
pub(crate) fn field_id(index: usize) -> FieldId {
    FieldId(index as u16)
}
