// The client's side: requests that wait for their turn, and for another try when refused.
//
// What `fetch` and the undici interceptor share. How long to wait is said by the core's pacer and
// backoff; here are the queue, the timers and the reading of responses.

const timers = require('node:timers');

const abortGroup = require('./abort-group.js');
const native = require('./addon.js');
const { checkOptions, rangeErrorOf, wholeNumber, describe } = require('./argument.js');
const { clockOf, readClock } = require('./time.js');

const OPTIONS = ['rules', 'sharers', 'retries', 'baseMs', 'capMs', 'budgetMs', 'maxWaitMs', 'clock'];
const MOST_TIMER_MS = 2 ** 31 - 1;
const MAX_U32 = 2 ** 32 - 1;
// What a refusal says is read from this much of its body.
const MOST_BODY = 65_536;
const NS_PER_MS = 1_000_000n;
const FOREVER_NS = 2n ** 63n - 1n;
// Methods that may be sent again although nobody knows whether the first was carried out.
const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'];

class Pacing {
  #pacer;
  #settings;
  #maxWaitNs;
  #clock;
  // The requests that wait, in order of arrival: what wakes each of them, while it sleeps.
  #line = new Set();

  constructor(options, others = []) {
    const {
      rules,
      sharers = 1,
      retries = 3,
      baseMs = 1_000,
      capMs = 60_000,
      budgetMs = 600_000,
      maxWaitMs = 600_000,
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
    wholeNumber('options.maxWaitMs', maxWaitMs, 0, Number.MAX_SAFE_INTEGER);
    this.#maxWaitNs = BigInt(maxWaitMs) * NS_PER_MS;
    this.#clock = clockOf(clock) ?? (() => BigInt(Date.now()) * NS_PER_MS);
    this.#settings = [retries, ...[baseMs, capMs, budgetMs].map((ms) => BigInt(ms) * NS_PER_MS)];
    this.#pacer = rangeErrorOf(() => new native.NativePacer(rules, sharers, this.#now()));
    if (retries > 0) {
      // Says at once what is wrong with the settings.
      this.retries();
    }
  }

  // Waits until a request may be sent, in order of arrival, and gives its number. What was sent
  // before, and refused, waits as long as it takes.
  async send(signal, isRetry) {
    const startedNs = this.#now();
    const sleeper = { wake: null };
    this.#line.add(sleeper);
    try {
      for (;;) {
        signal?.throwIfAborted();
        const now = this.#now();
        const waitNs = this.#first() === sleeper ? this.#pacer.waitNs(now) : null;
        if (waitNs === 0n) {
          return this.#pacer.sent(now);
        }
        const leftNs = isRetry ? FOREVER_NS : startedNs + this.#maxWaitNs - now;
        if (leftNs <= 0n || (waitNs !== null && waitNs > leftNs)) {
          throw this.#tooFar();
        }
        await sleep(waitNs ?? leftNs, signal, sleeper);
      }
    } finally {
      this.#line.delete(sleeper);
      this.#wakeFirst();
    }
  }

  // What a response says; `headers` are name, value, name, value and so on. The request is in flight
  // until it is `ended`.
  answered(number, status, headers, body = new Uint8Array(0)) {
    const reading = this.#pacer.answered(number, this.#now(), status, headers, body);
    this.#wakeFirst();
    return reading;
  }

  // Takes note that a request is no longer in flight, whether or not it was answered.
  ended(number) {
    this.#pacer.ended(number);
    this.#wakeFirst();
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

  #first() {
    return this.#line.values().next().value;
  }

  // Lets the first in line look again.
  #wakeFirst() {
    this.#first()?.wake?.();
  }

  // The error that a request meets whose turn is too far away: what `AbortSignal.timeout` gives.
  #tooFar() {
    const mostMs = this.#maxWaitNs / NS_PER_MS;
    return new DOMException(
      `not sent: its turn is further away than options.maxWaitMs, ${mostMs} ms`,
      'TimeoutError',
    );
  }

  #now() {
    return readClock(this.#clock);
  }
}

// Whether a refusal may be followed by the same request: 429 says that nothing was done. A 503 may
// come from something behind the server that has done half of it.
function mayRetry(status, method, retryAfterNs) {
  const isTold = retryAfterNs !== null && retryAfterNs !== undefined;
  return status === 429 || (isTold && IDEMPOTENT.includes(method.toUpperCase()));
}

// At least that long, rounded up to milliseconds, unless `sleeper` is woken; rejects when the signal
// is aborted.
function sleep(waitNs, signal, sleeper = {}) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    let timer;
    const end = () => {
      timers.clearTimeout(timer);
      sleeper.wake = null;
      if (signal !== undefined) {
        abortGroup.leave(signal, abort);
      }
    };
    const abort = () => {
      end();
      reject(signal.reason);
    };
    sleeper.wake = () => {
      end();
      resolve();
    };
    const set = (leftMs) => {
      const part = Math.min(leftMs, MOST_TIMER_MS);
      timer = timers.setTimeout(() => {
        if (leftMs > part) {
          set(leftMs - part);
        } else {
          sleeper.wake();
        }
      }, part);
    };
    if (signal !== undefined) {
      abortGroup.join(signal, abort);
    }
    set(Number((waitNs + NS_PER_MS - 1n) / NS_PER_MS));
  });
}

module.exports = { Pacing, MOST_BODY, mayRetry, sleep };
