-- What kind of thing the subject is, where the kind of the event does not begin
-- with it; and what else there is to tell beside the changes, as a JSON object.
ALTER TABLE outbox ADD COLUMN subject_type text;
ALTER TABLE outbox ADD COLUMN details text;

-- The outbox is also the record of who did what, which is read newest first:
-- ids are in the order of the times that they were made at.
CREATE UNIQUE INDEX outbox_id ON outbox (id);
CREATE INDEX outbox_actor ON outbox (actor, id);
CREATE INDEX outbox_subject ON outbox (subject, id);
CREATE INDEX outbox_kind ON outbox (kind, id);
