-- Creations that happen once, by the caller's key.
CREATE TABLE idempotency_keys (
    id bytea PRIMARY KEY,
    fingerprint bytea NOT NULL,
    answer text NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at);

-- The accounts of programs. One that is deleted is kept for its name, which the
-- audit log shows.
CREATE TABLE service_accounts (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    created_at timestamptz NOT NULL,
    deleted_at timestamptz
);

CREATE INDEX service_accounts_created ON service_accounts (created_at, id) WHERE deleted_at IS NULL;

-- What the tokens of people's API keys tell of them, as the users service last
-- said.
CREATE TABLE key_holders (
    user_id uuid PRIMARY KEY,
    email text NOT NULL,
    is_admin boolean NOT NULL,
    -- Whether the person may sign in.
    is_active boolean NOT NULL
);

CREATE TABLE api_keys (
    id uuid PRIMARY KEY,
    -- A person or a service account.
    owner_id uuid NOT NULL,
    is_of_service_account boolean NOT NULL,
    name text NOT NULL,
    -- How the key begins, and the SHA-256 of all of it.
    prefix text NOT NULL,
    hash bytea NOT NULL UNIQUE,
    -- With spaces between them.
    scopes text NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz,
    expires_at timestamptz,
    revoked_at timestamptz,
    -- One that was revoked is kept for a while, so that it can be told from one
    -- that never was.
    forget_at timestamptz
);

CREATE INDEX api_keys_owner ON api_keys (owner_id, created_at, id) WHERE revoked_at IS NULL;
CREATE INDEX api_keys_forget_at ON api_keys (forget_at) WHERE forget_at IS NOT NULL;

-- ADMINs who act as somebody else.
CREATE TABLE impersonations (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    admin_id uuid NOT NULL,
    -- The ADMIN's own session, with which it ends.
    admin_session_id uuid NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX impersonations_user ON impersonations (user_id);
CREATE INDEX impersonations_admin ON impersonations (admin_id);
CREATE INDEX impersonations_session ON impersonations (admin_session_id);
CREATE INDEX impersonations_expires_at ON impersonations (expires_at);
