//! The route of a request among those of the contracts.

use std::hint::black_box;

use http::Method;
use portico_gateway::{
    routes::{Lookup, RouteTable},
    transcode::Schema,
};
use portico_proto::FILE_DESCRIPTOR_SET;
use prost_reflect::DescriptorPool;

use super::Work;

const PATH: &str = "/api/v1/projects/01a202fe-5fd4-7b48-b103-f268bea9e40c";

pub(super) fn find(_: u32) -> anyhow::Result<Work> {
    let pool = DescriptorPool::decode(FILE_DESCRIPTOR_SET)?;
    let table = RouteTable::new(&pool, &Schema::new(&pool)?)?;
    Ok(Box::new(move |times| {
        for _ in 0..times {
            let found = table.find(black_box(&Method::GET), black_box(PATH));
            anyhow::ensure!(matches!(found, Lookup::Found(_)), "no route for {PATH}");
            black_box(found);
        }
        Ok(())
    }))
}
