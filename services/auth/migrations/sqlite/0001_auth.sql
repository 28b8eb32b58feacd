-- What people prove themselves by. The people themselves are the users
-- service's; until it knows them, a credential is not confirmed.
CREATE TABLE credentials (
    user_id blob PRIMARY KEY,
    -- A PHC string.
    password_hash text NOT NULL,
    is_confirmed integer NOT NULL CHECK (is_confirmed IN (0, 1)),
    -- Milliseconds since the epoch, like all times.
    created_at integer NOT NULL,
    changed_at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX credentials_unconfirmed ON credentials (created_at) WHERE NOT is_confirmed;

-- Accounts that are made under an idempotency key.
CREATE TABLE registrations (
    -- Hash of caller, method and key.
    id blob PRIMARY KEY,
    -- Keyed hash of the request.
    fingerprint blob NOT NULL,
    user_id blob NOT NULL,
    -- The answer, once the account is made.
    answer blob,
    expires_at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX registrations_expires_at ON registrations (expires_at);

CREATE TABLE sessions (
    id blob PRIMARY KEY,
    user_id blob NOT NULL,
    created_at integer NOT NULL,
    last_seen_at integer NOT NULL,
    expires_at integer NOT NULL,
    authenticated_at integer NOT NULL,
    ip text,
    user_agent text,
    -- What the refresh tokens are derived from, together with the master key.
    seed blob NOT NULL,
    -- Counts the refresh tokens.
    generation integer NOT NULL,
    rotated_at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX sessions_user ON sessions (user_id, last_seen_at, id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

-- Accounts whose deletion has begun and not ended.
CREATE TABLE deletions (
    user_id blob PRIMARY KEY,
    requested_at integer NOT NULL
) STRICT, WITHOUT ROWID;

-- Access tokens that no longer count although they have not expired. Nothing
-- is numbered twice, because watchers remember where they stand.
CREATE TABLE revocations (
    seq integer PRIMARY KEY AUTOINCREMENT,
    session_id blob,
    user_id blob,
    revoked_at integer NOT NULL,
    expires_at integer NOT NULL,
    CHECK ((session_id IS NULL) <> (user_id IS NULL))
) STRICT;

CREATE INDEX revocations_expires_at ON revocations (expires_at);

CREATE TABLE signing_keys (
    kid text PRIMARY KEY,
    public_key blob NOT NULL,
    -- PKCS #8 under the master key.
    sealed blob NOT NULL,
    created_at integer NOT NULL,
    -- From when it signs, until the next one does.
    active_from integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE outbox (
    seq integer PRIMARY KEY AUTOINCREMENT,
    id blob NOT NULL,
    kind text NOT NULL,
    subject blob NOT NULL,
    payload text NOT NULL,
    actor text NOT NULL,
    request_id text NOT NULL,
    traceparent text,
    client_ip text,
    created_at integer NOT NULL
) STRICT;
