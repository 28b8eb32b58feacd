-- Up to which version of a person the users service's word was acted on. What
-- somebody knew of the person before may no longer hold.
CREATE TABLE people (
    user_id blob PRIMARY KEY,
    version integer NOT NULL
) STRICT, WITHOUT ROWID;
