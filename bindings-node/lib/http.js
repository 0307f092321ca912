// Holds requests of Node's own `http` and `http2` to a contract.

'use strict';

const { RequestReader, refuse, releaseAfter, setFields } = require('./request-reader.js');

// For `http.createServer`: a function of request and response that says whether to go on. If not,
// the response is sent.
function rateLimit(guard, options) {
  const reader = new RequestReader(guard, options);
  return (request, response) => {
    const outcome = reader.read(request, request, request.url);
    if (!outcome.passes) {
      refuse(outcome, response);
      return false;
    }
    // Before the fields, which throw if the response has been sent already.
    releaseAfter(outcome, request, response);
    setFields(outcome, response);
    return true;
  };
}

module.exports = { rateLimit };
