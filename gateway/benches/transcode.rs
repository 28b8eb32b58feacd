//! JSON → wire and wire → JSON for a resource like those of the services: the
//! transcoder against typed messages with generated serde, and against dynamic
//! messages.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use portico_gateway::transcode::{Request, Schema};
use portico_gateway_reference::{DESCRIPTORS, Profile};
use prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage};

const BODY: &str = r#"{"id":"019376f2-7c1e-7d3a-9b1f-3c5d8e2a4b60","email":"grace.hopper@navy.example.org","name":"Rear Admiral Grace Brewster Murray Hopper","avatar":"https://cdn.example.org/avatars/019376f2-7c1e.png","role":"ADMIN","status":"ACTIVE","emailVerified":true,"createdAt":"2026-11-22T10:00:00.000Z","updatedAt":"2026-11-22T10:15:30.125Z","etag":"42.9f86d081884c","version":"42","scopes":["account:read","projects:read","projects:write"],"address":{"city":"New York","country":"US","floor":-13}}"#;

fn transcode(criterion: &mut Criterion) {
    let pool = DescriptorPool::decode(DESCRIPTORS).unwrap();
    let schema = Schema::new(&pool).unwrap();
    let profile = schema.find("portico.bench.v1.Profile").unwrap();
    let descriptor = pool
        .get_message_by_name("portico.bench.v1.Profile")
        .unwrap();
    let wire = Request::from_json(&schema, profile, BODY.as_bytes())
        .unwrap()
        .wire;
    assert_eq!(BODY.len(), 485);
    assert_eq!(
        serde_json::from_str::<Profile>(BODY).unwrap(),
        Profile::decode(&*wire).unwrap()
    );

    let ours_parse = || {
        Request::from_json(&schema, profile, black_box(BODY.as_bytes()))
            .unwrap()
            .wire
    };
    let ours_print = || {
        let mut out = Vec::with_capacity(1024);
        schema.print(profile, black_box(&wire), &mut out).unwrap();
        out
    };
    let typed_parse = || {
        serde_json::from_slice::<Profile>(black_box(BODY.as_bytes()))
            .unwrap()
            .encode_to_vec()
    };
    let typed_print = || {
        let mut out = Vec::with_capacity(1024);
        serde_json::to_writer(&mut out, &Profile::decode(black_box(&*wire)).unwrap()).unwrap();
        out
    };
    let dynamic_parse = || {
        let mut reader = serde_json::Deserializer::from_slice(black_box(BODY.as_bytes()));
        DynamicMessage::deserialize(descriptor.clone(), &mut reader)
            .unwrap()
            .encode_to_vec()
    };
    let dynamic_print = || {
        let message = DynamicMessage::decode(descriptor.clone(), black_box(&*wire)).unwrap();
        let mut out = Vec::with_capacity(1024);
        serde_json::to_writer(&mut out, &message).unwrap();
        out
    };

    let mut group = criterion.benchmark_group("json_to_wire");
    group.throughput(Throughput::Bytes(BODY.len() as u64));
    group.bench_function("ours", |bencher| bencher.iter(ours_parse));
    group.bench_function("typed", |bencher| bencher.iter(typed_parse));
    group.bench_function("dynamic", |bencher| bencher.iter(dynamic_parse));
    group.finish();

    let mut group = criterion.benchmark_group("wire_to_json");
    group.throughput(Throughput::Bytes(wire.len() as u64));
    group.bench_function("ours", |bencher| bencher.iter(ours_print));
    group.bench_function("typed", |bencher| bencher.iter(typed_print));
    group.bench_function("dynamic", |bencher| bencher.iter(dynamic_print));
    group.finish();

    // Typed and dynamic messages take four: JSON → message → wire → message → JSON.
    let mut group = criterion.benchmark_group("four_conversions");
    group.bench_function("ours", |bencher| {
        bencher.iter(|| (ours_parse(), ours_print()))
    });
    group.bench_function("typed", |bencher| {
        bencher.iter(|| (typed_parse(), typed_print()))
    });
    group.bench_function("dynamic", |bencher| {
        bencher.iter(|| (dynamic_parse(), dynamic_print()))
    });
    group.finish();
}

criterion_group!(benches, transcode);
criterion_main!(benches);
