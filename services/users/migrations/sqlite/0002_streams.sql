-- Which fields are different from before, as a JSON object.
ALTER TABLE outbox ADD COLUMN changes text;

-- Up to which event the payload, which streams need, is not kept any more; the
-- rest of an event stays as the record of the change.
CREATE TABLE outbox_trimmed (
    seq integer NOT NULL
) STRICT;
INSERT INTO outbox_trimmed (seq) VALUES (0);
