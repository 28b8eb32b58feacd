//! The files that hold what TLS needs.

use std::{fs, path::PathBuf};

use crate::config::Env;

const CERTIFICATE: &str = "PORTICO_TLS_CERT";
const KEY: &str = "PORTICO_TLS_KEY";
const AUTHORITIES: &str = "PORTICO_TLS_CLIENT_CA";

/// Where the files are.
#[derive(Debug, Clone)]
pub(super) struct Files {
    certificate: File,
    key: File,
    authorities: Option<File>,
}

/// What was in them.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Contents {
    pub(super) certificate: Content,
    pub(super) key: Content,
    pub(super) authorities: Option<Content>,
}

/// A file that a variable names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct File {
    variable: &'static str,
    path: PathBuf,
}

/// What was in a file: PEM (RFC 7468).
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Content {
    pub(super) file: File,
    pub(super) pem: Vec<u8>,
}

/// Something that is wrong with a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mistake {
    pub(super) variable: &'static str,
    /// What the variable's name is followed by.
    pub(super) what: String,
}

impl Files {
    /// The files that the environment names; nothing if it names none, or too
    /// few, which is noted.
    pub(super) fn of(env: &mut Env) -> Option<Self> {
        let mut file = |variable| {
            let path = env.text(variable)?.into();
            Some(File { variable, path })
        };
        let (certificate, key, authorities) = (file(CERTIFICATE), file(KEY), file(AUTHORITIES));
        match (certificate, key) {
            (Some(certificate), Some(key)) => {
                return Some(Self {
                    certificate,
                    key,
                    authorities,
                });
            }
            (Some(_), None) => env.missing(KEY, "the file with the key of PORTICO_TLS_CERT"),
            (None, Some(_)) => env.missing(
                CERTIFICATE,
                "the file with the certificate that PORTICO_TLS_KEY is for",
            ),
            (None, None) if authorities.is_some() => {
                for name in [CERTIFICATE, KEY] {
                    env.missing(name, "who asks for certificates shows one too");
                }
            }
            (None, None) => {}
        }
        None
    }

    /// Reads them all.
    pub(super) fn read(&self) -> Result<Contents, Vec<Mistake>> {
        let authorities = self.authorities.as_ref().map(File::read).transpose();
        match (self.certificate.read(), self.key.read(), authorities) {
            (Ok(certificate), Ok(key), Ok(authorities)) => Ok(Contents {
                certificate,
                key,
                authorities,
            }),
            (certificate, key, authorities) => {
                let mistakes = [certificate.err(), key.err(), authorities.err()];
                Err(mistakes.into_iter().flatten().collect())
            }
        }
    }
}

impl File {
    fn read(&self) -> Result<Content, Mistake> {
        match fs::read(&self.path) {
            Ok(pem) => Ok(Content {
                file: self.clone(),
                pem,
            }),
            Err(error) => Err(self.mistake(&error.to_string())),
        }
    }

    fn mistake(&self, what: &str) -> Mistake {
        Mistake {
            variable: self.variable,
            what: format!("names `{}`: {what}", self.path.display()),
        }
    }
}

impl Content {
    pub(super) fn mistake(&self, what: &str) -> Mistake {
        self.file.mistake(what)
    }
}
