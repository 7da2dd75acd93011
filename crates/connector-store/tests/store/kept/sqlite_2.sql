-- Made by the version with migration 2, and dumped.
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY,
    description TEXT NOT NULL,
    installed_on TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP,
    success BOOLEAN NOT NULL,
    checksum BLOB NOT NULL,
    execution_time BIGINT NOT NULL
);
INSERT INTO _sqlx_migrations VALUES(1,'tables','2026-11-27 12:06:37',1,X'c7f446334b16a86153eae0c35b4d225b288584f27a3407656d96e4292dcabbaa7d4077157d4986af1d9c7c63378322bb',11254089);
INSERT INTO _sqlx_migrations VALUES(2,'codes','2026-11-27 12:06:37',1,X'49e9807c86dad3f277cd96cef297bdc91ba2ad8e9da29778f951832d2557c740f5e429dce0cc0295cb9c04e700c086d6',11795830);
CREATE TABLE sealing_keys (
    id TEXT PRIMARY KEY,
    check_value TEXT NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO sealing_keys VALUES('c3896226fe8bef01','2.c3896226fe8bef01.0kFGCLZ1fFfh-caSXuL7t2fvWc3PuNw_mOmW3-Qr_LtC3-FCZ184rkEkux80h47wkPkmE89kEt8');
CREATE TABLE current_sealing_key (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    id TEXT NOT NULL REFERENCES sealing_keys (id)
) STRICT;
INSERT INTO current_sealing_key VALUES(1,'c3896226fe8bef01');
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
INSERT INTO tenants VALUES('default',1,'355cf96f-00cf-44d0-bcf3-c2a226e31a0f','{}',NULL,1);
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
INSERT INTO configurations VALUES(1,'default','355cf96f-00cf-44d0-bcf3-c2a226e31a0f','simple-mail-transfer-protocol','{"host":"127.0.0.1","port":2599,"secure":false,"auth":{},"fromEmail":"no-reply@example.com","templates":[{"usageType":"Generic","contentType":"text/plain","subject":"Code","content":"Code {{code}}."},{"usageType":"SignIn","contentType":"text/plain","subject":"Code","content":"Code {{code}}."},{"usageType":"Register","contentType":"text/plain","subject":"Code","content":"Code {{code}}."},{"usageType":"ForgotPassword","contentType":"text/plain","subject":"Code","content":"Code {{code}}."}]}','{}','[]',NULL,1795781197696,1795781197696,NULL,1);
CREATE TABLE templates (
    tenant TEXT NOT NULL REFERENCES tenants (name),
    language TEXT NOT NULL,
    usage_type TEXT NOT NULL,
    template TEXT NOT NULL,
    PRIMARY KEY (tenant, language, usage_type)
) STRICT, WITHOUT ROWID;
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
INSERT INTO history VALUES('default',1,1795781197696,'{"who":"ada","origin":"a host, command line"}','set_up','355cf96f-00cf-44d0-bcf3-c2a226e31a0f','simple-mail-transfer-protocol','{}');
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
INSERT INTO codes VALUES('default',X'c60617947c20bd4088fedae514187eaa2d286af02f2eebb7c2784a0e3ae19f88',X'5769cc27f8798966a00c1fdcbaacbf93','c3896226fe8bef01',X'c096757ca778d65b28845731b8f3b003eab977e0faa1a2026b11a262ab93ed08',1795781797817,3,1795781797972);
CREATE TABLE code_sends (
    seq INTEGER PRIMARY KEY,
    tenant TEXT NOT NULL,
    subject BLOB NOT NULL,
    sent_at INTEGER NOT NULL,
    code BLOB NOT NULL,
    counts_until INTEGER NOT NULL
) STRICT;
INSERT INTO code_sends VALUES(1,'default',X'ea95c12f0c50e0abe7904e68e6b952491b38f6fcf150f30e72f9d7ec08e26588',1795781197817,X'5769cc27f8798966a00c1fdcbaacbf93',1795781797817);
INSERT INTO code_sends VALUES(2,'default',X'8ffc6e125b38649f11bb7eb9302836af963d39f9136ad61e5eff78c711ba81e8',1795781197817,X'5769cc27f8798966a00c1fdcbaacbf93',1795784797817);
INSERT INTO code_sends VALUES(3,'default',X'4cb4287864b7f52e0abfed69920aab6ca93bc7a6f9f72c51e88a5e98be9cac45',1795781197817,X'5769cc27f8798966a00c1fdcbaacbf93',1795781797817);
CREATE UNIQUE INDEX tenants_by_change ON tenants (changed);
CREATE INDEX configurations_by_key ON configurations (sealed_under) WHERE sealed_under IS NOT NULL;
CREATE INDEX codes_by_end ON codes (max(expires_at, attempts_until));
CREATE INDEX code_sends_by_subject ON code_sends (tenant, subject, sent_at);
CREATE INDEX code_sends_by_end ON code_sends (counts_until);
COMMIT;
