-- The recipient as addresses are compared, by which mails are limited.
ALTER TABLE mails ADD COLUMN recipient_key text COLLATE "C" NOT NULL DEFAULT '';
CREATE INDEX mails_recipient ON mails (recipient_key, template, created_at);
