//! The contract of the transcoder's tests.

use std::sync::LazyLock;

use portico_gateway::transcode::{MessageId, Schema};
use prost_reflect::{DescriptorPool, MessageDescriptor};

pub struct Contract {
    pub schema: Schema,
    pub sink: MessageId,
    pub descriptor: MessageDescriptor,
}

pub static CONTRACT: LazyLock<Contract> = LazyLock::new(|| {
    let include = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/transcode");
    let files = protox::compile(["kitchen_sink.proto"], [include]).expect("the contract compiles");
    let pool = DescriptorPool::from_file_descriptor_set(files).expect("its descriptors are whole");
    let schema = Schema::new(&pool).expect("it has a schema");
    Contract {
        sink: schema
            .find("portico.test.Sink")
            .expect("it is in the contract"),
        descriptor: pool
            .get_message_by_name("portico.test.Sink")
            .expect("it is in the contract"),
        schema,
    }
});
