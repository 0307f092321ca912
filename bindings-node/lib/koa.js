// Middleware for Koa.

const { headersOf, writeFields } = require('./layers.js');
const { RequestReader, releaseAfter } = require('./request-reader.js');

function rateLimit(guard, options) {
  const reader = new RequestReader(guard, options);
  return async (context, next) => {
    const outcome = reader.read(context, context.req, pathOf(context));
    writeFields(outcome, context.res, setField, removeField, context);
    if (!outcome.passes) {
      context.status = outcome.status;
      context.set('Content-Type', outcome.contentType);
      context.body = outcome.body;
      return;
    }
    releaseAfter(outcome, context.req, context.res);
    try {
      await next();
    } catch (error) {
      // Koa answers an error with the error's own fields and drops all that were set before.
      if (typeof error === 'object' && error !== null && Object.isExtensible(error)) {
        error.headers = { ...headersOf(context.res), ...error.headers };
      }
      throw error;
    }
  };
}

// The path that Koa serves. What a mounted application does not see of it is still there in
// `originalUrl`; what a service rewrites in `url` counts as rewritten.
function pathOf({ originalUrl, url }) {
  return originalUrl.endsWith(url) ? originalUrl : url;
}

function setField(context, name, value) {
  context.set(name, value);
}

function removeField(context, name) {
  context.remove(name);
}

module.exports = { rateLimit };
