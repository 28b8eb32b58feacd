//! A stock gRPC client that knows the contracts only by their descriptors.

use std::sync::LazyLock;

use portico_chassis::status::Error;
use portico_proto::FILE_DESCRIPTOR_SET;
use prost_reflect::prost::Message as _;
use prost_reflect::{DescriptorPool, DynamicMessage, MethodDescriptor, SerializeOptions};
use serde_json::Value;
use tonic::{
    Request, Status,
    client::Grpc,
    codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder},
    transport::Channel,
};

use crate::Instance;

pub(crate) static POOL: LazyLock<DescriptorPool> =
    LazyLock::new(|| DescriptorPool::decode(FILE_DESCRIPTOR_SET).expect("valid descriptors"));

/// The method with a name such as `portico.users.v1.UsersService.GetUser`, or
/// only its end.
pub(crate) fn method(name: &str) -> MethodDescriptor {
    let mut found = POOL
        .services()
        .flat_map(|service| service.methods().collect::<Vec<_>>())
        .filter(|method| method.full_name() == name || method.name() == name);
    let method = found.next().unwrap_or_else(|| panic!("no method {name}"));
    assert!(found.next().is_none(), "more than one method {name}");
    method
}

impl Instance {
    /// Calls a method over gRPC, with and answering JSON; of a stream only the
    /// first message.
    pub(crate) async fn grpc(
        &self,
        name: &str,
        token: Option<&str>,
        headers: &[(&'static str, &str)],
        request: &Value,
    ) -> Result<Value, Error> {
        let mut answered = self.grpc_messages(name, token, headers, request, 1).await?;
        Ok(answered.pop().expect("at least one message"))
    }

    /// Calls a method over gRPC, with and answering JSON: at most so many
    /// messages.
    pub(crate) async fn grpc_messages(
        &self,
        name: &str,
        token: Option<&str>,
        headers: &[(&'static str, &str)],
        request: &Value,
        most: usize,
    ) -> Result<Vec<Value>, Error> {
        let method = method(name);
        let service = method.parent_service();
        let role = match service.package_name().split('.').nth(1) {
            // What is about all services is answered by the one that calls all.
            Some("privacy") => "notifications",
            role => role.expect("a role"),
        };
        let endpoint = Channel::from_shared(self.grpc[role].clone()).expect("an address");
        let channel = endpoint.connect().await.expect("gRPC is served");
        let message = DynamicMessage::deserialize(method.input(), request.clone()).expect("fits");
        let mut call = Request::new(message);
        for (name, value) in headers {
            call.metadata_mut()
                .insert(*name, value.parse().expect("metadata"));
        }
        if let Some(token) = token {
            let bearer = format!("Bearer {token}").parse().expect("metadata");
            call.metadata_mut().insert("authorization", bearer);
        }
        let path = format!("/{}/{}", method.parent_service().full_name(), method.name());
        let mut client = Grpc::new(channel);
        client.ready().await.expect("ready");
        let path = path.parse().expect("a path");
        let answered = if method.is_server_streaming() {
            let stream = client.server_streaming(call, path, Dynamic(method)).await;
            messages(stream, most).await
        } else {
            let answered = client.unary(call, path, Dynamic(method)).await;
            answered.map(|answer| vec![answer.into_inner()])
        };
        let answered = answered.map_err(|status| Error::from_status(&status))?;
        let options = SerializeOptions::new().skip_default_fields(false);
        let json = |message: &DynamicMessage| {
            let json = serde_json::value::Serializer;
            message
                .serialize_with_options(json, &options)
                .expect("JSON")
        };
        Ok(answered.iter().map(json).collect())
    }
}

async fn messages(
    stream: Result<tonic::Response<tonic::Streaming<DynamicMessage>>, Status>,
    most: usize,
) -> Result<Vec<DynamicMessage>, Status> {
    let (mut stream, mut messages) = (stream?.into_inner(), Vec::new());
    while messages.len() < most {
        match stream.message().await? {
            Some(message) => messages.push(message),
            None => break,
        }
    }
    Ok(messages)
}

struct Dynamic(MethodDescriptor);

impl Codec for Dynamic {
    type Encode = DynamicMessage;
    type Decode = DynamicMessage;
    type Encoder = DynamicEncoder;
    type Decoder = DynamicDecoder;

    fn encoder(&mut self) -> DynamicEncoder {
        DynamicEncoder
    }

    fn decoder(&mut self) -> DynamicDecoder {
        DynamicDecoder(self.0.clone())
    }
}

struct DynamicEncoder;

impl Encoder for DynamicEncoder {
    type Item = DynamicMessage;
    type Error = Status;

    fn encode(&mut self, item: DynamicMessage, target: &mut EncodeBuf<'_>) -> Result<(), Status> {
        item.encode(target)
            .map_err(|error| Status::internal(error.to_string()))
    }

    fn buffer_settings(&self) -> BufferSettings {
        BufferSettings::default()
    }
}

struct DynamicDecoder(MethodDescriptor);

impl Decoder for DynamicDecoder {
    type Item = DynamicMessage;
    type Error = Status;

    fn decode(&mut self, source: &mut DecodeBuf<'_>) -> Result<Option<DynamicMessage>, Status> {
        DynamicMessage::decode(self.0.output(), source)
            .map(Some)
            .map_err(|error| Status::internal(error.to_string()))
    }
}
