//! A letter as a message of Internet mail (RFC 5322): text and HTML as
//! alternatives, and headers that say what it is.

use std::time::{Duration, UNIX_EPOCH};

use lettre::{
    Address, Message,
    message::{
        Mailbox, MultiPart,
        header::{HeaderName, HeaderValue},
    },
};
use portico_chassis::mailbox::Letter;

use crate::job::Refusal;

/// The message of a letter; refused for good if it cannot be one.
pub(super) fn of(letter: &Letter, from: &Mailbox) -> Result<Message, Refusal> {
    let to = address(&letter.to).ok_or_else(|| {
        Refusal::ForGood("Nothing can be sent to an address of this form.".to_owned())
    })?;
    let millis = u64::try_from(letter.at.millis()).unwrap_or(0);
    // The same at each attempt, so that a receiver knows a letter that it has.
    let id = format!("<{}@{}>", letter.id, from.email.domain());
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(&letter.subject)
        .date(UNIX_EPOCH + Duration::from_millis(millis))
        .message_id(Some(id))
        .raw_header(not_to_be_answered())
        .multipart(MultiPart::alternative_plain_html(
            letter.text.clone(),
            letter.html.clone(),
        ))
        .map_err(|error| Refusal::ForGood(format!("The mail cannot be written: {error}.")))
}

/// No out-of-office note answers it (RFC 3834).
fn not_to_be_answered() -> HeaderValue {
    HeaderValue::new(
        HeaderName::new_from_ascii_str("Auto-Submitted"),
        "auto-generated".to_owned(),
    )
}

/// An address whose domain is in its ASCII form, which every server takes.
fn address(text: &str) -> Option<Address> {
    let (user, domain) = text.rsplit_once('@')?;
    let domain = idna::domain_to_ascii(domain).ok()?;
    Address::new(user, domain).ok()
}

#[cfg(test)]
mod tests {
    use portico_chassis::clock::Timestamp;
    use uuid::Uuid;

    use super::*;

    fn letter() -> Letter {
        Letter {
            id: Uuid::from_u128(7),
            at: Timestamp::from_seconds(1_795_629_900),
            from: "Portico <no-reply@portico.example>".to_owned(),
            to: "ada@example.com".to_owned(),
            subject: "Welcome".to_owned(),
            text: "Hello Zoë\n".to_owned(),
            html: "<p>Hello Zoë</p>\n".to_owned(),
        }
    }

    fn from() -> Mailbox {
        letter().from.parse().expect("a sender")
    }

    fn written(letter: &Letter) -> String {
        let bytes = of(letter, &from()).expect("a message").formatted();
        String::from_utf8(bytes).expect("ASCII")
    }

    #[test]
    fn a_message_says_what_it_is() {
        let message = written(&letter());
        for header in [
            "From: Portico <no-reply@portico.example>\r\n",
            "To: ada@example.com\r\n",
            "Subject: Welcome\r\n",
            "Date: Wed, 25 Nov 2026 18:05:00 +0000\r\n",
            "Message-ID: <00000000-0000-0000-0000-000000000007@portico.example>\r\n",
            "Auto-Submitted: auto-generated\r\n",
            "MIME-Version: 1.0\r\n",
            "Content-Type: multipart/alternative;",
            "Content-Type: text/plain; charset=utf-8\r\n",
            "Content-Type: text/html; charset=utf-8\r\n",
        ] {
            assert!(message.contains(header), "{header} in {message}");
        }
        assert!(message.find("text/plain") < message.find("text/html"));
        assert!(message.is_ascii(), "{message}");
    }

    #[test]
    fn a_subject_cannot_bring_headers_along() {
        for subject in ["x\r\nBcc: eve@evil.example", "x\nBcc: eve@evil.example"] {
            let subject = subject.to_owned();
            let message = written(&Letter {
                subject,
                ..letter()
            });
            let (headers, _) = message.split_once("\r\n\r\n").expect("headers");
            assert!(!headers.contains("\nBcc:"), "{headers}");
        }
    }

    #[test]
    fn a_domain_is_written_in_ascii() {
        let to = "Ada@Bücher.Example".to_owned();
        let message = written(&Letter { to, ..letter() });
        assert!(
            message.contains("To: Ada@xn--bcher-kva.example\r\n"),
            "{message}"
        );
    }

    #[test]
    fn what_is_no_address_is_refused_for_good() {
        for to in [
            "nobody",
            "a@b@c..d",
            "x@\r\nBcc:y",
            "a\r\nb@example.com",
            "<a>@example.com",
        ] {
            let to = to.to_owned();
            let refused = of(&Letter { to, ..letter() }, &from());
            assert!(matches!(refused, Err(Refusal::ForGood(_))), "{refused:?}");
        }
    }
}
