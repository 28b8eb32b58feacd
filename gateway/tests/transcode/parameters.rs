//! Path and query parameters, and how they go together with a body.

use portico_gateway::transcode::Code::{NotAllowed, OutOfRange, UnknownField, WrongType};
use portico_gateway::transcode::{
    Binding, Body, Bound, Capture, Code, FieldPath, MessageId, Rejection, Request, find_parameter,
};
use prost_reflect::DynamicMessage;
use serde_json::{Value, json};

use crate::fixture::{FIXTURE, violations};

struct Case {
    binding: Binding,
    captures: Vec<(FieldPath, &'static str, bool)>,
}

impl Case {
    fn new(message: &str, body: Option<&str>) -> Self {
        let input = FIXTURE.schema.find(message).unwrap();
        let body = match body {
            None => Body::None,
            Some("*") => Body::All,
            Some(field) => Body::Field(FIXTURE.schema.find_field(input, field).unwrap()),
        };
        let binding = Binding {
            input,
            body,
            bound: Bound::default(),
            update_mask: None,
        };
        Self {
            binding,
            captures: Vec::new(),
        }
    }

    fn capture(mut self, field: &str, value: &'static str, is_multi_segment: bool) -> Self {
        let path = find_parameter(&FIXTURE.schema, self.binding.input, field).unwrap();
        self.binding.bound.insert(&path).unwrap();
        self.captures.push((path, value, is_multi_segment));
        self
    }

    fn send(&self, query: &str, body: &str) -> Result<Request, Rejection> {
        let captures: Vec<_> = self
            .captures
            .iter()
            .map(|(field, value, is_multi_segment)| Capture {
                field,
                value,
                is_multi_segment: *is_multi_segment,
            })
            .collect();
        Request::new(
            &FIXTURE.schema,
            &self.binding,
            &captures,
            Some(query),
            body.as_bytes(),
        )
    }

    fn message(&self, query: &str, body: &str) -> Value {
        read(self.binding.input, &self.send(query, body).unwrap().wire)
    }
}

fn read(message: MessageId, wire: &[u8]) -> Value {
    let pool = FIXTURE.descriptor.parent_pool();
    let descriptor = pool
        .get_message_by_name(FIXTURE.schema.name(message))
        .unwrap();
    serde_json::to_value(DynamicMessage::decode(descriptor, wire).unwrap()).unwrap()
}

fn query(query: &str) -> Value {
    Case::new("portico.test.Sink", None).message(query, "")
}

fn refused(query: &str) -> Vec<(String, Code)> {
    violations(Case::new("portico.test.Sink", None).send(query, ""))
}

fn one(field: &str, code: Code) -> Vec<(String, Code)> {
    vec![(field.into(), code)]
}

#[test]
fn parameters_of_every_sort_are_taken() {
    let given = "aString=x&an_int32=-5&aBool=true&color=RED&maybeColor=2&aDouble=1e3&aFloat=NaN&someBytes=AQ&wInt64=7";
    let expected = json!({
        "aString": "x", "anInt32": -5, "aBool": true, "color": "RED", "maybeColor": "GREEN", "aDouble": 1000.0,
        "aFloat": "NaN", "someBytes": "AQ==", "wInt64": "7"
    });
    assert_eq!(query(given), expected);
}

#[test]
fn times_and_masks_are_taken() {
    let given = "timestamp=2026-11-22T10:00:00%2B01:00&duration=1.5s&mask=displayName,inner.id&timestamps=2026-01-01T00:00:00Z";
    let expected = json!({
        "timestamp": "2026-11-22T09:00:00Z", "duration": "1.500s", "mask": "displayName,inner.id",
        "timestamps": ["2026-01-01T00:00:00Z"]
    });
    assert_eq!(query(given), expected);
}

#[test]
fn nested_and_repeated_parameters_are_taken() {
    let given = "sink.inner.id=1&ints=1&sink.inner.displayName=x&ints=2&inner.numbers=3&inner.numbers=4&strings=a&strings=b&colors=RED&colors=3";
    let expected = json!({
        "sink": {"inner": {"id": 1, "displayName": "x"}}, "ints": [1, 2], "inner": {"numbers": [3, 4]},
        "strings": ["a", "b"], "colors": ["RED", 3]
    });
    assert_eq!(query(given), expected);
}

#[test]
fn escapes_are_undone() {
    assert_eq!(
        query("aString=a%20b+c%2Bd%2Fe%C3%A9&&"),
        json!({"aString": "a b c+d/eé"})
    );
    assert_eq!(query("a%53tring=x"), json!({"aString": "x"}));
    assert_eq!(query("maybeString"), json!({"maybeString": ""}));
    assert_eq!(query("aString=a=b"), json!({"aString": "a=b"}));
}

#[test]
fn broken_escapes_are_malformed() {
    for given in [
        "aString=%zz",
        "aString=%",
        "aString=%4",
        "aString=%ff",
        "%zz=1",
        "aString=%+1",
    ] {
        let result = Case::new("portico.test.Sink", None).send(given, "");
        assert!(matches!(result, Err(Rejection::Malformed(_))), "{given}");
    }
    let path = Case::new("portico.test.Sink", None).capture("a_string", "%zz", false);
    assert!(matches!(path.send("", ""), Err(Rejection::Malformed(_))));
}

#[test]
fn unknown_parameters_are_refused() {
    for name in [
        "odd",
        "inner",
        "inner.odd",
        "inner.id.x",
        "ints.x",
        "inners.id",
        "byString",
        "struct",
        "any",
        "a.b.c",
        "",
        "timestamp.seconds",
    ] {
        assert_eq!(
            refused(&format!("{name}=1")),
            one(name, UnknownField),
            "{name}"
        );
    }
}

#[test]
fn repeated_single_parameters_are_refused() {
    assert_eq!(refused("aString=x&a_string=x"), one("aString", NotAllowed));
    assert_eq!(
        refused("inner.id=1&inner.displayName=x&inner.id=2"),
        one("inner.id", NotAllowed)
    );
    assert_eq!(
        refused("timestamp=2026-01-01T00:00:00Z&timestamp=2026-01-01T00:00:00Z"),
        one("timestamp", NotAllowed)
    );
}

#[test]
fn two_members_of_a_oneof_are_refused() {
    assert_eq!(refused("text=x&number=1"), one("number", NotAllowed));
    assert_eq!(refused("message.id=1&text=x"), one("text", NotAllowed));
    assert_eq!(
        query("message.id=1&message.displayName=x&yes=true"),
        json!({"message": {"id": 1, "displayName": "x"}, "yes": true})
    );
}

#[test]
fn values_of_another_type_are_refused() {
    for (given, field, code) in [
        ("anInt32=x", "anInt32", WrongType),
        ("anInt32=", "anInt32", WrongType),
        ("aBool=1", "aBool", WrongType),
        ("inner.id=1.5", "inner.id", WrongType),
        ("timestamp=now", "timestamp", WrongType),
        ("someBytes=*", "someBytes", WrongType),
        ("anInt32=2147483648", "anInt32", OutOfRange),
        ("color=PINK", "color", NotAllowed),
        ("color=", "color", NotAllowed),
        ("color=0", "color", NotAllowed),
        ("wInt32=x", "wInt32", WrongType),
        ("ints=1&ints=x", "ints", WrongType),
    ] {
        assert_eq!(refused(given), one(field, code), "{given}");
    }
}

#[test]
fn path_body_and_query_make_one_message() {
    let case = Case::new("portico.test.Sink", Some("inner"))
        .capture("inner.id", "5", false)
        .capture("a_string", "a%2Fb", false);
    let expected = json!({"aString": "a/b", "inner": {"id": 5, "displayName": "x"}, "anInt32": 7});
    assert_eq!(
        case.message("anInt32=7", r#"{"displayName":"x"}"#),
        expected
    );
}

#[test]
fn captures_of_several_segments_keep_escaped_slashes() {
    let case = Case::new("portico.test.Sink", None).capture("a_string", "a/b%2Fc%2fd%20e+f", true);
    assert_eq!(case.message("", ""), json!({"aString": "a/b%2Fc%2fd e+f"}));
}

#[test]
fn what_the_path_sets_nobody_else_may() {
    let case = Case::new("portico.test.Sink", Some("*"))
        .capture("a_string", "x", false)
        .capture("inner.id", "1", false);
    let body = r#"{"aString":"y","inner":{"id":2,"displayName":"x"}}"#;
    let expected = [
        ("aString".to_owned(), UnknownField),
        ("inner.id".to_owned(), UnknownField),
    ];
    assert_eq!(violations(case.send("", body)), expected);
    let case = Case::new("portico.test.Sink", None).capture("a_string", "x", false);
    assert_eq!(
        violations(case.send("aString=y", "")),
        one("aString", UnknownField)
    );
}

#[test]
fn what_the_body_sets_the_query_may_not() {
    assert_eq!(
        violations(Case::new("portico.test.Sink", Some("*")).send("aString=x", "{}")),
        one("aString", UnknownField)
    );
    assert_eq!(
        violations(Case::new("portico.test.Sink", Some("inner")).send("inner.id=1", "{}")),
        one("inner.id", UnknownField)
    );
}

#[test]
fn a_body_may_be_any_field() {
    assert_eq!(
        Case::new("portico.test.Sink", Some("ints")).message("", "[1,2]"),
        json!({"ints": [1, 2]})
    );
    assert_eq!(
        Case::new("portico.test.Sink", Some("a_string")).message("", "\"x\""),
        json!({"aString": "x"})
    );
    assert_eq!(
        Case::new("portico.test.Sink", Some("by_string")).message("", r#"{"a":"b"}"#),
        json!({"byString": {"a": "b"}})
    );
    let no_object = Case::new("portico.test.Sink", Some("inner")).send("", "[]");
    assert!(matches!(no_object, Err(Rejection::Malformed(_))));
}

#[test]
fn all_mistakes_of_path_query_and_body_are_named() {
    let case = Case::new("portico.test.Sink", Some("inner")).capture("an_int32", "x", false);
    let expected = [
        ("anInt32", WrongType),
        ("odd", UnknownField),
        ("displayName", WrongType),
    ];
    assert_eq!(
        violations(case.send("odd=1", r#"{"displayName":1}"#)),
        expected.map(|(field, code)| (field.to_owned(), code))
    );
}

#[test]
fn the_update_mask_names_what_the_body_names() {
    let mut case = Case::new("portico.test.UpdateRequest", Some("item"));
    case.binding.update_mask = FIXTURE.schema.find_update_mask(case.binding.input);
    case.binding
        .bound
        .insert(&[case.binding.update_mask.unwrap()])
        .unwrap();
    let expected = json!({"item": {"id": 1}, "updateMask": "numbers,displayName,id"});
    assert_eq!(
        case.message("", r#"{"numbers":[],"displayName":null,"id":1}"#),
        expected
    );
    assert_eq!(
        case.message("", "{}"),
        json!({"item": {}, "updateMask": ""})
    );
    assert_eq!(
        violations(case.send("updateMask=id", "{}")),
        one("updateMask", UnknownField)
    );
}
