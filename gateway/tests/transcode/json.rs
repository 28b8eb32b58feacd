//! JSON → wire: what is taken, what is refused, and in which words.

use portico_gateway::transcode::Code::{NotAllowed, OutOfRange, UnknownField, WrongType};
use portico_gateway::transcode::Rejection;
use serde_json::json;

use crate::fixture::{FIXTURE, invalid, malformed, parse, parsed};

fn one(
    field: &str,
    code: portico_gateway::transcode::Code,
) -> Vec<(String, portico_gateway::transcode::Code)> {
    vec![(field.into(), code)]
}

#[test]
fn both_spellings_of_a_field_are_accepted() {
    assert_eq!(parsed(r#"{"aString":"x"}"#), json!({"aString": "x"}));
    assert_eq!(parsed(r#"{"a_string":"x"}"#), json!({"aString": "x"}));
    assert_eq!(
        parsed(r#"{"an \"odd\" name":"x"}"#),
        json!({"an \"odd\" name": "x"})
    );
}

#[test]
fn numbers_may_be_strings() {
    let json = r#"{"anInt32":"-5","aUint64":"18446744073709551615","aDouble":"1.5e3","aFloat":"-Infinity","aSint64":7}"#;
    let expected = json!({"anInt32": -5, "aUint64": "18446744073709551615", "aDouble": 1500.0, "aFloat": "-Infinity", "aSint64": "7"});
    assert_eq!(parsed(json), expected);
}

#[test]
fn integers_may_have_zero_fractions_and_exponents() {
    assert_eq!(
        parsed(r#"{"anInt32":1.0,"anInt64":1e3}"#),
        json!({"anInt32": 1, "anInt64": "1000"})
    );
    assert_eq!(invalid(r#"{"anInt32":1.5}"#), one("anInt32", WrongType));
}

#[test]
fn bytes_are_base64_of_either_alphabet() {
    for text in ["+/8=", "-_8", "+/8"] {
        assert_eq!(
            parsed(&format!(r#"{{"someBytes":"{text}"}}"#)),
            json!({"someBytes": "+/8="})
        );
    }
    assert_eq!(invalid(r#"{"someBytes":"*"}"#), one("someBytes", WrongType));
}

#[test]
fn enums_are_named_or_numbered() {
    assert_eq!(
        parsed(r#"{"color":"BLUE","colors":[1,"GREEN"]}"#),
        json!({"color": "BLUE", "colors": ["RED", "GREEN"]})
    );
    assert_eq!(parsed(r#"{"color":77}"#), json!({"color": 77}));
}

#[test]
fn zero_and_unknown_enum_values_are_not_allowed() {
    assert_eq!(
        invalid(r#"{"color":"COLOR_UNSPECIFIED"}"#),
        one("color", NotAllowed)
    );
    assert_eq!(invalid(r#"{"color":0}"#), one("color", NotAllowed));
    assert_eq!(
        invalid(r#"{"colors":["RED","PINK"]}"#),
        one("colors[1]", NotAllowed)
    );
    let Err(Rejection::Invalid(violations)) = parse(r#"{"color":"PINK"}"#) else {
        panic!("it is invalid")
    };
    assert_eq!(violations[0].message, "expected one of BLUE, RED, GREEN");
}

#[test]
fn null_is_absent() {
    let json = r#"{"aString":null,"inner":null,"maybeInt":null,"ints":null,"byString":null,"wInt32":null,"color":null}"#;
    assert_eq!(parsed(json), json!({}));
}

#[test]
fn null_is_a_value_of_the_types_that_have_it() {
    let request = parse(r#"{"value":null,"null":null}"#).unwrap();
    assert_eq!(request.wire, [0x82, 0x04, 2, 0x08, 0, 0xa0, 0x04, 0]);
}

#[test]
fn null_is_no_element() {
    assert_eq!(invalid(r#"{"ints":[null]}"#), one("ints[0]", WrongType));
    assert_eq!(invalid(r#"{"inners":[null]}"#), one("inners[0]", WrongType));
    assert_eq!(
        invalid(r#"{"byString":{"a":null}}"#),
        one(r#"byString["a"]"#, WrongType)
    );
}

#[test]
fn well_known_types_have_their_own_forms() {
    let json = r#"{
        "timestamp": "2026-11-22T10:00:00.123456789+01:00", "duration": "-1.5s", "mask": "displayName,inner.id",
        "struct": {"a": [1, {"b": null}], "c": "x"}, "value": [true], "list": [], "empty": {},
        "wDouble": 1.5, "wInt64": "5", "wString": "", "wBool": false, "wBytes": "AQ=="
    }"#;
    let expected = json!({
        "timestamp": "2026-11-22T09:00:00.123456789Z", "duration": "-1.500s", "mask": "displayName,inner.id",
        "struct": {"a": [1.0, {"b": null}], "c": "x"}, "value": [true], "list": [], "empty": {},
        "wDouble": 1.5, "wInt64": "5", "wString": "", "wBool": false, "wBytes": "AQ=="
    });
    assert_eq!(parsed(json), expected);
}

#[test]
fn any_takes_its_type_from_wherever_it_stands() {
    let inner =
        r#"{"any":{"displayName":"x","@type":"type.googleapis.com/portico.test.Sink.Inner"}}"#;
    let expected = json!({"any": {"@type": "type.googleapis.com/portico.test.Sink.Inner", "displayName": "x"}});
    assert_eq!(parsed(inner), expected);
    let known = r#"{"any":{"value":"1s","@type":"type.googleapis.com/google.protobuf.Duration"}}"#;
    let expected =
        json!({"any": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1s"}});
    assert_eq!(parsed(known), expected);
}

#[test]
fn any_of_an_unknown_type_is_refused() {
    assert_eq!(
        invalid(r#"{"any":{"@type":"type.googleapis.com/no.Such"}}"#),
        one("any.@type", NotAllowed)
    );
    assert_eq!(invalid(r#"{"any":{}}"#), one("any", WrongType));
    let odd = r#"{"any":{"@type":"x/portico.test.Sink.Inner","odd":1}}"#;
    assert_eq!(invalid(odd), one("any.odd", UnknownField));
}

#[test]
fn maps_take_every_kind_of_key() {
    let json = r#"{"byInt32":{"-1":{"id":1}},"byUint64":{"18446744073709551615":0.5},"byBool":{"true":"RED"},"byFixed64":{"1":"x"}}"#;
    let expected = json!({"byInt32": {"-1": {"id": 1}}, "byUint64": {"18446744073709551615": 0.5}, "byBool": {"true": "RED"}, "byFixed64": {"1": "x"}});
    assert_eq!(parsed(json), expected);
}

#[test]
fn keys_of_another_type_are_refused() {
    for key in ["x", "", "01", "+1", "-0", "1.0", "1e1"] {
        let at = format!("byInt32[{key:?}]");
        assert_eq!(
            invalid(&format!(r#"{{"byInt32":{{"{key}":{{}}}}}}"#)),
            one(&at, WrongType)
        );
    }
    assert_eq!(
        invalid(r#"{"byInt32":{"2147483648":{}}}"#),
        one(r#"byInt32["2147483648"]"#, OutOfRange)
    );
    assert_eq!(
        invalid(r#"{"byBool":{"1":1}}"#),
        one(r#"byBool["1"]"#, WrongType)
    );
}

#[test]
fn all_violations_are_named_at_once() {
    let json = r#"{"aString":1,"inner":{"odd":true,"id":3000000000},"inners":[{},{"displayName":[]}],"aBool":"true","nope":{"a":[1]}}"#;
    let expected = [
        ("aString", WrongType),
        ("inner.odd", UnknownField),
        ("inner.id", OutOfRange),
        ("inners[1].displayName", WrongType),
        ("aBool", WrongType),
        ("nope", UnknownField),
    ];
    assert_eq!(
        invalid(json),
        expected.map(|(field, code)| (field.to_owned(), code))
    );
}

#[test]
fn violations_are_bounded() {
    let json = format!(r#"{{"ints":[{}true]}}"#, "true,".repeat(10_000));
    assert_eq!(invalid(&json).len(), 50);
}

#[test]
fn values_of_another_type_are_refused() {
    for (field, value) in [
        ("anInt32", "true"),
        ("anInt32", r#""x""#),
        ("anInt32", r#""""#),
        ("anInt32", r#"" 1""#),
        ("anInt32", "{}"),
        ("aDouble", r#""nan""#),
        ("aBool", "1"),
        ("aString", "true"),
        ("someBytes", "1"),
        ("color", "true"),
        ("color", "1.0"),
        ("inner", "[]"),
        ("inner", r#""x""#),
        ("ints", "1"),
        ("ints", "{}"),
        ("byString", "[]"),
        ("timestamp", "1"),
        ("timestamp", r#""yesterday""#),
        ("duration", r#""1""#),
        ("mask", r#""a_b""#),
        ("struct", "[]"),
        ("list", "{}"),
        ("any", "1"),
        ("empty", "1"),
        ("null", "0"),
        ("wInt32", r#""x""#),
        ("wString", "1"),
    ] {
        assert_eq!(
            invalid(&format!(r#"{{"{field}":{value}}}"#)),
            one(field, WrongType),
            "{field}: {value}"
        );
    }
}

#[test]
fn numbers_beyond_their_type_are_out_of_range() {
    for (field, value) in [
        ("anInt32", "2147483648"),
        ("aUint32", "-1"),
        ("anInt64", "9223372036854775808"),
        ("aUint64", "1e20"),
        ("aFloat", "1e39"),
        ("aDouble", "1e999"),
        ("value", "-1e999"),
        ("color", "2147483648"),
        ("timestamp", r#""0000-01-01T00:00:00Z""#),
        ("duration", r#""999999999999s""#),
    ] {
        assert_eq!(
            invalid(&format!(r#"{{"{field}":{value}}}"#)),
            one(field, OutOfRange),
            "{field}: {value}"
        );
    }
}

#[test]
fn broken_json_is_malformed() {
    for json in [
        "",
        " ",
        "{",
        "{\"aString\":\"x",
        "{\"aString\":\"x\"",
        "{}x",
        "{} {}",
        "{\"aString\":}",
        "{,}",
        "{\"inner\":{]}",
    ] {
        malformed(json);
    }
}

#[test]
fn a_body_that_is_no_object_is_malformed() {
    for json in ["1", "null", "[]", "\"{}\"", "true"] {
        assert_eq!(malformed(json), "line 1, column 1: expected an object");
    }
}

#[test]
fn invalid_utf8_is_malformed() {
    assert_eq!(
        malformed(b"{\"aString\":\"a\xff\"}"),
        "line 1, column 14: expected UTF-8"
    );
}

#[test]
fn duplicate_keys_are_malformed() {
    for json in [
        r#"{"aString":"x","aString":"x"}"#,
        r#"{"aString":"x","a_string":"x"}"#,
        r#"{"aString":null,"aString":null}"#,
        r#"{"inner":{"id":1,"id":2}}"#,
        r#"{"odd":1,"odd":2}"#,
        r#"{"odd":{"a":1,"a":2}}"#,
        r#"{"late":"x","late":"y"}"#,
        r#"{"byString":{"a":"1","\u0061":"2"}}"#,
        r#"{"byInt32":{"1":{},"1":{}}}"#,
        r#"{"struct":{"a":1,"a":2}}"#,
        r#"{"any":{"@type":"x/google.protobuf.Empty","value":{},"value":{}}}"#,
        r#"{"any":{"@type":"x/portico.test.Sink","@type":"x/portico.test.Sink"}}"#,
    ] {
        assert!(
            malformed(json).ends_with("the key is there twice"),
            "{json}"
        );
    }
}

#[test]
fn two_members_of_a_oneof_are_malformed() {
    assert!(
        malformed(r#"{"text":"x","number":1}"#)
            .ends_with("another member of the same oneof is there")
    );
    assert!(
        malformed(r#"{"text":"x","anything":null}"#)
            .ends_with("another member of the same oneof is there")
    );
    assert_eq!(
        parsed(r#"{"text":null,"number":1,"message":null,"yes":true}"#),
        json!({"number": "1", "yes": true})
    );
}

#[test]
fn nesting_over_64_is_malformed() {
    let nested = |levels: usize| r#"{"sink":"#.repeat(levels) + "{}" + &"}".repeat(levels);
    assert!(parse(nested(63)).is_ok());
    assert!(malformed(nested(64)).ends_with("nested deeper than 64 levels"));
    assert!(malformed("[".repeat(1_000_000)).ends_with("expected an object"));
    assert!(
        malformed(format!(r#"{{"odd":{}"#, "[".repeat(1_000_000)))
            .ends_with("nested deeper than 64 levels")
    );
}

#[test]
fn nesting_that_readers_of_the_message_refuse_is_malformed() {
    let nested = format!(
        r#"{{"struct":{}1{}}}"#,
        r#"{"a":"#.repeat(50),
        "}".repeat(50)
    );
    assert!(malformed(nested).ends_with("nested too deep"));
}

#[test]
fn lone_surrogate_is_malformed() {
    assert_eq!(
        malformed(r#"{"aString":"\ud83e"}"#),
        "line 1, column 13: a surrogate stands alone"
    );
    assert_eq!(
        parsed(r#"{"aString":"\ud83e\udd80"}"#),
        json!({"aString": "🦀"})
    );
}

#[test]
fn syntax_goes_before_violations() {
    malformed(r#"{"aString":1,"odd":2"#);
}

#[test]
fn present_keys_are_told_in_their_order_and_with_those_that_are_null() {
    let request = parse(r#"{"late":"x","inner":{"id":1},"aString":null,"ints":[]}"#).unwrap();
    let names: Vec<_> = request
        .present
        .iter()
        .map(|id| FIXTURE.schema.field(FIXTURE.sink, *id).name())
        .collect();
    assert_eq!(names, ["late", "inner", "a_string", "ints"]);
}

#[test]
fn empty_messages_keep_their_presence() {
    assert_eq!(
        parsed(r#"{"inner":{},"wInt32":0,"maybeString":""}"#),
        json!({"inner": {}, "wInt32": 0, "maybeString": ""})
    );
}

#[test]
fn long_content_gets_long_lengths() {
    let text = "x".repeat(100_000);
    let json = format!(r#"{{"sink":{{"sink":{{"inners":[{{"displayName":"{text}"}}]}}}}}}"#);
    assert_eq!(
        parsed(&json)["sink"]["sink"]["inners"][0]["displayName"],
        json!(text)
    );
}
