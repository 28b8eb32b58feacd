-- With the words that people have in their names.
INSERT INTO projects (id, name, name_key, slug, visibility, member_count, version, search,
    created_at, updated_at)
WITH numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers, size WHERE n < projects),
    named (n, word) AS (
        SELECT n, iif(n % 10000 = 77, 'Rare', iif(n % 100 = 7, 'Uncommon', 'Common')) FROM numbers)
SELECT CAST(printf('projct%010d', n) AS blob), printf('Project %d %s', n, word),
    printf('project %d %s', n, lower(word)), printf('project-%d', n),
    iif(n % 3, 'PRIVATE', 'PUBLIC'), each, 1,
    printf('project %d %s%sproject-%d%s project %d %s project %d',
        n, lower(word), char(10), n, char(10), n, lower(word), n),
    1700000000000 + n, 1700000000000 + n * 7919 % projects
FROM named, size;

-- Everybody is in about as many projects, and the first member owns each: one
-- person owns all, if there is one who is everywhere.
INSERT INTO members (project_id, user_id, role, version, name_key, joined_at)
WITH projects (p) AS (SELECT 1 UNION ALL SELECT p + 1 FROM projects, size WHERE p < size.projects),
    places (m) AS (SELECT 0 UNION ALL SELECT m + 1 FROM places, size WHERE m < each - 1)
SELECT CAST(printf('projct%010d', p) AS blob),
    coalesce(iif(m, NULL, everywhere),
        CAST(printf('person%010d', (p * 37 + m) % people + 1) AS blob)),
    iif(m, 'MEMBER', 'OWNER'), 1, printf('person %d', (p * 37 + m) % people + 1),
    1700000000000 + p * 1000 + m
FROM projects, places, size;

INSERT INTO outbox (id, kind, subject_type, subject, payload, details, actor, request_id,
    client_ip, created_at)
SELECT CAST(substr(CAST(project_id AS text), 9) || substr(CAST(user_id AS text), 9) AS blob),
    'member.added', 'project', project_id, '{}', '{"role":"MEMBER"}', 'system', 'fill',
    '127.0.0.1', joined_at
FROM members, size
WHERE with_events AND project_id >= CAST('projct' AS blob) AND project_id < CAST('projcu' AS blob);
