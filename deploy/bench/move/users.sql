INSERT INTO users (id, email, email_key, name, name_key, search, role, status, email_verified,
    version, created_at, updated_at)
WITH numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers, size WHERE n < people)
SELECT CAST(printf('person%010d', n) AS blob), printf('person%d@example.com', n),
    printf('person%d@example.com', n), printf('Person %d', n), printf('person %d', n),
    printf('person %d person%d@example.com', n, n), 'MEMBER', 'ACTIVE', n % 2, 1,
    1700000000000 + n, 1700000000000 + n
FROM numbers;

INSERT INTO outbox (id, kind, subject, payload, actor, request_id, client_ip, created_at)
SELECT CAST('event-' || substr(CAST(id AS text), 7) AS blob), 'user.created', id, '{}', 'system',
    'fill', '127.0.0.1', created_at
FROM users WHERE id >= CAST('person' AS blob) AND id < CAST('persoo' AS blob);
