// Who sends a request, where nobody says: what has a pace of its own at a provider.

const { createHmac, randomBytes } = require('node:crypto');

// The fields that a caller is known by.
const FIELDS = ['authorization', 'x-api-key'];
// Secret, so that a key is not to be found out from what is kept of it.
const SECRET = randomBytes(32);

// The caller of requests to an origin; `fieldOf` gives the value of a header field, or nothing. The
// values are told apart and not kept.
function callerOf(origin, fieldOf) {
  const values = FIELDS.map((field) => fieldOf(field) ?? null);
  if (values.every((value) => value === null)) {
    return origin;
  }
  const digest = createHmac('sha256', SECRET).update(JSON.stringify(values)).digest('base64');
  return `${origin} ${digest}`;
}

module.exports = { callerOf };
