//! Why a connection cannot be, in the same words each time, so that the log can
//! leave out what it has told.

use std::{error::Error as StdError, io};

use rustls::{CertificateError, Error, InvalidMessage};

/// What is at the bottom of an error, about the other side.
pub(crate) fn reason(error: &(dyn StdError + 'static)) -> String {
    let mut deepest = error;
    loop {
        if let Some(told) = tls_error(deepest) {
            return explain(told);
        }
        match deepest.source() {
            Some(source) => deepest = source,
            None => return deepest.to_string(),
        }
    }
}

/// What TLS says of it, which may be packed into an error of input and output.
fn tls_error<'a>(error: &'a (dyn StdError + 'static)) -> Option<&'a Error> {
    error.downcast_ref().or_else(|| {
        let packed = error.downcast_ref::<io::Error>()?.get_ref()?;
        packed.downcast_ref()
    })
}

fn explain(error: &Error) -> String {
    let told = match error {
        Error::InvalidMessage(InvalidMessage::InvalidContentType) => "it does not speak TLS",
        Error::NoApplicationProtocol => "it does not offer HTTP/2",
        Error::NoCertificatesPresented => "it shows no certificate",
        Error::InvalidCertificate(CertificateError::UnknownIssuer) => {
            "its certificate is by no authority that is trusted here"
        }
        Error::InvalidCertificate(
            CertificateError::Expired | CertificateError::ExpiredContext { .. },
        ) => "its certificate has expired",
        Error::InvalidCertificate(
            CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. },
        ) => "its certificate is not good yet",
        Error::AlertReceived(alert) => return format!("it refuses us: {alert:?}"),
        other => return other.to_string(),
    };
    told.to_owned()
}
