// The client's side: requests that wait for their turn, and for another try when refused.
//
// What `fetch` and the undici interceptor share. How long to wait is said by the core's pacer and
// backoff; here are the options, and the lanes of callers.

const native = require('./addon.js');
const { checkOptions, rangeErrorOf, wholeNumber, describe } = require('./argument.js');
const { Attempts } = require('./attempts.js');
const { Lane } = require('./lane.js');
const { clockOf, readClock } = require('./time.js');

const OPTIONS = [
  'rules',
  'sharers',
  'laneBy',
  'maxCallers',
  'retries',
  'baseMs',
  'capMs',
  'budgetMs',
  'maxWaitMs',
  'clock',
];
const MAX_U32 = 2 ** 32 - 1;
// What a refusal says is read from this much of its body.
const MOST_BODY = 65_536;
const NS_PER_MS = 1_000_000n;

class Pacing {
  #rules;
  #sharers;
  #laneBy;
  #maxCallers;
  // The lane of each caller.
  #lanes = new Map();
  #retries;
  #maxWaitNs;
  #now;

  // `laneOf` gives the caller of a request where no option says.
  constructor(options, laneOf) {
    const {
      rules,
      sharers = 1,
      laneBy = laneOf,
      maxCallers = 10_000,
      retries = 3,
      baseMs = 1_000,
      capMs = 60_000,
      budgetMs = 600_000,
      maxWaitMs = 600_000,
      clock,
    } = checkOptions('options', options, OPTIONS);
    if (rules !== undefined && typeof rules !== 'string') {
      throw new TypeError(`options.rules: found ${describe(rules)}, accepted is a text such as '600/min'`);
    }
    if (typeof laneBy !== 'function') {
      throw new TypeError(
        `options.laneBy: found ${describe(laneBy)}, accepted is a function from a request to a string`,
      );
    }
    wholeNumber('options.sharers', sharers, 1, MAX_U32);
    wholeNumber('options.maxCallers', maxCallers, 1, MAX_U32);
    wholeNumber('options.retries', retries, 0, MAX_U32);
    for (const [name, value] of Object.entries({ baseMs, capMs, budgetMs })) {
      wholeNumber(`options.${name}`, value, 1, Number.MAX_SAFE_INTEGER);
    }
    wholeNumber('options.maxWaitMs', maxWaitMs, 0, Number.MAX_SAFE_INTEGER);
    this.#rules = rules;
    this.#sharers = sharers;
    this.#laneBy = laneBy;
    this.#maxCallers = maxCallers;
    this.#maxWaitNs = BigInt(maxWaitMs) * NS_PER_MS;
    const given = clockOf(clock) ?? (() => BigInt(Date.now()) * NS_PER_MS);
    this.#now = () => readClock(given);
    this.#retries = [retries, ...[baseMs, capMs, budgetMs].map((ms) => BigInt(ms) * NS_PER_MS)];
    // Says at once what is wrong with the rules and the settings.
    this.#newLane();
    this.#newRetries();
  }

  // The attempts of one request.
  attempts(request) {
    return new Attempts(this.#laneFor(request), this.#newRetries(), this.#now, this.#maxWaitNs);
  }

  #laneFor(request) {
    const caller = this.#laneBy(request);
    if (typeof caller !== 'string') {
      throw new TypeError(`options.laneBy: it gave ${describe(caller)}, accepted is a string`);
    }
    const known = this.#lanes.get(caller);
    if (known !== undefined) {
      return known;
    }
    this.#makeRoom();
    const lane = this.#newLane();
    this.#lanes.set(caller, lane);
    return lane;
  }

  #makeRoom() {
    if (this.#lanes.size < this.#maxCallers) {
      return;
    }
    // All of them at once, so that the next new callers need not look again.
    for (const [caller, lane] of this.#lanes) {
      if (lane.isAtRest()) {
        this.#lanes.delete(caller);
      }
    }
    if (this.#lanes.size >= this.#maxCallers) {
      throw new RangeError(
        `not sent: it would be of one caller more than options.maxCallers, ${this.#maxCallers}, and none ` +
          'of them is at rest; does options.laneBy give every request a lane of its own?',
      );
    }
  }

  #newLane() {
    const now = this.#now();
    return new Lane(
      rangeErrorOf(() => new native.NativePacer(this.#rules, this.#sharers, now)),
      this.#now,
    );
  }

  // The core's retries of one request; null for none.
  #newRetries() {
    const [retries, ...spans] = this.#retries;
    const now = this.#now();
    return retries === 0 ? null : rangeErrorOf(() => new native.NativeRetries(retries, ...spans, now));
  }
}

module.exports = { Pacing, MOST_BODY };
