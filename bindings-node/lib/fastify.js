// A hook for Fastify: `app.addHook('onRequest', rateLimit(guard))`, or of one route.

const { RequestReader, releaseAfter } = require('./request-reader.js');

function rateLimit(guard, options) {
  const reader = new RequestReader(guard, options);
  return function rateLimitHook(request, reply, done) {
    const outcome = reader.read(request, request.raw, request.originalUrl);
    outcome.eachField((name, value) => reply.header(name, value));
    if (!outcome.passes) {
      // As bytes, since Fastify adds a charset to the media type of a text.
      const body = Buffer.from(outcome.body, 'utf8');
      reply.code(outcome.status).header('content-type', outcome.contentType).send(body);
      return;
    }
    releaseAfter(outcome, reply.raw);
    done();
  };
}

module.exports = { rateLimit };
