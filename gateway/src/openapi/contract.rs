//! Reads from the descriptors what OpenAPI needs beyond shapes: comments, HTTP
//! rules, field behaviour and bounds. Builds no JSON.

use portico_proto::{CallerClass, Method};
use prost_reflect::{
    DescriptorPool, DynamicMessage, EnumDescriptor, FieldDescriptor, FileDescriptor,
    MessageDescriptor, MethodDescriptor, Value,
};

/// The verbs that a path of an OpenAPI document can have.
const VERBS: [&str; 5] = ["get", "put", "post", "delete", "patch"];

/// One HTTP rule of a method. A method has one for each of its
/// `additional_bindings` besides its own.
pub(super) struct Binding<'a> {
    pub(super) verb: &'static str,
    /// The path as the contract spells it, such as `/v1/{name=books/*}`.
    pub(super) template: String,
    /// `*`, the name of a field, or empty where there is no body.
    pub(super) body: String,
    pub(super) method: MethodDescriptor,
    pub(super) policy: &'a Method,
}

/// A variable of a path.
pub(super) struct PathVariable {
    /// The name in the OpenAPI path.
    pub(super) name: String,
    /// The field that it fills.
    pub(super) field: FieldDescriptor,
}

/// Every HTTP rule that is routed, in the order of the contracts.
pub(super) fn bindings<'a>(pool: &DescriptorPool, methods: &'a [Method]) -> Vec<Binding<'a>> {
    let mut bindings = Vec::new();
    for service in pool.services() {
        for method in service.methods() {
            let path = format!("/{}/{}", service.full_name(), method.name());
            let policy = methods.iter().find(|policy| policy.path == path);
            let rule = option(pool, &method.options(), "google.api.http");
            let (Some(policy), Some(Value::Message(rule))) = (policy, rule) else {
                continue;
            };
            if policy.caller == CallerClass::Service {
                continue;
            }
            let additional = rule.get_field_by_name("additional_bindings");
            let additional = additional.as_deref().and_then(Value::as_list);
            let additional = additional.into_iter().flatten();
            for rule in [&rule]
                .into_iter()
                .chain(additional.filter_map(Value::as_message))
            {
                bindings.extend(Binding::new(rule, &method, policy));
            }
        }
    }
    bindings
}

impl<'a> Binding<'a> {
    fn new(rule: &DynamicMessage, method: &MethodDescriptor, policy: &'a Method) -> Option<Self> {
        let (verb, template) = VERBS.into_iter().find_map(|verb| {
            let template = text(rule, verb);
            (!template.is_empty()).then_some((verb, template))
        })?;
        Some(Self {
            verb,
            template,
            body: text(rule, "body"),
            method: method.clone(),
            policy,
        })
    }

    /// The path in OpenAPI's spelling, and its variables.
    pub(super) fn path(&self) -> (String, Vec<PathVariable>) {
        openapi_path(&self.template, &self.method.input())
    }
}

/// A template in OpenAPI's spelling, and its variables. A pattern of several
/// segments becomes those segments: `{name=books/*}` is `books/{name}`.
fn openapi_path(template: &str, input: &MessageDescriptor) -> (String, Vec<PathVariable>) {
    let (mut path, mut variables) = (String::new(), Vec::new());
    let mut rest = template;
    while let Some((literal, tail)) = rest.split_once('{') {
        path.push_str(literal);
        let (variable, tail) = tail.split_once('}').unwrap_or((tail, ""));
        let (field_path, pattern) = variable.split_once('=').unwrap_or((variable, "*"));
        let mut segments = Vec::new();
        let mut wildcards = 0;
        for segment in pattern.split('/') {
            let field = field_at(input, field_path);
            let (true, Some((mut name, field))) = (segment.starts_with('*'), field) else {
                segments.push(segment.to_owned());
                continue;
            };
            wildcards += 1;
            if wildcards > 1 {
                name.push_str(&wildcards.to_string());
            }
            segments.push(format!("{{{name}}}"));
            variables.push(PathVariable { name, field });
        }
        path.push_str(&segments.join("/"));
        rest = tail;
    }
    path.push_str(rest);
    (path, variables)
}

/// The field at a path such as `book.author`, and the path in JSON's spelling.
fn field_at(message: &MessageDescriptor, path: &str) -> Option<(String, FieldDescriptor)> {
    let (first, rest) = path.split_once('.').unwrap_or((path, ""));
    let field = message.get_field_by_name(first)?;
    if rest.is_empty() {
        return Some((field.json_name().to_owned(), field));
    }
    let (name, leaf) = field_at(field.kind().as_message()?, rest)?;
    Some((format!("{}.{name}", field.json_name()), leaf))
}

/// What a field demands of its value.
#[derive(Default)]
pub(super) struct Rules {
    /// Never written by a caller.
    pub(super) output_only: bool,
    /// In a request: must be there. In an answer: always is.
    pub(super) required: bool,
    pub(super) min_len: Option<u64>,
    pub(super) max_len: Option<u64>,
    pub(super) allowed: Vec<String>,
    pub(super) minimum: Option<i32>,
    pub(super) maximum: Option<i32>,
    pub(super) max_items: Option<u64>,
    /// The numbers of an enum that it may not have.
    refused: Vec<i32>,
}

impl Rules {
    /// The rules of a field, from `google.api.field_behavior` and
    /// `buf.validate.field`.
    pub(super) fn of(field: &FieldDescriptor) -> Self {
        let pool = field.parent_pool();
        let options = field.options();
        let mut rules = Self::default();

        if let Some(Value::List(behaviours)) = option(pool, &options, "google.api.field_behavior") {
            let names = pool.get_enum_by_name("google.api.FieldBehavior");
            for number in behaviours.iter().filter_map(Value::as_enum_number) {
                match names.as_ref().and_then(|names| names.get_value(number)) {
                    Some(value) if value.name() == "OUTPUT_ONLY" => rules.output_only = true,
                    Some(value) if value.name() == "REQUIRED" => rules.required = true,
                    _ => {}
                }
            }
        }

        if let Some(Value::Message(bounds)) = option(pool, &options, "buf.validate.field") {
            for (rule, value) in bounds.fields() {
                match value {
                    Value::Bool(required) if rule.name() == "required" => {
                        rules.required |= *required;
                    }
                    Value::Message(bounds) => rules.bound(bounds),
                    _ => {}
                }
            }
        }
        rules
    }

    /// The names of an enum that the field may have, where it may not have all
    /// of them.
    pub(super) fn narrowed(&self, values: &EnumDescriptor) -> Option<Vec<String>> {
        let is_named = |number| number != 0 && !self.refused.contains(&number);
        let named = values.values().filter(|value| is_named(value.number()));
        let names = named.map(|value| value.name().to_owned()).collect();
        (!self.refused.is_empty()).then_some(names)
    }

    fn bound(&mut self, bounds: &DynamicMessage) {
        for (bound, value) in bounds.fields() {
            match (bound.name(), value) {
                ("min_len", Value::U64(length)) => self.min_len = Some(*length),
                ("max_len", Value::U64(length)) => self.max_len = Some(*length),
                ("gte", Value::I32(number)) => self.minimum = Some(*number),
                ("lte", Value::I32(number)) => self.maximum = Some(*number),
                ("max_items", Value::U64(count)) => self.max_items = Some(*count),
                ("not_in", Value::List(numbers)) => {
                    self.refused = numbers.iter().filter_map(Value::as_i32).collect();
                }
                ("in", Value::List(allowed)) => {
                    let allowed = allowed.iter().filter_map(Value::as_str);
                    self.allowed = allowed.map(str::to_owned).collect();
                }
                _ => {}
            }
        }
    }
}

/// The comment before the declaration at `path` of a file, as paragraphs.
pub(super) fn comment(file: &FileDescriptor, path: &[i32]) -> String {
    let source = file.file_descriptor_proto().source_code_info.as_ref();
    let locations = source.map_or(&[][..], |source| &source.location);
    let comment = locations
        .iter()
        .find(|location| location.path == path)
        .map_or("", |location| location.leading_comments());
    let mut text = String::new();
    for line in comment.lines().map(str::trim) {
        match line {
            "" => text.push_str("\n\n"),
            _ if text.is_empty() || text.ends_with('\n') => text.push_str(line),
            _ => text.extend([" ", line]),
        }
    }
    text.trim().to_owned()
}

fn option(pool: &DescriptorPool, options: &DynamicMessage, name: &str) -> Option<Value> {
    let extension = pool.get_extension_by_name(name)?;
    let set = options.has_extension(&extension);
    set.then(|| options.get_extension(&extension).into_owned())
}

fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    let text = value.as_deref().and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spelled(template: &str) -> String {
        let pool = DescriptorPool::decode(portico_proto::COMMENTED_DESCRIPTOR_SET).unwrap();
        let input = pool
            .get_message_by_name("portico.projects.v1.UpdateMemberRequest")
            .unwrap();
        openapi_path(template, &input).0
    }

    #[test]
    fn variables_have_the_names_that_json_has() {
        assert_eq!(
            spelled("/v1/{project_id}/{user_id}"),
            "/v1/{projectId}/{userId}"
        );
    }

    #[test]
    fn a_pattern_becomes_its_segments() {
        assert_eq!(
            spelled("/v1/{user_id=people/*}:move"),
            "/v1/people/{userId}:move"
        );
        assert_eq!(
            spelled("/v1/{user_id=a/*/b/**}"),
            "/v1/a/{userId}/b/{userId2}"
        );
    }
}
