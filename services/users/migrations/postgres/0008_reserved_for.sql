-- What is reserved for a person.
CREATE INDEX email_reservations_user ON email_reservations (user_id);
