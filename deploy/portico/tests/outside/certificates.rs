//! Certificate authorities of one's own, and what they signed.

use std::{
    fs,
    path::{Path, PathBuf},
};

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use time::{Duration, OffsetDateTime};

/// An authority.
pub(crate) struct Authority {
    issuer: Issuer<'static, KeyPair>,
    pub(crate) pem: String,
}

/// A certificate and its key, in PEM.
#[derive(Clone)]
pub(crate) struct Signed {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Authority {
    pub(crate) fn make(name: &str) -> Self {
        let mut authority = CertificateParams::default();
        authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        authority.distinguished_name.push(DnType::CommonName, name);
        let key = KeyPair::generate().expect("a key");
        let pem = authority.self_signed(&key).expect("signed").pem();
        let issuer = Issuer::new(authority, key);
        Self { issuer, pem }
    }

    /// A certificate for this name, good for a day.
    pub(crate) fn sign(&self, name: &str) -> Signed {
        self.sign_until(name, now() + Duration::DAY)
    }

    /// One that has expired.
    pub(crate) fn sign_late(&self, name: &str) -> Signed {
        self.sign_until(name, now() - Duration::MINUTE)
    }

    fn sign_until(&self, name: &str, until: OffsetDateTime) -> Signed {
        let key = KeyPair::generate().expect("a key");
        let mut params = CertificateParams::new(vec![name.to_owned()]).expect("a name");
        params.not_before = now() - Duration::DAY;
        params.not_after = until;
        let certificate = params.signed_by(&key, &self.issuer).expect("signed").pem();
        Signed {
            certificate,
            key: key.serialize_pem(),
        }
    }
}

fn now() -> OffsetDateTime {
    let seconds = portico_chassis::clock::Clock::system().now().seconds();
    OffsetDateTime::from_unix_timestamp(seconds).expect("a time")
}

/// Files that are exchanged all at once, as Kubernetes does with a Secret: the
/// folder is a link.
pub(crate) struct Mounted {
    folder: PathBuf,
    versions: u32,
}

impl Mounted {
    pub(crate) fn new(folder: &Path, signed: &Signed, authorities: &str) -> Self {
        let mut mounted = Self {
            folder: folder.to_owned(),
            versions: 0,
        };
        mounted.exchange(signed, authorities);
        mounted
    }

    /// Puts others in their place.
    pub(crate) fn exchange(&mut self, signed: &Signed, authorities: &str) {
        self.versions += 1;
        let version = self.folder.join(format!("version-{}", self.versions));
        fs::create_dir_all(&version).expect("made");
        for (name, text) in [
            ("tls.crt", &*signed.certificate),
            ("tls.key", &signed.key),
            ("ca.crt", authorities),
        ] {
            fs::write(version.join(name), text).expect("written");
        }
        let link = self.folder.join("next");
        std::os::unix::fs::symlink(&version, &link).expect("linked");
        fs::rename(link, self.folder.join("current")).expect("exchanged");
    }

    /// Where a file is.
    pub(crate) fn path(&self, name: &str) -> String {
        let path = self.folder.join("current").join(name);
        path.display().to_string()
    }

    /// The settings that name the files.
    pub(crate) fn settings(&self) -> [(&'static str, String); 3] {
        [
            ("PORTICO_TLS_CERT", self.path("tls.crt")),
            ("PORTICO_TLS_KEY", self.path("tls.key")),
            ("PORTICO_TLS_CLIENT_CA", self.path("ca.crt")),
        ]
    }
}
