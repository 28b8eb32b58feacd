use portico_chassis::clock::Timestamp;
use uuid::Uuid;

use super::*;
use crate::mail::{Factor, InvitedAs, Key, samples};

const LINK: &str = "https://portico.example/page#token=a&b";

fn letter(mail: &Mail) -> Letter {
    let envelope = Envelope {
        id: Uuid::nil(),
        at: Timestamp::from_seconds(0),
        from: "Portico <no-reply@portico.example>",
        to: "ada@example.com",
        host: "portico.example",
    };
    write(mail, LINK, envelope).expect("written")
}

/// An HTML document as it is read: without its head and its tags.
fn read(html: &str) -> String {
    let (_, body) = html.split_once("<body").expect("a body");
    let mut text = String::new();
    let mut is_tag = true;
    for letter in body.chars() {
        match letter {
            '<' => is_tag = true,
            '>' if is_tag => is_tag = false,
            _ if is_tag => {}
            _ => text.push(letter),
        }
    }
    let escapes = [
        ("&#60;", "<"),
        ("&#62;", ">"),
        ("&#34;", "\""),
        ("&#39;", "'"),
        ("&#38;", "&"),
    ];
    escapes
        .iter()
        .fold(text, |text, (escape, letter)| text.replace(escape, letter))
}

/// Everybody can read in that file what the mails say.
#[test]
fn mails_say_what_they_should() {
    let said: Vec<String> = samples()
        .iter()
        .map(|mail| {
            let (letter, template) = (letter(mail), mail.template());
            format!("===== {template}: {}\n\n{}\n", letter.subject, letter.text)
        })
        .collect();
    assert_eq!(said.join("\n"), include_str!("all.txt"));
}

#[test]
fn html_and_text_say_the_same() {
    for mail in samples() {
        let letter = letter(&mail);
        let html = read(&letter.html);
        for line in letter.text.lines().filter(|line| !line.is_empty()) {
            // What stands before a colon is a cell of its own.
            for part in line.split(": ").map(|part| part.trim_end_matches(':')) {
                assert!(html.contains(part), "{}: {part} in {html}", mail.template());
            }
        }
    }
}

#[test]
fn every_html_is_a_document_for_everybody() {
    for mail in samples() {
        let html = letter(&mail).html;
        for part in [
            "<!doctype html>\n<html lang=\"en\">",
            "<meta charset=\"utf-8\">",
            "<meta name=\"color-scheme\" content=\"light dark\">",
            "prefers-color-scheme: dark",
            "<h1 ",
            "href=\"https://portico.example/page#token=a&#38;b\"",
        ] {
            assert!(html.contains(part), "{part} in {html}");
        }
        // Nothing is fetched, and nothing runs.
        for part in ["<img", "<script", "<link", "url(", "@import", " on"] {
            let (_, body) = html.split_once("<body").expect("a body");
            let tags = body.split('<').filter_map(|tag| tag.split_once('>'));
            assert!(
                !tags.map(|(tag, _)| tag).any(|tag| tag.contains(part)),
                "{part}"
            );
        }
        assert!(
            !html.contains("<img") && !html.contains("@import"),
            "{html}"
        );
    }
}

/// Every text of a mail that a person chooses.
fn written_by(text: &str) -> Vec<Mail> {
    let text = || text.to_owned();
    let at = Timestamp::from_seconds(0);
    vec![
        Mail::Welcome { name: text() },
        Mail::Invitation {
            project: text(),
            inviter: Some(text()),
            role: InvitedAs::Viewer,
            expires_at: at,
        },
        Mail::VerifyEmail {
            user_id: Uuid::nil(),
            name: text(),
            is_new: true,
        },
        Mail::ConfirmEmail {
            user_id: Uuid::nil(),
            change_id: Uuid::nil(),
            name: text(),
        },
        Mail::UndoEmailChange {
            user_id: Uuid::nil(),
            change_id: Uuid::nil(),
            name: text(),
            new_email: text(),
        },
        Mail::ResetPassword {
            user_id: Uuid::nil(),
            name: text(),
        },
        Mail::SetPassword {
            user_id: Uuid::nil(),
            name: text(),
        },
        Mail::PasswordChanged { name: text(), at },
        Mail::EmailTaken { name: text() },
        Mail::NewSignIn {
            name: text(),
            at,
            ip: None,
            user_agent: Some(text()),
        },
        Mail::FactorAdded {
            name: text(),
            at,
            factor: Factor::Passkey(text()),
        },
        Mail::ApiKeyMade {
            name: text(),
            at,
            key: Key {
                name: text(),
                scopes: Vec::new(),
                expires_at: Some(at),
            },
        },
    ]
}

#[test]
fn an_inviter_who_has_left_is_somebody() {
    let letter = letter(&Mail::Invitation {
        project: "Apollo".to_owned(),
        inviter: None,
        role: InvitedAs::Admin,
        expires_at: Timestamp::from_seconds(0),
    });
    assert_eq!(letter.subject, "Somebody invites you to Apollo");
}

#[test]
fn a_name_is_no_html() {
    for mail in written_by("<img src=x onerror=alert(1)>\"'&<b>") {
        let html = letter(&mail).html;
        assert!(!html.contains("<img") && !html.contains("<b>"), "{html}");
        assert!(html.contains("&#60;img src=x onerror=alert(1)&#62;&#34;&#39;&#38;&#60;b&#62;"));
    }
}

#[test]
fn a_name_brings_neither_lines_nor_links() {
    for mail in written_by("Ada\r\nBcc: eve@evil.example\n\nPay at https://evil.example/") {
        let Letter {
            subject,
            text,
            html,
            ..
        } = letter(&mail);
        assert!(!subject.contains(['\r', '\n']), "{subject:?}");
        assert!(!text.lines().any(|line| line.starts_with("Bcc:")), "{text}");
        for said in [subject, text, html] {
            assert!(
                !said.contains("://evil") && !said.contains("evil.example"),
                "{said}"
            );
            assert!(!said.contains("eve@evil"), "{said}");
        }
    }
}

#[test]
fn a_subject_is_bounded() {
    for mail in written_by(&"x".repeat(10_000)) {
        let letter = letter(&mail);
        assert!(letter.subject.chars().count() <= 240, "{}", letter.subject);
        assert!(letter.html.len() < 10_000 && letter.text.len() < 2_000);
    }
}
