//! Routes: each binding of each `google.api.http` rule, checked against the
//! messages that it speaks of.

use http::Method;
use http::uri::PathAndQuery;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, Value};

use super::template::Template;
use crate::transcode::{
    Binding, Body, Bound, FieldId, FieldPath, MessageId, Schema, find_parameter,
};

/// One way to call an RPC over HTTP.
#[derive(Debug)]
pub struct Route {
    /// The full name of the service.
    pub service: Box<str>,
    /// The full name of the RPC.
    pub rpc: Box<str>,
    /// The path of the RPC over gRPC: `/package.Service/Method`.
    pub grpc_path: PathAndQuery,
    /// The HTTP method; `None` for any.
    pub method: Option<Method>,
    /// The path template as the rule has it, for logs and metrics.
    pub template: Box<str>,
    /// How the parts of a request make up the RPC's input.
    pub binding: Binding,
    /// The RPC's output.
    pub output: MessageId,
    /// The field of the output that is the response, if not all of it is.
    pub response_body: Option<FieldId>,
    /// Whether the client sends a stream of messages.
    pub is_client_streaming: bool,
    /// Whether the service answers with a stream of messages.
    pub is_server_streaming: bool,
    pub(crate) variables: Box<[BoundVariable]>,
}

/// A variable of the template, with the field that it sets.
#[derive(Debug)]
pub(crate) struct BoundVariable {
    pub(crate) field: FieldPath,
    /// Its first segment.
    pub(crate) start: usize,
    /// How many segments it has; `None` for all that are left.
    pub(crate) length: Option<usize>,
}

/// A rule that cannot be followed.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("{rpc}: {template:?}: {problem}")]
pub struct RouteError {
    /// The full name of the RPC.
    pub rpc: String,
    /// The path template.
    pub template: String,
    /// What is wrong.
    pub problem: String,
}

/// A binding, with its template ready for the table.
pub(crate) struct Rule {
    pub(crate) template: Template,
    pub(crate) route: Route,
}

/// Reads the rules of all RPCs.
pub(crate) fn read_all(pool: &DescriptorPool, schema: &Schema) -> Result<Vec<Rule>, RouteError> {
    let mut rules = Vec::new();
    let Some(extension) = pool.get_extension_by_name("google.api.http") else {
        return Ok(rules);
    };
    for service in pool.services() {
        for rpc in service.methods() {
            let options = rpc.options();
            if !options.has_extension(&extension) {
                continue;
            }
            let value = options.get_extension(&extension);
            let Some(rule) = value.as_message() else {
                continue;
            };
            rules.push(
                Reading {
                    schema,
                    rpc: &rpc,
                    rule,
                }
                .read()?,
            );
            let additional = rule.get_field_by_name("additional_bindings");
            for rule in additional
                .iter()
                .filter_map(|value| value.as_list())
                .flatten()
            {
                let Some(rule) = rule.as_message() else {
                    continue;
                };
                rules.push(
                    Reading {
                        schema,
                        rpc: &rpc,
                        rule,
                    }
                    .read()?,
                );
            }
        }
    }
    Ok(rules)
}

/// One binding while it is read.
struct Reading<'r> {
    schema: &'r Schema,
    rpc: &'r MethodDescriptor,
    rule: &'r DynamicMessage,
}

impl Reading<'_> {
    fn read(&self) -> Result<Rule, RouteError> {
        let (method, path) = self.pattern();
        self.build(method, &path).map_err(|problem| RouteError {
            rpc: self.rpc.full_name().into(),
            template: path,
            problem,
        })
    }

    fn build(&self, method: String, path: &str) -> Result<Rule, String> {
        let method = match &*method {
            "*" => None,
            name => Some(
                Method::from_bytes(name.as_bytes())
                    .map_err(|_| format!("{name:?} is no HTTP method"))?,
            ),
        };
        let template = Template::parse(path)?;
        let input = self.message(self.rpc.input().full_name())?;
        let output = self.message(self.rpc.output().full_name())?;
        let mut binding = Binding {
            input,
            body: self.body(input)?,
            bound: Bound::default(),
            update_mask: None,
        };
        let mut variables = Vec::new();
        for variable in &template.variables {
            let field = self.variable(&binding, &variable.field)?;
            let taken = |_| format!("the field {:?} is bound twice", variable.field);
            binding.bound.insert(&field).map_err(taken)?;
            variables.push(BoundVariable {
                field,
                start: variable.start,
                length: variable.length,
            });
        }
        if method == Some(Method::PATCH) && binding.body != Body::None {
            self.reserve_update_mask(&mut binding);
        }
        let service = self.rpc.parent_service();
        let grpc_path = format!("/{}/{}", service.full_name(), self.rpc.name());
        let route = Route {
            grpc_path: grpc_path.parse().map_err(|_| "the RPC's name is no path")?,
            service: service.full_name().into(),
            rpc: self.rpc.full_name().into(),
            method,
            template: path.into(),
            binding,
            output,
            response_body: self.named_field(output, "response_body")?,
            is_client_streaming: self.rpc.is_client_streaming(),
            is_server_streaming: self.rpc.is_server_streaming(),
            variables: variables.into(),
        };
        Ok(Rule { template, route })
    }

    /// The HTTP method, or `*`, and the path template.
    fn pattern(&self) -> (String, String) {
        for method in ["get", "put", "post", "delete", "patch"] {
            if self.rule.has_field_by_name(method) {
                return (method.to_uppercase(), text(self.rule, method));
            }
        }
        let custom = self.rule.get_field_by_name("custom");
        match custom.as_ref().and_then(|value| value.as_message()) {
            Some(custom) => (text(custom, "kind"), text(custom, "path")),
            None => (String::new(), String::new()),
        }
    }

    fn message(&self, name: &str) -> Result<MessageId, String> {
        self.schema
            .find(name)
            .ok_or_else(|| format!("the schema has no message {name}"))
    }

    fn body(&self, input: MessageId) -> Result<Body, String> {
        if text(self.rule, "body") == "*" {
            return Ok(Body::All);
        }
        Ok(self
            .named_field(input, "body")?
            .map_or(Body::None, Body::Field))
    }

    /// The field that one of the rule's own fields names.
    fn named_field(&self, message: MessageId, setting: &str) -> Result<Option<FieldId>, String> {
        let name = text(self.rule, setting);
        if name.is_empty() {
            return Ok(None);
        }
        let field = self.schema.find_field(message, &name);
        field
            .map(Some)
            .ok_or_else(|| format!("{setting} names no field: {name:?}"))
    }

    /// The field that a variable sets: a single value, inside the body perhaps,
    /// but not the body itself.
    fn variable(&self, binding: &Binding, name: &str) -> Result<FieldPath, String> {
        let field = find_parameter(self.schema, binding.input, name);
        let field = field.filter(|path| !self.schema.is_repeated(binding.input, path));
        let field = field.ok_or_else(|| format!("{name:?} is no field that a path can set"))?;
        match binding.body {
            Body::Field(body) if *field == [body] => {
                Err(format!("the field {name:?} is bound twice"))
            }
            _ => Ok(field),
        }
    }

    /// On a PATCH the body's keys say what changes, so that nobody else may.
    fn reserve_update_mask(&self, binding: &mut Binding) {
        let mask = self.schema.find_update_mask(binding.input);
        if let Some(mask) = mask
            && binding.bound.insert(&[mask]).is_ok()
        {
            binding.update_mask = Some(mask);
        }
    }
}

fn text(message: &DynamicMessage, field: &str) -> String {
    let value = message.get_field_by_name(field);
    value
        .as_deref()
        .and_then(Value::as_str)
        .unwrap_or_default()
        .into()
}
