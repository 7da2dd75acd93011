-- One-time codes: what they are for is a keyed hash, and so are they.

CREATE TABLE email_connectors.codes (
    tenant text COLLATE "C" NOT NULL,
    subject bytea NOT NULL,
    -- The three are there or not together.
    id bytea,
    key_id text,
    hash bytea,
    expires_at bigint NOT NULL,
    attempts bigint NOT NULL,
    attempts_until bigint NOT NULL,
    PRIMARY KEY (tenant, subject)
);

CREATE INDEX codes_by_end ON email_connectors.codes (greatest(expires_at, attempts_until));

-- Each send, for each limit that it counts for.
CREATE TABLE email_connectors.code_sends (
    seq bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    tenant text COLLATE "C" NOT NULL,
    subject bytea NOT NULL,
    sent_at bigint NOT NULL,
    code bytea NOT NULL,
    counts_until bigint NOT NULL
);

CREATE INDEX code_sends_by_subject ON email_connectors.code_sends (tenant, subject, sent_at);
CREATE INDEX code_sends_by_end ON email_connectors.code_sends (counts_until);
