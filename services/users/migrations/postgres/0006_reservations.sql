-- Addresses that people gave up, so that the change can be undone although
-- somebody else would have the address by now.
CREATE TABLE email_reservations (
    -- The address as addresses are compared.
    email_key text COLLATE "C" PRIMARY KEY,
    -- For whom it is reserved.
    user_id uuid NOT NULL,
    reserved_until timestamptz NOT NULL
);

CREATE INDEX email_reservations_until ON email_reservations (reserved_until);
