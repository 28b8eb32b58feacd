-- The numbers alone are the order of the events.
ALTER TABLE outbox DROP COLUMN xid;

-- Which fields are different from before, as a JSON object.
ALTER TABLE outbox ADD COLUMN changes text;

-- Up to which event the payload, which streams need, is not kept any more; the
-- rest of an event stays as the record of the change.
CREATE TABLE outbox_trimmed (
    seq bigint NOT NULL
);
INSERT INTO outbox_trimmed (seq) VALUES (0);

-- How far this service has followed the events of others.
CREATE TABLE event_cursors (
    source text PRIMARY KEY,
    cursor text NOT NULL
);
