//! Writes an `impl Validate` for each request from its `buf.validate` rules.
//!
//! It knows the rules that the contracts use; any other rule fails the build,
//! so that none is silently left out. (The generator crate for these rules
//! needs an installed `protoc`.) Three rules need no option: an enum field that
//! is present holds a named value, and not the zero one, and a moment is one of
//! those that have a form in JSON.

use std::fmt::Write as _;

use anyhow::{Context as _, bail, ensure};
use prost_reflect::{
    Cardinality, DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind,
    MessageDescriptor, Value,
};

use crate::options;

/// The source of the impls.
pub(crate) fn generate(pool: &DescriptorPool) -> anyhow::Result<String> {
    let mut source = String::new();
    for message in pool.all_messages() {
        if is_request(&message) {
            let implementation = implementation(pool, &message)
                .with_context(|| format!("message {}", message.full_name()))?;
            source.push_str(&implementation);
        }
    }
    Ok(source)
}

/// Requests and the messages declared inside them are validated.
fn is_request(message: &MessageDescriptor) -> bool {
    message.package_name().starts_with("portico.")
        && (message.name().ends_with("Request")
            || message
                .parent_message()
                .is_some_and(|parent| is_request(&parent)))
}

fn implementation(pool: &DescriptorPool, message: &MessageDescriptor) -> anyhow::Result<String> {
    let mut checks = String::new();
    for field in message.fields() {
        let rules = options::get(pool, &field.options(), "buf.validate.field")?;
        let check =
            checks_of(&field, rules.as_ref()).with_context(|| format!("field {}", field.name()))?;
        checks.push_str(&check);
    }
    let used = if checks.is_empty() { "_" } else { "" };
    Ok(format!(
        "impl Validate for {} {{\nfn validate_at(&self, {used}path: &str, {used}report: Report<'_>) {{\n{checks}}}\n}}\n",
        rust_path(message)
    ))
}

fn checks_of(field: &FieldDescriptor, rules: Option<&DynamicMessage>) -> anyhow::Result<String> {
    let required = rules.is_some_and(|rules| options::flag(rules, "required"));
    let (name, json) = (field.name(), field.json_name());
    let mut checks = String::new();
    if let Some(rules) = rules {
        for (rule, value) in rules.fields() {
            let of_kind = |prefix| kind_checks(value, prefix, json);
            checks += &match rule.name() {
                "required" | "enum" => String::new(),
                "string" => of_kind("text")?,
                "int32" => of_kind("number")?,
                "repeated" => of_kind("items")?,
                other => bail!("the rule `{other}` is not known here"),
            };
        }
    }
    match field.kind() {
        Kind::Enum(values) => checks += &enum_check(&values, &refused(rules)?, json),
        Kind::Message(inner) if inner.full_name() == "google.protobuf.Timestamp" => {
            checks += &timestamp_check(json);
        }
        Kind::Message(inner) if field.is_list() && is_request(&inner) => {
            return Ok(format!(
                "let value = &self.{name};\n{checks}for (index, item) in value.iter().enumerate() {{\n\
                 item.validate_at(&format!(\"{{path}}{json}[{{index}}].\"), report);\n}}\n"
            ));
        }
        _ => {}
    }
    let absent = match field.kind() {
        Kind::String => "value.is_empty()",
        _ => "*value == 0",
    };
    Ok(match (field.cardinality(), field.supports_presence()) {
        _ if checks.is_empty() && !required => String::new(),
        (Cardinality::Repeated, _) => format!("let value = &self.{name};\n{checks}"),
        (_, true) if !required => format!("if let Some(value) = &self.{name} {{\n{checks}}}\n"),
        (_, false) if required => {
            let others = match checks.as_str() {
                "" => String::new(),
                checks => format!(" else {{\n{checks}}}"),
            };
            format!(
                "let value = &self.{name};\nif {absent} {{\n\
                 report(&format!(\"{{path}}{json}\"), \"REQUIRED\", \"is required\".into());\n}}{others}\n"
            )
        }
        _ => bail!("a rule on this kind of field is not known here"),
    })
}

/// The checks of a message of rules for one kind of value.
fn kind_checks(rules: &Value, prefix: &str, json: &str) -> anyhow::Result<String> {
    let rules = rules.as_message().context("not a message of rules")?;
    let secret = if json.to_lowercase().ends_with("password") {
        "PASSWORD_"
    } else {
        ""
    };
    let mut checks = String::new();
    for (rule, bound) in rules.fields() {
        let name = rule.name();
        let bound_number = bound
            .as_u64()
            .map(|number| number.to_string())
            .or_else(|| bound.as_i32().map(|number| number.to_string()))
            .unwrap_or_default();
        let (fails, code, message) = match (prefix, name) {
            ("text", "min_len") => (
                format!("value.chars().count() < {bound_number}"),
                format!("{secret}TOO_SHORT"),
                format!("must have at least {bound_number} characters"),
            ),
            ("text", "max_len") => (
                format!("value.chars().count() > {bound_number}"),
                format!("{secret}TOO_LONG"),
                format!("must have at most {bound_number} characters"),
            ),
            ("text", "in") => {
                let allowed: Vec<&str> = bound
                    .as_list()
                    .context("not a list")?
                    .iter()
                    .filter_map(Value::as_str)
                    .collect();
                (
                    format!("!{allowed:?}.contains(&value.as_str())"),
                    "NOT_ALLOWED".to_owned(),
                    format!("must be one of {}", allowed.join(", ")),
                )
            }
            ("number", "gte") => (
                format!("*value < {bound_number}"),
                "OUT_OF_RANGE".to_owned(),
                format!("must be at least {bound_number}"),
            ),
            ("number", "lte") => (
                format!("*value > {bound_number}"),
                "OUT_OF_RANGE".to_owned(),
                format!("must be at most {bound_number}"),
            ),
            ("items", "max_items") => (
                format!("value.len() > {bound_number}"),
                "TOO_LONG".to_owned(),
                format!("must have at most {bound_number} entries"),
            ),
            _ => bail!("the rule `{name}` is not known here"),
        };
        writeln!(
            checks,
            "if {fails} {{ report(&format!(\"{{path}}{json}\"), {code:?}, {message:?}.into()); }}"
        )?;
    }
    Ok(checks)
}

/// The numbers of an enum that a field refuses beside the zero one.
fn refused(rules: Option<&DynamicMessage>) -> anyhow::Result<Vec<i32>> {
    let rules = rules.and_then(|rules| rules.get_field_by_name("enum"));
    let rules = rules.as_deref().and_then(Value::as_message);
    let mut refused = Vec::new();
    for (rule, numbers) in rules.into_iter().flat_map(DynamicMessage::fields) {
        let name = rule.name();
        ensure!(name == "not_in", "the rule `{name}` is not known here");
        let numbers = numbers.as_list().context("not a list")?;
        refused.extend(numbers.iter().filter_map(Value::as_i32));
    }
    Ok(refused)
}

fn enum_check(values: &EnumDescriptor, refused: &[i32], json: &str) -> String {
    let named: Vec<_> = values
        .values()
        .filter(|value| value.number() != 0 && !refused.contains(&value.number()))
        .collect();
    let numbers: Vec<String> = named
        .iter()
        .map(|value| value.number().to_string())
        .collect();
    let names: Vec<&str> = named.iter().map(|value| value.name()).collect();
    format!(
        "if ![{}].contains(value) {{ report(&format!(\"{{path}}{json}\"), \"NOT_ALLOWED\", \
         \"must be one of {}\".into()); }}\n",
        numbers.join(", "),
        names.join(", ")
    )
}

/// The bounds are those of `google/protobuf/timestamp.proto`.
fn timestamp_check(json: &str) -> String {
    format!(
        "if !(-62_135_596_800..=253_402_300_799).contains(&value.seconds) \
         || !(0..1_000_000_000).contains(&value.nanos) {{ \
         report(&format!(\"{{path}}{json}\"), \"OUT_OF_RANGE\", \
         \"must be between the years 1 and 9999\".into()); }}\n"
    )
}

/// The path of the generated type, relative to the crate.
fn rust_path(message: &MessageDescriptor) -> String {
    let package = message.package_name().replace('.', "::");
    let mut scope = String::new();
    let mut parent = message.parent_message();
    while let Some(outer) = parent {
        scope = format!("{}::{scope}", snake_case(outer.name()));
        parent = outer.parent_message();
    }
    format!("{package}::{scope}{}", message.name())
}

fn snake_case(pascal: &str) -> String {
    let mut snake = String::new();
    for (index, letter) in pascal.char_indices() {
        if letter.is_uppercase() && index > 0 {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}
