-- Attempts to prove who one is that failed, or have not succeeded yet. Accounts
-- and addresses are keyed hashes: neither is told by them.
CREATE TABLE throttles (
    -- Hash of what the attempts have in common.
    id blob PRIMARY KEY,
    -- Hash of the account; none where they have only a network in common.
    account blob,
    failures integer NOT NULL,
    -- No further attempt counts before.
    blocked_until integer NOT NULL,
    expires_at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX throttles_account ON throttles (account) WHERE account IS NOT NULL;
CREATE INDEX throttles_expires_at ON throttles (expires_at);

-- From where accounts were signed in to lately.
CREATE TABLE familiar_places (
    -- Hash of account and address.
    id blob PRIMARY KEY,
    expires_at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX familiar_places_expires_at ON familiar_places (expires_at);
