// Middleware for Express, and for whatever takes (request, response, next).

const { RequestReader, pathOf, refuse, releaseAfter, setFields } = require('./request-reader.js');

function rateLimit(guard, options) {
  const reader = new RequestReader(guard, options);
  return (request, response, next) => {
    const outcome = reader.read(request, request, pathOf(request));
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
