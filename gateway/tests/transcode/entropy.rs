//! Messages made up from bytes: the same bytes make the same message, and fewer
//! of them a smaller one.

use prost_reflect::prost::bytes::Bytes;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MapKey, MessageDescriptor, Value};

pub(crate) struct Entropy<'a>(pub(crate) &'a [u8]);

impl Entropy<'_> {
    /// The next byte; zero when there are no more.
    fn byte(&mut self) -> u8 {
        self.0.split_off_first().copied().unwrap_or(0)
    }

    fn below(&mut self, limit: u8) -> u8 {
        self.byte() % limit
    }

    /// Any 64 bits, often the extreme and small ones.
    fn bits(&mut self) -> u64 {
        match self.below(8) {
            0 => 0,
            1 => u64::MAX,
            2 => 1 << 63,
            3 => u64::from(u32::MAX) + u64::from(self.byte()),
            4 | 5 => self.byte().into(),
            _ => (0..8).fold(0, |bits, _| bits << 8 | u64::from(self.byte())),
        }
    }

    fn string(&mut self) -> String {
        const PIECES: [&str; 12] = [
            "",
            "a",
            "Zoë",
            "\"",
            "\\",
            "\n\t\r",
            "\u{0}\u{1f}\u{7f}",
            "🦀",
            "\u{2028}",
            "</x>",
            "plain ascii text",
            "é",
        ];
        (0..self.below(4))
            .map(|_| PIECES[usize::from(self.below(12))])
            .collect()
    }

    pub(crate) fn message(&mut self, descriptor: &MessageDescriptor, depth: u8) -> DynamicMessage {
        let mut message = DynamicMessage::new(descriptor.clone());
        let name = descriptor.full_name();
        match name.strip_prefix("google.protobuf.") {
            Some("Timestamp") => {
                let seconds = self.bits() % 253_402_300_799;
                message.set_field_by_name("seconds", Value::I64(seconds as i64));
                message
                    .set_field_by_name("nanos", Value::I32((self.bits() % 1_000_000_000) as i32));
            }
            Some("Duration") => {
                let sign = if self.below(2) == 0 { 1 } else { -1 };
                let seconds = (self.bits() % 315_576_000_000) as i64;
                message.set_field_by_name("seconds", Value::I64(sign * seconds));
                message.set_field_by_name(
                    "nanos",
                    Value::I32(sign as i32 * (self.bits() % 1_000_000_000) as i32),
                );
            }
            Some("FieldMask") => {
                let paths = (0..self.below(3)).map(|_| Value::String("some_path.in_it".into()));
                message.set_field_by_name("paths", Value::List(paths.collect()));
            }
            Some("Any") => {
                let pool = descriptor.parent_pool();
                let names = [
                    "portico.test.Sink.Inner",
                    "google.protobuf.Duration",
                    "google.protobuf.Empty",
                ];
                let name = names[usize::from(self.below(3))];
                let inner = self.message(&pool.get_message_by_name(name).unwrap(), depth + 1);
                message.set_field_by_name(
                    "type_url",
                    Value::String(format!("type.googleapis.com/{name}")),
                );
                let bytes = prost_reflect::prost::Message::encode_to_vec(&inner);
                message.set_field_by_name("value", Value::Bytes(bytes.into()));
            }
            // Exactly one kind, and only finite numbers.
            Some("Value") => {
                let kinds = [
                    "null_value",
                    "number_value",
                    "string_value",
                    "bool_value",
                    "struct_value",
                    "list_value",
                ];
                let limit = if depth > 4 { 4 } else { 6 };
                let field = descriptor
                    .get_field_by_name(kinds[usize::from(self.below(limit))])
                    .unwrap();
                let value = match field.kind() {
                    Kind::Double => Value::F64(f64::from(self.byte()) / 8.0),
                    kind => self.value(&kind, depth),
                };
                message.set_field(&field, value);
            }
            _ => {
                for field in descriptor.fields() {
                    if self.below(3) > 0 {
                        self.field(&mut message, &field, depth);
                    }
                }
            }
        }
        message
    }

    fn field(&mut self, message: &mut DynamicMessage, field: &FieldDescriptor, depth: u8) {
        if field.kind().as_message().is_some() && depth > 4 {
            return;
        }
        let count = self.below(4);
        let value = if field.is_map() {
            let kind = field.kind();
            let entry = kind.as_message().unwrap();
            let (key, value) = (
                entry.map_entry_key_field().kind(),
                entry.map_entry_value_field().kind(),
            );
            Value::Map(
                (0..count)
                    .map(|_| (self.key(&key), self.value(&value, depth)))
                    .collect(),
            )
        } else if field.is_list() {
            Value::List(
                (0..count)
                    .map(|_| self.value(&field.kind(), depth))
                    .collect(),
            )
        } else {
            self.value(&field.kind(), depth)
        };
        message.set_field(field, value);
    }

    fn key(&mut self, kind: &Kind) -> MapKey {
        match self.value(kind, 0) {
            Value::Bool(key) => MapKey::Bool(key),
            Value::I32(key) => MapKey::I32(key),
            Value::I64(key) => MapKey::I64(key),
            Value::U32(key) => MapKey::U32(key),
            Value::U64(key) => MapKey::U64(key),
            Value::String(key) => MapKey::String(key),
            other => panic!("no key: {other:?}"),
        }
    }

    fn value(&mut self, kind: &Kind, depth: u8) -> Value {
        match kind {
            Kind::Double => Value::F64(f64::from_bits(self.bits())),
            Kind::Float => Value::F32(f32::from_bits(self.bits() as u32)),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => Value::I32(self.bits() as i32),
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => Value::I64(self.bits() as i64),
            Kind::Uint32 | Kind::Fixed32 => Value::U32(self.bits() as u32),
            Kind::Uint64 | Kind::Fixed64 => Value::U64(self.bits()),
            Kind::Bool => Value::Bool(self.below(2) == 1),
            Kind::String => Value::String(self.string()),
            Kind::Bytes => Value::Bytes(Bytes::from(self.string().into_bytes())),
            Kind::Enum(descriptor) if descriptor.full_name() == "google.protobuf.NullValue" => {
                Value::EnumNumber(0)
            }
            Kind::Enum(_) => Value::EnumNumber([1, 2, -3, 0, 77][usize::from(self.below(5))]),
            Kind::Message(descriptor) => Value::Message(self.message(descriptor, depth + 1)),
        }
    }
}
