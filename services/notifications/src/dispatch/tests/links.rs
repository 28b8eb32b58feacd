//! Mails with a link, whose token the auth service makes for each attempt.

use portico_chassis::status::Kind;
use portico_proto::auth::{MintLinkRequest, mint_link_request::Purpose};

use super::*;

#[tokio::test]
async fn a_link_gets_a_token_of_its_own_for_each_attempt() {
    let fixture = Fixture::new().await;
    fixture.sink.fault(Stage::End, Fault::Answers("451 busy"));
    fixture.queue_link().await;
    let process = fixture.start();
    let failed = fixture.until(Status::Failed).await;
    fixture.sink.repair();
    let next = failed.next_attempt_at.expect("another attempt");
    fixture.clock.advance(next.since(fixture.clock.now()));
    fixture.until(Status::Sent).await;
    process.stop().await;
    let letter = fixture.sink.seen().letters.remove(0).replace("=\r\n", "");
    let link = "https://portico.example/undo-email-change#token=3Dplk_2\r\n";
    assert!(letter.contains(link), "{letter}");
    let expected = MintLinkRequest {
        purpose: Purpose::UndoEmailChange.into(),
        user_id: Uuid::from_u128(1).to_string(),
        email: "ada@example.com".to_owned(),
        change_id: Some(Uuid::from_u128(2).to_string()),
    };
    assert_eq!(*fixture.auth.asked(), [expected.clone(), expected]);
    fixture.close().await;
}

#[tokio::test]
async fn a_mail_whose_link_cannot_be_made_at_the_moment_is_tried_again() {
    let fixture = Fixture::new().await;
    fixture.auth.refuse(Some(|| Error::unavailable("away")));
    fixture.queue_link().await;
    let process = fixture.start();
    let failed = fixture.until(Status::Failed).await;
    assert!(failed.last_error.expect("a reason").contains("link"));
    assert_eq!(fixture.sink.seen().connections, 0);
    fixture.auth.refuse(None);
    let next = failed.next_attempt_at.expect("another attempt");
    fixture.clock.advance(next.since(fixture.clock.now()));
    fixture.until(Status::Sent).await;
    process.stop().await;
    fixture.close().await;
}

#[tokio::test]
async fn a_mail_that_nobody_waits_for_is_dropped() {
    let fixture = Fixture::new().await;
    let moot = || Error::new(Kind::FailedPrecondition, "LINK_NOT_NEEDED", "moot");
    fixture.auth.refuse(Some(moot));
    fixture.queue_link().await;
    let process = fixture.start();
    let is_dropped = async {
        while !fixture.jobs().await.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let waited = tokio::time::timeout(PATIENCE, is_dropped).await;
    waited.expect("it is dropped");
    let metrics = process.stop().await;
    assert!(metrics.contains("portico_mail_attempts_total{status=\"DROPPED\"} 1"));
    assert_eq!(fixture.sink.seen().connections, 0);
    fixture.close().await;
}
