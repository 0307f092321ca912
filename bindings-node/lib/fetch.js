// A `fetch` that paces its requests and tries again what was refused.

const { describe } = require('./argument.js');
const { MOST_BODY, Pacing, mayRetry, sleep } = require('./pacing.js');

function createFetch(options) {
  const { fetch: inner = globalThis.fetch, ...others } = options ?? {};
  if (typeof inner !== 'function') {
    throw new TypeError(`options.fetch: found ${describe(inner)}, accepted is a function like fetch`);
  }
  const pacing = new Pacing(others);
  return async function pacedFetch(input, init) {
    const request = new Request(input, init);
    // A stream can be read once, so that what it was cannot be sent again.
    const isOnce = init?.body instanceof ReadableStream;
    const retries = pacing.retries();
    for (;;) {
      const response = await send(pacing, inner, isOnce ? request : request.clone());
      if (!response.reading.refused || isOnce || !mayRetry(response.whole.status, request.method)) {
        return response.whole;
      }
      const waitNs = retries.wait(response.reading.retryAfterNs);
      if (waitNs === null) {
        return response.whole;
      }
      await response.whole.body?.cancel();
      await sleep(waitNs, request.signal);
    }
  };
}

async function send(pacing, inner, request) {
  const number = await pacing.send(request.signal);
  let whole;
  let body;
  try {
    whole = await inner(request);
    body = [429, 503].includes(whole.status) ? await startOf(whole) : undefined;
  } catch (error) {
    pacing.failed(number);
    throw error;
  }
  return { whole, reading: pacing.answered(number, whole.status, [...whole.headers].flat(), body) };
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
