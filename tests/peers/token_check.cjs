// What an OpenID provider says of an access token: by introspection (RFC 7662) with the npm package oidc-provider's own
// endpoint, or, of a JWT, by its published keys with the npm package jose.
//
// One argument, a JSON object: issuer, token, audience, and introspect {client, secret} or null for a JWT. Prints the claims.
'use strict';

const { introspect } = require('./introspection.cjs');
const { load } = require('./modules.cjs');

const order = JSON.parse(process.argv[2]);

async function main() {
    const configuration = await fetch(`${order.issuer}/.well-known/openid-configuration`);
    const { introspection_endpoint: endpoint, jwks_uri: keys } = await configuration.json();
    if (order.introspect) return introspect(endpoint, order.token, order.introspect);
    const jose = await load('jose');
    const { issuer, audience } = order;
    const { payload } = await jose.jwtVerify(order.token, jose.createRemoteJWKSet(new URL(keys)), { issuer, audience });
    return payload;
}

main().then((claims) => process.stdout.write(JSON.stringify(claims)));
