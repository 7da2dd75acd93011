// SES without AWS on the npm package aws-ses-v2-local, in clear: it keeps what it is sent, at `GET /store`.
//
// Started by `e2e::SesV2Local` with one argument, a JSON object: ready, the file to write {"port": n} to once connections
// are taken.
'use strict';

const fs = require('node:fs');
const { default: serve } = require('aws-ses-v2-local');

const { ready } = JSON.parse(process.argv[2]);

serve({ host: '127.0.0.1', port: 0 }).then((server) => {
    // Written aside and renamed, so that a reader sees all of it or nothing.
    fs.writeFileSync(`${ready}.part`, JSON.stringify({ port: server.address().port }));
    fs.renameSync(`${ready}.part`, ready);
});
