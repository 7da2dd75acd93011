-- A commit is one call, so that it takes one round trip. What it refuses it says in its answer; anything done until
-- then is undone.

-- What sending needs to know of a tenant, as JSON; null for one that does not exist.
CREATE FUNCTION email_connectors.tenant_state(p_tenant text) RETURNS json LANGUAGE plpgsql STABLE AS $$
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

-- Ends a commit with a refusal. Only commit_change catches it.
CREATE FUNCTION email_connectors.refuse(p_refusal json) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'refused' USING ERRCODE = 'EC001', DETAIL = p_refusal::text;
END
$$;

CREATE FUNCTION email_connectors.commit_change(
    p_tenant text, p_creates boolean, p_expects text, p_revision bigint, p_active uuid, p_edits jsonb,
    p_sealed_under text, p_at bigint, p_made_by text, p_action text, p_configuration uuid, p_connector text,
    p_details text
) RETURNS json LANGUAGE plpgsql AS $$
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
