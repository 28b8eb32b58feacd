//! JSON Schemas of messages, as they stand in requests and in answers. Knows
//! no HTTP and no envelope.

use std::collections::HashMap;

use prost_reflect::{EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::contract::{Rules, comment};

/// Where a schema stands, which decides what may be absent or null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// An answer: every field is there, and null where it has no value.
    Answer,
    /// A request: fields may be absent, and null means the same.
    Request,
    /// A request with an update mask: null clears a field that can be empty.
    Patch,
    /// A query parameter, where there is no null.
    Query,
}

/// The schemas that others refer to, by name.
#[derive(Default)]
pub(super) struct Schemas {
    schemas: Map<String, Value>,
    /// What each name stands for.
    owners: HashMap<String, String>,
}

impl Schemas {
    /// The `components.schemas` of the document.
    pub(super) fn into_components(self) -> Map<String, Value> {
        self.schemas
    }

    /// A reference to the schema of a message.
    pub(super) fn message(&mut self, message: &MessageDescriptor, form: Form) -> Value {
        if let Some(schema) = well_known(message.full_name()) {
            return schema;
        }
        let suffix = match form {
            Form::Answer => "",
            Form::Patch => "Patch",
            Form::Request | Form::Query => "Input",
        };
        let name = scoped_name(message.name(), message.parent_message()) + suffix;
        let owner = format!("{} {form:?}", message.full_name());
        self.component(name, owner, |schemas| schemas.object(message, form, &[]))
    }

    /// A reference to the schema of a request body: the message without the
    /// fields that come from elsewhere.
    pub(super) fn body(
        &mut self,
        message: &MessageDescriptor,
        form: Form,
        elsewhere: &[FieldDescriptor],
    ) -> Value {
        let without: Vec<&str> = elsewhere.iter().map(FieldDescriptor::name).collect();
        let owner = format!("{} {form:?} {without:?}", message.full_name());
        let name = scoped_name(message.name(), message.parent_message());
        self.component(name, owner, |schemas| {
            schemas.object(message, form, elsewhere)
        })
    }

    /// The schema of one field.
    pub(super) fn field(&mut self, field: &FieldDescriptor, form: Form) -> Value {
        let rules = Rules::of(field);
        let mut schema = if field.is_map() {
            let entry = field.kind();
            let value = entry
                .as_message()
                .map(MessageDescriptor::map_entry_value_field);
            let value = value.map_or(json!({}), |value| self.kind(&value.kind(), form));
            json!({"type": "object", "additionalProperties": value})
        } else if field.is_list() {
            json!({"type": "array", "items": self.kind(&field.kind(), form)})
        } else {
            self.single(&field.kind(), &rules, form)
        };
        bound(&mut schema, field, &rules, form);
        if is_nullable(field, &rules, form) {
            schema = or_null(schema);
        }
        let description = comment(&field.parent_file(), field.path());
        described(schema, &description)
    }

    fn object(
        &mut self,
        message: &MessageDescriptor,
        form: Form,
        elsewhere: &[FieldDescriptor],
    ) -> Value {
        let (mut properties, mut required) = (Map::new(), Vec::new());
        for field in message.fields() {
            let rules = Rules::of(&field);
            if form != Form::Answer && (rules.output_only || elsewhere.contains(&field)) {
                continue;
            }
            if form == Form::Answer || (form == Form::Request && rules.required) {
                required.push(field.json_name().to_owned());
            }
            properties.insert(field.json_name().to_owned(), self.field(&field, form));
        }
        let mut schema = json!({"type": "object"});
        let description = comment(&message.parent_file(), message.path());
        if !description.is_empty() {
            schema["description"] = description.into();
        }
        if !required.is_empty() {
            schema["required"] = required.into();
        }
        if !properties.is_empty() {
            schema["properties"] = properties.into();
        }
        if form != Form::Answer {
            schema["additionalProperties"] = false.into();
        }
        schema
    }

    fn single(&mut self, kind: &Kind, rules: &Rules, form: Form) -> Value {
        let narrowed = kind.as_enum().and_then(|values| rules.narrowed(values));
        match narrowed {
            Some(names) => json!({"type": "string", "enum": names}),
            None => self.kind(kind, form),
        }
    }

    fn kind(&mut self, kind: &Kind, form: Form) -> Value {
        match kind {
            Kind::Message(message) => self.message(message, form),
            Kind::Enum(values) => self.enumeration(values),
            Kind::Bool => json!({"type": "boolean"}),
            Kind::String => json!({"type": "string"}),
            Kind::Bytes => json!({"type": "string", "contentEncoding": "base64"}),
            Kind::Float => json!({"type": "number", "format": "float"}),
            Kind::Double => json!({"type": "number", "format": "double"}),
            Kind::Int32 | Kind::Sint32 | Kind::Sfixed32 => {
                json!({"type": "integer", "format": "int32"})
            }
            Kind::Uint32 | Kind::Fixed32 => {
                json!({"type": "integer", "format": "int64", "minimum": 0, "maximum": u32::MAX})
            }
            // JavaScript's numbers are too small for these.
            Kind::Int64 | Kind::Sint64 | Kind::Sfixed64 => {
                json!({"type": "string", "pattern": "^-?[0-9]{1,19}$"})
            }
            Kind::Uint64 | Kind::Fixed64 => json!({"type": "string", "pattern": "^[0-9]{1,20}$"}),
        }
    }

    /// The names of an enum without its zero value, which stands for none.
    fn enumeration(&mut self, values: &EnumDescriptor) -> Value {
        let name = scoped_name(values.name(), values.parent_message());
        self.component(name, values.full_name().to_owned(), |_| {
            let file = values.parent_file();
            let mut description = comment(&file, values.path());
            let mut names = Vec::new();
            for value in values.values().filter(|value| value.number() != 0) {
                let meaning = comment(&file, value.path());
                let separator = if names.is_empty() { "\n\n" } else { "\n" };
                description += &format!("{separator}- `{}`: {meaning}", value.name());
                names.push(value.name().to_owned());
            }
            json!({"type": "string", "description": description, "enum": names})
        })
    }

    /// A reference to a schema that is built once for each owner. Where two
    /// owners would have one name, the later one is numbered.
    fn component(
        &mut self,
        wanted: String,
        owner: String,
        build: impl FnOnce(&mut Self) -> Value,
    ) -> Value {
        let mut name = wanted.clone();
        let mut number = 1;
        while self.owners.get(&name).is_some_and(|taken| *taken != owner) {
            number += 1;
            name = format!("{wanted}{number}");
        }
        let reference = json!({"$ref": format!("#/components/schemas/{name}")});
        if !self.owners.contains_key(&name) {
            self.owners.insert(name.clone(), owner);
            // Holds the place, for messages that contain themselves.
            self.schemas.insert(name.clone(), Value::Null);
            let schema = build(self);
            self.schemas.insert(name, schema);
        }
        reference
    }
}

fn is_nullable(field: &FieldDescriptor, rules: &Rules, form: Form) -> bool {
    let is_enum = !field.is_list() && field.kind().as_enum().is_some();
    match form {
        Form::Answer => (field.supports_presence() || is_enum) && !rules.required,
        Form::Request => !rules.required,
        Form::Patch => rules.min_len.is_none() && !is_enum,
        Form::Query => false,
    }
}

fn bound(schema: &mut Value, field: &FieldDescriptor, rules: &Rules, form: Form) {
    let not_empty = form == Form::Request && rules.required && !field.is_list();
    let is_text = matches!(field.kind(), Kind::String) && !field.is_list();
    let min_len = rules.min_len.or((not_empty && is_text).then_some(1));
    let bounds = [
        ("minLength", min_len.map(Value::from)),
        ("maxLength", rules.max_len.map(Value::from)),
        ("minimum", rules.minimum.map(Value::from)),
        ("maximum", rules.maximum.map(Value::from)),
        ("maxItems", rules.max_items.map(Value::from)),
        (
            "enum",
            (!rules.allowed.is_empty()).then(|| rules.allowed.clone().into()),
        ),
    ];
    for (name, bound) in bounds {
        if let Some(bound) = bound {
            schema[name] = bound;
        }
    }
}

/// The same schema, or null.
pub(super) fn or_null(mut schema: Value) -> Value {
    if let Some(name) = schema.get("type").and_then(Value::as_str) {
        schema["type"] = json!([name, "null"]);
        if let Some(Value::Array(allowed)) = schema.get_mut("enum") {
            allowed.push(Value::Null);
        }
        return schema;
    }
    if schema.get("$ref").is_none() {
        return schema; // Anything at all, so null too.
    }
    json!({"oneOf": [schema, {"type": "null"}]})
}

fn described(schema: Value, description: &str) -> Value {
    let Value::Object(keywords) = schema else {
        return schema;
    };
    let mut described = Map::new();
    if !description.is_empty() {
        described.insert("description".into(), description.into());
    }
    described.extend(keywords);
    described.into()
}

/// The name of a declaration with the names of those around it.
fn scoped_name(name: &str, parent: Option<MessageDescriptor>) -> String {
    match parent {
        Some(parent) => scoped_name(parent.name(), parent.parent_message()) + name,
        None => name.to_owned(),
    }
}

/// The JSON of protobuf's well-known types.
fn well_known(full_name: &str) -> Option<Value> {
    Some(match full_name.strip_prefix("google.protobuf.")? {
        "Timestamp" => json!({"type": "string", "format": "date-time"}),
        "Duration" => json!({"type": "string", "pattern": r"^-?[0-9]+(\.[0-9]{1,9})?s$"}),
        "FieldMask" => json!({"type": "string"}),
        "Empty" => json!({"type": "object", "additionalProperties": false}),
        "Struct" | "Any" => json!({"type": "object"}),
        "ListValue" => json!({"type": "array", "items": {}}),
        "Value" => json!({}),
        "BoolValue" => json!({"type": "boolean"}),
        "StringValue" => json!({"type": "string"}),
        "BytesValue" => json!({"type": "string", "contentEncoding": "base64"}),
        "Int32Value" | "UInt32Value" => json!({"type": "integer"}),
        "Int64Value" | "UInt64Value" => json!({"type": "string", "pattern": "^-?[0-9]{1,20}$"}),
        "FloatValue" | "DoubleValue" => json!({"type": "number"}),
        _ => return None,
    })
}
