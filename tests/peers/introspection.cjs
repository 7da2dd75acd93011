// What an OpenID provider says of an access token (RFC 7662).
'use strict';

exports.introspect = async (endpoint, token, { client, secret }) => {
    const response = await fetch(endpoint, {
        method: 'POST',
        headers: { authorization: `Basic ${Buffer.from(`${encodeURIComponent(client)}:${encodeURIComponent(secret)}`).toString('base64')}` },
        body: new URLSearchParams({ token }),
    });
    return response.json();
};
