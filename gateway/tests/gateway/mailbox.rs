//! The mailbox of a development installation.

use portico_chassis::{
    clock::{Timestamp, new_id},
    mailbox::{Letter, Mailbox},
};
use portico_gateway::Config;

use crate::fixture::{Gateway, NOW, config};

/// A subject by a stranger.
const SUBJECT: &str = "<img src=x onerror=alert(1)> \"invites\" you";

/// A gateway that clients call by the name of its public URL.
async fn over(mailbox: &tempfile::TempDir) -> Gateway {
    Gateway::with(Config {
        mailbox: Some(mailbox.path().to_owned()),
        ..config(&[("PUBLIC_URL", "https://portico")])
    })
    .await
}

fn letter(at: Timestamp, subject: &str) -> Letter {
    let link = "https://portico/verify-email#token=a&b";
    Letter {
        id: new_id(at),
        at,
        from: "Portico <portico@localhost>".to_owned(),
        to: "ada@example.com".to_owned(),
        subject: subject.to_owned(),
        text: format!("Hello </pre><script>\n{link}\n"),
        html: "<html><head><style>p {}</style></head><body><p>Hello</p></body></html>".to_owned(),
    }
}

#[tokio::test]
async fn mails_are_listed_newest_first_and_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = over(&folder).await;
    let page = gateway.get("/dev/mailbox").send().await;
    assert!(
        page.text().contains("There are none yet."),
        "{}",
        page.text()
    );

    let mailbox = Mailbox::new(folder.path());
    let (old, new) = (
        letter(NOW, "Old"),
        letter(Timestamp::from_millis(NOW.millis() + 1), SUBJECT),
    );
    for letter in [&new, &old] {
        mailbox.put(letter.clone()).await.expect("written");
    }
    let page = gateway.get("/dev/mailbox").send().await;
    let text = page.text();
    assert!(
        text.find(&new.id.to_string()) < text.find(&old.id.to_string()),
        "{text}"
    );
    assert!(
        text.contains("&#60;img src=x onerror=alert(1)&#62; &#34;invites&#34; you"),
        "{text}"
    );

    let shown = gateway
        .get(&format!("/dev/mailbox/{}", new.id))
        .send()
        .await;
    let text = shown.text();
    for part in [
        "<dd>ada@example.com</dd>",
        "<time>2027-01-15T08:00:00.001Z</time>",
        "sandbox=\"allow-popups allow-popups-to-escape-sandbox\"",
        "Hello &#60;/pre&#62;&#60;script&#62;\n",
        "<a href=\"https://portico/verify-email#token=a&#38;b\" target=\"_blank\" rel=\"noopener\">",
    ] {
        assert!(text.contains(part), "{part} in {text}");
    }
    for page in [page, shown] {
        assert_eq!(page.header("cache-control"), Some("no-store"));
        let policy = page.header("content-security-policy").expect("a policy");
        assert!(
            policy.contains("default-src 'none'") && !policy.contains("unsafe"),
            "{policy}"
        );
        assert!(!page.text().contains("<img") && !page.text().contains("<script"));
    }
}

#[tokio::test]
async fn the_html_of_a_mail_is_kept_apart() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = over(&folder).await;
    let letter = letter(NOW, "Hello");
    let mailbox = Mailbox::new(folder.path());
    mailbox.put(letter.clone()).await.expect("written");
    let html = gateway
        .get(&format!("/dev/mailbox/{}/html", letter.id))
        .send()
        .await;
    assert!(
        html.text().contains("<head><base target=\"_blank\">"),
        "{}",
        html.text()
    );
    let policy = html.header("content-security-policy").expect("a policy");
    for part in [
        "default-src 'none'",
        "sandbox allow-popups",
        "frame-ancestors 'self'",
    ] {
        assert!(policy.contains(part), "{policy}");
    }
    assert!(!policy.contains("script"), "{policy}");
    assert_eq!(html.header("cache-control"), Some("no-store"));
}

#[tokio::test]
async fn what_is_no_mail_is_not_found() {
    let folder = tempfile::tempdir().expect("a folder");
    let gateway = over(&folder).await;
    std::fs::write(folder.path().join("secret.json"), "{}").expect("written");
    for path in [
        "/dev/mailbox/secret",
        "/dev/mailbox/..%2Fsecret",
        "/dev/mailbox/..%2f..%2fmaster.key",
        "/dev/mailbox/01890a5d-0000-7000-8000-000000000001",
        "/dev/mailbox/01890a5d-0000-7000-8000-000000000001/html",
        "/dev/mailbox/",
        "/dev",
    ] {
        assert_eq!(gateway.get(path).send().await.status, 404, "{path}");
    }
    let style = gateway.get("/dev/mailbox/style.css").send().await;
    assert_eq!(
        style.header("content-type"),
        Some("text/css; charset=utf-8")
    );
}

#[tokio::test]
async fn there_is_no_mailbox_in_production() {
    let gateway = Gateway::with(config(&[("PUBLIC_URL", "https://portico")])).await;
    assert_eq!(gateway.get("/dev/mailbox").send().await.status, 404);
}

/// A page elsewhere may have its own name lead to this machine.
#[tokio::test]
async fn the_mailbox_is_shown_under_its_own_name_only() {
    let folder = tempfile::tempdir().expect("a folder");
    let of = async |public_url: &str| {
        Gateway::with(Config {
            mailbox: Some(folder.path().to_owned()),
            ..config(&[("PUBLIC_URL", public_url)])
        })
        .await
    };
    let gateway = of("http://localhost:8080").await;
    assert_eq!(gateway.get("/dev/mailbox").send().await.status, 404);
    for host in ["localhost", "LOCALHOST:8080", "127.0.0.1:1", "[::1]:8080"] {
        let path = format!("http://{host}/dev/mailbox");
        assert_eq!(gateway.get(&path).send().await.status, 200, "{host}");
    }
    for host in ["evil.example", "localhost.evil.example", "10.0.0.1"] {
        let path = format!("http://{host}/dev/mailbox");
        assert_eq!(gateway.get(&path).send().await.status, 404, "{host}");
    }
    let gateway = of("https://portico").await;
    assert_eq!(gateway.get("/dev/mailbox").send().await.status, 200);
}
