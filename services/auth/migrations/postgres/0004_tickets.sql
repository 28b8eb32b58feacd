-- Tickets that open the stream of live changes once, with what the access token
-- says that each was made with.
CREATE TABLE tickets (
    hash bytea PRIMARY KEY,
    user_id uuid NOT NULL,
    session_id uuid NOT NULL,
    is_admin boolean NOT NULL,
    -- When the token was issued, and when it expires.
    issued_at timestamptz NOT NULL,
    token_expires_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX tickets_expires_at ON tickets (expires_at);

-- A ticket counts no more once its token is revoked.
CREATE INDEX revocations_session ON revocations (session_id) WHERE session_id IS NOT NULL;
CREATE INDEX revocations_user ON revocations (user_id) WHERE user_id IS NOT NULL;
