-- What people asked for that is answered by mail.
CREATE TABLE link_requests (
    id uuid PRIMARY KEY,
    wish text NOT NULL
        CHECK (wish IN ('NEW_PASSWORD', 'VERIFICATION', 'NEW_EMAIL', 'ACCOUNT')),
    user_id uuid,
    email text,
    -- Of an account that is to be made.
    name text,
    password_hash text,
    actor text NOT NULL,
    request_id text NOT NULL,
    traceparent text,
    client_ip text,
    requested_at timestamptz NOT NULL
);

CREATE INDEX link_requests_requested_at ON link_requests (requested_at);
CREATE INDEX link_requests_user ON link_requests (user_id) WHERE user_id IS NOT NULL;

-- Links in mails, by the hash of their token.
CREATE TABLE links (
    hash bytea PRIMARY KEY,
    purpose text NOT NULL CHECK (purpose IN ('VERIFY_EMAIL', 'CONFIRM_EMAIL',
        'UNDO_EMAIL_CHANGE', 'RESET_PASSWORD', 'SET_PASSWORD')),
    user_id uuid NOT NULL,
    -- The address that the mail went to, and as addresses are compared.
    email text NOT NULL,
    email_key text COLLATE "C" NOT NULL,
    -- The change of the address that it is about.
    change_id uuid,
    expires_at timestamptz NOT NULL,
    CHECK ((change_id IS NOT NULL) = (purpose IN ('CONFIRM_EMAIL', 'UNDO_EMAIL_CHANGE')))
);

CREATE INDEX links_user ON links (user_id);
CREATE INDEX links_expires_at ON links (expires_at);

-- Changes of addresses that were asked for.
CREATE TABLE email_changes (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    old_email text NOT NULL,
    new_email text NOT NULL,
    requested_at timestamptz NOT NULL,
    state text NOT NULL CHECK (state IN ('PENDING', 'CONFIRMED', 'SUPERSEDED', 'UNDONE'))
);

CREATE INDEX email_changes_user ON email_changes (user_id, requested_at);
CREATE INDEX email_changes_requested_at ON email_changes (requested_at);

-- Addresses that accounts are to get back, until they have them.
CREATE TABLE email_undos (
    user_id uuid PRIMARY KEY,
    id uuid NOT NULL,
    email text NOT NULL,
    needs_password boolean NOT NULL,
    requested_at timestamptz NOT NULL
);
