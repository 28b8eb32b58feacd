//! The audit log: what each service keeps of who did what, in one list.
//!
//! Each service answers its own entries, newest first and a part at a time.
//! Here they are merged. Without the entries of a service that does not answer
//! the list would look whole and not be, so then there is none.

use std::collections::VecDeque;

use futures::future::{BoxFuture, try_join_all};
use portico_chassis::{
    page::{Page, Paging, Total},
    status::Error,
};
use portico_proto::events::{AuditEntry, ReadAuditEntriesRequest, ReadAuditEntriesResponse};

/// The most entries that a service is asked for at once.
const MOST_AT_ONCE: usize = 500;

/// Where entries come from.
pub(crate) type Source = Box<dyn Fn(ReadAuditEntriesRequest) -> Answer + Send + Sync>;

pub(crate) type Answer = BoxFuture<'static, Result<ReadAuditEntriesResponse, Error>>;

/// A walk through the entries of all sources, newest first.
pub(crate) struct Walk {
    /// What every source is asked.
    asked: ReadAuditEntriesRequest,
    sources: Vec<Ahead>,
}

/// A source, as far as it is read ahead.
struct Ahead {
    source: Source,
    entries: VecDeque<AuditEntry>,
    /// The last entry that was read.
    before: Option<String>,
    may_have_more: bool,
    /// How many entries it has, once it was asked to count them.
    total: Option<i32>,
}

impl Walk {
    /// A walk through what is asked for, of which about so many entries will be
    /// needed.
    pub(crate) fn new(sources: Vec<Source>, asked: ReadAuditEntriesRequest, needed: usize) -> Self {
        let limit = needed.clamp(1, MOST_AT_ONCE);
        let ahead = |source| Ahead {
            source,
            entries: VecDeque::new(),
            before: asked.before.clone(),
            may_have_more: true,
            total: None,
        };
        Self {
            sources: sources.into_iter().map(ahead).collect(),
            asked: ReadAuditEntriesRequest {
                limit: i32::try_from(limit).unwrap_or(i32::MAX),
                ..asked
            },
        }
    }

    /// The next entries, fewer than `count` at the end.
    pub(crate) async fn take(&mut self, count: usize) -> Result<Vec<AuditEntry>, Error> {
        let mut entries = Vec::new();
        while entries.len() < count {
            match self.next().await? {
                Some(entry) => entries.push(entry),
                None => break,
            }
        }
        Ok(entries)
    }

    async fn next(&mut self) -> Result<Option<AuditEntry>, Error> {
        let asked = &self.asked;
        let lacking = self.sources.iter_mut().filter(|ahead| ahead.is_lacking());
        try_join_all(lacking.map(|ahead| ahead.read(asked))).await?;
        // Ids in their one form are in order as texts too.
        let newest = self
            .sources
            .iter_mut()
            .filter(|ahead| !ahead.entries.is_empty())
            .max_by(|one, other| one.entries[0].id.cmp(&other.entries[0].id));
        Ok(newest.and_then(|ahead| ahead.entries.pop_front()))
    }

    /// How many entries the sources have that were asked to count them.
    fn total(&self) -> i64 {
        let totals = self.sources.iter().filter_map(|ahead| ahead.total);
        totals.map(i64::from).sum()
    }
}

impl Ahead {
    fn is_lacking(&self) -> bool {
        self.entries.is_empty() && self.may_have_more
    }

    /// Reads on.
    async fn read(&mut self, asked: &ReadAuditEntriesRequest) -> Result<(), Error> {
        let request = ReadAuditEntriesRequest {
            before: self.before.clone(),
            count: asked.count && self.total.is_none(),
            ..asked.clone()
        };
        let answer = (self.source)(request).await?;
        self.total = self.total.or(answer.total);
        self.may_have_more = i32::try_from(answer.entries.len()) == Ok(asked.limit);
        if let Some(last) = answer.entries.last() {
            self.before = Some(last.id.clone());
        }
        self.entries = answer.entries.into();
        Ok(())
    }
}

/// A page of the entries that are asked for.
pub(crate) async fn page(
    sources: Vec<Source>,
    asked: ReadAuditEntriesRequest,
    paging: &Paging,
) -> Result<Page<AuditEntry>, Error> {
    let number = |count: i64| usize::try_from(count).unwrap_or(usize::MAX);
    let (passed_over, fetched) = (number(paging.offset()), number(paging.fetch()));
    let asked = ReadAuditEntriesRequest {
        before: paging.after().map(|after| after.id.to_string()),
        count: true,
        ..asked
    };
    let mut walk = Walk::new(sources, asked, passed_over.saturating_add(fetched));
    for _ in 0..passed_over {
        if walk.next().await?.is_none() {
            break;
        }
    }
    let entries = walk.take(fetched).await?;
    Ok(Page::of(
        entries,
        Total::counted(walk.total(), true),
        paging,
    ))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use portico_chassis::{
        clock::parse_id,
        database::testing::paging,
        page::{Bookmark, COUNT_CAP, SortKey},
    };
    use uuid::Uuid;

    use super::*;

    /// The requests that a source was asked.
    type Asked = Arc<Mutex<Vec<ReadAuditEntriesRequest>>>;

    fn id(number: u32) -> String {
        Uuid::from_u128(number.into()).to_string()
    }

    fn entry(number: u32) -> AuditEntry {
        AuditEntry {
            id: id(number),
            ..AuditEntry::default()
        }
    }

    /// A source that has the entries of these numbers, the greatest first.
    fn source(numbers: impl IntoIterator<Item = u32>) -> (Source, Asked) {
        let mut entries: Vec<_> = numbers.into_iter().map(entry).collect();
        entries.sort_by(|one, other| other.id.cmp(&one.id));
        let asked = Asked::default();
        let noted = asked.clone();
        let source = move |request: ReadAuditEntriesRequest| {
            let is_after = |entry: &&AuditEntry| {
                let before = request.before.as_ref();
                before.is_none_or(|before| entry.id < *before)
            };
            let limit = usize::try_from(request.limit).expect("a number");
            let answer = ReadAuditEntriesResponse {
                entries: entries
                    .iter()
                    .filter(is_after)
                    .take(limit)
                    .cloned()
                    .collect(),
                total: request.count.then_some(entries.len() as i32),
            };
            noted.lock().expect("lock").push(request);
            let answer: Answer = Box::pin(async move { Ok(answer) });
            answer
        };
        (Box::new(source), asked)
    }

    fn sources(of: &[&[u32]]) -> Vec<Source> {
        of.iter()
            .map(|numbers| source(numbers.to_vec()).0)
            .collect()
    }

    fn ids(entries: &[AuditEntry]) -> Vec<u32> {
        let number = |entry: &AuditEntry| parse_id(&entry.id).expect("an id").as_u128() as u32;
        entries.iter().map(number).collect()
    }

    fn bookmark(entry: &AuditEntry) -> Bookmark {
        Bookmark {
            key: SortKey::Time(Default::default()),
            id: parse_id(&entry.id).expect("an id"),
        }
    }

    #[tokio::test]
    async fn entries_of_all_sources_come_in_one_order() {
        let parts = [&[9, 5, 1][..], &[8, 7, 6, 2], &[], &[4, 3]];
        for needed in [1, 2, 3, 100] {
            let mut walk = Walk::new(sources(&parts), Default::default(), needed);
            let entries = walk.take(100).await.expect("read");
            assert_eq!(ids(&entries), [9, 8, 7, 6, 5, 4, 3, 2, 1], "{needed}");
        }
    }

    #[tokio::test]
    async fn a_source_is_read_on_only_when_it_is_used_up() {
        let (many, asked_of_many) = source(1000..2000);
        let (few, asked_of_few) = source(0..3);
        let mut walk = Walk::new(vec![many, few], Default::default(), 10);
        walk.take(25).await.expect("read");
        let befores = |asked: &Asked| -> Vec<Option<String>> {
            let asked = asked.lock().expect("lock");
            asked.iter().map(|request| request.before.clone()).collect()
        };
        let expected = [None, Some(id(1990)), Some(id(1980))];
        assert_eq!(befores(&asked_of_many), expected);
        assert_eq!(befores(&asked_of_few), [None]);
    }

    #[tokio::test]
    async fn a_page_passes_over_those_before_it() {
        let parts = [&[9, 6, 3][..], &[8, 5, 2], &[7, 4, 1]];
        for (number, expected, has_more) in [
            (1, &[9, 8, 7, 6][..], true),
            (2, &[5, 4, 3, 2], true),
            (3, &[1], false),
            (4, &[], false),
        ] {
            let paging = paging(Some(number), 4, None);
            let page = page(sources(&parts), Default::default(), &paging).await;
            let page = page.expect("read");
            assert_eq!(ids(&page.items), expected);
            assert_eq!((page.total.rows, page.has_more), (9, has_more));
        }
    }

    #[tokio::test]
    async fn a_cursor_goes_on_where_the_page_before_ended() {
        let parts = [&[9, 6, 3][..], &[8, 5, 2], &[7, 4, 1]];
        let (mut met, mut cursor) = (Vec::new(), None::<String>);
        loop {
            let paging = paging(None, 2, cursor.as_deref());
            let page = page(sources(&parts), Default::default(), &paging).await;
            let page = page.expect("read");
            met.extend(ids(&page.items));
            assert_eq!(page.total.rows, 9);
            match page.info(&paging, bookmark).next_cursor {
                Some(next) => cursor = Some(next),
                None => break,
            }
        }
        assert_eq!(met, [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    }

    #[tokio::test]
    async fn the_count_of_all_sources_is_capped_and_asked_for_once() {
        let ((one, asked), (other, _)) = (source(0..6_000), source(6_000..12_000));
        let last_page = paging(Some(100), 100, None);
        let page = page(vec![one, other], Default::default(), &last_page).await;
        let page = page.expect("read");
        assert!(page.total.is_capped);
        assert_eq!(page.total.rows, COUNT_CAP);
        assert_eq!(ids(&page.items)[0], 12_000 - 9_900 - 1);
        let asked = asked.lock().expect("lock");
        assert!(asked.len() > 1);
        let counts = asked.iter().filter(|request| request.count).count();
        assert_eq!(counts, 1);
    }

    #[tokio::test]
    async fn a_source_that_fails_fails_all() {
        let broken: Source = Box::new(|_| Box::pin(async { Err(Error::unavailable("down")) }));
        let (whole, _) = source(0..3);
        let failed = page(
            vec![whole, broken],
            Default::default(),
            &paging(None, 2, None),
        )
        .await;
        assert_eq!(failed.expect_err("failed").reason, "SERVICE_UNAVAILABLE");
    }
}
