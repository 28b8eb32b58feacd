//! A mail server's certificate for `localhost`, and its authority.

use crate::certificates::{Authority, Mounted};

pub(crate) struct Certificates {
    files: Mounted,
    _folder: tempfile::TempDir,
}

impl Certificates {
    pub(crate) fn make() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let authority = Authority::make("mails");
        let files = Mounted::new(folder.path(), &authority.sign("localhost"), &authority.pem);
        Self {
            files,
            _folder: folder,
        }
    }

    /// The file with the certificate of the authority.
    pub(crate) fn authority(&self) -> String {
        self.files.path("ca.crt")
    }

    /// The arguments of a mail server that shows the server's certificate and
    /// knows one who may sign in.
    pub(crate) fn of_server(&self, sign_in: &str, more: &str) -> Vec<String> {
        let mut arguments = vec![
            format!("--certificate={}", self.files.path("tls.crt")),
            format!("--key={}", self.files.path("tls.key")),
            format!("--sign-in={sign_in}"),
        ];
        arguments.extend((!more.is_empty()).then(|| more.to_owned()));
        arguments
    }
}
