-- Guesses are logged like sends. Attempts by others than the client that asked are counted apart. What a clock that is
-- wrong has written is corrected, and what it was is kept.

ALTER TABLE codes ADD COLUMN asked_from BLOB;
ALTER TABLE codes ADD COLUMN strangers INTEGER NOT NULL DEFAULT 0;
-- Both are there or neither.
ALTER TABLE codes ADD COLUMN former_expires_at INTEGER;
ALTER TABLE codes ADD COLUMN former_attempts_until INTEGER;

ALTER TABLE code_sends ADD COLUMN former_at INTEGER;
CREATE INDEX code_sends_by_former_at ON code_sends (tenant, subject, former_at) WHERE former_at IS NOT NULL;
