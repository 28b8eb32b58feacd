-- An index of all letters three by three, by which searches find few rows among
-- many: see portico_chassis::database::searches. Rows have no number that stays
-- the same, which FTS5 needs.
CREATE VIRTUAL TABLE search_index USING fts5 (
    search, content = '', contentless_delete = 1, detail = none,
    tokenize = 'trigram case_sensitive 1'
);
CREATE TABLE search_numbers (
    number integer PRIMARY KEY,
    id blob NOT NULL UNIQUE
) STRICT;

-- What was changed since, which searches look at one by one: to index a row takes
-- longer than to change it, so that others do it, a moment later.
CREATE TABLE search_pending (
    id blob PRIMARY KEY
) STRICT, WITHOUT ROWID;
INSERT INTO search_pending (id) SELECT id FROM users;

CREATE TRIGGER users_search_made AFTER INSERT ON users BEGIN
    INSERT INTO search_pending (id) VALUES (new.id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER users_search_changed AFTER UPDATE OF search ON users
WHEN new.search <> old.search BEGIN
    INSERT INTO search_pending (id) VALUES (new.id) ON CONFLICT DO NOTHING;
END;
CREATE TRIGGER users_search_gone AFTER DELETE ON users BEGIN
    INSERT INTO search_pending (id) VALUES (old.id) ON CONFLICT DO NOTHING;
END;
