//! Any bytes as JSON, against prost-reflect.

#![no_main]

mod contract;
#[path = "../../tests/transcode/oracle.rs"]
#[expect(dead_code, reason = "the other target uses the rest")]
mod oracle;

libfuzzer_sys::fuzz_target!(|json: &[u8]| {
    let contract = &contract::CONTRACT;
    oracle::check_json(&contract.schema, contract.sink, &contract.descriptor, json);
});
