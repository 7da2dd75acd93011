-- Made by the version with migration 3, and dumped.
SET statement_timeout = 0;
SET lock_timeout = 0;
SET idle_in_transaction_session_timeout = 0;
SET client_encoding = 'UTF8';
SET standard_conforming_strings = on;
SELECT pg_catalog.set_config('search_path', '', false);
SET check_function_bodies = false;
SET xmloption = content;
SET client_min_messages = warning;
SET row_security = off;
CREATE SCHEMA email_connectors;
CREATE FUNCTION email_connectors.commit_change(p_tenant text, p_creates boolean, p_expects text, p_revision bigint, p_active uuid, p_edits jsonb, p_sealed_under text, p_at bigint, p_made_by text, p_action text, p_configuration uuid, p_connector text, p_details text) RETURNS json
    LANGUAGE plpgsql
    AS $$
DECLARE
    t email_connectors.tenants;
    edit jsonb;
    edited uuid;
    current_key text;
    unknown CONSTANT text := 'unknown_configuration';
    refusal text;
BEGIN
    SELECT * INTO t FROM email_connectors.tenants WHERE name = p_tenant FOR NO KEY UPDATE;
    IF NOT FOUND THEN
        IF NOT p_creates THEN
            PERFORM email_connectors.refuse(json_build_object('because', 'unknown_tenant'));
        END IF;
        INSERT INTO email_connectors.tenants (name, revision) VALUES (p_tenant, 0) ON CONFLICT DO NOTHING;
        SELECT * INTO STRICT t FROM email_connectors.tenants WHERE name = p_tenant FOR NO KEY UPDATE;
    END IF;
    IF (p_expects = 'revision' AND t.revision <> p_revision)
        OR (p_expects = 'active' AND t.active IS DISTINCT FROM p_active) THEN
        PERFORM email_connectors.refuse(json_build_object('because', 'outdated', 'revision', t.revision));
    ELSIF p_expects = 'none_active' AND t.active IS NOT NULL THEN
        PERFORM email_connectors.refuse(json_build_object(
            'because', 'already_active', 'id', c.id, 'connector', c.connector))
        FROM email_connectors.configurations c WHERE c.tenant = p_tenant AND c.id = t.active;
    ELSIF p_expects = 'one_active' AND t.active IS NULL THEN
        PERFORM email_connectors.refuse(json_build_object('because', 'none_active'));
    END IF;
    -- Held until the end, so that the key is not changed meanwhile.
    IF p_sealed_under IS NOT NULL THEN
        SELECT id INTO current_key FROM email_connectors.current_sealing_key FOR SHARE;
        IF current_key IS DISTINCT FROM p_sealed_under THEN
            PERFORM email_connectors.refuse(json_build_object('because', 'other_key', 'current', current_key));
        END IF;
    END IF;
    t.revision := t.revision + 1;
    FOR edit IN SELECT * FROM jsonb_array_elements(p_edits) LOOP
        edited := edit ->> 'id';
        CASE edit ->> 'do'
        WHEN 'save' THEN
            INSERT INTO email_connectors.configurations (
                tenant, id, connector, config, secrets, destinations, sealed_under, saved_at)
            VALUES (p_tenant, edited, edit ->> 'connector', edit ->> 'config', edit ->> 'secrets',
                edit ->> 'destinations', edit ->> 'sealed_under', (edit ->> 'saved_at')::bigint)
            ON CONFLICT DO NOTHING;
            IF NOT FOUND THEN
                PERFORM email_connectors.refuse(json_build_object('because', 'duplicate_configuration', 'id', edited));
            END IF;
        WHEN 'activate' THEN
            IF t.active IS DISTINCT FROM edited THEN
                UPDATE email_connectors.configurations SET activated_at = p_at, revision = t.revision
                WHERE tenant = p_tenant AND id = edited;
                IF NOT FOUND THEN
                    PERFORM email_connectors.refuse(json_build_object('because', unknown, 'id', edited));
                END IF;
                t.active := edited;
            END IF;
        WHEN 'remove' THEN
            IF t.active = edited THEN
                t.active := NULL;
            END IF;
            -- What is active may not be deleted; what is active in the end is written below.
            UPDATE email_connectors.tenants SET active = NULL WHERE name = p_tenant AND active = edited;
            DELETE FROM email_connectors.configurations WHERE tenant = p_tenant AND id = edited;
            IF NOT FOUND THEN
                PERFORM email_connectors.refuse(json_build_object('because', unknown, 'id', edited));
            END IF;
        WHEN 'tested' THEN
            UPDATE email_connectors.configurations SET tested_at = p_at WHERE tenant = p_tenant AND id = edited;
            IF NOT FOUND THEN
                PERFORM email_connectors.refuse(json_build_object('because', unknown, 'id', edited));
            END IF;
        WHEN 'sign_in' THEN
            t.sign_in := edit ->> 'settings';
        WHEN 'fallback_language' THEN
            t.fallback_language := edit ->> 'language';
        WHEN 'put_template' THEN
            INSERT INTO email_connectors.templates (tenant, language, usage_type, template)
            VALUES (p_tenant, edit ->> 'language', edit ->> 'usage_type', edit ->> 'template')
            ON CONFLICT (tenant, language, usage_type) DO UPDATE SET template = excluded.template;
        WHEN 'remove_template' THEN
            DELETE FROM email_connectors.templates
            WHERE tenant = p_tenant AND language = edit ->> 'language' AND usage_type = edit ->> 'usage_type';
            IF NOT FOUND THEN
                PERFORM email_connectors.refuse(json_build_object('because', 'unknown_template',
                    'language', edit ->> 'language', 'usage_type', edit ->> 'usage_type'));
            END IF;
        END CASE;
    END LOOP;
    UPDATE email_connectors.tenants
    SET revision = t.revision, active = t.active, sign_in = t.sign_in, fallback_language = t.fallback_language
    WHERE name = p_tenant;
    INSERT INTO email_connectors.history (tenant, revision, at, made_by, action, configuration, connector, details)
    VALUES (p_tenant, t.revision, p_at, p_made_by, p_action, p_configuration, p_connector, p_details);
    PERFORM pg_notify('email_connectors', p_tenant);
    RETURN json_build_object('state', email_connectors.tenant_state(p_tenant));
EXCEPTION WHEN SQLSTATE 'EC001' THEN
    GET STACKED DIAGNOSTICS refusal = PG_EXCEPTION_DETAIL;
    RETURN json_build_object('refused', refusal::json);
END
$$;
CREATE FUNCTION email_connectors.refuse(p_refusal json) RETURNS void
    LANGUAGE plpgsql
    AS $$
BEGIN
    RAISE EXCEPTION 'refused' USING ERRCODE = 'EC001', DETAIL = p_refusal::text;
END
$$;
CREATE FUNCTION email_connectors.tenant_state(p_tenant text) RETURNS json
    LANGUAGE plpgsql STABLE
    AS $$
DECLARE
    answer json;
BEGIN
    SELECT json_build_object(
        'revision', t.revision,
        'sign_in', t.sign_in,
        'fallback_language', t.fallback_language,
        'active', (
            SELECT json_build_object(
                'id', c.id, 'connector', c.connector, 'config', c.config, 'secrets', c.secrets, 'destinations', c.destinations,
                'saved_at', c.saved_at, 'activated_at', c.activated_at, 'tested_at', c.tested_at,
                'revision', c.revision)
            FROM email_connectors.configurations c WHERE c.tenant = t.name AND c.id = t.active),
        'templates', coalesce((
            SELECT json_agg(json_build_object(
                'language', l.language, 'usage_type', l.usage_type, 'template', l.template)
                ORDER BY l.language, l.usage_type)
            FROM email_connectors.templates l WHERE l.tenant = t.name), '[]'))
    INTO answer FROM email_connectors.tenants t WHERE t.name = p_tenant;
    RETURN answer;
END
$$;
SET default_tablespace = '';
SET default_table_access_method = heap;
CREATE TABLE email_connectors.code_sends (
    seq bigint NOT NULL,
    tenant text NOT NULL COLLATE pg_catalog."C",
    subject bytea NOT NULL,
    sent_at bigint NOT NULL,
    code bytea NOT NULL,
    counts_until bigint NOT NULL
);
ALTER TABLE email_connectors.code_sends ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME email_connectors.code_sends_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE email_connectors.codes (
    tenant text NOT NULL COLLATE pg_catalog."C",
    subject bytea NOT NULL,
    id bytea,
    key_id text,
    hash bytea,
    expires_at bigint NOT NULL,
    attempts bigint NOT NULL,
    attempts_until bigint NOT NULL
);
CREATE TABLE email_connectors.configurations (
    tenant text NOT NULL COLLATE pg_catalog."C",
    id uuid NOT NULL,
    seq bigint NOT NULL,
    connector text NOT NULL,
    config text NOT NULL,
    secrets text NOT NULL,
    destinations text NOT NULL,
    sealed_under text,
    saved_at bigint NOT NULL,
    activated_at bigint,
    tested_at bigint,
    revision bigint DEFAULT 0 NOT NULL
);
ALTER TABLE email_connectors.configurations ALTER COLUMN seq ADD GENERATED ALWAYS AS IDENTITY (
    SEQUENCE NAME email_connectors.configurations_seq_seq
    START WITH 1
    INCREMENT BY 1
    NO MINVALUE
    NO MAXVALUE
    CACHE 1
);
CREATE TABLE email_connectors.current_sealing_key (
    one boolean DEFAULT true NOT NULL,
    id text NOT NULL,
    CONSTRAINT current_sealing_key_one_check CHECK (one)
);
CREATE TABLE email_connectors.history (
    tenant text NOT NULL COLLATE pg_catalog."C",
    revision bigint NOT NULL,
    at bigint NOT NULL,
    made_by text NOT NULL,
    action text NOT NULL,
    configuration uuid,
    connector text,
    details text NOT NULL
);
CREATE TABLE email_connectors.migrations (
    version bigint NOT NULL,
    description text NOT NULL,
    installed_on timestamp with time zone DEFAULT now() NOT NULL,
    success boolean NOT NULL,
    checksum bytea NOT NULL,
    execution_time bigint NOT NULL
);
CREATE TABLE email_connectors.sealing_keys (
    id text NOT NULL,
    check_value text NOT NULL
);
CREATE TABLE email_connectors.templates (
    tenant text NOT NULL COLLATE pg_catalog."C",
    language text NOT NULL COLLATE pg_catalog."C",
    usage_type text NOT NULL COLLATE pg_catalog."C",
    template text NOT NULL
);
CREATE TABLE email_connectors.tenants (
    name text NOT NULL COLLATE pg_catalog."C",
    revision bigint NOT NULL,
    active uuid,
    sign_in text DEFAULT '{}'::text NOT NULL,
    fallback_language text
);
INSERT INTO email_connectors.code_sends OVERRIDING SYSTEM VALUE VALUES (1, 'default', '\xea95c12f0c50e0abe7904e68e6b952491b38f6fcf150f30e72f9d7ec08e26588', 1795781216973, '\x8e73d6265cd5055ebd1917a36b638426', 1795781816973);
INSERT INTO email_connectors.code_sends OVERRIDING SYSTEM VALUE VALUES (2, 'default', '\x8ffc6e125b38649f11bb7eb9302836af963d39f9136ad61e5eff78c711ba81e8', 1795781216973, '\x8e73d6265cd5055ebd1917a36b638426', 1795784816973);
INSERT INTO email_connectors.code_sends OVERRIDING SYSTEM VALUE VALUES (3, 'default', '\x4cb4287864b7f52e0abfed69920aab6ca93bc7a6f9f72c51e88a5e98be9cac45', 1795781216973, '\x8e73d6265cd5055ebd1917a36b638426', 1795781816973);
INSERT INTO email_connectors.codes VALUES ('default', '\xc60617947c20bd4088fedae514187eaa2d286af02f2eebb7c2784a0e3ae19f88', '\x8e73d6265cd5055ebd1917a36b638426', 'c3896226fe8bef01', '\x8a7f0544825407bf9e5001e5a6d62a47e6a9e68949115a445b8f4c879cc122d2', 1795781816973, 3, 1795781817113);
INSERT INTO email_connectors.configurations OVERRIDING SYSTEM VALUE VALUES ('default', '54801124-45c5-441c-952a-9282abce39fd', 1, 'simple-mail-transfer-protocol', '{"host":"127.0.0.1","port":2599,"secure":false,"auth":{},"fromEmail":"no-reply@example.com","templates":[{"usageType":"Generic","contentType":"text/plain","subject":"Code","content":"Code {{code}}."},{"usageType":"SignIn","contentType":"text/plain","subject":"Code","content":"Code {{code}}."},{"usageType":"Register","contentType":"text/plain","subject":"Code","content":"Code {{code}}."},{"usageType":"ForgotPassword","contentType":"text/plain","subject":"Code","content":"Code {{code}}."}]}', '{}', '[]', NULL, 1795781216787, 1795781216787, NULL, 1);
INSERT INTO email_connectors.current_sealing_key VALUES (true, 'c3896226fe8bef01');
INSERT INTO email_connectors.history VALUES ('default', 1, 1795781216787, '{"who":"ada","origin":"a host, command line"}', 'set_up', '54801124-45c5-441c-952a-9282abce39fd', 'simple-mail-transfer-protocol', '{}');
INSERT INTO email_connectors.migrations VALUES (1, 'tables', '2026-11-27 12:06:56.601567+00', true, '\xce171d4b4cdabd3eb4c53a4ebaef2a602df887b76786ef25a0c8d3a8579a3bf6e3de07439bfd9f5dfcfb9f74725b0e02', 96076505);
INSERT INTO email_connectors.migrations VALUES (2, 'commit', '2026-11-27 12:06:56.698434+00', true, '\x1f6c54d4cad415c742a1bb854c28f698c7b7da51df1d8c7baa350cc96f68cbed5be4fe227ccc96742fa5f43d3bbe713b', 15118847);
INSERT INTO email_connectors.migrations VALUES (3, 'codes', '2026-11-27 12:06:56.717666+00', true, '\xa4e566df115707050ca7cf8f50561100776d0c855213966fb82e321c19b883920b2ae591fe474676c089ef650f337c6b', 36420409);
INSERT INTO email_connectors.sealing_keys VALUES ('c3896226fe8bef01', '2.c3896226fe8bef01.pPBvDFBJtpaNV90tOy1m8bO5mc0UIoH6W0y6vfCfN9X0kA2lUeBBWdq1GWJH8G1Cz01XDDWPc1A');
INSERT INTO email_connectors.tenants VALUES ('default', 1, '54801124-45c5-441c-952a-9282abce39fd', '{}', NULL);
SELECT pg_catalog.setval('email_connectors.code_sends_seq_seq', 3, true);
SELECT pg_catalog.setval('email_connectors.configurations_seq_seq', 1, true);
ALTER TABLE ONLY email_connectors.code_sends
    ADD CONSTRAINT code_sends_pkey PRIMARY KEY (seq);
ALTER TABLE ONLY email_connectors.codes
    ADD CONSTRAINT codes_pkey PRIMARY KEY (tenant, subject);
ALTER TABLE ONLY email_connectors.configurations
    ADD CONSTRAINT configurations_pkey PRIMARY KEY (tenant, id);
ALTER TABLE ONLY email_connectors.current_sealing_key
    ADD CONSTRAINT current_sealing_key_pkey PRIMARY KEY (one);
ALTER TABLE ONLY email_connectors.history
    ADD CONSTRAINT history_pkey PRIMARY KEY (tenant, revision);
ALTER TABLE ONLY email_connectors.migrations
    ADD CONSTRAINT migrations_pkey PRIMARY KEY (version);
ALTER TABLE ONLY email_connectors.sealing_keys
    ADD CONSTRAINT sealing_keys_pkey PRIMARY KEY (id);
ALTER TABLE ONLY email_connectors.templates
    ADD CONSTRAINT templates_pkey PRIMARY KEY (tenant, language, usage_type);
ALTER TABLE ONLY email_connectors.tenants
    ADD CONSTRAINT tenants_pkey PRIMARY KEY (name);
CREATE INDEX code_sends_by_end ON email_connectors.code_sends USING btree (counts_until);
CREATE INDEX code_sends_by_subject ON email_connectors.code_sends USING btree (tenant, subject, sent_at);
CREATE INDEX codes_by_end ON email_connectors.codes USING btree (GREATEST(expires_at, attempts_until));
CREATE INDEX configurations_by_key ON email_connectors.configurations USING btree (sealed_under) WHERE (sealed_under IS NOT NULL);
ALTER TABLE ONLY email_connectors.configurations
    ADD CONSTRAINT configurations_sealed_under_fkey FOREIGN KEY (sealed_under) REFERENCES email_connectors.sealing_keys(id);
ALTER TABLE ONLY email_connectors.configurations
    ADD CONSTRAINT configurations_tenant_fkey FOREIGN KEY (tenant) REFERENCES email_connectors.tenants(name);
ALTER TABLE ONLY email_connectors.current_sealing_key
    ADD CONSTRAINT current_sealing_key_id_fkey FOREIGN KEY (id) REFERENCES email_connectors.sealing_keys(id);
ALTER TABLE ONLY email_connectors.history
    ADD CONSTRAINT history_tenant_fkey FOREIGN KEY (tenant) REFERENCES email_connectors.tenants(name);
ALTER TABLE ONLY email_connectors.templates
    ADD CONSTRAINT templates_tenant_fkey FOREIGN KEY (tenant) REFERENCES email_connectors.tenants(name);
ALTER TABLE ONLY email_connectors.tenants
    ADD CONSTRAINT tenants_name_active_fkey FOREIGN KEY (name, active) REFERENCES email_connectors.configurations(tenant, id);
