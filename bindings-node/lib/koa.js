// Middleware for Koa.

const { RequestReader, releaseAfter } = require('./request-reader.js');

function rateLimit(guard, options) {
  const reader = new RequestReader(guard, options);
  return async (context, next) => {
    const outcome = reader.read(context, context.req, context.originalUrl);
    outcome.eachField((name, value) => context.set(name, value));
    if (!outcome.passes) {
      context.status = outcome.status;
      context.set('Content-Type', outcome.contentType);
      context.body = outcome.body;
      return;
    }
    releaseAfter(outcome, context.res);
    try {
      await next();
    } catch (error) {
      // Koa answers an error with the error's own fields and drops all that were set before.
      if (typeof error === 'object' && error !== null && Object.isExtensible(error)) {
        error.headers = { ...outcome.headers, ...error.headers };
      }
      throw error;
    }
  };
}

module.exports = { rateLimit };
