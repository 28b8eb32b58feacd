-- Of a hundred people one has the word `uncommon` in the name, and of ten
-- thousand one the word `rare`.
INSERT INTO users (id, email, email_key, name, name_key, search, role, status, email_verified,
    version, created_at, updated_at)
WITH numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers, size WHERE n < people),
    named (n, word) AS (
        SELECT n, iif(n % 10000 = 77, 'Rare', iif(n % 100 = 7, 'Uncommon', 'Common')) FROM numbers)
SELECT CAST(printf('person%010d', n) AS blob), printf('person%d@example.com', n),
    printf('person%d@example.com', n), printf('Person %d %s', n, word),
    printf('person %d %s', n, lower(word)),
    printf('person %d %s%sperson%d@example.com%s person %d %s person%d example com',
        n, lower(word), char(10), n, char(10), n, lower(word), n),
    'MEMBER', 'ACTIVE', n % 2, 1, 1700000000000 + n, 1700000000000 + n * 7919 % people
FROM named, size;

INSERT INTO outbox (id, kind, subject, payload, actor, request_id, client_ip, created_at)
SELECT CAST('event-' || substr(CAST(id AS text), 7) AS blob), 'user.created', id, '{}', 'system',
    'fill', '127.0.0.1', created_at
FROM users, size
WHERE with_events AND id >= CAST('person' AS blob) AND id < CAST('persoo' AS blob);
