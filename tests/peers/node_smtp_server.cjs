// An SMTP server on the npm package smtp-server: STARTTLS on one port, implicit TLS on another, four AUTH mechanisms.
//
// Started by `e2e::NodeSmtpServer` with one argument, a JSON object:
//
//   ready        file to write {"port": n, "tlsPort": n} to once connections are taken
//   journal      file to append one JSON object a line to: connections and messages
//   certificate  PEM chain;  key: PEM key
//   users        {"user": "password"}, or null: no AUTH is offered
//   tokens       {"user": "access token"} for XOAUTH2
//   introspection  null, or an OpenID provider that knows XOAUTH2's tokens instead: its endpoint, our client and secret there,
//                and the scope that a token must have, for the user it was given to or for the client `trusted`
//   mechanisms   which of PLAIN, LOGIN, CRAM-MD5, XOAUTH2 are offered
//   starttls     false: STARTTLS is not offered and AUTH is, in clear
'use strict';

const fs = require('node:fs');
const { SMTPServer } = require('smtp-server');
const { introspect } = require('./introspection.cjs');

const options = JSON.parse(process.argv[2]);
const journal = fs.openSync(options.journal, 'a');
// Synchronously: the line is in the file before the client hears of it.
const record = (event) => fs.writeSync(journal, `${JSON.stringify(event)}\n`);

const mechanismOf = new Map();

// Whether the OpenID provider says that the token opens the user's mailbox.
async function opens({ endpoint, client, secret, scope, trusted }, { username, accessToken }) {
    const claims = await introspect(endpoint, accessToken, { client, secret });
    const granted = (claims.scope ?? '').split(' ').includes(scope);
    // A client that spoke for itself got a token without a user.
    return claims.active && granted && (claims.sub === undefined ? claims.client_id === trusted : claims.sub === username);
}

async function onAuth(auth, session, callback) {
    const expected = options.users[auth.username];
    let accepted = false;
    switch (auth.method) {
        case 'XOAUTH2':
            accepted = options.introspection
                ? await opens(options.introspection, auth)
                : auth.accessToken !== undefined && options.tokens[auth.username] === auth.accessToken;
            break;
        case 'CRAM-MD5':
            accepted = expected !== undefined && auth.validatePassword(expected);
            break;
        default:
            accepted = expected !== undefined && expected === auth.password;
    }
    if (accepted) {
        mechanismOf.set(session.id, auth.method);
        return callback(null, { user: auth.username });
    }
    if (auth.method === 'XOAUTH2') {
        // What Google's servers say: a challenge with the reason, and 535 after the client's empty answer.
        return callback(null, { data: { status: '400', schemes: 'bearer', scope: 'https://mail.google.com/' } });
    }
    return callback(Object.assign(new Error('5.7.8 Authentication credentials invalid'), { responseCode: 535 }));
}

function onData(stream, session, callback) {
    const chunks = [];
    stream.on('data', (chunk) => chunks.push(chunk));
    stream.on('end', () => {
        const { mailFrom, rcptTo } = session.envelope;
        record({
            event: 'mail',
            from: mailFrom.address,
            to: rcptTo.map((recipient) => recipient.address),
            content: Buffer.concat(chunks).toString('base64'),
            helo: session.hostNameAppearsAs,
            tls: session.secure,
            user: session.user || null,
            mechanism: mechanismOf.get(session.id) ?? null,
            parameters: Object.entries(mailFrom.args || {}).map(([key, value]) => (value === true ? key : `${key}=${value}`)),
        });
        callback(null, '2.0.0 Message taken');
    });
}

function listen(secure) {
    const disabledCommands = [];
    if (!options.users) disabledCommands.push('AUTH');
    if (!options.starttls && !secure) disabledCommands.push('STARTTLS');
    const server = new SMTPServer({
        name: 'mail.example.test',
        secure,
        cert: fs.readFileSync(options.certificate),
        key: fs.readFileSync(options.key),
        authMethods: options.mechanisms,
        authOptional: !options.users,
        allowInsecureAuth: !options.starttls,
        disabledCommands,
        // No name server is asked who 127.0.0.1 is.
        disableReverseLookup: true,
        onConnect: (session, callback) => {
            record({ event: 'connection' });
            callback();
        },
        onClose: (session) => mechanismOf.delete(session.id),
        onAuth,
        onData,
    });
    // A client that drops its connection is an error event here; without a listener Node would exit.
    server.on('error', (error) => process.stderr.write(`${error.stack}\n`));
    return new Promise((resolve) => {
        const listener = server.listen(0, '127.0.0.1', () => resolve(listener.address().port));
    });
}

Promise.all([listen(false), listen(true)]).then(([port, tlsPort]) => {
    // Written aside and renamed, so that a reader sees all of it or nothing.
    fs.writeFileSync(`${options.ready}.part`, JSON.stringify({ port, tlsPort }));
    fs.renameSync(`${options.ready}.part`, options.ready);
});
