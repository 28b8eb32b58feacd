-- A person's projects by role.
CREATE INDEX members_role ON members (user_id, role, is_archived, project_id);
-- Counts the public projects that are not archived.
CREATE INDEX projects_public ON projects (id) WHERE visibility = 'PUBLIC' AND archived_at IS NULL;
