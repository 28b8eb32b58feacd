//! The SQL of API keys, service accounts and impersonations: texts and rows.

use portico_chassis::clock::Timestamp;
use uuid::Uuid;

use crate::api_key::{ApiKey, Holder, Owner, ServiceAccount, ShownKey};

/// The keys, with what follows.
macro_rules! select_keys {
    ($more:literal, $suffix:literal) => {
        concat!(
            "SELECT api_keys.id, owner_id, is_of_service_account, name, prefix, scopes, \
             created_at, last_used_at, expires_at",
            $more,
            " FROM api_keys ",
            $suffix
        )
    };
}

/// Followed by the order of a page.
pub(in crate::store) const API_KEYS: &str = select_keys!(
    "",
    "WHERE owner_id = $1 AND is_of_service_account = $2 AND revoked_at IS NULL"
);

pub(in crate::store) const COUNT_API_KEYS: &str = "SELECT count(*) FROM api_keys \
    WHERE owner_id = $1 AND is_of_service_account = $2 AND revoked_at IS NULL";

pub(in crate::store) const SHOWN_KEY: &str = select_keys!(
    ", revoked_at IS NOT NULL AS is_revoked, user_id AS holder_id, email, is_admin, is_active",
    "LEFT JOIN key_holders ON user_id = owner_id AND NOT is_of_service_account WHERE hash = $1"
);

pub(in crate::store) const INSERT_API_KEY: &str = "INSERT INTO api_keys (id, owner_id, \
    is_of_service_account, name, prefix, hash, scopes, created_at, expires_at) \
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

pub(in crate::store) const REVOKE_API_KEY: &str = "UPDATE api_keys \
    SET revoked_at = $4, forget_at = $5 \
    WHERE owner_id = $1 AND is_of_service_account = $2 AND id = $3 AND revoked_at IS NULL \
    RETURNING id";

pub(in crate::store) const REVOKE_API_KEYS: &str = "UPDATE api_keys \
    SET revoked_at = $3, forget_at = $4 \
    WHERE owner_id = $1 AND is_of_service_account = $2 AND revoked_at IS NULL RETURNING id";

/// A clock that is behind takes nothing back.
pub(in crate::store) const NOTE_KEY_USE: &str = "UPDATE api_keys SET last_used_at = $2 \
    WHERE id = $1 AND (last_used_at IS NULL OR last_used_at < $2)";

pub(in crate::store) const KEEP_HOLDER: &str = "INSERT INTO key_holders \
    (user_id, email, is_admin, is_active) VALUES ($1, $2, $3, $4) ON CONFLICT (user_id) DO UPDATE \
    SET email = $2, is_admin = $3, is_active = $4";

pub(in crate::store) const UPDATE_HOLDER: &str = "UPDATE key_holders \
    SET email = $2, is_admin = $3, is_active = $4 WHERE user_id = $1";

/// Followed by the order of a page.
pub(in crate::store) const SERVICE_ACCOUNTS: &str =
    "SELECT id, name, created_at FROM service_accounts WHERE deleted_at IS NULL";

pub(in crate::store) const COUNT_SERVICE_ACCOUNTS: &str =
    "SELECT count(*) FROM service_accounts WHERE deleted_at IS NULL";

pub(in crate::store) const SERVICE_ACCOUNT: &str =
    "SELECT id, name, created_at FROM service_accounts WHERE id = $1 AND deleted_at IS NULL";

/// Followed by the ids.
pub(in crate::store) const NAMED_SERVICE_ACCOUNTS: &str =
    "SELECT id, name, created_at FROM service_accounts WHERE id IN ";

pub(in crate::store) const INSERT_SERVICE_ACCOUNT: &str =
    "INSERT INTO service_accounts (id, name, created_at) VALUES ($1, $2, $3)";

/// Takes the row, so that a deletion waits.
pub(in crate::store) const HOLD_SERVICE_ACCOUNT: &str =
    "UPDATE service_accounts SET name = name WHERE id = $1 AND deleted_at IS NULL";

pub(in crate::store) const DELETE_SERVICE_ACCOUNT: &str =
    "UPDATE service_accounts SET deleted_at = $2 WHERE id = $1 AND deleted_at IS NULL";

pub(in crate::store) const INSERT_IMPERSONATION: &str = "INSERT INTO impersonations \
    (id, user_id, admin_id, admin_session_id, expires_at) VALUES ($1, $2, $3, $4, $5)";

/// What is the same in each statement that ends impersonations.
macro_rules! delete_impersonations {
    ($condition:literal) => {
        concat!(
            "DELETE FROM impersonations WHERE ",
            $condition,
            " RETURNING id, user_id, admin_id, admin_session_id, expires_at"
        )
    };
}

pub(in crate::store) const END_IMPERSONATION: &str = delete_impersonations!("id = $1");

pub(in crate::store) const END_IMPERSONATIONS_OF_SESSION: &str =
    delete_impersonations!("admin_session_id = $1");

pub(in crate::store) const END_IMPERSONATIONS_OF_PERSON: &str =
    delete_impersonations!("user_id = $1 OR admin_id = $1");

/// A key as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct ApiKeyRow {
    id: Uuid,
    owner_id: Uuid,
    is_of_service_account: bool,
    name: String,
    prefix: String,
    scopes: String,
    created_at: Timestamp,
    last_used_at: Option<Timestamp>,
    expires_at: Option<Timestamp>,
}

impl From<ApiKeyRow> for ApiKey {
    fn from(row: ApiKeyRow) -> Self {
        Self {
            id: row.id,
            owner: match row.is_of_service_account {
                true => Owner::ServiceAccount(row.owner_id),
                false => Owner::Person(row.owner_id),
            },
            name: row.name,
            prefix: row.prefix,
            scopes: row.scopes.into(),
            created_at: row.created_at,
            last_used_at: row.last_used_at,
            expires_at: row.expires_at,
        }
    }
}

/// A key that is shown, as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct ShownKeyRow {
    #[sqlx(flatten)]
    key: ApiKeyRow,
    is_revoked: bool,
    holder_id: Option<Uuid>,
    email: Option<String>,
    is_admin: Option<bool>,
    is_active: Option<bool>,
}

impl From<ShownKeyRow> for ShownKey {
    fn from(row: ShownKeyRow) -> Self {
        let holder = row.holder_id.map(|user_id| Holder {
            user_id,
            email: row.email.unwrap_or_default(),
            is_admin: row.is_admin.unwrap_or_default(),
            is_active: row.is_active.unwrap_or_default(),
        });
        Self {
            key: row.key.into(),
            is_revoked: row.is_revoked,
            holder,
        }
    }
}

/// A service account as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct ServiceAccountRow {
    id: Uuid,
    name: String,
    created_at: Timestamp,
}

impl From<ServiceAccountRow> for ServiceAccount {
    fn from(row: ServiceAccountRow) -> Self {
        Self {
            id: row.id,
            name: row.name,
            created_at: row.created_at,
        }
    }
}

/// An impersonation as the database has it.
#[derive(sqlx::FromRow)]
pub(in crate::store) struct ImpersonationRow {
    id: Uuid,
    user_id: Uuid,
    admin_id: Uuid,
    admin_session_id: Uuid,
    expires_at: Timestamp,
}

impl From<ImpersonationRow> for crate::impersonation::Impersonation {
    fn from(row: ImpersonationRow) -> Self {
        Self {
            id: row.id,
            user_id: row.user_id,
            admin_id: row.admin_id,
            admin_session_id: row.admin_session_id,
            expires_at: row.expires_at,
        }
    }
}
