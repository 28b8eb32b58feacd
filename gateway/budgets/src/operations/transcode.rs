//! JSON to protobuf's wire format, and back.

use std::hint::black_box;

use anyhow::Context as _;
use portico_gateway::transcode::{MessageId, Request, Schema};
use portico_proto::FILE_DESCRIPTOR_SET;
use prost_reflect::DescriptorPool;

use super::{PROJECT, Work};

const MESSAGE: &str = "portico.projects.v1.Project";

pub(super) fn parse(_: u32) -> anyhow::Result<Work> {
    let (schema, project) = project()?;
    Ok(Box::new(move |times| {
        for _ in 0..times {
            black_box(wire(&schema, project, black_box(PROJECT))?);
        }
        Ok(())
    }))
}

pub(super) fn print(_: u32) -> anyhow::Result<Work> {
    let (schema, project) = project()?;
    let wire = wire(&schema, project, PROJECT)?;
    Ok(Box::new(move |times| {
        for _ in 0..times {
            let mut out = Vec::with_capacity(1024);
            schema.print(project, black_box(&wire), &mut out)?;
            black_box(out);
        }
        Ok(())
    }))
}

/// A project as a service answers it.
pub(super) fn message() -> anyhow::Result<Vec<u8>> {
    let (schema, project) = project()?;
    wire(&schema, project, PROJECT)
}

fn project() -> anyhow::Result<(Schema, MessageId)> {
    let schema = Schema::new(&DescriptorPool::decode(FILE_DESCRIPTOR_SET)?)?;
    let project = schema.find(MESSAGE).context(MESSAGE)?;
    Ok((schema, project))
}

fn wire(schema: &Schema, message: MessageId, json: &str) -> anyhow::Result<Vec<u8>> {
    let request = Request::from_json(schema, message, json.as_bytes());
    Ok(request
        .map_err(|rejection| anyhow::anyhow!("{rejection:?}"))?
        .wire)
}
