-- Times are milliseconds since 1970. JSON that is only kept is text, as it was handed in.

-- The master keys that secrets here are sealed under, each with a value that only it opens.
CREATE TABLE sealing_keys (
    id TEXT PRIMARY KEY,
    check_value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

-- The one that whatever is written is sealed under.
CREATE TABLE current_sealing_key (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL REFERENCES sealing_keys (id)
) STRICT;

-- At most one active configuration, and one of its own: `active` has room for no second.
CREATE TABLE tenants (
    name TEXT PRIMARY KEY,
    revision INTEGER NOT NULL,
    active TEXT,
    sign_in TEXT NOT NULL DEFAULT '{}',
    fallback_language TEXT,
    -- Higher than that of every tenant that was changed before.
    changed INTEGER NOT NULL,
    FOREIGN KEY (name, active) REFERENCES configurations (tenant, id)
) STRICT, WITHOUT ROWID;

CREATE UNIQUE INDEX tenants_by_change ON tenants (changed);

CREATE TABLE configurations (
    -- The order they were saved in.
    seq INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL REFERENCES tenants (name),
    id TEXT NOT NULL,
    connector TEXT NOT NULL,
    -- JSON, with null in place of each secret.
    config TEXT NOT NULL,
    -- JSON: each secret, sealed, by its pointer.
    secrets TEXT NOT NULL,
    -- JSON: pointers to the fields that decide where the secrets go, which are sealed with them.
    destinations TEXT NOT NULL,
    -- What they are sealed under, where there are any.
    sealed_under TEXT REFERENCES sealing_keys (id),
    saved_at INTEGER NOT NULL,
    activated_at INTEGER,
    tested_at INTEGER,
    -- The tenant's revision that its last activation made, 0 if it never was.
    revision INTEGER NOT NULL DEFAULT 0,
    UNIQUE (tenant, id)
) STRICT;

CREATE INDEX configurations_by_key ON configurations (sealed_under) WHERE sealed_under IS NOT NULL;

CREATE TABLE templates (
    tenant TEXT NOT NULL REFERENCES tenants (name),
    language TEXT NOT NULL,
    usage_type TEXT NOT NULL,
    template TEXT NOT NULL,
    PRIMARY KEY (tenant, language, usage_type)
) STRICT, WITHOUT ROWID;

-- One entry for every revision of every tenant.
CREATE TABLE history (
    tenant TEXT NOT NULL REFERENCES tenants (name),
    revision INTEGER NOT NULL,
    at INTEGER NOT NULL,
    -- JSON: who, and from where.
    made_by TEXT NOT NULL,
    action TEXT NOT NULL,
    configuration TEXT,
    connector TEXT,
    details TEXT NOT NULL,
    PRIMARY KEY (tenant, revision)
) STRICT, WITHOUT ROWID;
