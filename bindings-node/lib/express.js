// Middleware for Express, and for whatever takes (request, response, next).

const { RequestReader, refuse, releaseAfter, setFields } = require('./request-reader.js');

function rateLimit(guard, options) {
  const reader = new RequestReader(guard, options);
  return (request, response, next) => {
    // A router below another strips its own part from `url`.
    const outcome = reader.read(request, request, request.originalUrl ?? request.url);
    if (!outcome.passes) {
      refuse(outcome, response);
      return;
    }
    // Before the fields, which throw if the response has been sent already.
    releaseAfter(outcome, request, response);
    setFields(outcome, response);
    next();
  };
}

module.exports = { rateLimit };
