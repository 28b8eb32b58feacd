-- Whether the project is archived, so that a person's memberships alone tell
-- which of its projects a list shows, and how many.
ALTER TABLE members ADD COLUMN is_archived integer NOT NULL DEFAULT 0;
UPDATE members SET is_archived = true
    WHERE project_id IN (SELECT id FROM projects WHERE archived_at IS NOT NULL);

DROP INDEX members_user;
CREATE INDEX members_user ON members (user_id, is_archived, project_id, role);
