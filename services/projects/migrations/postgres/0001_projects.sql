-- Substring search by index. Shared by the schemas of a database.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

CREATE TABLE projects (
    id uuid PRIMARY KEY,
    name text NOT NULL,
    -- The name as names are sorted.
    name_key text COLLATE "C" NOT NULL,
    slug text COLLATE "C" NOT NULL CONSTRAINT projects_slug UNIQUE,
    description text,
    visibility text NOT NULL CHECK (visibility IN ('PRIVATE', 'PUBLIC')),
    archived_at timestamptz,
    -- The number of rows in members.
    member_count integer NOT NULL,
    version bigint NOT NULL,
    -- Name, slug and description as they are searched.
    search text NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL
);

-- For people with many projects; with few, the planner sorts theirs.
CREATE INDEX projects_created_at ON projects (created_at, id);
CREATE INDEX projects_updated_at ON projects (updated_at, id);
CREATE INDEX projects_name ON projects (name_key, id);
-- For the list of public projects, which may be few among many.
CREATE INDEX projects_public_created_at ON projects (created_at, id) WHERE visibility = 'PUBLIC';
CREATE INDEX projects_public_updated_at ON projects (updated_at, id) WHERE visibility = 'PUBLIC';
CREATE INDEX projects_public_name ON projects (name_key, id) WHERE visibility = 'PUBLIC';
CREATE INDEX projects_search ON projects USING gin (search public.gin_trgm_ops);

CREATE TABLE members (
    project_id uuid NOT NULL REFERENCES projects ON DELETE CASCADE,
    user_id uuid NOT NULL,
    role text NOT NULL CHECK (role IN ('OWNER', 'ADMIN', 'MEMBER', 'VIEWER')),
    version bigint NOT NULL,
    -- The person's name as names are sorted.
    name_key text COLLATE "C" NOT NULL,
    joined_at timestamptz NOT NULL,
    PRIMARY KEY (project_id, user_id)
);

CREATE INDEX members_user ON members (user_id, project_id);
CREATE INDEX members_joined_at ON members (project_id, joined_at, user_id);
CREATE INDEX members_name ON members (project_id, name_key, user_id);
CREATE INDEX members_owners ON members (project_id) WHERE role = 'OWNER';

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

CREATE TABLE idempotency_keys (
    id bytea PRIMARY KEY,
    fingerprint bytea NOT NULL,
    answer text NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX idempotency_keys_expires_at ON idempotency_keys (expires_at);
