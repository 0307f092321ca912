// A `fetch` that paces its requests and tries again what was refused.

const { finished } = require('node:stream');

const { describe } = require('./argument.js');
const { callerOf } = require('./caller.js');
const { MOST_BODY, Pacing } = require('./pacing.js');

function createFetch(options) {
  const { fetch: inner = globalThis.fetch, ...others } = options ?? {};
  if (typeof inner !== 'function') {
    throw new TypeError(`options.fetch: found ${describe(inner)}, accepted is a function like fetch`);
  }
  const pacing = new Pacing(others, callerOfRequest);
  return async function pacedFetch(input, init) {
    const request = new Request(input, init);
    // A stream can be read once, so that what it was cannot be sent again.
    const isOnce = init?.body instanceof ReadableStream;
    const attempts = pacing.attempts(request);
    for (;;) {
      const sent = await send(attempts, inner, isOnce ? request : request.clone());
      const { response, refused, retryAfterNs } = sent;
      const isRepeated = refused && !isOnce;
      const waitNs = isRepeated ? attempts.waitNs(response.status, request.method, retryAfterNs) : null;
      if (waitNs === null) {
        endWithBody(response, sent.end);
        return response;
      }
      await response.body?.cancel().catch(() => {});
      sent.end();
      await attempts.sleep(waitNs, request.signal);
    }
  };
}

function callerOfRequest({ url, headers }) {
  return callerOf(new URL(url).origin, (field) => headers.get(field));
}

async function send(attempts, inner, request) {
  const number = await attempts.send(request.signal);
  let hasEnded = false;
  const end = () => {
    if (!hasEnded) {
      hasEnded = true;
      attempts.ended(number);
    }
  };
  try {
    const response = await inner(request);
    const body = [429, 503].includes(response.status) ? await startOf(response) : undefined;
    const reading = attempts.answered(number, response.status, [...response.headers].flat(), body);
    return { response, end, ...reading };
  } catch (error) {
    end();
    throw error;
  }
}

// Bodies that nobody may ever read: who drops one without a word gives it up.
const unread = new FinalizationRegistry((end) => end());

// Calls `end` when the response was read, given up or collected: until then a server counts its
// request as in flight.
function endWithBody({ body }, end) {
  if (body === null || body === undefined) {
    end();
    return;
  }
  try {
    finished(body, end);
    unread.register(body, end);
  } catch {
    // A body of some other kind, of which nobody says when it ends.
    end();
  }
}

// The first bytes of a response, which stays whole for its reader.
async function startOf(response) {
  const reader = response.clone().body?.getReader();
  const parts = [];
  let length = 0;
  while (reader !== undefined && length < MOST_BODY) {
    const { done, value } = await reader.read();
    if (done) {
      return Buffer.concat(parts);
    }
    parts.push(value);
    length += value.length;
  }
  // Not awaited: of two readers of a response, one that gives up waits for the other.
  reader?.cancel().catch(() => {});
  return Buffer.concat(parts).subarray(0, MOST_BODY);
}

module.exports = { createFetch };
