//! What connections take, made of what is in the files, if that is of use.

use std::sync::Arc;

use rustls::{
    RootCertStore, ServerConfig,
    crypto::aws_lc_rs,
    pki_types::{CertificateDer, PrivateKeyDer, pem::PemObject as _},
    server::{NoServerSessionStorage, WebPkiClientVerifier, danger::ClientCertVerifier},
    sign::{CertifiedKey, SingleCertAndKey},
};
use time::{OffsetDateTime, format_description::well_known::Rfc3339};
use tonic::transport::{Certificate, ClientTlsConfig, Identity};
use x509_parser::prelude::{FromDer as _, X509Certificate};

use super::files::{Content, Contents, Mistake};
use crate::clock::Timestamp;

/// What gRPC names itself in the handshake (RFC 7301).
pub(crate) const ALPN: &[u8] = b"h2";

/// What this process shows and whom it trusts.
pub(crate) struct Credentials {
    pub(super) contents: Contents,
    pub(super) server: Arc<ServerConfig>,
    /// When the first certificate of the chain is no longer good.
    pub(super) expires_at: Timestamp,
    /// When the last of the authorities is no longer good.
    pub(super) authorities_expire_at: Option<Timestamp>,
}

impl Credentials {
    /// Made of what was in the files.
    pub(super) fn of(contents: Contents, now: Timestamp) -> Result<Self, Vec<Mistake>> {
        let shown = shown(&contents, now);
        let trusted = contents.authorities.as_ref().map(trusted).transpose();
        let ((certified, expires_at), trusted) = match (shown, trusted) {
            (Ok(shown), Ok(trusted)) => (shown, trusted),
            (shown, trusted) => {
                return Err([shown.err(), trusted.err()].into_iter().flatten().collect());
            }
        };
        let (verifier, authorities_expire_at) = match trusted {
            Some((verifier, until)) => (verifier, Some(until)),
            None => (WebPkiClientVerifier::no_client_auth(), None),
        };
        let server = server(certified, verifier)
            .map_err(|error| vec![contents.certificate.mistake(&error.to_string())])?;
        Ok(Self {
            server: Arc::new(server),
            contents,
            expires_at,
            authorities_expire_at,
        })
    }

    /// How a process by this name is called. Without authorities of its own, it
    /// must have a certificate by one that the system trusts.
    pub(super) fn client(&self, name: &str) -> ClientTlsConfig {
        let Contents {
            certificate,
            key,
            authorities,
        } = &self.contents;
        let client = ClientTlsConfig::new()
            .domain_name(name)
            .identity(Identity::from_pem(&certificate.pem, &key.pem));
        match authorities {
            Some(authorities) => client.ca_certificate(Certificate::from_pem(&authorities.pem)),
            None => client.with_native_roots(),
        }
    }
}

/// What this process shows, and until when.
fn shown(contents: &Contents, now: Timestamp) -> Result<(CertifiedKey, Timestamp), Mistake> {
    let Contents {
        certificate, key, ..
    } = contents;
    let chain = certificates(certificate)?;
    let mut expires_at = Timestamp::from_seconds(i64::MAX);
    for link in &chain {
        let (from, until) = validity(certificate, link)?;
        if now < from {
            return Err(certificate.mistake(&format!("it is good only from {} on", date(from))));
        }
        if until < now {
            return Err(certificate.mistake(&format!("it has expired at {}", date(until))));
        }
        expires_at = expires_at.min(until);
    }
    let secret = PrivateKeyDer::from_pem_slice(&key.pem)
        .map_err(|_| key.mistake("there is no key in it, in PEM and without a password"))?;
    let secret = aws_lc_rs::default_provider()
        .key_provider
        .load_private_key(secret)
        .map_err(|error| key.mistake(&error.to_string()))?;
    let certified = CertifiedKey::new(chain, secret);
    certified
        .keys_match()
        .map_err(|_| key.mistake("it is not the key of the certificate in PORTICO_TLS_CERT"))?;
    Ok((certified, expires_at))
}

/// Who checks those who call, and until when an authority is good.
fn trusted(authorities: &Content) -> Result<(Arc<dyn ClientCertVerifier>, Timestamp), Mistake> {
    let mut roots = RootCertStore::empty();
    let mut expires_at = Timestamp::default();
    for authority in certificates(authorities)? {
        let (_, until) = validity(authorities, &authority)?;
        expires_at = expires_at.max(until);
        roots
            .add(authority)
            .map_err(|error| authorities.mistake(&error.to_string()))?;
    }
    let provider = Arc::new(aws_lc_rs::default_provider());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider)
        .build()
        .map_err(|error| authorities.mistake(&error.to_string()))?;
    Ok((verifier, expires_at))
}

fn server(
    certified: CertifiedKey,
    verifier: Arc<dyn ClientCertVerifier>,
) -> Result<ServerConfig, rustls::Error> {
    let provider = Arc::new(aws_lc_rs::default_provider());
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(certified)));
    server.alpn_protocols = vec![ALPN.to_vec()];
    // A session that is taken up again is not checked again, and connections are
    // kept so long that nothing is saved.
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok(server)
}

/// The certificates in a file, of which there must be some.
fn certificates(content: &Content) -> Result<Vec<CertificateDer<'static>>, Mistake> {
    let found: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&content.pem).collect();
    match found {
        Ok(found) if !found.is_empty() => Ok(found),
        Ok(_) => Err(content.mistake("there is no certificate in it, in PEM")),
        Err(error) => Err(content.mistake(&error.to_string())),
    }
}

/// From when until when a certificate is good (RFC 5280, section 4.1.2.5).
fn validity(
    content: &Content,
    certificate: &CertificateDer<'_>,
) -> Result<(Timestamp, Timestamp), Mistake> {
    let (_, certificate) = X509Certificate::from_der(certificate)
        .map_err(|_| content.mistake("what is in it is not an X.509 certificate"))?;
    let validity = certificate.validity();
    let [from, until] = [validity.not_before, validity.not_after]
        .map(|moment| Timestamp::from_seconds(moment.timestamp()));
    Ok((from, until))
}

/// A moment for people.
pub(super) fn date(moment: Timestamp) -> String {
    OffsetDateTime::from_unix_timestamp(moment.seconds())
        .ok()
        .and_then(|moment| moment.format(&Rfc3339).ok())
        .unwrap_or_else(|| "some time".to_owned())
}
