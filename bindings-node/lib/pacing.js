// The client's side: requests that wait for their turn, and for another try when refused.
//
// What `fetch` and the undici interceptor share. How long to wait is said by the core's pacer and
// backoff; here are the queue, the timers and the reading of responses.

const timers = require('node:timers');

const native = require('./addon.js');
const { checkOptions, rangeErrorOf, wholeNumber, describe } = require('./argument.js');
const { clockOf, readClock } = require('./time.js');

const OPTIONS = ['rules', 'sharers', 'retries', 'baseMs', 'capMs', 'budgetMs', 'clock'];
const MOST_TIMER_MS = 2 ** 31 - 1;
const MAX_U32 = 2 ** 32 - 1;
// What a refusal says is read from this much of its body.
const MOST_BODY = 65_536;
const NS_PER_MS = 1_000_000n;
// Methods that may be sent again although nobody knows whether the first was carried out.
const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'];

class Pacing {
  #pacer;
  #settings;
  #clock;
  #turn = Promise.resolve();

  constructor(options, others = []) {
    const {
      rules,
      sharers = 1,
      retries = 3,
      baseMs = 1_000,
      capMs = 60_000,
      budgetMs = 600_000,
      clock,
    } = checkOptions('options', options, [...OPTIONS, ...others]);
    if (rules !== undefined && typeof rules !== 'string') {
      throw new TypeError(`options.rules: found ${describe(rules)}, accepted is a text such as '600/min'`);
    }
    wholeNumber('options.sharers', sharers, 1, MAX_U32);
    wholeNumber('options.retries', retries, 0, MAX_U32);
    for (const [name, value] of Object.entries({ baseMs, capMs, budgetMs })) {
      wholeNumber(`options.${name}`, value, 1, Number.MAX_SAFE_INTEGER);
    }
    this.#clock = clockOf(clock) ?? (() => BigInt(Date.now()) * NS_PER_MS);
    this.#settings = [retries, ...[baseMs, capMs, budgetMs].map((ms) => BigInt(ms) * NS_PER_MS)];
    this.#pacer = rangeErrorOf(() => new native.NativePacer(rules, sharers, this.#now()));
    if (retries > 0) {
      // Says at once what is wrong with the settings.
      this.retries();
    }
  }

  // Waits until a request may be sent, in order of arrival, and gives its number.
  async send(signal) {
    const before = this.#turn;
    let done;
    this.#turn = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await before;
      for (;;) {
        signal?.throwIfAborted();
        const waitNs = this.#pacer.waitNs(this.#now());
        if (waitNs === 0n) {
          return this.#pacer.sent(this.#now());
        }
        await sleep(waitNs, signal);
      }
    } finally {
      done();
    }
  }

  // What a response says; `headers` are name, value, name, value and so on.
  answered(number, status, headers, body = new Uint8Array(0)) {
    return this.#pacer.finished(number, this.#now(), status, headers, body);
  }

  failed(number) {
    this.#pacer.failed(number);
  }

  // The retries of one call.
  retries() {
    const [retries, ...spans] = this.#settings;
    if (retries === 0) {
      return { wait: () => null };
    }
    const own = rangeErrorOf(() => new native.NativeRetries(retries, ...spans, this.#now()));
    return { wait: (retryAfterNs) => own.waitNs(this.#now(), retryAfterNs ?? undefined) };
  }

  #now() {
    return readClock(this.#clock);
  }
}

// Whether a refusal may be followed by the same request: 429 says that nothing was done.
function mayRetry(status, method) {
  return status === 429 || IDEMPOTENT.includes(method.toUpperCase());
}

// At least that long, rounded up to milliseconds; rejects when the signal is aborted.
function sleep(waitNs, signal) {
  return new Promise((resolve, reject) => {
    let timer;
    const abort = () => {
      timers.clearTimeout(timer);
      reject(signal.reason);
    };
    const set = (leftMs) => {
      const part = Math.min(leftMs, MOST_TIMER_MS);
      timer = timers.setTimeout(() => {
        if (leftMs > part) {
          set(leftMs - part);
        } else {
          signal?.removeEventListener('abort', abort);
          resolve();
        }
      }, part);
    };
    signal?.addEventListener('abort', abort, { once: true });
    set(Number((waitNs + NS_PER_MS - 1n) / NS_PER_MS));
  });
}

module.exports = { Pacing, MOST_BODY, mayRetry, sleep };
