-- What a person has to do with invitations, answered or not.
CREATE INDEX invitations_inviter ON invitations (invited_by, created_at, id);
CREATE INDEX invitations_account ON invitations (account_id, created_at, id)
    WHERE account_id IS NOT NULL;
CREATE INDEX invitations_email ON invitations (email_key, created_at, id);
