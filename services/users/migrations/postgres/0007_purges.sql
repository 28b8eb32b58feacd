-- When the others were told that a deleted person is about to be purged.
ALTER TABLE users ADD COLUMN purge_announced_at timestamptz;
CREATE INDEX users_purges ON users (purge_announced_at) WHERE purge_announced_at IS NOT NULL;
