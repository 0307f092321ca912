// The package `ratecell` for CommonJS; index.mjs is the same for ESM.

const { Decision } = require('./lib/decision.js');
const { Guard } = require('./lib/guard.js');
const { KeyHandle } = require('./lib/key.js');
const { Limiter } = require('./lib/limiter.js');
const { Outcome } = require('./lib/outcome.js');
const { Permit } = require('./lib/permit.js');

module.exports = { Limiter, Decision, Permit, KeyHandle, Guard, Outcome };
