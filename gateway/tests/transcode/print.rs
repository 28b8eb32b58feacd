//! Wire → JSON: what is printed for what is there, and for what is not.

use portico_gateway::transcode::PrintError;
use serde_json::{Value, json};

use crate::fixture::{FIXTURE, print, printed};

/// The error for wire bytes that cannot be printed.
fn refused(wire: &[u8]) -> PrintError {
    let mut out = b"before".to_vec();
    let error = FIXTURE
        .schema
        .print(FIXTURE.sink, wire, &mut out)
        .unwrap_err();
    assert_eq!(out, b"before");
    error
}

#[test]
fn every_field_is_there_in_the_order_of_numbers() {
    let mut out = Vec::new();
    let inner = FIXTURE.schema.find("portico.test.Sink.Inner").unwrap();
    FIXTURE.schema.print(inner, &[], &mut out).unwrap();
    assert_eq!(
        out,
        br#"{"id":0,"displayName":"","numbers":[],"inner":null}"#
    );
}

#[test]
fn what_has_no_value_is_null() {
    let Value::Object(all) = print(&[]) else {
        panic!("it is an object")
    };
    for name in [
        "inner",
        "maybeInt",
        "maybeString",
        "maybeColor",
        "color",
        "text",
        "message",
        "yes",
        "timestamp",
        "struct",
        "value",
        "wInt32",
        "null",
    ] {
        assert_eq!(all[name], Value::Null, "{name}");
    }
    for (name, default) in [
        ("anInt32", json!(0)),
        ("anInt64", json!("0")),
        ("aUint64", json!("0")),
        ("aDouble", json!(0.0)),
        ("aBool", json!(false)),
        ("aString", json!("")),
        ("someBytes", json!("")),
        ("ints", json!([])),
        ("byInt32", json!({})),
    ] {
        assert_eq!(all[name], default, "{name}");
    }
}

#[test]
fn an_enum_of_value_zero_is_null_and_an_unknown_one_its_number() {
    assert_eq!(print(&[0x80, 0x01, 0])["color"], Value::Null);
    assert_eq!(print(&[0xb0, 0x01, 0])["maybeColor"], Value::Null);
    assert_eq!(print(&[0x80, 0x01, 77])["color"], json!(77));
    assert_eq!(print(&[0xa0, 0x04, 77])["null"], Value::Null);
    assert_eq!(
        printed(r#"{"colors":["RED",0,5]}"#)["colors"],
        json!(["RED", null, 5])
    );
    assert_eq!(
        printed(r#"{"byBool":{"true":"BLUE"}}"#)["byBool"],
        json!({"true": "BLUE"})
    );
}

#[test]
fn timestamps_have_milliseconds() {
    assert_eq!(
        printed(r#"{"timestamp":"2026-11-22T10:00:00Z"}"#)["timestamp"],
        json!("2026-11-22T10:00:00.000Z")
    );
    assert_eq!(
        printed(r#"{"timestamp":"2026-11-22T10:00:00.123999Z"}"#)["timestamp"],
        json!("2026-11-22T10:00:00.123Z")
    );
}

#[test]
fn well_known_types_have_their_own_forms() {
    let message = json!({
        "duration": "-1.500s", "mask": "displayName,inner.id", "struct": {"a": [1.0, {"b": null}], "c": "x"},
        "value": [true], "list": ["x", 0.5], "empty": {}, "wDouble": "NaN", "wInt64": "5", "wString": "", "wBool": false,
        "any": {"@type": "type.googleapis.com/google.protobuf.Duration", "value": "1s"},
    });
    let printed = printed(&message.to_string());
    for (name, value) in message.as_object().unwrap() {
        assert_eq!(&printed[name], value, "{name}");
    }
}

#[test]
fn any_shows_all_fields_of_its_message() {
    let json = r#"{"any":{"@type":"type.googleapis.com/portico.test.Sink.Inner","id":1}}"#;
    let expected = json!({"@type": "type.googleapis.com/portico.test.Sink.Inner", "id": 1, "displayName": "", "numbers": [], "inner": null});
    assert_eq!(printed(json)["any"], expected);
}

#[test]
fn integers_of_64_bits_are_strings() {
    let printed = printed(
        r#"{"anInt64":"-9223372036854775808","aUint64":"18446744073709551615","byInt64":{"-1":"-2"}}"#,
    );
    assert_eq!(printed["anInt64"], json!("-9223372036854775808"));
    assert_eq!(printed["aUint64"], json!("18446744073709551615"));
    assert_eq!(printed["byInt64"], json!({"-1": "-2"}));
}

#[test]
fn of_repeated_scalars_the_last_counts() {
    assert_eq!(print(&[0x18, 1, 0x18, 2])["anInt32"], json!(2));
}

#[test]
fn repeated_messages_are_merged() {
    // inner { id: 1, numbers: [1] } and inner { display_name: "x", numbers: [2] }
    let wire = [
        0x8a, 0x01, 5, 0x08, 1, 0x1a, 1, 1, 0x8a, 0x01, 6, 0x12, 1, b'x', 0x1a, 1, 2,
    ];
    assert_eq!(
        print(&wire)["inner"],
        json!({"id": 1, "displayName": "x", "numbers": [1, 2], "inner": null})
    );
}

#[test]
fn fields_may_come_in_any_order() {
    let one = print(&[0x72, 1, b'x', 0x18, 7]);
    assert_eq!(one, print(&[0x18, 7, 0x72, 1, b'x']));
    assert_eq!((&one["aString"], &one["anInt32"]), (&json!("x"), &json!(7)));
}

#[test]
fn lists_may_come_packed_and_not() {
    assert_eq!(
        print(&[0xf2, 0x01, 2, 1, 2, 0xf0, 0x01, 3])["ints"],
        json!([1, 2, 3])
    );
    assert_eq!(
        print(&[0xfa, 0x01, 2, 1, 2, 0xf8, 0x01, 3])["unpacked"],
        json!(["-1", "1", "-2"])
    );
}

#[test]
fn of_a_oneof_the_last_member_counts() {
    // text: "x", message { id: 1 }, number: 5
    let printed = print(&[0x92, 0x03, 1, b'x', 0xa2, 0x03, 2, 0x08, 1, 0x98, 0x03, 5]);
    assert_eq!(
        (&printed["text"], &printed["message"], &printed["number"]),
        (&Value::Null, &Value::Null, &json!("5"))
    );
    // message { id: 1 }, text: "x", message { numbers: 1 }
    let printed = print(&[
        0xa2, 0x03, 2, 0x08, 1, 0x92, 0x03, 1, b'x', 0xa2, 0x03, 2, 0x18, 1,
    ]);
    assert_eq!(
        printed["message"],
        json!({"id": 0, "displayName": "", "numbers": [1], "inner": null})
    );
}

#[test]
fn maps_are_sorted_and_of_equal_keys_the_last_counts() {
    let entry = |key: u8, value: u8| [0xc2, 0x02, 6, 0x0a, 1, key, 0x12, 1, value];
    let wire = [entry(b'b', b'1'), entry(b'a', b'2'), entry(b'b', b'3')].concat();
    let mut out = Vec::new();
    let field = FIXTURE
        .schema
        .find_field(FIXTURE.sink, "by_string")
        .unwrap();
    FIXTURE
        .schema
        .print_field(FIXTURE.sink, field, &wire, &mut out)
        .unwrap();
    assert_eq!(out, br#"{"a":"2","b":"3"}"#);
}

#[test]
fn entries_without_key_or_value_have_defaults() {
    let inner = json!({"id": 0, "displayName": "", "numbers": [], "inner": null});
    assert_eq!(print(&[0xc2, 0x02, 0])["byString"], json!({"": ""}));
    assert_eq!(print(&[0xca, 0x02, 0])["byInt32"], json!({"0": inner}));
    assert_eq!(print(&[0xea, 0x02, 0])["byBool"], json!({"false": null}));
}

#[test]
fn unknown_fields_are_skipped() {
    let wire = [
        0xf8, 0x7f, 1, 0xf9, 0x7f, 1, 2, 3, 4, 5, 6, 7, 8, 0xfb, 0x7f, 0x08, 1, 0xfc, 0x7f, 0x18, 7,
    ];
    assert_eq!(print(&wire)["anInt32"], json!(7));
}

#[test]
fn malformed_wire_is_an_error() {
    for wire in [
        &[0x18][..],
        &[0x18, 0x80],
        &[0x72, 5, b'x'],
        &[0x09, 1, 2],
        &[0x1c],
        &[0x1b],
        &[0x00],
        &[0x07],
        &[0x72, 1, 0xff],
        &[0x1d, 0, 0, 0, 0],
        &[0x8a, 0x01, 1, 0x08],
        &[0xf2, 0x01, 1, 0x80],
        &[0xc2, 0x02, 2, 0x0a, 5],
    ] {
        assert!(matches!(refused(wire), PrintError::Wire(_)), "{wire:?}");
    }
}

#[test]
fn endless_nesting_is_an_error() {
    let mut wire = Vec::new();
    for _ in 0..200 {
        let mut outer = vec![0x92, 0x01];
        let mut length = wire.len();
        while length >= 0x80 {
            outer.push(length as u8 | 0x80);
            length >>= 7;
        }
        outer.push(length as u8);
        outer.extend(wire);
        wire = outer;
    }
    assert_eq!(
        refused(&wire),
        PrintError::Wire("messages are nested too deep")
    );
}

#[test]
fn values_without_a_form_are_errors() {
    let infinite = [&[0x82, 0x04, 9, 0x11][..], &f64::INFINITY.to_le_bytes()].concat();
    assert!(matches!(refused(&infinite), PrintError::Value(_)));
    assert!(matches!(
        refused(&[0xe2, 0x03, 6, 0x10, 0x80, 0x94, 0xeb, 0xdc, 0x03]),
        PrintError::Value(_)
    ));
    assert_eq!(
        refused(&[0x92, 0x04, 5, 0x0a, 3, b'x', b'/', b'y']),
        PrintError::UnknownType("x/y".into())
    );
}

#[test]
fn one_field_is_printed_by_itself() {
    let schema = &FIXTURE.schema;
    let list = schema.find("portico.test.ListResponse").unwrap();
    let shape = schema.list_shape(list).unwrap();
    let wire = [0x0a, 2, 0x08, 1, 0x0a, 2, 0x08, 2, 0x12, 2, 0x08, 9];
    let mut out = Vec::new();
    schema
        .print_field(list, shape.items, &wire, &mut out)
        .unwrap();
    out.push(b' ');
    schema
        .print_field(list, shape.page_info, &wire, &mut out)
        .unwrap();
    let inner = |id| format!(r#"{{"id":{id},"displayName":"","numbers":[],"inner":null}}"#);
    let expected = format!(
        r#"[{},{}] {{"total":"9","nextCursor":null}}"#,
        inner(1),
        inner(2)
    );
    assert_eq!(String::from_utf8(out).unwrap(), expected);
}

#[test]
fn only_a_list_has_the_shape_of_a_list() {
    let update = FIXTURE.schema.find("portico.test.UpdateRequest").unwrap();
    assert_eq!(FIXTURE.schema.list_shape(FIXTURE.sink), None);
    assert_eq!(FIXTURE.schema.list_shape(update), None);
}

#[test]
fn a_string_is_read_without_printing() {
    let field = FIXTURE.schema.find_field(FIXTURE.sink, "a_string").unwrap();
    let read = |wire| FIXTURE.schema.read_str(FIXTURE.sink, field, wire);
    assert_eq!(read(&[0x72, 1, b'x', 0x18, 1, 0x72, 1, b'y']), Ok("y"));
    assert_eq!(read(&[]), Ok(""));
    assert!(read(&[0x72, 1, 0xff]).is_err());
}
