//! Where letters go: to a mail server, or into the mailbox of a development
//! installation.

pub(crate) mod smtp;

use portico_chassis::{
    finding::Finding,
    mailbox::{Letter, Mailbox},
};

use self::smtp::Smtp;
use crate::{
    config::{Config, Outlet},
    job::Refusal,
};

/// Where letters go.
pub(crate) enum Delivery {
    Smtp(Box<Smtp>),
    Mailbox(Mailbox),
}

impl Delivery {
    pub(crate) fn new(config: &Config) -> anyhow::Result<Self> {
        Ok(match &config.outlet {
            Outlet::Smtp(server) => Self::Smtp(Box::new(Smtp::new(server.clone(), config)?)),
            Outlet::Mailbox(folder) => Self::Mailbox(Mailbox::new(folder)),
        })
    }

    /// Delivers a letter. What a receiver gets twice has the same `Message-ID`.
    pub(crate) async fn deliver(&self, letter: Letter) -> Result<(), Refusal> {
        match self {
            Self::Smtp(smtp) => smtp.deliver(&letter).await,
            Self::Mailbox(mailbox) => mailbox.put(letter).await.map_err(|error| {
                Refusal::ForNow(format!("The mailbox cannot be written: {error}"))
            }),
        }
    }

    /// Whether letters can go there.
    pub(crate) async fn examine(&self) -> Finding {
        match self {
            Self::Smtp(smtp) => smtp.examine().await,
            Self::Mailbox(_) => Finding::fine(
                "no mail server is set: mails wait in the mailbox of this installation",
            ),
        }
    }

    /// Ends connections that have not been used for a while.
    pub(crate) async fn hang_up_idle(&self) {
        if let Self::Smtp(smtp) = self {
            smtp.hang_up_idle().await;
        }
    }
}
