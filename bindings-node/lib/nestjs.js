// A guard for NestJS.
//
// It answers a refused request itself. Whatever a guard of Nest's does but to say yes builds an
// error, so it then says nothing: the request is answered and its promise is dropped with it.

const { writeFields } = require('./layers.js');
const { RequestReader, pathOf, refuse, releaseAfter, setFields } = require('./request-reader.js');

class RateLimitGuard {
  #reader;

  constructor(guard, options) {
    this.#reader = guard === undefined ? null : new RequestReader(guard, options);
  }

  canActivate(context) {
    if (context.getType() !== 'http') {
      return true;
    }
    const http = context.switchToHttp();
    const request = http.getRequest();
    const reply = http.getResponse();
    // Fastify's are objects around Node's.
    const message = request.raw ?? request;
    const response = reply.raw ?? reply;
    for (const reader of this.#readers(context)) {
      const outcome = reader.read(request, message, request.raw?.url ?? pathOf(request));
      if (!outcome.passes) {
        if (reply !== response) {
          keepFields(reply, response);
          reply.hijack();
        }
        refuse(outcome, response);
        return new Promise(() => {});
      }
      // Before the fields, which throw if the response has been sent already.
      releaseAfter(outcome, message, response);
      if (reply === response) {
        setFields(outcome, response);
      } else {
        writeFields(outcome, response, setHeader, removeHeader, reply);
      }
    }
    return true;
  }

  #readers(context) {
    const own = limitsOf.get(context.getHandler()) ?? limitsOf.get(context.getClass());
    return [this.#reader, own].filter((reader) => reader !== null && reader !== undefined);
  }
}

// What hooks of Fastify's have set, such as who may read the response, is lost to a reply that is
// answered past it.
function keepFields(reply, response) {
  for (const [name, value] of Object.entries(reply.getHeaders())) {
    response.setHeader(name, value);
  }
}

function setHeader(reply, name, value) {
  reply.header(name, value);
}

function removeHeader(reply, name) {
  reply.removeHeader(name);
}

// The reader of each method or class that has limits of its own.
const limitsOf = new WeakMap();

// A decorator of a method or a class: its requests are held to this, too, if a RateLimitGuard is in
// use. A method's own stands in for that of its class.
function RateLimit(guard, options) {
  const reader = new RequestReader(guard, options);
  return (target, _property, descriptor) => {
    limitsOf.set(typeof descriptor?.value === 'function' ? descriptor.value : target, reader);
  };
}

module.exports = { RateLimitGuard, RateLimit };
