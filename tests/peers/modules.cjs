// ES modules by way of NODE_PATH, which Node's `import` does not look at.
'use strict';

const { pathToFileURL } = require('node:url');

exports.load = (name) => import(pathToFileURL(require.resolve(name)));
