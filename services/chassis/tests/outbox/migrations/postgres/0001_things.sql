-- A service as small as can be, and one that follows it.
CREATE TABLE things (
    id uuid PRIMARY KEY,
    value bigint NOT NULL
);

CREATE TABLE copies (
    id uuid PRIMARY KEY,
    value bigint NOT NULL
);

-- Written before a thing is locked, as idempotency keys are.
CREATE TABLE keys (
    id uuid PRIMARY KEY
);

CREATE TABLE outbox (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    id uuid NOT NULL,
    kind text NOT NULL,
    subject_type text,
    subject uuid NOT NULL,
    payload text NOT NULL,
    changes text,
    details text,
    actor text NOT NULL,
    request_id text NOT NULL,
    traceparent text,
    client_ip text,
    created_at timestamptz NOT NULL
);

CREATE UNIQUE INDEX outbox_id ON outbox (id);
CREATE INDEX outbox_actor ON outbox (actor, id);
CREATE INDEX outbox_subject ON outbox (subject, id);
CREATE INDEX outbox_kind ON outbox (kind, id);

CREATE TABLE outbox_trimmed (
    seq bigint NOT NULL
);
INSERT INTO outbox_trimmed (seq) VALUES (0);

CREATE TABLE event_cursors (
    source text PRIMARY KEY,
    cursor text NOT NULL
);
