//! A collector of OpenTelemetry's spans, as an operator would run one.

use std::{
    collections::BTreeSet,
    sync::{Arc, Mutex},
};

use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
    trace_service_server::{TraceService, TraceServiceServer},
};
use prost_reflect::prost::Message;
use tokio::task::JoinHandle;
use tonic::{
    Request, Response, Status,
    transport::{Server, server::TcpIncoming},
};

/// What has been exported so far.
#[derive(Clone, Default)]
struct Taken(Arc<Mutex<Vec<ExportTraceServiceRequest>>>);

pub(super) struct Collector {
    /// Where it is, as programs are told.
    pub(super) url: String,
    taken: Taken,
    served: JoinHandle<()>,
}

#[tonic::async_trait]
impl TraceService for Taken {
    async fn export(
        &self,
        request: Request<ExportTraceServiceRequest>,
    ) -> Result<Response<ExportTraceServiceResponse>, Status> {
        let mut taken = self.0.lock().expect("not poisoned");
        taken.push(request.into_inner());
        Ok(Response::new(ExportTraceServiceResponse::default()))
    }
}

impl Collector {
    pub(super) fn start() -> Self {
        let address = "127.0.0.1:0".parse().expect("an address");
        let incoming = TcpIncoming::bind(address).expect("a port");
        let address = incoming.local_addr().expect("an address");
        let taken = Taken::default();
        let service = TraceServiceServer::new(taken.clone());
        let server = Server::builder().add_service(service);
        let served = tokio::spawn(async move {
            let served = server.serve_with_incoming(incoming).await;
            served.expect("it serves");
        });
        Self {
            url: format!("http://{address}"),
            taken,
            served,
        }
    }

    /// The names of all spans.
    pub(super) fn names(&self) -> BTreeSet<String> {
        let taken = self.taken.0.lock().expect("not poisoned");
        let spans = taken
            .iter()
            .flat_map(|request| &request.resource_spans)
            .flat_map(|of_resource| &of_resource.scope_spans)
            .flat_map(|of_scope| &of_scope.spans);
        spans.map(|span| span.name.clone()).collect()
    }

    /// Everything that arrived, as it was sent.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let taken = self.taken.0.lock().expect("not poisoned");
        let bytes = taken.iter().flat_map(Message::encode_to_vec);
        bytes.collect()
    }
}

impl Drop for Collector {
    fn drop(&mut self) {
        self.served.abort();
    }
}
