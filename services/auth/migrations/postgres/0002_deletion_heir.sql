-- Who gets the projects that would be left without an owner.
ALTER TABLE deletions ADD COLUMN heir_id uuid;
