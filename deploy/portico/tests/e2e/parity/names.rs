//! Where a method is in REST, and what its fields are called there.

use prost_reflect::{MethodDescriptor, Value as ProtoValue};

use crate::grpc;

/// Verb and path template of a method.
pub(super) fn http_rule(method: &MethodDescriptor) -> (String, String) {
    let extension = grpc::POOL
        .get_extension_by_name("google.api.http")
        .expect("imported");
    let options = method.options();
    let rule = options.get_extension(&extension);
    let rule = rule.as_message().expect("a rule");
    for verb in ["get", "post", "patch", "delete"] {
        if let Some(ProtoValue::String(template)) = rule.get_field_by_name(verb).as_deref()
            && !template.is_empty()
        {
            return (verb.to_uppercase(), template.clone());
        }
    }
    panic!("{} has no rule", method.full_name());
}

pub(super) fn list_field(method: &MethodDescriptor) -> String {
    let output = method.output();
    let field = output
        .fields()
        .find(prost_reflect::FieldDescriptor::is_list);
    field.expect("a repeated field").json_name().to_owned()
}

pub(super) fn camel_case(snake: &str) -> String {
    let mut words = snake.split('_');
    let first = words.next().unwrap_or_default().to_owned();
    words.fold(first, |camel, word| {
        camel + &word[..1].to_uppercase() + &word[1..]
    })
}

pub(super) fn snake_case(camel: &str) -> String {
    camel.chars().fold(String::new(), |mut snake, letter| {
        if letter.is_uppercase() {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
        snake
    })
}
