-- One-time codes: what they are for is a keyed hash, and so are they.

CREATE TABLE codes (
    tenant TEXT NOT NULL,
    subject BLOB NOT NULL,
    -- The three are there or not together.
    id BLOB,
    key_id TEXT,
    hash BLOB,
    expires_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    attempts_until INTEGER NOT NULL,
    PRIMARY KEY (tenant, subject)
) STRICT, WITHOUT ROWID;

CREATE INDEX codes_by_end ON codes (max(expires_at, attempts_until));

-- Each send, for each limit that it counts for.
CREATE TABLE code_sends (
    seq INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    subject BLOB NOT NULL,
    sent_at INTEGER NOT NULL,
    code BLOB NOT NULL,
    counts_until INTEGER NOT NULL
) STRICT;

CREATE INDEX code_sends_by_subject ON code_sends (tenant, subject, sent_at);
CREATE INDEX code_sends_by_end ON code_sends (counts_until);
