//! Reads the outbox as the record of who did what, newest first: a part of the
//! list at a time, or how long it is.
//!
//! Ids are in the order of the times that they were made at. So the order of the
//! list is that of the ids, and bounds of time are bounds of ids.

use std::cmp::Reverse;

use portico_proto::{
    events::{
        self, AuditEntry, ReadAuditEntriesRequest, ReadAuditEntriesResponse, audit_entry::Target,
    },
    wkt,
};
use serde_json::{Map, Value};
use uuid::Uuid;

use super::{Actor, Outbox};
use crate::{
    clock::{Timestamp, parse_id},
    database::Database,
    page::COUNT_CAP,
    status::{Error, to_struct},
};

/// Every kind of event that there is, by one step in the index for each.
const KINDS: &str = "WITH RECURSIVE kinds (kind) AS (SELECT min(kind) FROM outbox UNION ALL \
    SELECT (SELECT min(outbox.kind) FROM outbox WHERE outbox.kind > kinds.kind) \
    FROM kinds WHERE kinds.kind IS NOT NULL) SELECT kind FROM kinds WHERE kind IS NOT NULL";

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Filter {
    /// The first id.
    pub(super) from: Option<Uuid>,
    /// The id after the last.
    pub(super) to: Option<Uuid>,
    /// As it is kept.
    pub(super) actor: Option<String>,
    pub(super) subject: Option<Uuid>,
    /// All, if empty.
    pub(super) kinds: Vec<String>,
}

/// An entry as the database has it.
#[derive(sqlx::FromRow)]
struct Row {
    id: Uuid,
    kind: String,
    subject_type: Option<String>,
    subject: Uuid,
    changes: Option<String>,
    details: Option<String>,
    actor: String,
    request_id: String,
    client_ip: Option<String>,
    created_at: Timestamp,
}

impl Outbox {
    /// What is kept of who did what, as a request that fits its contract asks.
    ///
    /// # Errors
    ///
    /// `VALIDATION_FAILED` for a `before` that is no id, or a failure of the
    /// database.
    pub async fn audit(
        &self,
        request: &ReadAuditEntriesRequest,
    ) -> Result<ReadAuditEntriesResponse, Error> {
        let database = self.database();
        let nothing = ReadAuditEntriesResponse {
            entries: Vec::new(),
            total: request.count.then_some(0),
        };
        let Some(mut filter) = Filter::of(request) else {
            return Ok(nothing);
        };
        if let Some(action) = &request.action {
            filter.kinds = kinds(database).await?;
            filter.kinds.retain(|kind| is_meant(kind, action));
            if filter.kinds.is_empty() {
                return Ok(nothing);
            }
        }
        let total = match request.count {
            true => i32::try_from(count(database, &filter).await?).ok(),
            false => None,
        };
        if let Some(before) = &request.before {
            let before = parse_id(before)
                .ok_or_else(|| Error::invalid_field("before", "NOT_ALLOWED", "must be an id"))?;
            filter.to = Some(filter.to.map_or(before, |to| to.min(before)));
        }
        let rows = newest(database, &filter, i64::from(request.limit)).await?;
        let entries = rows.into_iter().map(AuditEntry::try_from);
        Ok(ReadAuditEntriesResponse {
            entries: entries.collect::<Result<_, Error>>()?,
            total,
        })
    }
}

impl Filter {
    /// All that a request asks for but its action; nothing, if it names what
    /// can be nobody's or nothing's id.
    fn of(request: &ReadAuditEntriesRequest) -> Option<Self> {
        let subject = match &request.target {
            Some(target) => Some(parse_id(target)?),
            None => None,
        };
        // No text in a database has a NUL, and a query with one fails.
        let actor = match request.actor.as_deref() {
            Some(actor) if actor.contains('\0') => return None,
            actor => actor.map(as_kept),
        };
        Some(Self {
            from: request.since.as_ref().map(first_id),
            to: request.until.as_ref().map(first_id),
            actor,
            subject,
            kinds: Vec::new(),
        })
    }

    /// Whether the actor or the thing leads to the entries, and not their kinds.
    fn is_narrow(&self) -> bool {
        self.actor.is_some() || self.subject.is_some()
    }

    /// The kind, as a condition names it. PostgreSQL knows how rare each value
    /// is. SQLite does not, and somebody's actions are few beside all of one
    /// kind: as an expression, the kind cannot tempt it to its index.
    fn kind_column(&self, database: &Database) -> &'static str {
        match database {
            Database::Sqlite(_) if self.is_narrow() => "kind || ''",
            Database::Sqlite(_) | Database::Postgres(_) => "kind",
        }
    }

    /// What follows the table in a statement, and the number of the next
    /// parameter.
    fn conditions(&self, database: &Database) -> (String, usize) {
        let mut conditions = Vec::new();
        let mut next = 1;
        for (condition, is_asked) in [
            ("id >= ", self.from.is_some()),
            ("id < ", self.to.is_some()),
            ("actor = ", self.actor.is_some()),
            ("subject = ", self.subject.is_some()),
        ] {
            if is_asked {
                conditions.push(format!("{condition}${next}"));
                next += 1;
            }
        }
        if !self.kinds.is_empty() {
            let kind = self.kind_column(database);
            let numbers = next..next + self.kinds.len();
            let list: Vec<String> = numbers.map(|number| format!("${number}")).collect();
            conditions.push(format!("{kind} IN ({})", list.join(", ")));
            next += self.kinds.len();
        }
        let sql = match conditions.is_empty() {
            true => String::new(),
            false => format!("WHERE {}", conditions.join(" AND ")),
        };
        (sql, next)
    }

    /// The entries, newest first; the last parameter bounds their number.
    pub(super) fn newest_sql(&self, database: &Database) -> String {
        let (conditions, next) = self.conditions(database);
        format!(
            "SELECT id, kind, subject_type, subject, changes, details, actor, request_id, \
             client_ip, created_at FROM outbox {conditions} ORDER BY id DESC LIMIT ${next}"
        )
    }

    /// How many entries there are; the last parameter bounds the number. In an
    /// order, so that the same index serves and nothing else is looked at.
    pub(super) fn count_sql(&self, database: &Database) -> String {
        let (conditions, next) = self.conditions(database);
        format!(
            "SELECT count(*) FROM \
             (SELECT 1 FROM outbox {conditions} ORDER BY id DESC LIMIT ${next}) AS matching"
        )
    }

    /// The filters whose entries make up these, each of which one index has in
    /// their order.
    pub(super) fn in_order(&self) -> Vec<Self> {
        if self.is_narrow() || self.kinds.len() < 2 {
            return vec![self.clone()];
        }
        let of_kind = |kind: &String| Self {
            kinds: vec![kind.clone()],
            ..self.clone()
        };
        self.kinds.iter().map(of_kind).collect()
    }
}

/// Binds a filter, and the bound of a statement.
macro_rules! bind_filter {
    ($query:expr, $filter:expr, $limit:expr) => {{
        let filter: &crate::outbox::audit::Filter = $filter;
        let mut query = $query;
        for bound in [filter.from, filter.to].into_iter().flatten() {
            query = query.bind(bound);
        }
        if let Some(actor) = &filter.actor {
            query = query.bind(actor);
        }
        if let Some(subject) = filter.subject {
            query = query.bind(subject);
        }
        for kind in &filter.kinds {
            query = query.bind(kind);
        }
        query.bind($limit)
    }};
}
#[cfg(feature = "testing")]
pub(super) use bind_filter;

/// The newest entries, at most `limit`.
async fn newest(database: &Database, filter: &Filter, limit: i64) -> Result<Vec<Row>, Error> {
    let filters = filter.in_order();
    let mut rows: Vec<Row> = Vec::new();
    for filter in &filters {
        let sql = sqlx::AssertSqlSafe(filter.newest_sql(database));
        rows.extend(match database {
            Database::Postgres(database) => {
                let query = bind_filter!(sqlx::query_as::<_, Row>(sql), filter, limit);
                query.fetch_all(&database.pool).await?
            }
            Database::Sqlite(database) => {
                let query = bind_filter!(sqlx::query_as::<_, Row>(sql), filter, limit);
                query.fetch_all(&database.readers).await?
            }
        });
    }
    if filters.len() > 1 {
        rows.sort_by_key(|row| Reverse(row.id));
        rows.truncate(usize::try_from(limit).unwrap_or(0));
    }
    Ok(rows)
}

/// How many entries there are; counting stops beyond the cap.
async fn count(database: &Database, filter: &Filter) -> Result<i64, Error> {
    let most = i64::from(COUNT_CAP) + 1;
    let mut total = 0;
    for filter in &filter.in_order() {
        let sql = sqlx::AssertSqlSafe(filter.count_sql(database));
        let rest = most - total;
        total += match database {
            Database::Postgres(database) => {
                let query = bind_filter!(sqlx::query_scalar::<_, i64>(sql), filter, rest);
                query.fetch_one(&database.pool).await?
            }
            Database::Sqlite(database) => {
                let query = bind_filter!(sqlx::query_scalar::<_, i64>(sql), filter, rest);
                query.fetch_one(&database.readers).await?
            }
        };
    }
    Ok(total)
}

async fn kinds(database: &Database) -> Result<Vec<String>, Error> {
    Ok(match database {
        Database::Postgres(database) => sqlx::query_scalar(KINDS).fetch_all(&database.pool).await,
        Database::Sqlite(database) => sqlx::query_scalar(KINDS).fetch_all(&database.readers).await,
    }?)
}

impl TryFrom<Row> for AuditEntry {
    type Error = Error;

    fn try_from(row: Row) -> Result<Self, Error> {
        let object = |text: Option<String>| -> Result<Map<String, Value>, Error> {
            let parsed = text.map(|text| serde_json::from_str(&text)).transpose();
            Ok(parsed.map_err(Error::internal)?.unwrap_or_default())
        };
        let mut details = object(row.details)?;
        let changes = object(row.changes)?;
        if !changes.is_empty() {
            details.insert("changes".to_owned(), Value::Object(changes));
        }
        let actor: Actor = row.actor.parse()?;
        let of_kind = row.kind.split('.').next().unwrap_or_default();
        let target = Target {
            r#type: row.subject_type.unwrap_or_else(|| of_kind.to_owned()),
            id: row.subject.to_string(),
        };
        Ok(Self {
            id: row.id.to_string(),
            created_at: Some(row.created_at.into()),
            actor: Some(events::Actor::from(actor)),
            action: row.kind,
            target: Some(target),
            ip: row.client_ip,
            request_id: row.request_id,
            details: Some(to_struct(details)),
        })
    }
}

/// The actor as it is kept whom a filter names: by a person's id, as `system`,
/// or else by a service's name. What begins with `service:` is a service
/// whatever follows: that of a service account is an id.
fn as_kept(actor: &str) -> String {
    let actor = match parse_id(actor) {
        Some(id) => Actor::User(id),
        None if actor == "system" => Actor::System,
        None => Actor::Service(actor.strip_prefix("service:").unwrap_or(actor).to_owned()),
    };
    actor.to_string()
}

/// Whether a filter means this kind of event: it names the kind, or ends in a
/// dot and the kind begins so.
fn is_meant(kind: &str, action: &str) -> bool {
    kind == action || (action.ends_with('.') && kind.starts_with(action))
}

/// The least id (RFC 9562, UUIDv7) that can be made at a moment or later.
fn first_id(moment: &wkt::Timestamp) -> Uuid {
    let nanos = i128::from(moment.seconds) * 1_000_000_000 + i128::from(moment.nanos);
    let millis = -(-nanos).div_euclid(1_000_000);
    Uuid::from_u128(u128::try_from(millis).unwrap_or(0) << 80)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::new_id;

    #[test]
    fn a_moment_divides_the_ids_made_before_from_those_made_later() {
        let moment = |nanos| wkt::Timestamp {
            seconds: 1_700_000_000,
            nanos,
        };
        let made_at = |millis: i64| new_id(Timestamp::from_millis(1_700_000_000_000 + millis));
        assert!(made_at(5) >= first_id(&moment(5_000_000)));
        assert!(made_at(4) < first_id(&moment(5_000_000)));
        // An event of the fifth millisecond is not later than a part of it.
        assert!(made_at(5) < first_id(&moment(5_000_001)));
        assert!(made_at(6) >= first_id(&moment(5_000_001)));
        let before_the_epoch = wkt::Timestamp {
            seconds: -1,
            nanos: 0,
        };
        assert_eq!(first_id(&before_the_epoch), Uuid::nil());
    }

    #[test]
    fn an_actor_is_named_by_id_or_by_name() {
        let id = new_id(Timestamp::from_millis(1));
        assert_eq!(as_kept(&id.to_string()), format!("user:{id}"));
        let upper = id.to_string().to_uppercase();
        assert_eq!(as_kept(&upper), format!("user:{id}"));
        assert_eq!(as_kept("auth"), "service:auth");
        assert_eq!(as_kept(&format!("service:{id}")), format!("service:{id}"));
        assert_eq!(as_kept("system"), "system");
    }

    #[test]
    fn an_action_is_named_whole_or_by_how_it_begins_up_to_a_dot() {
        assert!(is_meant("project.updated", "project.updated"));
        assert!(is_meant("project.updated", "project."));
        for action in ["project", "project.up", "", "projects.", "PROJECT."] {
            assert!(!is_meant("project.updated", action), "{action}");
        }
    }

    #[test]
    fn what_can_be_nothings_id_is_not_looked_for() {
        let asked = |actor: Option<&str>, target: Option<&str>| {
            Filter::of(&ReadAuditEntriesRequest {
                actor: actor.map(str::to_owned),
                target: target.map(str::to_owned),
                ..ReadAuditEntriesRequest::default()
            })
        };
        assert_eq!(asked(None, Some("no id")), None);
        assert_eq!(asked(Some("a\0b"), None), None);
        assert!(asked(Some("nobody"), None).is_some());
    }
}
