//! One HTTP rule of a contract as an operation of the document.

use portico_proto::{CallerClass, Success};
use prost_reflect::{FieldDescriptor, Kind, MessageDescriptor};
use serde_json::{Map, Value, json};

use super::{
    contract::{Binding, PathVariable, Rules, comment},
    conventions, example,
    schema::{Form, Schemas},
};

/// Only these answers are wrapped in the envelope.
const ENVELOPED: &str = "/api/";

/// The operation of a binding.
pub(super) fn operation(
    id: &str,
    binding: &Binding<'_>,
    variables: &[PathVariable],
    schemas: &mut Schemas,
) -> Value {
    let (summary, description) = texts(binding);
    let mut operation = json!({
        "operationId": id,
        "tags": [tag(binding.method.parent_service().name())],
        "summary": summary,
        "description": description,
    });
    let parameters = parameters(binding, variables, schemas);
    if !parameters.is_empty() {
        operation["parameters"] = parameters.into();
    }
    if let Some(body) = request_body(binding, variables, schemas) {
        operation["requestBody"] = body;
    }
    operation["responses"] = responses(binding, variables, schemas).into();
    operation["security"] = security(binding);
    operation
}

/// The tag of a service.
pub(super) fn tag(service: &str) -> &str {
    service.strip_suffix("Service").unwrap_or(service)
}

/// The first sentence of a method's comment; the rest of it, and who may call.
fn texts(binding: &Binding<'_>) -> (String, String) {
    let method = &binding.method;
    let comment = comment(&method.parent_file(), method.path());
    let first_line = comment.lines().next().unwrap_or_default();
    let summary = match first_line.split_once(". ") {
        Some((sentence, _)) => sentence,
        None => first_line.trim_end_matches('.'),
    };
    let rest = comment[summary.len()..]
        .trim_start_matches('.')
        .trim_start();

    let policy = binding.policy;
    let who = match policy.caller {
        CallerClass::Public => "Anybody may call it.",
        CallerClass::User if policy.service_accounts => {
            "The caller must be signed in, or a service account."
        }
        CallerClass::User => "The caller must be signed in.",
        CallerClass::Admin if policy.scope.is_empty() => {
            "The caller must have the instance role `ADMIN`."
        }
        CallerClass::Admin => {
            "The caller must have the instance role `ADMIN`, or be a service account."
        }
        CallerClass::Service => "Only other services may call it.",
    };
    let keys = match (policy.caller, policy.scope) {
        (CallerClass::Public, _) => String::new(),
        (_, "") => " An API key does not suffice.".to_owned(),
        (_, scope) => format!(" An API key needs the scope `{scope}`."),
    };
    let separator = if rest.is_empty() { "" } else { "\n\n" };
    (summary.to_owned(), format!("{rest}{separator}{who}{keys}"))
}

fn parameters(
    binding: &Binding<'_>,
    variables: &[PathVariable],
    schemas: &mut Schemas,
) -> Vec<Value> {
    let mut parameters = Vec::new();
    for variable in variables {
        let field = &variable.field;
        // Any text is looked up: an id of the wrong form is a thing that is
        // not there, and a resource may have other names than its id.
        let mut parameter = json!({
            "name": variable.name,
            "in": "path",
            "required": true,
            "description": comment(&field.parent_file(), field.path()),
            "schema": {"type": "string", "minLength": 1},
        });
        if let Some(example) = example::parameter(field) {
            parameter["example"] = example;
        }
        parameters.push(parameter);
    }
    if binding.body != "*" {
        let elsewhere = elsewhere(binding, variables);
        query(
            &binding.method.input(),
            "",
            &elsewhere,
            schemas,
            &mut parameters,
        );
    }

    let mut headers = Vec::new();
    if reads_etag(binding) {
        headers.push("IfNoneMatch");
    }
    if checks_etag(binding) {
        headers.push("IfMatch");
    }
    if binding.policy.idempotency_key {
        headers.push("IdempotencyKey");
    }
    for header in headers {
        parameters.push(json!({"$ref": format!("#/components/parameters/{header}")}));
    }
    parameters
}

/// The query parameters of a message; those of a message inside it as
/// `outer.inner`.
fn query(
    message: &MessageDescriptor,
    prefix: &str,
    elsewhere: &[FieldDescriptor],
    schemas: &mut Schemas,
    parameters: &mut Vec<Value>,
) {
    for field in message.fields() {
        let rules = Rules::of(&field);
        if elsewhere.contains(&field) || rules.output_only || field.is_map() {
            continue;
        }
        let name = format!("{prefix}{}", field.json_name());
        match field.kind() {
            Kind::Message(inner) if !inner.full_name().starts_with("google.protobuf.") => {
                if !field.is_list() && inner != *message {
                    query(&inner, &format!("{name}."), &[], schemas, parameters);
                }
                continue;
            }
            _ => {}
        }
        let mut schema = schemas.field(&field, Form::Query);
        let description = schema
            .as_object_mut()
            .and_then(|it| it.shift_remove("description"));
        let mut parameter = json!({"name": name, "in": "query", "schema": schema});
        if let Some(description) = description {
            parameter["description"] = description;
        }
        if rules.required {
            parameter["required"] = true.into();
        }
        parameters.push(parameter);
    }
}

fn request_body(
    binding: &Binding<'_>,
    variables: &[PathVariable],
    schemas: &mut Schemas,
) -> Option<Value> {
    let input = binding.method.input();
    let (message, elsewhere) = match binding.body.as_str() {
        "" => return None,
        "*" => (input.clone(), elsewhere(binding, variables)),
        field => match input.get_field_by_name(field)?.kind() {
            Kind::Message(message) => (message, Vec::new()),
            _ => return None,
        },
    };
    let form = match update_mask(binding) {
        Some(_) => Form::Patch,
        None => Form::Request,
    };
    if message.fields().all(|field| elsewhere.contains(&field)) {
        let schema = json!({"type": "object", "additionalProperties": false});
        return Some(json!({"content": {"application/json": {"schema": schema}}}));
    }
    let has_required = message
        .fields()
        .any(|field| !elsewhere.contains(&field) && Rules::of(&field).required);
    Some(json!({
        "required": form == Form::Request && has_required,
        "content": {"application/json": {
            "schema": schemas.body(&message, form, &elsewhere),
            "example": example::message(&message, form, &elsewhere),
        }},
    }))
}

/// The fields of a request that neither its query nor its body carries.
fn elsewhere(binding: &Binding<'_>, variables: &[PathVariable]) -> Vec<FieldDescriptor> {
    let mut elsewhere: Vec<_> = variables
        .iter()
        .map(|variable| variable.field.clone())
        .collect();
    let input = binding.method.input();
    elsewhere.extend(update_mask(binding));
    elsewhere.extend(input.get_field_by_name(&binding.body));
    elsewhere
}

/// The field that the gateway fills in: what a PATCH changes.
fn update_mask(binding: &Binding<'_>) -> Option<FieldDescriptor> {
    let input = binding.method.input();
    let is_patch = binding.verb == "patch" && !binding.body.is_empty();
    input.get_field_by_name("update_mask").filter(|_| is_patch)
}

fn responses(
    binding: &Binding<'_>,
    variables: &[PathVariable],
    schemas: &mut Schemas,
) -> Map<String, Value> {
    let (status, description) = match binding.policy.success {
        Success::Ok => ("200", "Done."),
        Success::Created => ("201", "Created."),
        Success::Accepted => ("202", "Accepted; the work goes on."),
    };
    let mut responses = Map::new();
    let mut headers = vec!["X-Request-Id", "RateLimit", "RateLimit-Policy"];
    if has_etag(binding) {
        headers.push("ETag");
    }
    if binding.policy.idempotency_key {
        headers.push("Idempotency-Replayed");
    }
    if binding.policy.refresh_cookie {
        headers.push("Set-Cookie");
    }
    let content = match binding.method.is_server_streaming() {
        true => json!({"application/x-ndjson": lines(binding, schemas)}),
        false => {
            let (schema, example) = answer(binding, schemas);
            json!({"application/json": {"schema": schema, "example": example}})
        }
    };
    let success = json!({
        "description": description,
        "headers": conventions::headers(&headers),
        "content": content,
    });
    responses.insert(status.to_owned(), success);
    if reads_etag(binding) {
        let headers = conventions::headers(&["X-Request-Id", "ETag"]);
        let not_modified = json!({"description": "Still the version that `If-None-Match` names.", "headers": headers});
        responses.insert("304".to_owned(), not_modified);
    }
    let failures = failures(binding, !variables.is_empty());
    responses.extend(failures.into_iter().filter_map(conventions::failure));
    responses
}

/// What a stream answers. The schema of a sequence has no place of its own in
/// this version of OpenAPI; that of its text does.
fn lines(binding: &Binding<'_>, schemas: &mut Schemas) -> Value {
    let output = binding.method.output();
    let schema = json!({
        "type": "string",
        "description": format!("Each line is one `{}`.", output.name()),
        "contentMediaType": "application/x-ndjson",
        "contentSchema": schemas.message(&output, Form::Answer),
    });
    let example = example::message(&output, Form::Answer, &[]);
    json!({"schema": schema, "example": format!("{example}\n")})
}

/// The schema and an example of what a success answers.
fn answer(binding: &Binding<'_>, schemas: &mut Schemas) -> (Value, Value) {
    let output = binding.method.output();
    let example = || example::message(&output, Form::Answer, &[]);
    if !binding.template.starts_with(ENVELOPED) {
        return (schemas.message(&output, Form::Answer), example());
    }
    if output.full_name() == "google.protobuf.Empty" {
        return (
            conventions::envelope(json!({"type": "null"}), None),
            conventions::envelope_example(Value::Null, None),
        );
    }
    if let Some((rows, page_info)) = list(&output) {
        let pagination = page_info.kind().as_message().map(|message| {
            let schema = schemas.message(message, Form::Answer);
            (schema, example::message(message, Form::Answer, &[]))
        });
        let (pagination, pagination_example) = pagination.unzip();
        let data = schemas.field(&rows, Form::Answer);
        let data_example = example()[rows.json_name()].take();
        return (
            conventions::envelope(data, pagination),
            conventions::envelope_example(data_example, pagination_example),
        );
    }
    (
        conventions::envelope(schemas.message(&output, Form::Answer), None),
        conventions::envelope_example(example(), None),
    )
}

/// A list is known by its shape: one repeated field beside `page_info`.
fn list(message: &MessageDescriptor) -> Option<(FieldDescriptor, FieldDescriptor)> {
    let page_info = message.get_field_by_name("page_info")?;
    let mut others = message.fields().filter(|field| *field != page_info);
    let rows = others.next().filter(FieldDescriptor::is_list)?;
    others.next().is_none().then_some((rows, page_info))
}

/// The failing statuses that the operation can have.
fn failures(binding: &Binding<'_>, names_a_thing: bool) -> Vec<u16> {
    let policy = binding.policy;
    let knows_callers =
        policy.caller != CallerClass::Public || policy.credentials || policy.refresh_cookie;
    // A sign-in changes nothing that a rule could stand against.
    let is_change = binding.verb != "get" && !policy.refresh_cookie;
    let has_body = !binding.body.is_empty();
    let failures = [
        (400, true),
        (401, knows_callers),
        (403, knows_callers),
        (404, names_a_thing),
        (406, true),
        (409, is_change || policy.idempotency_key),
        (412, checks_etag(binding)),
        (413, has_body),
        (415, has_body),
        (422, policy.idempotency_key),
        (429, true),
        (500, true),
        (503, true),
        (504, true),
    ];
    let possible = failures.into_iter().filter(|(_, possible)| *possible);
    possible.map(|(status, _)| status).collect()
}

fn has_etag(binding: &Binding<'_>) -> bool {
    binding.method.output().get_field_by_name("etag").is_some()
}

fn reads_etag(binding: &Binding<'_>) -> bool {
    binding.verb == "get" && has_etag(binding)
}

fn checks_etag(binding: &Binding<'_>) -> bool {
    matches!(binding.verb, "patch" | "delete")
}

fn security(binding: &Binding<'_>) -> Value {
    let policy = binding.policy;
    // A request that can ask for the cookie writes it; the others read it.
    let asks_for_cookie = binding.method.input().get_field_by_name("cookie").is_some();
    let reads_cookie = policy.refresh_cookie && !asks_for_cookie;
    match (policy.caller, reads_cookie) {
        (CallerClass::Public, false) => json!([]),
        (CallerClass::Public, true) => json!([{}, {"refreshCookie": []}]),
        (_, false) => json!([{"bearerAuth": []}]),
        (_, true) => json!([{"bearerAuth": []}, {"bearerAuth": [], "refreshCookie": []}]),
    }
}
