// An interceptor for undici 7 and later: `dispatcher.compose(pace({ rules: '600/min' }))`.

const { MOST_BODY, Pacing, mayRetry, sleep } = require('./pacing.js');

function pace(options) {
  const pacing = new Pacing(options);
  return (dispatch) => (request, handler) => {
    new PacedDispatch(pacing, dispatch, request, handler).start();
    return true;
  };
}

// One request with its retries. It is the handler of each try, and passes on what is not a refusal
// that is tried again.
class PacedDispatch {
  #pacing;
  #retries;
  #dispatch;
  #request;
  #handler;
  #tries = 0;
  // The pacing's number for what is in flight; 0 for nothing.
  #number = 0;
  #refusal = null;

  constructor(pacing, dispatch, request, handler) {
    this.#pacing = pacing;
    this.#retries = pacing.retries();
    this.#dispatch = dispatch;
    this.#request = request;
    this.#handler = handler;
  }

  start() {
    this.#try().catch((error) => this.onResponseError(null, error));
  }

  async #try() {
    const isRetry = this.#tries > 0;
    this.#tries += 1;
    this.#number = await this.#pacing.send(this.#signal(), isRetry);
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
      const waitNs = this.#isRepeatable(reading) ? this.#retries.wait(reading.retryAfterNs) : null;
      if (waitNs !== null) {
        this.#refusal = null;
        this.#end();
        sleep(waitNs, this.#signal())
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
      this.#pacing.ended(number);
    }
  }

  #answered(status, headers, body) {
    const list = [];
    for (const [name, value] of Object.entries(headers)) {
      for (const one of Array.isArray(value) ? value : [value]) {
        list.push(name, String(one));
      }
    }
    return this.#pacing.answered(this.#number, status, list, body);
  }

  // A body that is a stream is gone once it was sent.
  #isRepeatable({ retryAfterNs }) {
    const { body, method } = this.#request;
    const isKept =
      body === null || body === undefined || typeof body === 'string' || body instanceof Uint8Array;
    return isKept && mayRetry(this.#refusal.status, method, retryAfterNs);
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
