// Sends one message with a provider's own client, to a server that stands in for the provider.
//
// One argument, a JSON object: client ("mailgun" | "postmark" | "sendgrid"), key, message (as that client takes it), domain
// (Mailgun's), connectTo {host, port}: what goes to that host goes to that port of 127.0.0.1. Prints what the client gives back.
'use strict';

const tls = require('node:tls');

const { client, key, message, domain, connectTo } = JSON.parse(process.argv[2]);

// As curl's --connect-to: the certificate is still held against the host's name. Node's https and its fetch both come by here.
const { connect } = tls;
tls.connect = (options, ...more) => {
    if (options.host !== connectTo.host) throw new Error(`nobody sends to ${options.host}`);
    return connect({ ...options, host: '127.0.0.1', port: connectTo.port, servername: connectTo.host }, ...more);
};

const send = {
    async mailgun() {
        const Mailgun = require('mailgun.js').default;
        return new Mailgun(FormData).client({ username: 'api', key }).messages.create(domain, message);
    },
    async postmark() {
        const { ServerClient } = require('postmark');
        return new ServerClient(key).sendEmailWithTemplate(message);
    },
    async sendgrid() {
        const mail = require('@sendgrid/mail');
        mail.setApiKey(key);
        const [{ statusCode, headers }] = await mail.send(message);
        return { statusCode, id: headers['x-message-id'] };
    },
};

send[client]().then((answer) => process.stdout.write(JSON.stringify(answer)));
