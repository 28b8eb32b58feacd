INSERT INTO credentials (user_id, password_hash, is_confirmed, created_at, changed_at)
WITH numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers, size WHERE n < people)
SELECT CAST(printf('person%010d', n) AS blob),
    '$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0c2FsdA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    1, 1700000000000 + n, 1700000000000 + n
FROM numbers;

INSERT INTO outbox (id, kind, subject, payload, actor, request_id, client_ip, created_at)
SELECT CAST('event-' || substr(CAST(user_id AS text), 7) AS blob), 'user.registered', user_id, '{}',
    'user:' || lower(hex(user_id)), 'fill', '127.0.0.1', created_at
FROM credentials WHERE user_id >= CAST('person' AS blob) AND user_id < CAST('persoo' AS blob);
