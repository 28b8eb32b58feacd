-- A service as small as can be, and one that follows it.
CREATE TABLE things (
    id blob PRIMARY KEY,
    value integer NOT NULL
) STRICT;

CREATE TABLE copies (
    id blob PRIMARY KEY,
    value integer NOT NULL
) STRICT;

-- Written before a thing is locked, as idempotency keys are.
CREATE TABLE keys (
    id blob PRIMARY KEY
) STRICT;

CREATE TABLE outbox (
    seq integer PRIMARY KEY AUTOINCREMENT,
    id blob NOT NULL,
    kind text NOT NULL,
    subject_type text,
    subject blob NOT NULL,
    payload text NOT NULL,
    changes text,
    details text,
    actor text NOT NULL,
    request_id text NOT NULL,
    traceparent text,
    client_ip text,
    created_at integer NOT NULL
) STRICT;

CREATE UNIQUE INDEX outbox_id ON outbox (id);
CREATE INDEX outbox_actor ON outbox (actor, id);
CREATE INDEX outbox_subject ON outbox (subject, id);
CREATE INDEX outbox_kind ON outbox (kind, id);

CREATE TABLE outbox_trimmed (
    seq integer NOT NULL
) STRICT;
INSERT INTO outbox_trimmed (seq) VALUES (0);

CREATE TABLE event_cursors (
    source text PRIMARY KEY,
    cursor text NOT NULL
) STRICT;
