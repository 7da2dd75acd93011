-- Guesses are logged like sends. Attempts by others than the client that asked are counted apart. What a clock that is
-- wrong has written is corrected, and what it was is kept.

ALTER TABLE email_connectors.codes
    ADD COLUMN asked_from bytea,
    ADD COLUMN strangers bigint NOT NULL DEFAULT 0,
    -- Both are there or neither.
    ADD COLUMN former_expires_at bigint,
    ADD COLUMN former_attempts_until bigint;

ALTER TABLE email_connectors.code_sends ADD COLUMN former_at bigint;
CREATE INDEX code_sends_by_former_at ON email_connectors.code_sends (tenant, subject, former_at) WHERE former_at IS NOT NULL;
