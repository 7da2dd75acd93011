// An OpenID provider on the npm package oidc-provider, over TLS.
//
// Started by `e2e::OidcProvider` with one argument, a JSON object:
//
//   ready        file to write {"port": n, "refreshToken": "…", "serviceKey": "PEM"} to once connections are taken
//   certificate  PEM chain;  key: PEM key
//   clients      oidc-provider's own client metadata, a list
//   resources    {"https://…": {"scope": "…", "format": "opaque" | "jwt"}}: for what tokens may be asked
//   scope        what may be asked for without a resource
//   refresh      {"client": "…", "account": "…"}: to whom a refresh token is given beforehand, and whose mailbox it opens
//   service      a client that may speak for every account by assertions signed with `serviceKey`, a private key
'use strict';

const crypto = require('node:crypto');
const fs = require('node:fs');
const https = require('node:https');
const { load } = require('./modules.cjs');

const options = JSON.parse(process.argv[2]);
const JWT_BEARER = 'urn:ietf:params:oauth:grant-type:jwt-bearer';

// RFC 7523, 2.1: whoever signs an assertion need not authenticate as a client besides. oidc-provider knows no grant
// without a client, so that this one has a path of its own: who signed is jose's business, the token oidc-provider's.
function serviceAccounts(provider, jose, key) {
    const path = '/service-account/token';
    const clientId = options.service;
    return async (ctx, next) => {
        if (ctx.path !== path) return next();
        const chunks = [];
        for await (const chunk of ctx.req) chunks.push(chunk);
        const form = new URLSearchParams(Buffer.concat(chunks).toString());
        try {
            if (form.get('grant_type') !== JWT_BEARER) throw new Error('another grant type');
            const expected = { issuer: clientId, audience: `${provider.issuer}${path}`, maxTokenAge: '1h' };
            const { payload } = await jose.jwtVerify(form.get('assertion'), key, expected);
            const token = new provider.AccessToken({
                accountId: payload.sub,
                client: await provider.Client.find(clientId),
                grantId: await new provider.Grant({ accountId: payload.sub, clientId }).save(),
                gty: JWT_BEARER,
                scope: payload.scope,
            });
            ctx.body = { access_token: await token.save(), expires_in: token.expiration, token_type: 'Bearer' };
        } catch (error) {
            process.stderr.write(`${error.stack}\n`);
            ctx.status = 400;
            ctx.body = { error: 'invalid_grant', error_description: error.message };
        }
    };
}

async function main() {
    const { default: Provider, errors } = await load('oidc-provider');
    const jose = await load('jose');
    const own = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
    const service = crypto.generateKeyPairSync('rsa', { modulusLength: 2048 });
    const server = https.createServer({ cert: fs.readFileSync(options.certificate), key: fs.readFileSync(options.key) });
    await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address();
    const provider = new Provider(`https://localhost:${port}`, {
        clients: options.clients,
        scopes: [...options.scope.split(' '), 'openid', 'offline_access'],
        jwks: { keys: [{ ...own.privateKey.export({ format: 'jwk' }), use: 'sig', alg: 'RS256' }] },
        findAccount: (ctx, id) => ({ accountId: id, claims: () => ({ sub: id }) }),
        ttl: { AccessToken: 600, ClientCredentials: 600, Grant: 600, RefreshToken: 600 },
        features: {
            clientCredentials: { enabled: true },
            devInteractions: { enabled: false },
            introspection: { enabled: true, allowedPolicy: () => true },
            resourceIndicators: {
                enabled: true,
                defaultResource: () => undefined,
                getResourceServerInfo(ctx, resource) {
                    const known = options.resources[resource];
                    if (!known) throw new errors.InvalidTarget();
                    return { scope: known.scope, audience: resource, accessTokenFormat: known.format, jwt: { sign: { alg: 'RS256' } } };
                },
            },
        },
    });
    provider.use(serviceAccounts(provider, jose, service.publicKey));
    provider.on('server_error', (ctx, error) => process.stderr.write(`${error.stack}\n`));
    provider.on('grant.error', (ctx, error) => process.stderr.write(`${error.error}: ${error.error_detail ?? error.error_description}\n`));
    server.on('request', provider.callback());

    const { client: clientId, account: accountId } = options.refresh;
    const grant = new provider.Grant({ accountId, clientId });
    grant.addOIDCScope(options.scope);
    const refreshToken = await new provider.RefreshToken({
        accountId,
        client: await provider.Client.find(clientId),
        grantId: await grant.save(),
        gty: 'authorization_code',
        scope: options.scope,
    }).save();

    const serviceKey = service.privateKey.export({ format: 'pem', type: 'pkcs8' });
    // Written aside and renamed, so that a reader sees all of it or nothing.
    fs.writeFileSync(`${options.ready}.part`, JSON.stringify({ port, refreshToken, serviceKey }));
    fs.renameSync(`${options.ready}.part`, options.ready);
}

main().catch((error) => {
    process.stderr.write(`${error.stack}\n`);
    process.exit(1);
});
