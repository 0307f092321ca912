// A store for express-rate-limit: it counts in ratecell's tables, and express-rate-limit decides.

const { checkOptions, describe, wholeNumber } = require('./argument.js');
const { Limiter } = require('./limiter.js');

const MAX_U32 = 2 ** 32 - 1;
// A window's number and its count share 64 bits, which leaves room for a unit a nanosecond.
const MOST_PER_MS = 1_000_000;
const SKIPPING = ['skipFailedRequests', 'skipSuccessfulRequests'];

class RatecellStore {
  localKeys = true;
  #options;
  #limiter = null;
  #most = 0;

  constructor(options) {
    this.#options = checkOptions('options', options, ['capacity', 'clock']);
  }

  init(options) {
    const skipping = SKIPPING.find((name) => Boolean(options[name]));
    if (skipping !== undefined) {
      throw new TypeError(
        `${skipping}: found ${describe(options[skipping])}, accepted with this store is false: a hit ` +
          'that has been counted is not taken back',
      );
    }
    wholeNumber('windowMs', options.windowMs, 1, MAX_U32);
    this.#most = Math.min(MAX_U32, options.windowMs * MOST_PER_MS - 1);
    const rules = `fixed ${this.#most}/${options.windowMs}ms`;
    this.#limiter = new Limiter(rules, this.#options);
  }

  get(key) {
    return this.#info(this.#ready().peek(key));
  }

  increment(key) {
    return this.#info(this.#ready().acquire(key));
  }

  // express-rate-limit asks this of every store and calls it only for what `init` refuses.
  decrement() {
    throw new Error('a hit that has been counted is not taken back');
  }

  resetKey(key) {
    this.#ready().reset(key);
  }

  #ready() {
    if (this.#limiter === null) {
      throw new Error('the store belongs to no rateLimit() yet, which calls init');
    }
    return this.#limiter;
  }

  #info(decision) {
    return {
      totalHits: this.#most - decision.remaining,
      resetTime: new Date(Date.now() + decision.resetAfterMs),
    };
  }
}

module.exports = { RatecellStore };
