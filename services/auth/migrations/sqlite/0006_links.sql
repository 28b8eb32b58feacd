-- What people asked for that is answered by mail.
CREATE TABLE link_requests (
    id blob PRIMARY KEY,
    wish text NOT NULL
        CHECK (wish IN ('NEW_PASSWORD', 'VERIFICATION', 'NEW_EMAIL', 'ACCOUNT')),
    user_id blob,
    email text,
    -- Of an account that is to be made.
    name text,
    password_hash text,
    actor text NOT NULL,
    request_id text NOT NULL,
    traceparent text,
    client_ip text,
    requested_at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX link_requests_requested_at ON link_requests (requested_at);
CREATE INDEX link_requests_user ON link_requests (user_id) WHERE user_id IS NOT NULL;

-- Links in mails, by the hash of their token.
CREATE TABLE links (
    hash blob PRIMARY KEY,
    purpose text NOT NULL CHECK (purpose IN ('VERIFY_EMAIL', 'CONFIRM_EMAIL',
        'UNDO_EMAIL_CHANGE', 'RESET_PASSWORD', 'SET_PASSWORD')),
    user_id blob NOT NULL,
    -- The address that the mail went to, and as addresses are compared.
    email text NOT NULL,
    email_key text NOT NULL,
    -- The change of the address that it is about.
    change_id blob,
    expires_at integer NOT NULL,
    CHECK ((change_id IS NOT NULL) = (purpose IN ('CONFIRM_EMAIL', 'UNDO_EMAIL_CHANGE')))
) STRICT, WITHOUT ROWID;

CREATE INDEX links_user ON links (user_id);
CREATE INDEX links_expires_at ON links (expires_at);

-- Changes of addresses that were asked for.
CREATE TABLE email_changes (
    id blob PRIMARY KEY,
    user_id blob NOT NULL,
    old_email text NOT NULL,
    new_email text NOT NULL,
    requested_at integer NOT NULL,
    state text NOT NULL CHECK (state IN ('PENDING', 'CONFIRMED', 'SUPERSEDED', 'UNDONE'))
) STRICT, WITHOUT ROWID;

CREATE INDEX email_changes_user ON email_changes (user_id, requested_at);
CREATE INDEX email_changes_requested_at ON email_changes (requested_at);

-- Addresses that accounts are to get back, until they have them.
CREATE TABLE email_undos (
    user_id blob PRIMARY KEY,
    id blob NOT NULL,
    email text NOT NULL,
    needs_password integer NOT NULL CHECK (needs_password IN (0, 1)),
    requested_at integer NOT NULL
) STRICT, WITHOUT ROWID;
