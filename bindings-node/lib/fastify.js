// A hook for Fastify: `app.addHook('onRequest', rateLimit(guard))`, or of one route.

const { writeFields } = require('./layers.js');
const { Outcome } = require('./outcome.js');
const { RequestReader, releaseAfter } = require('./request-reader.js');

function rateLimit(guard, options) {
  const reader = new RequestReader(guard, options);
  return function rateLimitHook(request, reply, done) {
    const outcome = reader.read(request, request.raw, request.url);
    setFields(outcome, reply);
    if (!outcome.passes) {
      // By a serializer, as Fastify adds a charset to the media type of any other text. As bytes it
      // would not, but those Node sends apart from the head, which takes a third longer.
      reply.code(outcome.status).header('content-type', outcome.contentType);
      reply.serializer(once(reply)).send(outcome.body);
      return;
    }
    releaseAfter(outcome, request.raw, reply.raw);
    done();
  };
}

// In lower case, as Fastify keeps them.
function setFields(outcome, reply) {
  writeFields(outcome, reply.raw, setHeader, removeHeader, reply, Outcome.setLowerFields);
}

function removeHeader(reply, name) {
  reply.removeHeader(name);
}

function setHeader(reply, name, value) {
  reply.header(name, value);
}

// A serializer that takes a text as it is and then goes: if an onSend hook throws, what the error
// handler sends has to be serialized as ever.
function once(reply) {
  return (body) => {
    reply.serializer(null);
    return body;
  };
}

module.exports = { rateLimit };
