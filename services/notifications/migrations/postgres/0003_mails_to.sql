-- The mails to an address, newest first.
CREATE INDEX mails_to ON mails (recipient_key, created_at, id);
