// What becomes of a request: it passes, or it is refused with a response that is ready to send.
//
// It keeps the one text that the addon gives, whose lines src/bound_guard.rs says, and takes it
// apart when somebody looks.

const { words, PERMIT, STATUS, HEAD_LEN, WAIT } = require('./words.js');

const dispose = Symbol.dispose ?? Symbol.for('nodejs.dispose');

// The lines before the header fields.
const PASSED_LINES = 2;
const REFUSED_LINES = 4;

class Outcome {
  #native;
  #status;
  #text;
  #headLength;
  #waitLow = 0;
  #waitHigh = 0;
  // The addon's number for what a pass holds; 0 once it is given back, or if it holds nothing.
  #held;
  #lines = null;

  // Only a guard makes one, right after a call: the words still hold its answer.
  constructor(native, text) {
    this.#native = native;
    this.#text = text;
    this.#status = words[STATUS];
    this.#held = words[PERMIT];
    if (this.#status === 0) {
      this.#headLength = text.length;
    } else {
      this.#headLength = words[HEAD_LEN];
      this.#waitLow = words[WAIT];
      this.#waitHigh = words[WAIT + 1];
    }
  }

  get passes() {
    return this.#status === 0;
  }

  get status() {
    return this.passes ? null : this.#status;
  }

  get retryAfterNs() {
    if (this.#waitLow === -1 && this.#waitHigh === -1) {
      return null;
    }
    return (BigInt(this.#waitHigh >>> 0) << 32n) | BigInt(this.#waitLow >>> 0);
  }

  get retryAfterMs() {
    const wait = this.retryAfterNs;
    return wait === null ? null : Number((wait + 999_999n) / 1_000_000n);
  }

  get requestId() {
    return this.#line(0) || null;
  }

  get wouldRefuse() {
    const names = this.#line(1);
    return names === '' ? [] : names.split(',');
  }

  get rule() {
    return this.passes ? null : this.#line(2);
  }

  get contentType() {
    return this.passes ? null : this.#line(3);
  }

  get body() {
    return this.passes ? null : this.#text.slice(this.#headLength);
  }

  get headers() {
    const headers = {};
    this.eachField((name, value) => {
      headers[name] = value;
    });
    return headers;
  }

  get holdsPermits() {
    return this.#held !== 0;
  }

  eachField(visit) {
    const lines = this.#split();
    const end = lines.length - 1;
    for (let index = this.passes ? PASSED_LINES : REFUSED_LINES; index < end; index += 2) {
      visit(lines[index], lines[index + 1]);
    }
  }

  release() {
    const held = this.#held;
    if (held !== 0) {
      this.#held = 0;
      this.#native.giveBack(held);
    }
  }

  [dispose]() {
    this.release();
  }

  toJSON() {
    const { passes, status, rule, retryAfterMs, requestId, wouldRefuse, headers } = this;
    return { passes, status, rule, retryAfterMs, requestId, wouldRefuse, headers };
  }

  #line(index) {
    return this.#split()[index];
  }

  #split() {
    this.#lines ??= this.#text.slice(0, this.#headLength).split('\n');
    return this.#lines;
  }
}

module.exports = { Outcome };
