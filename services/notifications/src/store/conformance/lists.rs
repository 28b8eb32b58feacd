//! Jobs for people to look at.

use super::*;

cases! {
    a_list_filters_and_puts_the_newest_first,
    a_walk_by_cursor_meets_each_job_once_while_others_come_and_go,
    what_is_not_sent_is_counted,
    what_ended_long_ago_is_forgotten,
}

async fn ids(fixture: &Fixture, status: Option<Status>) -> Vec<Uuid> {
    let filter = Filter { status };
    let page = fixture.store.list(&filter, &paging(None, 100, None)).await;
    let page = page.expect("listed");
    assert_eq!(page.total.rows as usize, page.items.len());
    page.items.into_iter().map(|job| job.id).collect()
}

async fn a_list_filters_and_puts_the_newest_first(fixture: &Fixture) {
    let old = fixture.queue(1).await;
    let new = fixture.queue(2).await;
    assert_eq!(ids(fixture, None).await, [new.id, old.id]);
    let claim = fixture.claim_one(10).await;
    assert_eq!(claim.id, old.id);
    assert_eq!(ids(fixture, Some(Status::Queued)).await, [new.id]);
    assert_eq!(ids(fixture, Some(Status::Running)).await, [old.id]);
    for status in [Status::Sent, Status::Failed, Status::Dead] {
        assert!(ids(fixture, Some(status)).await.is_empty());
    }
}

async fn a_walk_by_cursor_meets_each_job_once_while_others_come_and_go(fixture: &Fixture) {
    let mut expected = HashSet::new();
    for number in 0..10 {
        // Several are as old as each other.
        expected.insert(fixture.queue(number / 3).await.id);
    }
    let (mut met, mut cursor) = (Vec::new(), None);
    loop {
        let paging = paging(None, 3, cursor.as_deref());
        let page = fixture.store.list(&Filter::default(), &paging).await;
        let page = page.expect("listed");
        met.extend(page.items.iter().map(|job| job.id));
        fixture.queue(100).await;
        let info = page.info(&paging, |job| Bookmark {
            key: SortKey::Time(job.created_at),
            id: job.id,
        });
        cursor = info.next_cursor;
        if cursor.is_none() {
            break;
        }
    }
    assert_eq!(met.len(), expected.len());
    assert_eq!(met.into_iter().collect::<HashSet<_>>(), expected);
}

async fn what_is_not_sent_is_counted(fixture: &Fixture) {
    for seconds in 0..5 {
        fixture.queue(seconds).await;
    }
    let claims = fixture.claim(4, 10).await;
    assert!(fixture.settle(&claims[0], Outcome::Sent, 11).await);
    assert!(fixture.settle(&claims[1], failed(40), 11).await);
    assert!(fixture.settle(&claims[2], dead(), 11).await);
    let mut counts = fixture.store.count_unsent().await.expect("counted");
    counts.sort_by_key(|(status, _)| status.as_str());
    let expected = [
        (Status::Dead, 1),
        (Status::Failed, 1),
        (Status::Queued, 1),
        (Status::Running, 1),
    ];
    assert_eq!(counts, expected);
}

async fn what_ended_long_ago_is_forgotten(fixture: &Fixture) {
    for seconds in 0..4 {
        fixture.queue(seconds).await;
    }
    let claims = fixture.claim(4, 10).await;
    assert!(fixture.settle(&claims[0], Outcome::Sent, 20).await);
    assert!(fixture.settle(&claims[1], dead(), 20).await);
    assert!(fixture.settle(&claims[2], Outcome::Sent, 30).await);
    fixture.store.forget(at(30)).await.expect("forgotten");
    let mut left = ids(fixture, None).await;
    left.sort_unstable();
    let mut expected = vec![claims[2].id, claims[3].id];
    expected.sort_unstable();
    assert_eq!(left, expected);
    let long = Duration::from_secs(3600);
    fixture
        .store
        .forget(at(30) + long)
        .await
        .expect("forgotten");
    assert_eq!(ids(fixture, None).await, [claims[3].id]);
}
