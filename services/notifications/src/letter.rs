//! Writes a mail out: as HTML and as text.

use askama::Template;
use portico_chassis::mailbox::Letter;

use crate::{
    content::{self, Content},
    mail::Mail,
};

#[derive(Template)]
#[template(path = "mail.html")]
struct Html<'a> {
    content: &'a Content,
    link: &'a str,
    host: &'a str,
}

#[derive(Template)]
#[template(path = "mail.txt")]
struct Text<'a> {
    content: &'a Content,
    link: &'a str,
    host: &'a str,
}

/// What goes on a letter beside what it says.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Envelope<'a> {
    pub(crate) id: uuid::Uuid,
    pub(crate) at: portico_chassis::clock::Timestamp,
    pub(crate) from: &'a str,
    pub(crate) to: &'a str,
    /// The host of the installation, for people.
    pub(crate) host: &'a str,
}

/// A mail whose button leads to `link`.
pub(crate) fn write(mail: &Mail, link: &str, envelope: Envelope<'_>) -> askama::Result<Letter> {
    let Envelope { to, host, .. } = envelope;
    let content = &content::of(mail, to, host);
    Ok(Letter {
        id: envelope.id,
        at: envelope.at,
        from: envelope.from.to_owned(),
        to: to.to_owned(),
        subject: content.subject.clone(),
        text: Text {
            content,
            link,
            host,
        }
        .render()?,
        html: Html {
            content,
            link,
            host,
        }
        .render()?,
    })
}

#[cfg(test)]
mod tests;
