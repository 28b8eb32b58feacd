-- Up to which version of a person the users service's word was acted on. What
-- somebody knew of the person before may no longer hold.
CREATE TABLE people (
    user_id uuid PRIMARY KEY,
    version bigint NOT NULL
);
