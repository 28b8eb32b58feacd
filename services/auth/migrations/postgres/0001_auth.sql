-- What people prove themselves by. The people themselves are the users
-- service's; until it knows them, a credential is not confirmed.
CREATE TABLE credentials (
    user_id uuid PRIMARY KEY,
    -- A PHC string.
    password_hash text NOT NULL,
    is_confirmed boolean NOT NULL,
    created_at timestamptz NOT NULL,
    changed_at timestamptz NOT NULL
);

CREATE INDEX credentials_unconfirmed ON credentials (created_at) WHERE NOT is_confirmed;

-- Accounts that are made under an idempotency key.
CREATE TABLE registrations (
    -- Hash of caller, method and key.
    id bytea PRIMARY KEY,
    -- Keyed hash of the request.
    fingerprint bytea NOT NULL,
    user_id uuid NOT NULL,
    -- The answer, once the account is made.
    answer bytea,
    expires_at timestamptz NOT NULL
);

CREATE INDEX registrations_expires_at ON registrations (expires_at);

CREATE TABLE sessions (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    last_seen_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    authenticated_at timestamptz NOT NULL,
    ip text,
    user_agent text,
    -- What the refresh tokens are derived from, together with the master key.
    seed bytea NOT NULL,
    -- Counts the refresh tokens.
    generation bigint NOT NULL,
    rotated_at timestamptz NOT NULL
);

CREATE INDEX sessions_user ON sessions (user_id, last_seen_at, id);
CREATE INDEX sessions_expires_at ON sessions (expires_at);

-- Accounts whose deletion has begun and not ended.
CREATE TABLE deletions (
    user_id uuid PRIMARY KEY,
    requested_at timestamptz NOT NULL
);

-- Access tokens that no longer count although they have not expired.
CREATE TABLE revocations (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The transaction, because a sequence is not the order of commits.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    session_id uuid,
    user_id uuid,
    revoked_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    CHECK ((session_id IS NULL) <> (user_id IS NULL))
);

CREATE INDEX revocations_commit ON revocations (xid, seq);
CREATE INDEX revocations_expires_at ON revocations (expires_at);

CREATE TABLE signing_keys (
    kid text PRIMARY KEY,
    public_key bytea NOT NULL,
    -- PKCS #8 under the master key.
    sealed bytea NOT NULL,
    created_at timestamptz NOT NULL,
    -- From when it signs, until the next one does.
    active_from timestamptz NOT NULL
);

CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    -- The transaction, because a sequence is not the order of commits.
    xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
    id uuid NOT NULL,
    kind text NOT NULL,
    subject uuid NOT NULL,
    payload text NOT NULL,
    actor text NOT NULL,
    request_id text NOT NULL,
    traceparent text,
    client_ip text,
    created_at timestamptz NOT NULL
);
