CREATE TABLE projects (
    id blob PRIMARY KEY,
    name text NOT NULL,
    -- The name as names are sorted.
    name_key text NOT NULL,
    slug text NOT NULL UNIQUE,
    description text,
    visibility text NOT NULL CHECK (visibility IN ('PRIVATE', 'PUBLIC')),
    -- Milliseconds since the epoch, like all times.
    archived_at integer,
    -- The number of rows in members.
    member_count integer NOT NULL,
    version integer NOT NULL,
    -- Name, slug and description as they are searched.
    search text NOT NULL,
    created_at integer NOT NULL,
    updated_at integer NOT NULL
) STRICT, WITHOUT ROWID;

-- For the list of public projects, which may be few among many.
CREATE INDEX projects_public_created_at ON projects (created_at, id) WHERE visibility = 'PUBLIC';
CREATE INDEX projects_public_updated_at ON projects (updated_at, id) WHERE visibility = 'PUBLIC';
CREATE INDEX projects_public_name ON projects (name_key, id) WHERE visibility = 'PUBLIC';

CREATE TABLE members (
    project_id blob NOT NULL REFERENCES projects ON DELETE CASCADE,
    user_id blob NOT NULL,
    role text NOT NULL CHECK (role IN ('OWNER', 'ADMIN', 'MEMBER', 'VIEWER')),
    version integer NOT NULL,
    -- The person's name as names are sorted.
    name_key text NOT NULL,
    joined_at integer NOT NULL,
    PRIMARY KEY (project_id, user_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX members_user ON members (user_id, project_id);
CREATE INDEX members_joined_at ON members (project_id, joined_at, user_id);
CREATE INDEX members_name ON members (project_id, name_key, user_id);
CREATE INDEX members_owners ON members (project_id) WHERE role = 'OWNER';

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

CREATE TABLE idempotency_keys (
    id blob PRIMARY KEY,
    fingerprint blob NOT NULL,
    answer text NOT NULL,
    expires_at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at);
