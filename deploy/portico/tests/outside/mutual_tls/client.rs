//! A client that shows what it is told to show.

use std::sync::Arc;

use portico_proto::projects::{
    GetProjectRequest, Project, projects_service_client::ProjectsServiceClient,
};
use rustls::{
    ClientConfig, RootCertStore, SupportedProtocolVersion,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, ServerName, pem::PemObject as _},
    version::TLS13,
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
};
use tokio_rustls::{TlsConnector, client::TlsStream};
use tonic::{
    Request, Status,
    transport::{Certificate, Channel, ClientTlsConfig, Endpoint, Identity},
};
use tonic_health::pb::{HealthCheckRequest, health_client::HealthClient};

use super::NAME;
use crate::certificates::Signed;

pub(super) struct Client {
    authorities: String,
    shown: Option<Signed>,
}

impl Client {
    pub(super) fn new(authorities: &str, shown: Option<&Signed>) -> Self {
        Self {
            authorities: authorities.to_owned(),
            shown: shown.cloned(),
        }
    }

    /// A connection of gRPC.
    pub(super) async fn connect(&self, address: &str) -> Result<Channel, tonic::transport::Error> {
        let mut tls = ClientTlsConfig::new()
            .domain_name(NAME)
            .ca_certificate(Certificate::from_pem(&self.authorities));
        if let Some(Signed { certificate, key }) = &self.shown {
            tls = tls.identity(Identity::from_pem(certificate, key));
        }
        let endpoint = Endpoint::from_shared(format!("https://{address}"))?;
        endpoint.tls_config(tls)?.connect().await
    }

    /// Whether it is answered at all.
    pub(super) async fn health(&self, address: &str) -> Result<(), String> {
        let channel = self
            .connect(address)
            .await
            .map_err(|error| format!("{error:?}"))?;
        ask(channel).await
    }

    /// The certificate that it is shown, if it is taken.
    pub(super) async fn handshake(
        &self,
        address: &str,
    ) -> std::io::Result<CertificateDer<'static>> {
        self.handshake_by(address, &TLS13, &[b"h2"]).await
    }

    /// The same, by one version of TLS, for these protocols.
    pub(super) async fn handshake_by(
        &self,
        address: &str,
        version: &'static SupportedProtocolVersion,
        protocols: &[&[u8]],
    ) -> std::io::Result<CertificateDer<'static>> {
        let mut stream = self.begin(address, version, protocols).await?;
        // The server's first word says that it has taken the connection.
        let hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
        stream.write_all(hello).await?;
        stream.read_exact(&mut [0]).await?;
        let shown = stream.get_ref().1.peer_certificates();
        Ok(shown.expect("a certificate")[0].clone().into_owned())
    }

    /// A connection on which nothing was said yet but who one is.
    pub(super) async fn begin(
        &self,
        address: &str,
        version: &'static SupportedProtocolVersion,
        protocols: &[&[u8]],
    ) -> std::io::Result<TlsStream<TcpStream>> {
        let mut roots = RootCertStore::empty();
        for authority in CertificateDer::pem_slice_iter(self.authorities.as_bytes()) {
            roots.add(authority.expect("PEM")).expect("an authority");
        }
        let Signed { certificate, key } = self.shown.as_ref().expect("a certificate");
        let certificate = CertificateDer::from_pem_slice(certificate.as_bytes()).expect("PEM");
        let key = PrivateKeyDer::from_pem_slice(key.as_bytes()).expect("PEM");
        let mut config =
            ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
                .with_protocol_versions(&[version])
                .expect("versions")
                .with_root_certificates(roots)
                .with_client_auth_cert(vec![certificate], key)
                .expect("a key");
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        let stream = TcpStream::connect(address).await?;
        let name = ServerName::try_from(NAME).expect("a name");
        let connector = TlsConnector::from(Arc::new(config));
        connector.connect(name, stream).await
    }
}

/// Asks without TLS.
pub(super) async fn plain(address: &str) -> Result<(), String> {
    let endpoint = Endpoint::from_shared(format!("http://{address}")).expect("a URL");
    ask(endpoint.connect_lazy()).await
}

async fn ask(channel: Channel) -> Result<(), String> {
    let mut health = HealthClient::new(channel);
    let asked = health.check(HealthCheckRequest::default()).await;
    asked.map(|_| ()).map_err(|status| format!("{status:?}"))
}

/// Reads a project as somebody, or as nobody.
pub(super) async fn project(channel: Channel, token: &str, id: &str) -> Result<Project, Status> {
    let mut request = Request::new(GetProjectRequest { id: id.to_owned() });
    if !token.is_empty() {
        let value = format!("Bearer {token}").parse().expect("a header");
        request.metadata_mut().insert("authorization", value);
    }
    let answer = ProjectsServiceClient::new(channel)
        .get_project(request)
        .await?;
    Ok(answer.into_inner())
}
