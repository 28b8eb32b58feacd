//! The SQL of lists of projects.

use portico_chassis::{
    database::searches,
    page::{COUNT_CAP, Paging, Sort},
};

use super::project_columns;
use crate::store::{Column, Filter, Shown};

/// Up to so many projects of a person are read and sorted; of more, some are met
/// soon in the order of the list.
const GATHERED: i64 = 4_000;

const OF_PERSON: &str = "m.user_id = $1";
const JOINED: &str = "members m ON m.project_id = p.id AND m.user_id = $1";

/// How a database looks up the membership of the person in one project after the
/// other, in the order of these.
#[derive(Clone, Copy)]
pub(in crate::store) struct Lookups {
    /// Of projects of which the person is a member.
    pub(in crate::store) of_members: &'static str,
    /// Of any project.
    pub(in crate::store) of_anybody: &'static str,
}

/// What is known of a list before a page of it is found.
#[derive(Clone, Copy)]
pub(in crate::store) struct Told {
    /// How many projects are in it, up to the cap.
    pub(in crate::store) count: i64,
    /// How the page is found.
    pub(in crate::store) way: Way,
}

/// How a page of a list is found.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Way {
    /// All that are in the list are read and sorted, by the memberships if it is
    /// of one person's projects.
    Gathered,
    /// Projects are met in the order of the list, and memberships looked up.
    Walked,
    /// As the database plans for this person and these words, which it has
    /// statistics of.
    Planned,
    /// Those that the index of searches has are read and sorted.
    Found,
}

impl Told {
    /// Of a list with so many projects: few of them are found that way.
    pub(in crate::store) fn of(count: i64, few: Way) -> Self {
        let way = if count > GATHERED { Way::Walked } else { few };
        Self { count, way }
    }
}

/// Whether a database is told how many there are in a list before it finds a page
/// of it. It knows nothing of its data, or of the average person only: that is
/// enough where memberships alone tell what is on the page, in the order of their
/// index.
pub(in crate::store) fn is_told(filter: &Filter, sort: Sort<Column>) -> bool {
    sort.column != Column::CreatedAt || filter.search.is_some() || filter.archived.is_none()
}

/// The SQL of the number of projects in a list. The person is bound first, then
/// the search.
pub(in crate::store) fn count(filter: &Filter) -> String {
    let (counted, whose) = match (filter.shown, &filter.search) {
        // Members alone tell how many projects there are.
        (Shown::Mine, None) => ("members m".to_owned(), Some(OF_PERSON)),
        (Shown::Public, _) => (format!("projects p LEFT JOIN {JOINED}"), None),
        _ => (format!("projects p JOIN {JOINED}"), Some(OF_PERSON)),
    };
    format!(
        "SELECT count(*) FROM (SELECT 1 FROM {counted} WHERE {} LIMIT {}) AS matching",
        condition(filter, whose),
        COUNT_CAP + 1
    )
}

/// The same for a search among one person's projects, or NULL if these are more
/// than can be gathered soon.
pub(in crate::store) fn count_by_members(filter: &Filter) -> String {
    let searched = Filter {
        shown: Shown::Mine,
        search: None,
        ..*filter
    };
    format!(
        "SELECT CASE WHEN (SELECT count(*) FROM (SELECT 1 FROM members m WHERE {} LIMIT {}) \
         AS searched) <= {GATHERED} THEN ({}) END",
        condition(&searched, Some(OF_PERSON)),
        GATHERED + 1,
        count(filter)
    )
}

/// The SQL of whether a search is for what many projects have, and of the number
/// of projects in its list, for a database that has no statistics. The trigrams are
/// bound after the search.
pub(in crate::store) fn count_by_trigrams(filter: &Filter, lookups: Lookups) -> String {
    let join = match filter.shown {
        Shown::Public => lookups.of_anybody,
        _ => lookups.of_members,
    };
    format!(
        "WITH search (is_common) AS MATERIALIZED (SELECT {}) \
         SELECT is_common, CASE WHEN is_common THEN ({}) ELSE (SELECT count(*) FROM \
         (SELECT 1 FROM projects p {join} WHERE {} AND {} LIMIT {}) AS matching) END FROM search",
        searches::is_common(TRIGRAMS),
        count(filter),
        found(),
        condition(filter, None),
        COUNT_CAP + 1
    )
}

/// Where the trigrams of a search are bound.
const TRIGRAMS: usize = 3;

fn found() -> String {
    format!("p.id IN ({})", searches::found(TRIGRAMS))
}

/// The SQL of a page of a list, each row with the number of all. The person is
/// bound first, then the search, the trigrams if the projects are found by them,
/// and a bookmark's key and id. Where the database cannot tell by itself what to do,
/// it is told before.
pub(in crate::store) fn page(
    filter: &Filter,
    sort: Sort<Column>,
    paging: &Paging,
    told: Option<Told>,
    lookups: Lookups,
) -> String {
    let is_mine = filter.shown != Shown::Public;
    let way = told.map_or(Way::Gathered, |told| told.way);
    // A lookup is of this person only, and what is planned is in other words
    // than what is gathered, whose plan a connection may have kept.
    let (join, whose) = match (is_mine, way) {
        (false, _) => (lookups.of_anybody.to_owned(), None),
        (true, Way::Gathered) => (format!("JOIN {JOINED}"), Some(OF_PERSON)),
        (true, Way::Planned) => (format!("JOIN {JOINED}"), None),
        (true, Way::Walked | Way::Found) => (lookups.of_members.to_owned(), None),
    };
    let is_found = way == Way::Found;
    let first = 2 + usize::from(filter.search.is_some()) + usize::from(is_found);
    let order = match sort.column {
        Column::Name => sort.sql("p.name_key", "p.id", paging, first),
        Column::UpdatedAt => sort.sql("p.updated_at", "p.id", paging, first),
        Column::CreatedAt if !is_mine => sort.sql("p.created_at", "p.id", paging, first),
        // The index of a person's memberships has the projects by id.
        Column::CreatedAt if way == Way::Gathered => {
            sort.sql_by_id("p.created_at", "m.project_id", paging, first)
        }
        Column::CreatedAt => sort.sql_by_id("p.created_at", "p.id", paging, first),
    };
    let total = match told {
        Some(_) => "CAST(0 AS bigint)".to_owned(),
        None => format!("({})", count(filter)),
    };
    // Where memberships alone tell which projects are on the page, only these
    // are looked up, whatever PostgreSQL knows of the tables.
    let is_by_members = told.is_none()
        && filter.shown == Shown::Mine
        && filter.search.is_none()
        && sort.column == Column::CreatedAt
        && paging.after().is_none();
    let mut condition = condition(filter, whose);
    if is_found {
        condition = format!("{} AND {condition}", found());
    }
    let source = if is_by_members {
        let direction = if sort.is_descending { "DESC" } else { "ASC" };
        format!(
            "(SELECT project_id, role FROM members m WHERE {condition}{order}) m \
             JOIN projects p ON p.id = m.project_id ORDER BY m.project_id {direction}"
        )
    } else {
        format!("projects p {join} WHERE {condition}{order}")
    };
    format!(
        "SELECT {}, m.role, {total} AS total FROM {source}",
        project_columns!()
    )
}

fn condition(filter: &Filter, whose: Option<&str>) -> String {
    let mut conditions: Vec<String> = whose.map(str::to_owned).into_iter().collect();
    let mut add = |condition: &str| conditions.push(condition.to_owned());
    match filter.shown {
        Shown::Mine => {}
        Shown::MinePrivate => add("p.visibility = 'PRIVATE'"),
        Shown::Public => add("p.visibility = 'PUBLIC'"),
    }
    match filter.archived {
        Some(is_archived) if filter.shown != Shown::Public => {
            add(&format!("m.is_archived = {is_archived}"));
        }
        Some(true) => add("p.archived_at IS NOT NULL"),
        Some(false) => add("p.archived_at IS NULL"),
        None => {}
    }
    if let Some(role) = filter.role {
        add(&format!("m.role = '{}'", role.as_str()));
    }
    if filter.search.is_some() {
        add(r"p.search LIKE $2 ESCAPE '\'");
    }
    if conditions.is_empty() {
        conditions.push("true".to_owned());
    }
    conditions.join(" AND ")
}
