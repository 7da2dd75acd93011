-- Times are milliseconds since 1970. JSON that is only kept is text, as it was handed in.

-- The master keys that secrets here are sealed under, each with a value that only it opens.
CREATE TABLE email_connectors.sealing_keys (
    id text PRIMARY KEY,
    check_value text NOT NULL
);

-- The one that whatever is written is sealed under.
CREATE TABLE email_connectors.current_sealing_key (
    one boolean PRIMARY KEY DEFAULT true CHECK (one),
    id text NOT NULL REFERENCES email_connectors.sealing_keys (id)
);

CREATE TABLE email_connectors.tenants (
    name text COLLATE "C" PRIMARY KEY,
    revision bigint NOT NULL,
    active uuid,
    sign_in text NOT NULL DEFAULT '{}',
    fallback_language text
);

CREATE TABLE email_connectors.configurations (
    tenant text COLLATE "C" NOT NULL REFERENCES email_connectors.tenants (name),
    id uuid NOT NULL,
    -- The order they were saved in.
    seq bigint GENERATED ALWAYS AS IDENTITY,
    connector text NOT NULL,
    -- JSON, with null in place of each secret.
    config text NOT NULL,
    -- JSON: each secret, sealed, by its pointer.
    secrets text NOT NULL,
    -- JSON: pointers to the fields that decide where the secrets go, which are sealed with them.
    destinations text NOT NULL,
    -- What they are sealed under, where there are any.
    sealed_under text REFERENCES email_connectors.sealing_keys (id),
    saved_at bigint NOT NULL,
    activated_at bigint,
    tested_at bigint,
    -- The tenant's revision that its last activation made, 0 if it never was.
    revision bigint NOT NULL DEFAULT 0,
    PRIMARY KEY (tenant, id)
);

CREATE INDEX configurations_by_key ON email_connectors.configurations (sealed_under) WHERE sealed_under IS NOT NULL;

-- At most one active configuration, and one of its own: `active` has room for no second.
ALTER TABLE email_connectors.tenants
    ADD FOREIGN KEY (name, active) REFERENCES email_connectors.configurations (tenant, id);

CREATE TABLE email_connectors.templates (
    tenant text COLLATE "C" NOT NULL REFERENCES email_connectors.tenants (name),
    language text COLLATE "C" NOT NULL,
    usage_type text COLLATE "C" NOT NULL,
    template text NOT NULL,
    PRIMARY KEY (tenant, language, usage_type)
);

-- One entry for every revision of every tenant.
CREATE TABLE email_connectors.history (
    tenant text COLLATE "C" NOT NULL REFERENCES email_connectors.tenants (name),
    revision bigint NOT NULL,
    at bigint NOT NULL,
    -- JSON: who, and from where.
    made_by text NOT NULL,
    action text NOT NULL,
    configuration uuid,
    connector text,
    details text NOT NULL,
    PRIMARY KEY (tenant, revision)
);
