// Middleware for Hono, on every runtime that gives web requests.

const { checkOptions, describe } = require('./argument.js');
const { addOutcome, mergedFields } = require('./layers.js');
const { RequestReader, releaseAfter } = require('./request-reader.js');

function rateLimit(guard, options) {
  const { peer, ...others } = checkOptions('options', options, ['stage', 'cost', 'values', 'limits', 'peer']);
  if (peer !== undefined && typeof peer !== 'function') {
    throw new TypeError(
      `options.peer: found ${describe(peer)}, accepted is a function from the context to an address`,
    );
  }
  const reader = new RequestReader(guard, others);
  return async (context, next) => {
    const outcome = reader.read(context, messageOf(context, peer), context.req.url);
    const { incoming, outgoing } = context.env ?? {};
    // A mounted application has a context and a request of its own; what it shares is Node's request.
    const outcomes = addOutcome(outcome, incoming ?? context.req.raw);
    if (!outcome.passes) {
      const headers = new Headers(mergedFields(outcomes));
      headers.set('Content-Type', outcome.contentType);
      return new Response(outcome.body, { status: outcome.status, headers });
    }
    if (outgoing !== undefined) {
      releaseAfter(outcome, incoming, outgoing);
    }
    try {
      await next();
      if (outgoing === undefined && outcome.holdsPermits) {
        context.res = releaseWithBody(outcome, context);
      }
      // Layers further in have decided by now, and this one speaks for them.
      if (outcomes[0] === outcome) {
        setFields(mergedFields(outcomes), context);
      }
    } catch (error) {
      outcome.release();
      throw error;
    }
  };
}

function setFields(fields, context) {
  if (fields.length === 0) {
    return;
  }
  try {
    context.res.headers.set(...fields[0]);
  } catch {
    // The fields of what `fetch` or `Response.redirect` gave cannot be changed; those of a copy can.
    context.res = new Response(context.res.body, context.res);
  }
  for (const [name, value] of fields) {
    context.res.headers.set(name, value);
  }
}

// A request as Node would give it.
function messageOf(context, peer) {
  const { incoming } = context.env ?? {};
  const rawHeaders = incoming?.rawHeaders ?? [...context.req.raw.headers].flat();
  const remoteAddress = peer === undefined ? addressOf(context) : peer(context);
  return { method: context.req.method, rawHeaders, socket: { remoteAddress } };
}

// What each runtime passes along: Node's request, Bun's server, Deno's connection.
function addressOf({ env, req }) {
  return (
    env?.incoming?.socket?.remoteAddress ??
    env?.requestIP?.(req.raw)?.address ??
    env?.server?.requestIP?.(req.raw)?.address ??
    env?.remoteAddr?.hostname
  );
}

// The response, whose permits come back after its last byte, or when its reader gives up.
function releaseWithBody(outcome, context) {
  const { res } = context;
  const { method, signal } = context.req.raw;
  // Nobody reads the body of a response to HEAD.
  if (res.body === null || method === 'HEAD' || signal?.aborted) {
    outcome.release();
    return res;
  }
  const release = () => outcome.release();
  signal?.addEventListener('abort', release, { once: true });
  const source = res.body.getReader();
  const body = new ReadableStream({
    async pull(controller) {
      try {
        const { done, value } = await source.read();
        if (done) {
          release();
          controller.close();
        } else {
          controller.enqueue(value);
        }
      } catch (error) {
        release();
        controller.error(error);
      }
    },
    cancel(reason) {
      release();
      return source.cancel(reason);
    },
  });
  return new Response(body, res);
}

module.exports = { rateLimit };
