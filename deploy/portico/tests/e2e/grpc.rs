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
    /// Calls a method over gRPC, with and answering JSON.
    pub(crate) async fn grpc(
        &self,
        name: &str,
        token: Option<&str>,
        headers: &[(&'static str, &str)],
        request: &Value,
    ) -> Result<Value, Error> {
        let method = method(name);
        let service = method.parent_service();
        let role = service
            .package_name()
            .split('.')
            .nth(1)
            .expect("a role")
            .to_owned();
        let endpoint = Channel::from_shared(self.grpc[role.as_str()].clone()).expect("an address");
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
            first(client.server_streaming(call, path, Dynamic(method)).await).await
        } else {
            client
                .unary(call, path, Dynamic(method))
                .await
                .map(tonic::Response::into_inner)
        };
        match answered {
            Ok(message) => {
                let options = SerializeOptions::new().skip_default_fields(false);
                Ok(message
                    .serialize_with_options(serde_json::value::Serializer, &options)
                    .expect("JSON"))
            }
            Err(status) => Err(Error::from_status(&status)),
        }
    }
}

async fn first(
    stream: Result<tonic::Response<tonic::Streaming<DynamicMessage>>, Status>,
) -> Result<DynamicMessage, Status> {
    let message = stream?.into_inner().message().await?;
    Ok(message.expect("at least one message"))
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
