//! A certificate authority of one's own, and what it signed.

use std::{fs, path::PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};

/// A server's certificate for `localhost`, and its authority.
pub(crate) struct Certificates {
    folder: tempfile::TempDir,
}

impl Certificates {
    pub(crate) fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = authority.self_signed(&key).expect("signed");
        let issuer = Issuer::new(authority, key);
        let server_key = KeyPair::generate().expect("a key");
        let server = CertificateParams::new(vec!["localhost".to_owned()]).expect("a name");
        let server = server.signed_by(&server_key, &issuer).expect("signed");
        for (name, text) in [
            ("authority.pem", certificate.pem()),
            ("server.pem", server.pem()),
            ("server.key", server_key.serialize_pem()),
        ] {
            fs::write(folder.path().join(name), text).expect("written");
        }
        Self { folder }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The file with the certificate of the authority.
    pub(crate) fn authority(&self) -> String {
        self.path("authority.pem").display().to_string()
    }

    /// The arguments of a mail server that shows the server's certificate and
    /// knows one who may sign in.
    pub(crate) fn of_server(&self, sign_in: &str, more: &str) -> Vec<String> {
        let path = |name: &str| self.path(name).display().to_string();
        let mut arguments = vec![
            format!("--certificate={}", path("server.pem")),
            format!("--key={}", path("server.key")),
            format!("--sign-in={sign_in}"),
        ];
        arguments.extend((!more.is_empty()).then(|| more.to_owned()));
        arguments
    }
}
