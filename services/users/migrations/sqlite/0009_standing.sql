-- For lists of few among many: of administrators, of those who are disabled.
CREATE INDEX users_standing ON users (role, status, id);
