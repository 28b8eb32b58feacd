//! Building the tables from the descriptors.

use std::collections::HashMap;

use prost_reflect::{
    Cardinality, DescriptorPool, EnumDescriptor, FieldDescriptor, MessageDescriptor,
};

use super::{
    Enum, EnumId, Field, FieldId, Kind, LENGTH_DELIMITED, Label, Message, MessageId, Schema, Shape,
    by_length, field_id,
};
use crate::transcode::text;

/// Why no schema could be built.
#[derive(Debug, thiserror::Error)]
pub enum SchemaError {
    /// Groups (proto2) and delimited messages (editions) have no place here.
    #[error("{0} is encoded as a group, which is not supported")]
    Group(String),
    /// A table ran over; no real contract comes near.
    #[error("{0} has too many fields")]
    TooManyFields(String),
}

impl Schema {
    /// Builds the tables of everything in the pool.
    ///
    /// # Errors
    ///
    /// When a message uses groups, or has more than 65,535 fields.
    pub fn new(pool: &DescriptorPool) -> Result<Self, SchemaError> {
        let ids = Ids {
            messages: index(pool.all_messages().map(|m| m.full_name().into())),
            enums: index(pool.all_enums().map(|e| e.full_name().into())),
        };
        let messages = pool
            .all_messages()
            .map(|m| Message::new(&m, &ids))
            .collect::<Result<_, _>>()?;
        let enums = pool.all_enums().map(|e| Enum::new(&e)).collect();
        let by_name = ids
            .messages
            .into_iter()
            .map(|(name, id)| (name, MessageId(id)))
            .collect();
        Ok(Self {
            messages,
            enums,
            by_name,
        })
    }
}

impl Message {
    fn new(descriptor: &MessageDescriptor, ids: &Ids) -> Result<Self, SchemaError> {
        let name = descriptor.full_name();
        let mut descriptors: Vec<_> = descriptor.fields().collect();
        if descriptors.len() > usize::from(u16::MAX) {
            return Err(SchemaError::TooManyFields(name.into()));
        }
        descriptors.sort_by_key(FieldDescriptor::number);
        let oneofs: Vec<_> = descriptor
            .oneofs()
            .filter(|oneof| !oneof.is_synthetic())
            .collect();
        let mut fields = Vec::with_capacity(descriptors.len());
        for field in &descriptors {
            let containing = field.containing_oneof();
            let oneof = oneofs
                .iter()
                .position(|oneof| Some(oneof) == containing.as_ref());
            fields.push(Field::new(field, oneof, ids)?);
        }
        Ok(Self {
            name: name.into(),
            shape: Shape::of(name),
            has_oneofs: !oneofs.is_empty(),
            names: names(&fields),
            fields: fields.into(),
        })
    }
}

impl Shape {
    fn of(full_name: &str) -> Self {
        match full_name.strip_prefix("google.protobuf.") {
            Some("Empty") => Self::Empty,
            Some("Any") => Self::Any,
            Some("Timestamp") => Self::Timestamp,
            Some("Duration") => Self::Duration,
            Some("FieldMask") => Self::FieldMask,
            Some("Struct") => Self::Struct,
            Some("Value") => Self::Value,
            Some("ListValue") => Self::ListValue,
            Some(
                "DoubleValue" | "FloatValue" | "Int64Value" | "UInt64Value" | "Int32Value"
                | "UInt32Value" | "BoolValue" | "StringValue" | "BytesValue",
            ) => Self::Wrapper,
            _ => Self::Plain,
        }
    }
}

impl Field {
    fn new(
        descriptor: &FieldDescriptor,
        oneof: Option<usize>,
        ids: &Ids,
    ) -> Result<Self, SchemaError> {
        if descriptor.is_group() {
            return Err(SchemaError::Group(descriptor.full_name().into()));
        }
        let kind = Kind::of(&descriptor.kind(), ids);
        let label = if descriptor.is_map() {
            Label::Map
        } else if descriptor.cardinality() == Cardinality::Repeated {
            Label::List {
                packed: descriptor.is_packed(),
            }
        } else if descriptor.supports_presence() {
            Label::Explicit
        } else {
            Label::Implicit
        };
        let is_packed = label == Label::List { packed: true };
        let wire_type = if is_packed {
            LENGTH_DELIMITED
        } else {
            kind.wire_type()
        };
        let mut key = Vec::new();
        text::quote(&mut key, descriptor.json_name());
        key.push(b':');
        Ok(Self {
            number: descriptor.number(),
            tag: descriptor.number() << 3 | wire_type,
            name: descriptor.name().into(),
            json_name: descriptor.json_name().into(),
            key: key.into(),
            kind,
            label,
            oneof: oneof.map(|index| index as u16),
        })
    }
}

impl Kind {
    fn of(kind: &prost_reflect::Kind, ids: &Ids) -> Self {
        use prost_reflect::Kind as Theirs;
        match kind {
            Theirs::Double => Self::Double,
            Theirs::Float => Self::Float,
            Theirs::Int32 => Self::Int32,
            Theirs::Int64 => Self::Int64,
            Theirs::Uint32 => Self::Uint32,
            Theirs::Uint64 => Self::Uint64,
            Theirs::Sint32 => Self::Sint32,
            Theirs::Sint64 => Self::Sint64,
            Theirs::Fixed32 => Self::Fixed32,
            Theirs::Fixed64 => Self::Fixed64,
            Theirs::Sfixed32 => Self::Sfixed32,
            Theirs::Sfixed64 => Self::Sfixed64,
            Theirs::Bool => Self::Bool,
            Theirs::String => Self::String,
            Theirs::Bytes => Self::Bytes,
            Theirs::Message(message) => Self::Message(MessageId(ids.messages[message.full_name()])),
            Theirs::Enum(enumeration) => Self::Enum(EnumId(ids.enums[enumeration.full_name()])),
        }
    }
}

impl Enum {
    fn new(descriptor: &EnumDescriptor) -> Self {
        let mut by_name: Vec<(Box<str>, i32)> = Vec::new();
        let mut by_number: Vec<(i32, Box<str>)> = Vec::new();
        for value in descriptor.values() {
            by_name.push((value.name().into(), value.number()));
            by_number.push((value.number(), value.name().into()));
        }
        by_name.sort();
        // A stable sort keeps the name that was declared first; aliases follow it.
        by_number.sort_by_key(|(number, _)| *number);
        by_number.dedup_by_key(|(number, _)| *number);
        Self {
            is_null: descriptor.full_name() == "google.protobuf.NullValue",
            by_name: by_name.into(),
            by_number: by_number.into(),
        }
    }
}

/// Where the descriptors' messages and enums stand in the tables.
struct Ids {
    messages: HashMap<Box<str>, u32>,
    enums: HashMap<Box<str>, u32>,
}

fn index(names: impl Iterator<Item = Box<str>>) -> HashMap<Box<str>, u32> {
    names.zip(0..).collect()
}

/// Both spellings of each field, sorted; where a JSON name is another field's
/// proto name, the JSON name wins.
fn names(fields: &[Field]) -> Box<[(Box<str>, FieldId)]> {
    let spelled = |name: fn(&Field) -> &Box<str>| {
        let fields = fields.iter().enumerate();
        fields.map(move |(index, field)| (name(field).clone(), field_id(index)))
    };
    let mut names: Vec<_> = spelled(|f| &f.json_name)
        .chain(spelled(|f| &f.name))
        .collect();
    names.sort_by(|(a, _), (b, _)| by_length(a, b));
    names.dedup_by(|(b, _), (a, _)| a == b);
    names.into()
}
