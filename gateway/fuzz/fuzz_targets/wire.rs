//! Any bytes as wire format, against prost-reflect.

#![no_main]

mod contract;
#[path = "../../tests/transcode/oracle.rs"]
#[expect(dead_code, reason = "the other target uses the rest")]
mod oracle;

libfuzzer_sys::fuzz_target!(|wire: &[u8]| {
    let contract = &contract::CONTRACT;
    oracle::check_wire(&contract.schema, contract.sink, &contract.descriptor, wire);
});
