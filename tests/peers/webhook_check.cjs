// Whether the npm package standardwebhooks takes requests for genuine.
//
// One argument, a JSON list of {secret, body, headers}. Prints a list of the payload it gives, or of null where it refuses.
'use strict';

const { Webhook, WebhookVerificationError } = require('standardwebhooks');

const verdicts = JSON.parse(process.argv[2]).map(({ secret, body, headers }) => {
    try {
        return new Webhook(secret).verify(body, headers);
    } catch (error) {
        if (error instanceof WebhookVerificationError) return null;
        throw error;
    }
});
process.stdout.write(JSON.stringify(verdicts));
