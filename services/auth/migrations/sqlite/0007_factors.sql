-- What people prove themselves by beside a password.
CREATE TABLE second_factors (
    user_id blob PRIMARY KEY,
    -- The secret of the authenticator, under the master key.
    totp_sealed blob,
    -- From when it counts.
    totp_confirmed_at integer,
    -- The time step of the last code: neither it nor one before is taken again.
    totp_last_step integer NOT NULL,
    -- Keyed hashes of the recovery codes that are left, 32 bytes each.
    recovery_hashes blob NOT NULL,
    -- Wrong codes in a row, and until when no further one is looked at.
    failures integer NOT NULL,
    blocked_until integer
) STRICT, WITHOUT ROWID;

CREATE TABLE passkeys (
    id blob PRIMARY KEY,
    user_id blob NOT NULL,
    name text NOT NULL,
    -- The authenticator's own id of it.
    credential_id blob NOT NULL,
    -- The public key and what else is known of it, as JSON.
    credential text NOT NULL,
    -- How often the authenticator says that it has signed.
    sign_count integer NOT NULL,
    created_at integer NOT NULL,
    last_used_at integer
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX passkeys_credential ON passkeys (credential_id);
CREATE INDEX passkeys_user ON passkeys (user_id, created_at, id);

-- Ceremonies of WebAuthn that have begun, as JSON.
CREATE TABLE ceremonies (
    id blob PRIMARY KEY,
    content text NOT NULL,
    expires_at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX ceremonies_expires_at ON ceremonies (expires_at);

-- Sign-ins that wait for a second proof.
CREATE TABLE challenges (
    hash blob PRIMARY KEY,
    user_id blob NOT NULL,
    -- Which password was shown: since when it is the password.
    password_changed_at integer NOT NULL,
    -- How many wrong answers there were.
    tries integer NOT NULL,
    expires_at integer NOT NULL
) STRICT, WITHOUT ROWID;

CREATE INDEX challenges_expires_at ON challenges (expires_at);
CREATE INDEX challenges_user ON challenges (user_id);

-- From where people have signed in: hashes of network and program.
CREATE TABLE devices (
    user_id blob NOT NULL,
    hash blob NOT NULL,
    last_seen_at integer NOT NULL,
    PRIMARY KEY (user_id, hash)
) STRICT, WITHOUT ROWID;

CREATE INDEX devices_last_seen_at ON devices (last_seen_at);
