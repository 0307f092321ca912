// A limiter: the calls of every language, in JavaScript's own terms.
//
// Each call has three parts in this order: it reads what the caller gave, which may run the caller's
// code (a getter, the clock); it writes the shared words; it calls the addon and reads them. So no
// other call comes between the last two.

const native = require('./addon.js');
const { describe, checkOptions, rangeErrorOf, wholeNumber } = require('./argument.js');
const { Decision } = require('./decision.js');
const { KeyHandle, isAlone, putKey, readKey, readKeys } = require('./key.js');
const { Permit } = require('./permit.js');
const { clockOf, readClock } = require('./time.js');
const { WaitQueues } = require('./wait-queues.js');
const { words, OP, COST, NOW, RULES, KEYS, KINDS, VALUES, Op, KeyKind } = require('./words.js');

const DEFAULT_CAPACITY = 65_536;
const MAX_COST = 2 ** 32 - 1;
// Other rules of single calls that are kept as read. Beyond this many the texts are read again,
// which is slower; it is never an error.
const MAX_KEPT_RULES = 1_024;

// What the constructor takes when a token stands in for the rules and options.
const FROM_TOKEN = Symbol('from token');

class Limiter {
  // What decisions and permits need of their limiter.
  #shape;
  #call;
  #clock;
  #dimensions;
  #keptRules = new Map();
  #queues = null;

  constructor(rules, options, source) {
    let made;
    if (source?.[FROM_TOKEN] === true) {
      made = rangeErrorOf(() => native.NativeLimiter.fromToken(rules));
      this.#clock = clockOf(options?.clock);
      if (made.clockIsGiven() !== (this.#clock !== null)) {
        throw new TypeError(
          made.clockIsGiven()
            ? 'options.clock: found none, accepted is a clock, as the limiter was made with one'
            : 'options.clock: found one, accepted is none, as the limiter has the system clock',
        );
      }
    } else {
      made = makeNative(rules, options);
      this.#clock = clockOf(options?.clock);
    }
    this.#dimensions = made.dimensions();
    this.#call = made.bind(words);
    this.#shape = {
      native: made,
      rules: made.rules(),
      dimensions: this.#dimensions,
      call: this.#call,
      isShared: source !== undefined,
      onRelease: null,
    };
  }

  static from(token, options) {
    if (typeof token !== 'string') {
      throw new TypeError(`token: found ${describe(token)}, accepted is what share() gave`);
    }
    checkOptions('options', options, ['clock']);
    return new Limiter(token, options, { [FROM_TOKEN]: true });
  }

  share() {
    this.#shape.isShared = true;
    return this.#shape.native.share();
  }

  get rules() {
    return this.#shape.rules.map((rule) => ({ ...rule }));
  }

  acquire(key, cost = 1, options) {
    this.#make(Op.ACQUIRE, key, cost, options);
    return new Decision(this.#shape);
  }

  peek(key, cost = 1, options) {
    this.#make(Op.PEEK, key, cost, options);
    return new Decision(this.#shape);
  }

  hold(key, cost = 1, options) {
    this.#make(Op.HOLD, key, cost, options);
    return new Permit(this.#shape);
  }

  wait(key, options) {
    this.#queues ??= new WaitQueues(this, this.#shape);
    return this.#queues.wait(key, options);
  }

  release(key, cost = 1) {
    this.#make(Op.RELEASE, key, cost);
    this.#shape.onRelease?.();
  }

  reset(key) {
    this.#make(Op.RESET, key, 0);
    this.#shape.onRelease?.();
  }

  stats() {
    return this.#shape.native.stats();
  }

  key(value) {
    if (isAlone(value)) {
      this.#make(Op.HASH, value, 0);
      const places = [words[VALUES], words[VALUES + 1], words[VALUES + 2], words[VALUES + 3]];
      return new KeyHandle(this, places);
    }
    throw new TypeError(
      `key: found ${describe(value)}, accepted are a string, a Uint8Array, a number and a bigint; ` +
        'of an object by dimension make a handle of each key',
    );
  }

  #make(op, key, cost, options) {
    // What nearly every call is, and short enough for an engine to have it within the caller.
    const isUsual = typeof key === 'string' && options === undefined && this.#clock === null;
    if (isUsual && typeof cost === 'number' && cost >>> 0 === cost) {
      words[OP] = op;
      words[COST] = cost;
      words[RULES] = 0;
      words[KEYS] = 0;
      words[KINDS] = KeyKind.ARGUMENT;
      this.#call(key);
    } else {
      this.#makeAny(op, key, cost, options);
    }
  }

  #makeAny(op, key, cost, options) {
    if (typeof cost !== 'number' || cost >>> 0 !== cost) {
      wholeNumber('cost', cost, 0, MAX_COST);
    }
    const rules = options === undefined ? 0 : this.#rulesOf(options);
    const now = this.#clock === null ? 0n : readClock(this.#clock);
    if (typeof key === 'string') {
      this.#write(op, cost, rules, now);
      words[KEYS] = 0;
      words[KINDS] = KeyKind.ARGUMENT;
      this.#call(key);
    } else if (key instanceof KeyHandle) {
      this.#write(op, cost, rules, now);
      KeyHandle.putAlone(key, this);
      this.#call();
    } else if (isAlone(key)) {
      const alone = readKey('key', key);
      this.#write(op, cost, rules, now);
      words[KEYS] = 0;
      this.#call(putKey(alone, this, 0));
    } else {
      const keys = readKeys(key, this.#dimensions);
      this.#write(op, cost, rules, now);
      words[KEYS] = keys.length;
      for (let index = 0; index < keys.length; index += 1) {
        keys[index] = putKey(keys[index], this, index);
      }
      // Not by spreading, which takes longer than the call.
      this.#call(keys[0], keys[1], keys[2], keys[3], keys[4], keys[5], keys[6], keys[7]);
    }
  }

  #write(op, cost, rules, now) {
    words[OP] = op;
    words[COST] = cost;
    words[RULES] = rules;
    if (this.#clock !== null) {
      words[NOW] = Number(now & 0xffff_ffffn);
      words[NOW + 1] = Number(now >> 32n);
    }
  }

  // The number by which the addon knows the rules of a single call; 0 for the plan's own.
  #rulesOf(options) {
    const { rules } = checkOptions('options', options, ['rules']);
    if (rules === undefined) {
      return 0;
    }
    const kept = this.#keptRules.get(rules);
    if (kept !== undefined) {
      return kept;
    }
    if (typeof rules !== 'string') {
      throw new TypeError(`options.rules: found ${describe(rules)}, accepted is the text of rules`);
    }
    if (this.#keptRules.size >= MAX_KEPT_RULES) {
      this.#keptRules.clear();
      this.#shape.native.forgetRules();
    }
    const number = 1 + rangeErrorOf(() => this.#shape.native.addRules(rules));
    this.#keptRules.set(rules, number);
    return number;
  }
}

function makeNative(rules, options) {
  if (typeof rules !== 'string') {
    throw new TypeError(`rules: found ${describe(rules)}, accepted is a text such as '600/min'`);
  }
  const { capacity = DEFAULT_CAPACITY, whenFull = 'deny' } = checkOptions('options', options, [
    'capacity',
    'whenFull',
    'clock',
  ]);
  wholeNumber('options.capacity', capacity, 1, Number.MAX_SAFE_INTEGER);
  if (whenFull !== 'deny' && whenFull !== 'allow') {
    throw new RangeError(`options.whenFull: found ${describe(whenFull)}, accepted are 'deny' and 'allow'`);
  }
  const given = clockOf(options?.clock) !== null;
  return rangeErrorOf(() => new native.NativeLimiter(rules, capacity, whenFull === 'allow', given));
}

module.exports = { Limiter };
