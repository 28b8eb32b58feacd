CREATE TABLE users (
    id blob PRIMARY KEY,
    email text NOT NULL,
    -- The address as addresses are compared.
    email_key text NOT NULL UNIQUE,
    name text NOT NULL,
    -- The name as names are sorted.
    name_key text NOT NULL,
    -- Name and address as they are searched.
    search text NOT NULL,
    avatar text,
    role text NOT NULL CHECK (role IN ('ADMIN', 'MEMBER')),
    status text NOT NULL CHECK (status IN ('ACTIVE', 'DISABLED', 'DELETED')),
    email_verified integer NOT NULL CHECK (email_verified IN (0, 1)),
    version integer NOT NULL,
    -- Milliseconds since the epoch, like all times.
    created_at integer NOT NULL,
    updated_at integer NOT NULL,
    deleted_at integer
) STRICT, WITHOUT ROWID;

CREATE INDEX users_created_at ON users (created_at, id);
CREATE INDEX users_updated_at ON users (updated_at, id);
CREATE INDEX users_name ON users (name_key, id);
CREATE INDEX users_email ON users (email_key, id);
CREATE INDEX users_admins ON users (id) WHERE role = 'ADMIN' AND status = 'ACTIVE';
CREATE INDEX users_deleted ON users (deleted_at) WHERE status = 'DELETED';

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
