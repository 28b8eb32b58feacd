//! The transcoder against prost-reflect's dynamic messages, on made-up ones.

use proptest::collection::vec;
use proptest::prelude::*;
use prost_reflect::prost::Message;
use prost_reflect::{DynamicMessage, SerializeOptions};

use crate::entropy::Entropy;
use crate::fixture::FIXTURE;
use crate::oracle;

fn message(entropy: &[u8]) -> DynamicMessage {
    Entropy(entropy).message(&FIXTURE.descriptor, 0)
}

fn json(message: &DynamicMessage, style: u8) -> Vec<u8> {
    let options = SerializeOptions::new()
        .stringify_64_bit_integers(style & 1 == 0)
        .use_enum_numbers(style & 2 == 0)
        .use_proto_field_name(style & 4 == 0)
        .skip_default_fields(style & 8 == 0);
    let mut json = Vec::new();
    let mut writer = serde_json::Serializer::new(&mut json);
    message
        .serialize_with_options(&mut writer, &options)
        .unwrap();
    json
}

fn check_json(json: &[u8]) {
    oracle::check_json(&FIXTURE.schema, FIXTURE.sink, &FIXTURE.descriptor, json);
}

fn check_wire(wire: &[u8]) {
    oracle::check_wire(&FIXTURE.schema, FIXTURE.sink, &FIXTURE.descriptor, wire);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(300) })]

    #[test]
    fn json_is_parsed_as_the_reference_does(entropy in vec(any::<u8>(), 0..2000), style: u8) {
        check_json(&json(&message(&entropy), style));
    }

    #[test]
    fn json_with_a_mistake_is_refused_as_the_reference_does(
        entropy in vec(any::<u8>(), 0..400),
        style: u8,
        place: prop::sample::Index,
        with in "[\\x00-\\x7f]{0,2}|null|1e3|true|\"\"|\\[\\]|\\{\\}|\\\\ud800|\u{e9}",
    ) {
        let mut json = json(&message(&entropy), style);
        let place = place.index(json.len());
        json.splice(place..=place, with.into_bytes());
        check_json(&json);
    }

    #[test]
    fn wire_is_printed_as_the_reference_does(entropy in vec(any::<u8>(), 0..2000)) {
        check_wire(&message(&entropy).encode_to_vec());
    }

    #[test]
    fn messages_in_two_pieces_are_merged_as_the_reference_does(
        one in vec(any::<u8>(), 0..1000),
        other in vec(any::<u8>(), 0..1000),
    ) {
        check_wire(&[message(&one).encode_to_vec(), message(&other).encode_to_vec()].concat());
    }

    #[test]
    fn wire_with_a_mistake_never_panics(
        entropy in vec(any::<u8>(), 0..400),
        place: prop::sample::Index,
        with in vec(any::<u8>(), 0..3),
    ) {
        let mut wire = message(&entropy).encode_to_vec();
        wire.push(0);
        let place = place.index(wire.len());
        wire.splice(place..=place, with);
        check_wire(&wire);
    }
}
