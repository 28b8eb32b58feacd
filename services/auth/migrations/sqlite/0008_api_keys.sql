-- Creations that happen once, by the caller's key.
CREATE TABLE idempotency_keys (
    id blob PRIMARY KEY,
    fingerprint blob NOT NULL,
    answer text NOT NULL,
    expires_at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at);

-- The accounts of programs. One that is deleted is kept for its name, which the
-- audit log shows.
CREATE TABLE service_accounts (
    id blob PRIMARY KEY,
    name text NOT NULL,
    created_at integer NOT NULL,
    deleted_at integer
) STRICT, WITHOUT ROWID;

CREATE INDEX service_accounts_created ON service_accounts (created_at, id) WHERE deleted_at IS NULL;

-- What the tokens of people's API keys tell of them, as the users service last
-- said.
CREATE TABLE key_holders (
    user_id blob PRIMARY KEY,
    email text NOT NULL,
    is_admin integer NOT NULL CHECK (is_admin IN (0, 1)),
    -- Whether the person may sign in.
    is_active integer NOT NULL CHECK (is_active IN (0, 1))
) STRICT, WITHOUT ROWID;

CREATE TABLE api_keys (
    id blob PRIMARY KEY,
    -- A person or a service account.
    owner_id blob NOT NULL,
    is_of_service_account integer NOT NULL CHECK (is_of_service_account IN (0, 1)),
    name text NOT NULL,
    -- How the key begins, and the SHA-256 of all of it.
    prefix text NOT NULL,
    hash blob NOT NULL UNIQUE,
    -- With spaces between them.
    scopes text NOT NULL,
    created_at integer NOT NULL,
    last_used_at integer,
    expires_at integer,
    revoked_at integer,
    -- One that was revoked is kept for a while, so that it can be told from one
    -- that never was.
    forget_at integer
) STRICT, WITHOUT ROWID;

CREATE INDEX api_keys_owner ON api_keys (owner_id, created_at, id) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_forget_at ON api_keys (forget_at) WHERE forget_at IS NOT NULL;

-- ADMINs who act as somebody else.
CREATE TABLE impersonations (
    id blob PRIMARY KEY,
    user_id blob NOT NULL,
    admin_id blob NOT NULL,
    -- The ADMIN's own session, with which it ends.
    admin_session_id blob NOT NULL,
    expires_at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX impersonations_user ON impersonations (user_id);
CREATE INDEX impersonations_admin ON impersonations (admin_id);
CREATE INDEX impersonations_session ON impersonations (admin_session_id);
CREATE INDEX impersonations_expires_at ON impersonations (expires_at);
