CREATE TABLE mails (
    -- Derived from the event that asks for the mail.
    id uuid PRIMARY KEY,
    template text NOT NULL,
    recipient text NOT NULL,
    -- What the mail is about, as JSON.
    content text NOT NULL,
    -- The request that led to it, and its trace.
    request_id text NOT NULL,
    traceparent text,
    status text NOT NULL CHECK (status IN ('QUEUED', 'RUNNING', 'SENT', 'FAILED', 'DEAD')),
    attempts integer NOT NULL,
    last_error text,
    created_at timestamptz NOT NULL,
    -- From when on a process may take it: the next attempt, or the end of the
    -- time that the process which is sending it has asked for.
    due_at timestamptz,
    -- Who is sending it.
    claim uuid,
    -- When it was sent or given up.
    ended_at timestamptz,
    CHECK ((due_at IS NULL) = (ended_at IS NOT NULL)),
    CHECK ((claim IS NOT NULL) = (status = 'RUNNING'))
);

CREATE INDEX mails_created_at ON mails (created_at, id);
CREATE INDEX mails_status ON mails (status, created_at, id);
CREATE INDEX mails_due_at ON mails (due_at, id) WHERE due_at IS NOT NULL;
CREATE INDEX mails_ended_at ON mails (ended_at) WHERE ended_at IS NOT NULL;

-- When the service was first started, in the one row.
CREATE TABLE first_start (
    id integer PRIMARY KEY CHECK (id = 1),
    started_at timestamptz NOT NULL
);

-- How far this service has followed the events of others.
CREATE TABLE event_cursors (
    source text PRIMARY KEY,
    cursor text NOT NULL
);
