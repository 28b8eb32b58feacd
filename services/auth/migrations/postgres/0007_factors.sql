-- What people prove themselves by beside a password.
CREATE TABLE second_factors (
    user_id uuid PRIMARY KEY,
    -- The secret of the authenticator, under the master key.
    totp_sealed bytea,
    -- From when it counts.
    totp_confirmed_at timestamptz,
    -- The time step of the last code: neither it nor one before is taken again.
    totp_last_step bigint NOT NULL,
    -- Keyed hashes of the recovery codes that are left, 32 bytes each.
    recovery_hashes bytea NOT NULL,
    -- Wrong codes in a row, and until when no further one is looked at.
    failures integer NOT NULL,
    blocked_until timestamptz
);

CREATE TABLE passkeys (
    id uuid PRIMARY KEY,
    user_id uuid NOT NULL,
    name text NOT NULL,
    -- The authenticator's own id of it.
    credential_id bytea NOT NULL,
    -- The public key and what else is known of it, as JSON.
    credential text NOT NULL,
    -- How often the authenticator says that it has signed.
    sign_count bigint NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz
);

CREATE UNIQUE INDEX passkeys_credential ON passkeys (credential_id);
CREATE INDEX passkeys_user ON passkeys (user_id, created_at, id);

-- Ceremonies of WebAuthn that have begun, as JSON.
CREATE TABLE ceremonies (
    id uuid PRIMARY KEY,
    content text NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX ceremonies_expires_at ON ceremonies (expires_at);

-- Sign-ins that wait for a second proof.
CREATE TABLE challenges (
    hash bytea PRIMARY KEY,
    user_id uuid NOT NULL,
    -- Which password was shown: since when it is the password.
    password_changed_at timestamptz NOT NULL,
    -- How many wrong answers there were.
    tries integer NOT NULL,
    expires_at timestamptz NOT NULL
);

CREATE INDEX challenges_expires_at ON challenges (expires_at);
CREATE INDEX challenges_user ON challenges (user_id);

-- From where people have signed in: hashes of network and program.
CREATE TABLE devices (
    user_id uuid NOT NULL,
    hash bytea NOT NULL,
    last_seen_at timestamptz NOT NULL,
    PRIMARY KEY (user_id, hash)
);

CREATE INDEX devices_last_seen_at ON devices (last_seen_at);
