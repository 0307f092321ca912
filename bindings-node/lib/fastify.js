// A hook for Fastify: `app.addHook('onRequest', rateLimit(guard))`, or of one route.

const { Outcome } = require('./outcome.js');
const { RequestReader, releaseAfter } = require('./request-reader.js');

function rateLimit(guard, options) {
  const reader = new RequestReader(guard, options);
  return function rateLimitHook(request, reply, done) {
    const outcome = reader.read(request, request.raw, request.originalUrl);
    setFields(outcome, reply);
    if (!outcome.passes) {
      // By a serializer, as Fastify adds a charset to the media type of any other text. As bytes it
      // would not, but those Node sends apart from the head, which takes a third longer.
      reply.code(outcome.status).header('content-type', outcome.contentType);
      reply.serializer(asItIs).send(outcome.body);
      return;
    }
    releaseAfter(outcome, reply.raw);
    done();
  };
}

// In lower case, as Fastify keeps them.
function setFields(outcome, reply) {
  Outcome.setLowerFields(outcome, setHeader, reply);
}

function setHeader(reply, name, value) {
  reply.header(name, value);
}

function asItIs(body) {
  return body;
}

module.exports = { rateLimit };
