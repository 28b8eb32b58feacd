-- Substring search by index. Shared by the schemas of a database.
CREATE EXTENSION IF NOT EXISTS pg_trgm WITH SCHEMA public;

CREATE TABLE users (
    id uuid PRIMARY KEY,
    email text NOT NULL,
    -- The address as addresses are compared.
    email_key text COLLATE "C" NOT NULL CONSTRAINT users_email_key UNIQUE,
    name text NOT NULL,
    -- The name as names are sorted.
    name_key text COLLATE "C" NOT NULL,
    -- Name and address as they are searched.
    search text NOT NULL,
    avatar text,
    role text NOT NULL CHECK (role IN ('ADMIN', 'MEMBER')),
    status text NOT NULL CHECK (status IN ('ACTIVE', 'DISABLED', 'DELETED')),
    email_verified boolean NOT NULL,
    version bigint NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz
);

CREATE INDEX users_created_at ON users (created_at, id);
CREATE INDEX users_updated_at ON users (updated_at, id);
CREATE INDEX users_name ON users (name_key, id);
CREATE INDEX users_email ON users (email_key, id);
CREATE INDEX users_search ON users USING gin (search public.gin_trgm_ops);
CREATE INDEX users_admins ON users (id) WHERE role = 'ADMIN' AND status = 'ACTIVE';
CREATE INDEX users_deleted ON users (deleted_at) WHERE status = 'DELETED';

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
