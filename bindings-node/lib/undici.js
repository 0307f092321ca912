// An interceptor for undici 7 and later: `dispatcher.compose(pace({ rules: '600/min' }))`.

const { callerOf } = require('./caller.js');
const { MOST_BODY, Pacing } = require('./pacing.js');

function pace(options) {
  const pacing = new Pacing(options, callerOfRequest);
  return (dispatch) => (request, handler) => {
    new PacedDispatch(pacing, dispatch, request, handler).start();
    return true;
  };
}

function callerOfRequest({ origin, headers }) {
  const found = new Map();
  for (const [name, value] of pairsOf(headers)) {
    const key = String(name).toLowerCase();
    found.set(key, [...(found.get(key) ?? []), String(value)]);
  }
  return callerOf(String(origin ?? '').replace(/\/$/, ''), (field) => found.get(field));
}

// The header fields of a request as undici takes them: a list in which name and value take turns, an
// object, or what gives pairs. An iterator that gives them once only is left to undici.
function pairsOf(headers) {
  if (Array.isArray(headers)) {
    return headers.flatMap((one, index) => (index % 2 === 0 ? [[one, headers[index + 1]]] : []));
  }
  if (typeof headers?.[Symbol.iterator] === 'function') {
    return headers[Symbol.iterator]() === headers ? [] : headers;
  }
  return Object.entries(headers ?? {});
}

// One request with its retries. It is the handler of each try, and passes on what is not a refusal
// that is tried again.
class PacedDispatch {
  #pacing;
  // Null until the first try.
  #attempts = null;
  #dispatch;
  #request;
  #handler;
  // The pacing's number for what is in flight; 0 for nothing.
  #number = 0;
  #refusal = null;

  constructor(pacing, dispatch, request, handler) {
    this.#pacing = pacing;
    this.#dispatch = dispatch;
    this.#request = request;
    this.#handler = handler;
  }

  start() {
    this.#try().catch((error) => this.onResponseError(null, error));
  }

  async #try() {
    this.#attempts ??= this.#pacing.attempts(this.#request);
    this.#number = await this.#attempts.send(this.#signal());
    this.#dispatch(this.#request, this);
  }

  onRequestStart(controller, context) {
    this.#handler.onRequestStart?.(controller, context);
  }

  onRequestUpgrade(controller, status, headers, socket) {
    this.#answered(status, headers);
    this.#end();
    this.#handler.onRequestUpgrade?.(controller, status, headers, socket);
  }

  onResponseStart(controller, status, headers, message) {
    if (status < 200) {
      this.#handler.onResponseStart?.(controller, status, headers, message);
    } else if ([429, 503].includes(status)) {
      this.#refusal = { status, headers, message, parts: [], length: 0 };
    } else {
      this.#answered(status, headers);
      this.#handler.onResponseStart?.(controller, status, headers, message);
    }
  }

  onResponseData(controller, chunk) {
    const refusal = this.#refusal;
    if (refusal === null) {
      this.#handler.onResponseData?.(controller, chunk);
      return;
    }
    refusal.parts.push(chunk);
    refusal.length += chunk.length;
    if (refusal.length > MOST_BODY) {
      // No refusal is this long: what there is goes on as it is.
      this.#answered(refusal.status, refusal.headers, Buffer.concat(refusal.parts));
      this.#passOn(controller);
    }
  }

  onResponseEnd(controller, trailers) {
    const refusal = this.#refusal;
    if (refusal !== null) {
      const body = Buffer.concat(refusal.parts);
      const reading = this.#answered(refusal.status, refusal.headers, body);
      const waitNs = this.#waitNs(refusal.status, reading.retryAfterNs);
      if (waitNs !== null) {
        this.#refusal = null;
        this.#end();
        this.#attempts
          .sleep(waitNs, this.#signal())
          .then(() => this.#try())
          .catch((error) => this.onResponseError(controller, error));
        return;
      }
      this.#passOn(controller);
    }
    this.#end();
    this.#handler.onResponseEnd?.(controller, trailers);
  }

  onResponseError(controller, error) {
    this.#end();
    this.#handler.onResponseError?.(controller, error);
  }

  #signal() {
    const { signal } = this.#request;
    return signal instanceof AbortSignal ? signal : undefined;
  }

  #end() {
    const number = this.#number;
    if (number !== 0) {
      this.#number = 0;
      this.#attempts.ended(number);
    }
  }

  #answered(status, headers, body) {
    const list = [];
    for (const [name, value] of Object.entries(headers)) {
      for (const one of Array.isArray(value) ? value : [value]) {
        list.push(name, String(one));
      }
    }
    return this.#attempts.answered(this.#number, status, list, body);
  }

  // How long to wait before the next try; null for none. A body that is a stream is gone once it was
  // sent.
  #waitNs(status, retryAfterNs) {
    const { body, method } = this.#request;
    const isKept =
      body === null || body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    return isKept ? this.#attempts.waitNs(status, method, retryAfterNs) : null;
  }

  #passOn(controller) {
    const { status, headers, message, parts } = this.#refusal;
    this.#refusal = null;
    this.#handler.onResponseStart?.(controller, status, headers, message);
    for (const part of parts) {
      this.#handler.onResponseData?.(controller, part);
    }
  }
}

module.exports = { pace };
