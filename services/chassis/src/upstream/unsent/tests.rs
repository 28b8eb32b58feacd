use bytes::Bytes;
use h2::server::{Connection, SendResponse};
use http::Request;
use tokio::net::{TcpListener, TcpStream};
use tonic::{
    body::Body,
    transport::{Channel, Endpoint},
};
use tower::ServiceExt as _;

use super::*;
use crate::serve::testing::free_address;

type Server = Connection<TcpStream, Bytes>;

/// The failure of a call to an address.
async fn failure(address: &str) -> tonic::transport::Error {
    call(&channel(address))
        .await
        .expect_err("nobody answers it")
}

fn channel(address: &str) -> Channel {
    let endpoint = Endpoint::from_shared(format!("http://{address}"));
    endpoint.expect("an address").connect_lazy()
}

async fn call(channel: &Channel) -> Result<http::Response<Body>, tonic::transport::Error> {
    let request = Request::post("/service/Method").body(Body::empty());
    channel.clone().oneshot(request.expect("a request")).await
}

/// Serves one connection by what is done with it.
async fn serve<F: Future<Output = ()> + Send + 'static>(
    act: impl FnOnce(Server) -> F + Send + 'static,
) -> String {
    let address = free_address();
    let listener = TcpListener::bind(&address).await.expect("it is free");
    tokio::spawn(async move {
        let (stream, _) = listener.accept().await.expect("a connection");
        act(h2::server::handshake(stream).await.expect("HTTP/2")).await;
    });
    address
}

async fn accept(server: &mut Server) -> SendResponse<Bytes> {
    let accepted = server.accept().await.expect("a call");
    accepted.expect("a call").1
}

async fn reset(reason: Reason) -> tonic::transport::Error {
    let address = serve(async move |mut server: Server| {
        accept(&mut server).await.send_reset(reason);
        while server.accept().await.is_some() {}
    });
    failure(&address.await).await
}

#[tokio::test]
async fn a_call_without_a_connection_was_not_sent() {
    assert!(was_never_sent(&failure(&free_address()).await));
    assert!(was_never_sent(&NoAddress));
}

#[tokio::test]
async fn a_call_that_is_refused_was_not_looked_at() {
    assert!(was_never_sent(&reset(Reason::REFUSED_STREAM).await));
}

#[tokio::test]
async fn a_call_that_was_given_up_may_have_been_acted_on() {
    for reason in [Reason::CANCEL, Reason::INTERNAL_ERROR] {
        assert!(!was_never_sent(&reset(reason).await), "{reason}");
    }
}

#[tokio::test]
async fn a_call_whose_connection_breaks_may_have_been_acted_on() {
    let address = serve(async |mut server: Server| drop(accept(&mut server).await)).await;
    assert!(!was_never_sent(&failure(&address).await));
}

/// The server says that it goes, with a call in progress and others on their
/// way; it answers only what it has begun.
#[tokio::test]
async fn calls_after_a_farewell_were_not_looked_at() {
    let address = serve(async |mut server: Server| {
        let mut first = accept(&mut server).await;
        server.graceful_shutdown();
        let answer = http::Response::new(());
        first.send_response(answer, true).expect("it is open");
        while server.accept().await.is_some() {}
    });
    let channel = channel(&address.await);
    assert!(call(&channel).await.is_ok());
    loop {
        // The listener has gone, so what is not sent on the old connection is
        // not sent at all.
        if let Err(error) = call(&channel).await {
            assert!(was_never_sent(&error), "{error:?}");
            break;
        }
    }
}
