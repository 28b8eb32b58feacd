-- For people with many projects; those of others are sorted.
CREATE INDEX projects_updated_at ON projects (updated_at, id);
CREATE INDEX projects_name ON projects (name_key, id);
-- A person's projects by role.
CREATE INDEX members_role ON members (user_id, role, is_archived, project_id);
-- Counts the public projects that are not archived, with all that it looks at.
CREATE INDEX projects_public ON projects (id, archived_at, visibility)
    WHERE visibility = 'PUBLIC' AND archived_at IS NULL;
