use portico_chassis::{clock::Timestamp, finding::Verdict};
use uuid::Uuid;

use super::{
    sink::{Fault, Sink, Stage},
    *,
};
use crate::config::Outlet;

/// Long enough for a busy machine, where nothing is to be waited for.
const LONG: Duration = Duration::from_secs(30);
const SHORT: Duration = Duration::from_millis(200);

fn server(sink: &Sink) -> SmtpServer {
    SmtpServer {
        host: sink.address.ip().to_string(),
        port: sink.address.port(),
        credentials: None,
        encryption: Encryption::Offered,
    }
}

fn smtp(server: SmtpServer) -> Smtp {
    let config = Config {
        public_url: "https://portico.example".to_owned(),
        from: "Portico <no-reply@portico.example>"
            .parse()
            .expect("a sender"),
        outlet: Outlet::Smtp(server.clone()),
    };
    let mut smtp = Smtp::new(server, &config).expect("usable");
    smtp.patience = Patience {
        connecting: LONG,
        sending: LONG,
    };
    smtp
}

fn letter(number: u128) -> Letter {
    Letter {
        id: Uuid::from_u128(number),
        at: Timestamp::from_seconds(1),
        from: String::new(),
        to: "ada@example.com".to_owned(),
        subject: "Hello".to_owned(),
        text: "Hello\n.\nAda\n".to_owned(),
        html: "<p>Hello</p>\n".to_owned(),
    }
}

fn text(refused: &Result<(), Refusal>) -> &str {
    match refused {
        Err(Refusal::ForNow(text) | Refusal::ForGood(text)) => text,
        Ok(()) | Err(Refusal::NotNeeded) => panic!("it was not refused"),
    }
}

fn is_for_good(refused: &Result<(), Refusal>) -> bool {
    matches!(refused, Err(Refusal::ForGood(_)))
}

#[tokio::test]
async fn letters_arrive_over_one_connection() {
    let sink = Sink::start().await;
    let smtp = smtp(server(&sink));
    for number in 1..=3 {
        smtp.deliver(&letter(number)).await.expect("taken");
    }
    let seen = sink.seen();
    assert_eq!((seen.letters.len(), seen.connections), (3, 1));
    let commands = &seen.commands[..4];
    assert_eq!(
        commands,
        [
            "EHLO portico.example",
            "MAIL FROM:<no-reply@portico.example>",
            "RCPT TO:<ada@example.com>",
            "DATA"
        ]
    );
    // A dot on a line of its own is no end.
    assert!(
        seen.letters[0].contains("\r\n..\r\n"),
        "{}",
        seen.letters[0]
    );
}

#[tokio::test]
async fn what_is_refused_for_good_and_what_for_now_is_told_apart() {
    let sink = Sink::start().await;
    let smtp = smtp(server(&sink));
    for (stage, answer, for_good) in [
        (Stage::Recipient, "550 5.1.1 no such person", true),
        (Stage::Recipient, "450 4.2.0 greylisted", false),
        (Stage::Mail, "553 5.1.8 who are you", true),
        (Stage::Data, "451 4.3.0 busy", false),
        (Stage::End, "554 5.7.1 spam", true),
        (Stage::End, "452 4.3.1 full", false),
        // These are about us: every letter would be refused.
        (Stage::Mail, "530 5.7.0 sign in first", false),
        (Stage::Mail, "535 5.7.8 wrong password", false),
    ] {
        sink.fault(stage, Fault::Answers(answer));
        let refused = smtp.deliver(&letter(1)).await;
        assert_eq!(is_for_good(&refused), for_good, "{answer}");
        let expected = format!("The mail server answered {answer}");
        assert_eq!(text(&refused), expected);
    }
    sink.repair();
    smtp.deliver(&letter(1)).await.expect("taken");
    assert_eq!(sink.seen().letters.len(), 1);
}

#[tokio::test]
async fn a_connection_that_breaks_loses_nothing() {
    let sink = Sink::start().await;
    let smtp = smtp(server(&sink));
    for stage in [
        Stage::Greeting,
        Stage::Mail,
        Stage::Recipient,
        Stage::Data,
        Stage::Content,
        Stage::End,
    ] {
        sink.fault(stage, Fault::HangsUp);
        let refused = smtp.deliver(&letter(1)).await;
        assert!(matches!(refused, Err(Refusal::ForNow(_))), "{refused:?}");
        sink.repair();
        smtp.deliver(&letter(2)).await.expect("taken");
    }
    assert_eq!(sink.seen().letters.len(), 6);
}

#[tokio::test]
async fn a_connection_that_stalls_is_left_and_not_used_again() {
    let sink = Sink::start().await;
    let mut smtp = smtp(server(&sink));
    for stage in [Stage::Mail, Stage::Data, Stage::End] {
        smtp.patience.sending = SHORT;
        sink.fault(stage, Fault::Stalls);
        let refused = smtp.deliver(&letter(1)).await;
        assert_eq!(
            text(&refused),
            "The mail server took too long to take the mail."
        );
        smtp.patience.sending = LONG;
        let connections = sink.seen().connections;
        // The answers that it owes come too late for anybody.
        sink.repair();
        smtp.deliver(&letter(2)).await.expect("taken");
        assert_eq!(sink.seen().connections, connections + 1);
        assert!(smtp.take_idle().is_some());
    }
}

#[tokio::test]
async fn a_server_that_does_not_greet_is_left() {
    let sink = Sink::start().await;
    let mut smtp = smtp(server(&sink));
    smtp.patience.connecting = SHORT;
    sink.fault(Stage::Greeting, Fault::Stalls);
    let refused = smtp.deliver(&letter(1)).await;
    assert_eq!(text(&refused), "The mail server took too long to be ready.");
    sink.fault(Stage::Greeting, Fault::Answers("554 go away"));
    let refused = smtp.deliver(&letter(1)).await;
    assert_eq!(text(&refused), "The mail server turned us away: 554.");
    assert!(!is_for_good(&refused));
}

#[tokio::test]
async fn a_server_that_is_away_may_come_back() {
    let address = Sink::start().await.address;
    let smtp = smtp(SmtpServer {
        host: address.ip().to_string(),
        port: address.port(),
        credentials: None,
        encryption: Encryption::Never,
    });
    let refused = smtp.deliver(&letter(1)).await;
    assert!(!is_for_good(&refused));
    assert!(text(&refused).starts_with("The mail server cannot be used: Connection error"));
}

#[tokio::test]
async fn nothing_is_said_in_the_clear_where_encryption_is_required() {
    let sink = Sink::start().await;
    let smtp = smtp(SmtpServer {
        credentials: Some(("ada".to_owned(), "hunter2".to_owned())),
        encryption: Encryption::Required,
        ..server(&sink)
    });
    let refused = smtp.deliver(&letter(1)).await;
    assert!(!is_for_good(&refused));
    assert!(
        text(&refused).contains("STARTTLS is not supported"),
        "{refused:?}"
    );
    let commands = sink.seen().commands;
    assert!(
        commands.iter().all(|command| command.starts_with("EHLO")),
        "{commands:?}"
    );
}

#[tokio::test]
async fn an_idle_connection_is_ended_after_a_while() {
    let sink = Sink::start().await;
    let smtp = smtp(server(&sink));
    smtp.deliver(&letter(1)).await.expect("taken");
    smtp.hang_up_idle().await;
    assert_eq!(smtp.lock_idle().len(), 1);
    let long_ago = Instant::now().checked_sub(IDLE).expect("a time");
    smtp.lock_idle()[0].since = long_ago;
    smtp.hang_up_idle().await;
    assert!(smtp.lock_idle().is_empty());
    assert_eq!(sink.seen().commands.last().expect("a command"), "QUIT");
}

#[test]
fn an_answer_is_kept_without_what_it_may_quote() {
    let answer = "5.7.1 blocked: https://portico.example/reset-password#token=c2VjcmV0 in\r\n\
                  body, see <ada.with.a.very.long.name@example.com> (c2VjcmV0LXRva2VuLXZlcnktbG9uZw)";
    assert_eq!(
        without_secrets(answer),
        "5.7.1 blocked: … in body, see <ada.with.a.very.long.name@example.com> …"
    );
    assert_eq!(
        without_secrets(&"a ".repeat(1_000)).chars().count(),
        ANSWER_LIMIT
    );
}

#[tokio::test]
async fn an_examination_greets_a_server_and_says_farewell() {
    let sink = Sink::start().await;
    let finding = smtp(server(&sink)).examine().await;
    assert_eq!(finding.verdict, Verdict::Fine, "{}", finding.text);
    let seen = sink.seen();
    assert_eq!(
        (seen.letters.len(), &seen.commands[..]),
        (
            0,
            &["EHLO portico.example", "NOOP", "QUIT"].map(str::to_owned)[..]
        )
    );
}

#[tokio::test]
async fn what_can_be_read_on_the_way_is_warned_of() {
    let sink = Sink::start().await;
    let far = SmtpServer {
        host: "mail.example.com".to_owned(),
        ..server(&sink)
    };
    for (encryption, told) in [
        (Encryption::Offered, "the server offers no STARTTLS"),
        (Encryption::Never, "PORTICO_SMTP_URL says ?tls=never"),
    ] {
        let far = SmtpServer {
            encryption,
            ..far.clone()
        };
        let finding = smtp(far.clone()).judge("mail", false);
        assert_eq!(finding.verdict, Verdict::Warning);
        assert!(finding.text.contains(told), "{}", finding.text);
        assert_eq!(smtp(far).judge("mail", true).verdict, Verdict::Fine);
    }
}
