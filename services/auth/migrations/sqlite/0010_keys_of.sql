-- All keys that somebody has had, which are deleted with the account.
CREATE INDEX api_keys_of ON api_keys (owner_id);
