// A decision: what a call is answered.
//
// Its numbers are copied out of the shared words when it is made, as small integers, which allocate
// nothing beside the decision itself; what needs more than that is worked out when it is asked for.
// Nothing is decided here: the addon has done that.

const { headerStyle } = require('./header-style.js');
const { words, NOW, ALLOWED, APPLIED, ANSWER, ANSWERS, ANSWER_LEN } = require('./words.js');

const VERDICTS = ['allow', 'deny', 'never', 'full'];
const inspect = Symbol.for('nodejs.util.inspect.custom');

// The places of an answer's words: what src/words.rs writes.
const HEAD = 0;
const LIMIT = 1;
const ROOM = 2;
const UNIT = 4;
const RETRY = 6;
const RESET = 8;
const REMAINING = 10;

const NOW_HIGH = NOW + 1;

// Where the words have the governing rule's answer.
const GOVERNING_HEAD = ANSWER + HEAD;
const GOVERNING_LIMIT = ANSWER + LIMIT;
const GOVERNING_ROOM = ANSWER + ROOM;
const GOVERNING_ROOM_HIGH = ANSWER + ROOM + 1;
const GOVERNING_UNIT = ANSWER + UNIT;
const GOVERNING_UNIT_HIGH = ANSWER + UNIT + 1;
const GOVERNING_RETRY = ANSWER + RETRY;
const GOVERNING_RETRY_HIGH = ANSWER + RETRY + 1;
const GOVERNING_RESET = ANSWER + RESET;
const GOVERNING_RESET_HIGH = ANSWER + RESET + 1;
const GOVERNING_REMAINING = ANSWER + REMAINING;

class Decision {
  // Copied right here and not in the constructor, where each would be written twice.
  #allowed = words[ALLOWED] === 1;
  #nowLow = words[NOW];
  #nowHigh = words[NOW_HIGH];
  #head = words[GOVERNING_HEAD];
  #limit = words[GOVERNING_LIMIT];
  #roomLow = words[GOVERNING_ROOM];
  #roomHigh = words[GOVERNING_ROOM_HIGH];
  #unitLow = words[GOVERNING_UNIT];
  #unitHigh = words[GOVERNING_UNIT_HIGH];
  #retryLow = words[GOVERNING_RETRY];
  #retryHigh = words[GOVERNING_RETRY_HIGH];
  #resetLow = words[GOVERNING_RESET];
  #resetHigh = words[GOVERNING_RESET_HIGH];
  #remaining = words[GOVERNING_REMAINING];
  // Every applied rule's words, unless it is one alone.
  #answers = words[APPLIED] === 1 ? null : copyOfAnswers();
  #limiter;

  // Only the limiter makes one, right after a call: the words still hold its answer.
  constructor(limiter) {
    this.#limiter = limiter;
  }

  get allowed() {
    return this.#allowed;
  }

  get verdict() {
    return this.#ruled ? VERDICTS[this.#head & 0xff] : 'allow';
  }

  get rule() {
    return this.#ruled ? this.#limiter.rules[this.#head >>> 8].name : null;
  }

  get limit() {
    return this.#ruled ? this.#limit >>> 0 : null;
  }

  get remaining() {
    return this.#ruled ? this.#remaining >>> 0 : null;
  }

  get retryAfterNs() {
    return this.#ruled ? wide(this.#retryLow, this.#retryHigh) : 0n;
  }

  get retryAfterMs() {
    return this.#ruled ? milliseconds(this.#retryLow, this.#retryHigh) : 0;
  }

  get resetAfterNs() {
    return this.#ruled ? wide(this.#resetLow, this.#resetHigh) : null;
  }

  get resetAfterMs() {
    return this.#ruled ? milliseconds(this.#resetLow, this.#resetHigh) : null;
  }

  get rules() {
    const answers = this.#words();
    const { rules } = this.#limiter;
    const list = [];
    for (let place = 2; place < answers.length; place += ANSWER_LEN) {
      list.push(ruleDecision(rules, answers, place));
    }
    return list;
  }

  headers(style = 'ratelimit', options) {
    const bits = headerStyle(style, options);
    const fields = this.#limiter.native.headers(this.#words(), this.#allowed, bits);
    const headers = {};
    for (let index = 0; index < fields.length; index += 2) {
      headers[fields[index]] = fields[index + 1];
    }
    return headers;
  }

  problem() {
    return this.#limiter.native.problem(this.#words(), this.#allowed);
  }

  toString() {
    return this.#limiter.native.explain(this.#words(), this.#allowed);
  }

  toJSON() {
    return {
      allowed: this.allowed,
      verdict: this.verdict,
      rule: this.rule,
      limit: this.limit,
      remaining: this.remaining,
      retryAfterMs: this.retryAfterMs,
      resetAfterMs: this.resetAfterMs,
    };
  }

  [inspect](_depth, _options, inspectValue) {
    const shown = { ...this.toJSON() };
    return `${this.constructor.name} ${inspectValue === undefined ? JSON.stringify(shown) : inspectValue(shown)}`;
  }

  get #ruled() {
    return this.#answers === null || this.#answers.length > 0;
  }

  // The time and every answer, as the addon takes them back.
  #words() {
    const answers = this.#answers ?? [
      this.#head,
      this.#limit,
      this.#roomLow,
      this.#roomHigh,
      this.#unitLow,
      this.#unitHigh,
      this.#retryLow,
      this.#retryHigh,
      this.#resetLow,
      this.#resetHigh,
      this.#remaining,
    ];
    return Int32Array.of(this.#nowLow, this.#nowHigh, ...answers);
  }
}

function copyOfAnswers() {
  const length = words[APPLIED] * ANSWER_LEN;
  const answers = new Array(length);
  for (let index = 0; index < length; index += 1) {
    answers[index] = words[ANSWERS + index];
  }
  return answers;
}

function ruleDecision(rules, answers, place) {
  const head = answers[place + HEAD];
  const retryLow = answers[place + RETRY];
  const retryHigh = answers[place + RETRY + 1];
  const resetLow = answers[place + RESET];
  const resetHigh = answers[place + RESET + 1];
  return {
    rule: rules[head >>> 8].name,
    allowed: (head & 0xff) === 0,
    verdict: VERDICTS[head & 0xff],
    limit: answers[place + LIMIT] >>> 0,
    remaining: answers[place + REMAINING] >>> 0,
    retryAfterNs: wide(retryLow, retryHigh),
    retryAfterMs: milliseconds(retryLow, retryHigh),
    resetAfterNs: wide(resetLow, resetHigh),
    resetAfterMs: milliseconds(resetLow, resetHigh),
  };
}

// Both words all ones stand for none.
function isNone(low, high) {
  return low === -1 && high === -1;
}

function wide(low, high) {
  return isNone(low, high) ? null : (BigInt(high >>> 0) << 32n) | BigInt(low >>> 0);
}

// Rounded up. Nanoseconds pass 2^53, and with it what a number holds exactly, after 104 days; and
// a quotient of numbers may be rounded down to a whole one, so the remainder says what to add.
function milliseconds(low, high) {
  if (isNone(low, high)) {
    return null;
  }
  if (high >>> 0 >= 2 ** 21) {
    return Number((wide(low, high) + 999_999n) / 1_000_000n);
  }
  const ns = (high >>> 0) * 2 ** 32 + (low >>> 0);
  const rest = ns % 1_000_000;
  return (ns - rest) / 1_000_000 + (rest > 0 ? 1 : 0);
}

module.exports = { Decision };
