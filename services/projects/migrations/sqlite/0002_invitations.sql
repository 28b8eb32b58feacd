CREATE TABLE invitations (
    id blob PRIMARY KEY,
    project_id blob NOT NULL REFERENCES projects ON DELETE CASCADE,
    -- As it was typed.
    email text NOT NULL,
    -- As addresses are compared.
    email_key text NOT NULL,
    role text NOT NULL CHECK (role IN ('ADMIN', 'MEMBER', 'VIEWER')),
    -- A pending one whose time is over counts as expired; it is written down
    -- where it stands in the way of another one.
    status text NOT NULL
        CHECK (status IN ('PENDING', 'ACCEPTED', 'DECLINED', 'REVOKED', 'EXPIRED')),
    invited_by blob NOT NULL,
    -- The account that had shown, at the last change, that the address is its
    -- own.
    account_id blob,
    created_at integer NOT NULL,
    expires_at integer NOT NULL
) STRICT, WITHOUT ROWID;

-- Of several to one address, one can be pending.
CREATE UNIQUE INDEX invitations_pending ON invitations (project_id, email_key)
    WHERE status = 'PENDING';
CREATE INDEX invitations_project ON invitations (project_id, created_at, id);
CREATE INDEX invitations_address ON invitations (email_key, created_at, id)
    WHERE status = 'PENDING';
