//! How lists are walked: by page number, or by a cursor that holds the place of
//! the last row seen, so that a walk costs the same everywhere and meets each
//! row once while others come and go.

mod search;

use base64::{Engine as _, prelude::BASE64_URL_SAFE_NO_PAD};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use uuid::Uuid;

pub use self::search::{Search, searchable};
use crate::{clock::Timestamp, status::Violations};

/// Rows on a page unless the caller says otherwise.
const DEFAULT_LIMIT: u32 = 20;

/// Counting the rows of a list stops here, unless their number is known.
pub const COUNT_CAP: u32 = 10_000;

/// The times that a row can have, in milliseconds: up to the year 9999.
const TIMES: std::ops::Range<i64> = 0..253_402_300_800_000;

/// The value that a list is sorted by, of one row.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum SortKey {
    /// A moment.
    Time(Timestamp),
    /// A text, as the database compares it.
    Text(String),
}

/// The place of a row in a list: its sort value, and its id for ties.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bookmark {
    /// The sort value.
    #[serde(rename = "k")]
    pub key: SortKey,
    /// The row's id.
    #[serde(rename = "i")]
    pub id: Uuid,
}

/// Where a page begins.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Start {
    /// At a page number, from 1.
    Page(u32),
    /// After a row.
    After(Bookmark),
}

/// Which part of a list is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paging {
    /// Where it begins.
    pub start: Start,
    /// The greatest number of rows.
    pub limit: u32,
    /// A hash of sort and filters, which binds cursors to them.
    scope: [u8; 8],
}

#[derive(Serialize, Deserialize)]
struct Cursor {
    #[serde(flatten)]
    after: Bookmark,
    #[serde(rename = "s")]
    scope: [u8; 8],
}

impl Paging {
    /// Reads what a request says. `scope` names sort and filters: a cursor is
    /// good only for the list that it was made for. Bounds of `page` and
    /// `limit` are rules of the contract and checked there.
    pub fn parse(
        violations: &mut Violations,
        page: Option<i32>,
        limit: Option<i32>,
        cursor: Option<&str>,
        scope: &impl std::fmt::Debug,
    ) -> Self {
        let digest = Sha256::digest(format!("{scope:?}"));
        let mut hash = [0; 8];
        hash.copy_from_slice(&digest[..8]);
        let number = |value: Option<i32>| value.and_then(|value| u32::try_from(value).ok());
        let start = match (page, cursor) {
            (Some(_), Some(_)) => {
                violations.add("page", "NOT_ALLOWED", "cannot stand beside `cursor`");
                None
            }
            (_, None) => Some(Start::Page(number(page).unwrap_or(1).max(1))),
            (None, Some(text)) => {
                let cursor = decode(text).filter(|cursor| cursor.scope == hash);
                if cursor.is_none() {
                    violations.add(
                        "cursor",
                        "CURSOR_INVALID",
                        "must be a `nextCursor` of the same list, with the same sort and filters",
                    );
                }
                cursor.map(|cursor| Start::After(cursor.after))
            }
        };
        Self {
            start: start.unwrap_or(Start::Page(1)),
            limit: number(limit).unwrap_or(DEFAULT_LIMIT),
            scope: hash,
        }
    }

    /// Notes a cursor whose place cannot be one in a list that is sorted by text
    /// or else by time. Cursors are not signed: somebody may make one up.
    pub fn check_place(&self, violations: &mut Violations, is_sorted_by_text: bool) {
        let is_possible = match self.after().map(|after| &after.key) {
            None => true,
            Some(SortKey::Text(text)) => is_sorted_by_text && !text.contains('\0'),
            Some(SortKey::Time(time)) => !is_sorted_by_text && TIMES.contains(&time.millis()),
        };
        if !is_possible {
            violations.add("cursor", "CURSOR_INVALID", "must be a `nextCursor`");
        }
    }

    /// How many rows stand before the page.
    #[must_use]
    pub fn offset(&self) -> i64 {
        match self.start {
            Start::Page(page) => i64::from(page - 1) * i64::from(self.limit),
            Start::After(_) => 0,
        }
    }

    /// The row that the page begins after, in a cursor walk.
    #[must_use]
    pub fn after(&self) -> Option<&Bookmark> {
        match &self.start {
            Start::Page(_) => None,
            Start::After(bookmark) => Some(bookmark),
        }
    }

    /// The number of rows to read: one more than fits, to know of more.
    #[must_use]
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }
}

/// How many rows a list has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Total {
    /// The number, or the cap.
    pub rows: u32,
    /// Whether counting stopped at the cap.
    pub is_capped: bool,
}

impl Total {
    /// From a count that stops one beyond the cap, or one without a cap.
    #[must_use]
    pub fn counted(rows: i64, has_cap: bool) -> Self {
        let rows = u32::try_from(rows).unwrap_or(u32::MAX);
        let is_capped = has_cap && rows > COUNT_CAP;
        Self {
            rows: if is_capped { COUNT_CAP } else { rows },
            is_capped,
        }
    }
}

/// A page of a list.
#[derive(Debug, Clone)]
pub struct Page<T> {
    /// The rows.
    pub items: Vec<T>,
    /// How many rows the list has.
    pub total: Total,
    /// Whether rows follow.
    pub has_more: bool,
}

impl<T> Page<T> {
    /// The page of the rows that [`Paging::fetch`] asked for.
    #[must_use]
    pub fn of(mut items: Vec<T>, total: Total, paging: &Paging) -> Self {
        let limit = paging.limit as usize;
        let has_more = items.len() > limit;
        items.truncate(limit);
        Self {
            items,
            total,
            has_more,
        }
    }

    /// What a list response says about the page.
    pub fn info(&self, paging: &Paging, bookmark: impl Fn(&T) -> Bookmark) -> PageInfo {
        let next_cursor = self
            .items
            .last()
            .filter(|_| self.has_more)
            .map(|last| encode(bookmark(last), paging.scope));
        let page = match paging.start {
            Start::Page(page) => Some(page),
            Start::After(_) => None,
        };
        PageInfo {
            total: self.total.rows,
            page,
            limit: paging.limit,
            total_pages: page.map(|_| self.total.rows.div_ceil(paging.limit)),
            has_more: self.has_more,
            next_cursor,
            total_capped: self.total.is_capped,
        }
    }
}

/// What a list response says about its page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PageInfo {
    /// How many rows the list has, up to the cap.
    pub total: u32,
    /// The page number; none in a cursor walk.
    pub page: Option<u32>,
    /// The greatest number of rows on a page.
    pub limit: u32,
    /// How many pages there are; none in a cursor walk.
    pub total_pages: Option<u32>,
    /// Whether rows follow.
    pub has_more: bool,
    /// The cursor of the next page.
    pub next_cursor: Option<String>,
    /// Whether counting stopped at the cap.
    pub total_capped: bool,
}

fn encode(after: Bookmark, scope: [u8; 8]) -> String {
    let json = serde_json::to_vec(&Cursor { after, scope }).unwrap_or_default();
    BASE64_URL_SAFE_NO_PAD.encode(json)
}

fn decode(text: &str) -> Option<Cursor> {
    let json = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
    serde_json::from_slice(&json).ok()
}

/// The order of a list: by a column, one way or the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sort<C> {
    /// The column.
    pub column: C,
    /// Whether the greatest comes first.
    pub is_descending: bool,
}

impl<C> Sort<C> {
    /// Reads `name` or `-name`, with the columns by their names.
    ///
    /// # Errors
    ///
    /// A violation `NOT_ALLOWED` of the field `sort`.
    pub fn parse(
        text: Option<&str>,
        default: Self,
        column: impl FnOnce(&str) -> Option<C>,
    ) -> Result<Self, (&'static str, String)> {
        let Some(text) = text else {
            return Ok(default);
        };
        let (is_descending, name) = match text.strip_prefix('-') {
            Some(name) => (true, name),
            None => (false, text),
        };
        match column(name) {
            Some(column) => Ok(Self {
                column,
                is_descending,
            }),
            None => Err(("NOT_ALLOWED", format!("cannot sort by `{name}`"))),
        }
    }

    /// The SQL of this order after a `WHERE` that ends in a condition: the rows
    /// after a bookmark, the order, and the bounds. `key` is the column's SQL,
    /// `$first` and `$first+1` hold the bookmark's key and id if there is one.
    #[must_use]
    pub fn sql(&self, key: &str, id: &str, paging: &Paging, first: usize) -> String {
        let (compare, direction) = self.directions();
        let after = match paging.after() {
            Some(_) => format!(" AND ({key}, {id}) {compare} (${first}, ${})", first + 1),
            None => String::new(),
        };
        format!(
            "{after} ORDER BY {key} {direction}, {id} {direction} LIMIT {} OFFSET {}",
            paging.fetch(),
            paging.offset()
        )
    }

    /// The same for a column with the times at which the ids were made: ids
    /// sort as these times do, so that an index of ids alone serves.
    #[must_use]
    pub fn sql_by_id(&self, key: &str, id: &str, paging: &Paging, first: usize) -> String {
        let (compare, direction) = self.directions();
        let after = match paging.after() {
            Some(_) => format!(
                " AND {id} {compare} ${} AND {key} {compare}= ${first}",
                first + 1
            ),
            None => String::new(),
        };
        format!(
            "{after} ORDER BY {id} {direction} LIMIT {} OFFSET {}",
            paging.fetch(),
            paging.offset()
        )
    }

    fn directions(&self) -> (&'static str, &'static str) {
        if self.is_descending {
            ("<", "DESC")
        } else {
            (">", "ASC")
        }
    }
}

/// Binds the place that a page begins after to a query of either database, if it
/// begins after one: the key of the row there, and its id.
#[macro_export]
macro_rules! bind_bookmark {
    ($query:expr, $paging:expr) => {{
        let query = $query;
        match $paging.after() {
            None => query,
            Some(after) => match &after.key {
                $crate::page::SortKey::Text(text) => query.bind(text),
                $crate::page::SortKey::Time(time) => query.bind(time),
            }
            .bind(after.id),
        }
    }};
}
pub use bind_bookmark;

#[cfg(test)]
mod tests {
    use super::*;

    fn paging(page: Option<i32>, cursor: Option<&str>, scope: &str) -> (Paging, Violations) {
        let mut violations = Violations::default();
        let paging = Paging::parse(&mut violations, page, Some(2), cursor, &scope);
        (paging, violations)
    }

    fn bookmark(id: &u128) -> Bookmark {
        Bookmark {
            key: SortKey::Text(format!("n{id}")),
            id: Uuid::from_u128(*id),
        }
    }

    #[test]
    fn a_cursor_leads_behind_the_last_row() {
        let (first, _) = paging(None, None, "name");
        let page = Page::of(vec![1, 2, 3], Total::counted(3, false), &first);
        let info = page.info(&first, bookmark);
        assert_eq!((info.page, info.total_pages), (Some(1), Some(2)));
        let cursor = info.next_cursor.expect("more rows");
        let (next, violations) = paging(None, Some(&cursor), "name");
        assert!(violations.finish().is_ok());
        assert_eq!(next.after(), Some(&bookmark(&2)));
        let last = Page::of(vec![3], Total::counted(3, false), &next).info(&next, bookmark);
        assert_eq!(
            (last.page, last.total_pages, last.next_cursor),
            (None, None, None)
        );
    }

    #[test]
    fn a_cursor_of_another_list_or_no_cursor_at_all_is_refused() {
        let (first, _) = paging(None, None, "name");
        let page = Page::of(vec![1, 2, 3], Total::counted(3, false), &first);
        let cursor = page.info(&first, bookmark).next_cursor.expect("more rows");
        for (text, scope) in [
            (cursor.as_str(), "-name"),
            ("garbage", "name"),
            ("", "name"),
        ] {
            let (_, violations) = paging(None, Some(text), scope);
            let error = violations.finish().expect_err(text);
            assert_eq!(error.violations[0].code, "CURSOR_INVALID");
        }
    }

    #[test]
    fn a_cursor_that_was_made_up_is_refused() {
        let (first, _) = paging(None, None, "name");
        let refusal = |key: SortKey, is_sorted_by_text| {
            let id = Uuid::from_u128(1);
            let cursor = encode(Bookmark { key, id }, first.scope);
            let (paging, mut violations) = paging(None, Some(&cursor), "name");
            paging.check_place(&mut violations, is_sorted_by_text);
            violations.finish().err().map(|error| error.reason)
        };
        let (text, time) = (SortKey::Text("a".to_owned()), Timestamp::from_millis(1));
        assert_eq!(refusal(text.clone(), true), None);
        assert_eq!(refusal(SortKey::Time(time), false), None);
        for (key, is_sorted_by_text) in [
            (text, false),
            (SortKey::Time(time), true),
            (SortKey::Text("a\0".to_owned()), true),
            (SortKey::Time(Timestamp::from_millis(i64::MAX)), false),
        ] {
            let refused = refusal(key, is_sorted_by_text);
            assert_eq!(refused.as_deref(), Some("VALIDATION_FAILED"));
        }
    }

    #[test]
    fn page_and_cursor_exclude_each_other() {
        let (_, violations) = paging(Some(1), Some("x"), "name");
        let error = violations.finish().expect_err("refused");
        assert_eq!(error.violations[0].code, "NOT_ALLOWED");
    }

    #[test]
    fn counts_have_a_cap_unless_they_are_known() {
        let capped = Total::counted(10_001, true);
        assert_eq!((capped.rows, capped.is_capped), (10_000, true));
        assert_eq!(Total::counted(10_001, false).rows, 10_001);
        assert!(!Total::counted(10_000, true).is_capped);
    }
}
