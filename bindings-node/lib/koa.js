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

// The path that Koa serves. What a service rewrites in `url` counts as rewritten. A mounted
// application does not see what it is mounted at: koa-mount cuts that off and leaves the innermost one
// in `mountPath`, where it also stays once the application has handed on and all of `url` is back.
function pathOf({ mountPath, originalUrl, url }) {
  if (typeof mountPath !== 'string') {
    return url;
  }
  const prefix = mountPath.replace(/\/$/, '');
  // `/v1` by itself becomes `/`.
  if ([prefix + url, prefix + url.replace(/^\/(?=\?|$)/, '')].some((end) => originalUrl.endsWith(end))) {
    return originalUrl;
  }
  if (url.startsWith(prefix)) {
    return originalUrl.endsWith(url) ? originalUrl : url;
  }
  return prefix + url;
}

function setField(context, name, value) {
  context.set(name, value);
}

function removeField(context, name) {
  context.remove(name);
}

module.exports = { rateLimit };
