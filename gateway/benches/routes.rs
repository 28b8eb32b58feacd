//! Finding the route of a request among those of the real contracts.

#![expect(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::hint::black_box;

use criterion::{Criterion, criterion_group, criterion_main};
use http::Method;
use portico_gateway::routes::{Lookup, RouteTable};
use portico_gateway::transcode::Schema;
use prost_reflect::DescriptorPool;

fn routes(criterion: &mut Criterion) {
    let pool = DescriptorPool::decode(portico_proto::FILE_DESCRIPTOR_SET).unwrap();
    let schema = Schema::new(&pool).unwrap();
    let table = RouteTable::new(&pool, &schema).unwrap();
    let path = "/api/v1/projects/019376f2-7c1e-7d3a-9b1f-3c5d8e2a4b60";
    assert!(matches!(table.find(&Method::GET, path), Lookup::Found(_)));

    let mut group = criterion.benchmark_group("routes");
    group.bench_function("find", |bencher| {
        bencher.iter(|| table.find(black_box(&Method::GET), black_box(path)))
    });
    group.bench_function("missing", |bencher| {
        bencher.iter(|| table.find(&Method::GET, black_box("/api/v1/nothing")))
    });
    group.bench_function("schema", |bencher| {
        bencher.iter(|| Schema::new(black_box(&pool)).unwrap())
    });
    group.bench_function("table", |bencher| {
        bencher.iter(|| RouteTable::new(black_box(&pool), &schema).unwrap());
    });
    group.finish();
}

criterion_group!(benches, routes);
criterion_main!(benches);
