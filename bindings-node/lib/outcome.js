// What becomes of a request: it passes, or it is refused with a response that is ready to send.
//
// It keeps the one text that the addon gives and takes it apart when somebody looks. The text has a
// line for each field's value, one for the request's id, one for the dry-run rules that would have
// refused, and then the body. All else is the same for many outcomes and stands in their shape.

const { words, PERMIT, HEAD_LEN, WAIT } = require('./words.js');

const dispose = Symbol.dispose ?? Symbol.for('nodejs.dispose');

// What some outcomes of a guard have in common, made of what the addon says of it.
class Shape {
  constructor({ status, rule, contentType, names }) {
    this.status = status ?? null;
    this.rule = rule ?? null;
    this.contentType = contentType ?? null;
    this.names = names;
    this.lowerNames = names.map((name) => name.toLowerCase());
  }
}

class Outcome {
  #native;
  #shape;
  #text;
  #headLength = words[HEAD_LEN];
  #waitLow = words[WAIT];
  #waitHigh = words[WAIT + 1];
  // The addon's number for what a pass holds; 0 once it is given back, or if it holds nothing.
  #held = words[PERMIT];

  // Only a guard makes one, right after a call: the words still hold its answer.
  constructor(native, shape, text) {
    this.#native = native;
    this.#shape = shape;
    this.#text = text;
  }

  get passes() {
    return this.#shape.status === null;
  }

  get status() {
    return this.#shape.status;
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
    return this.#lineAfterFields(0) || null;
  }

  get wouldRefuse() {
    const names = this.#lineAfterFields(1);
    return names === '' ? [] : names.split(',');
  }

  get rule() {
    return this.#shape.rule;
  }

  get contentType() {
    return this.#shape.contentType;
  }

  get body() {
    return this.passes ? null : this.#text.slice(this.#headLength);
  }

  get headers() {
    const headers = {};
    this.#each(this.#shape.names, setProperty, headers);
    return headers;
  }

  get holdsPermits() {
    return this.#held !== 0;
  }

  eachField(visit) {
    this.#each(this.#shape.names, callWithField, visit);
  }

  // For the frameworks, in this package only: gives each field to `set`, together with `response`,
  // by the name as published or in lower case. Without a function made for each request.
  static setFields(outcome, set, response) {
    outcome.#each(outcome.#shape.names, set, response);
  }

  static setLowerFields(outcome, set, response) {
    outcome.#each(outcome.#shape.lowerNames, set, response);
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

  // A line holds no line break: values are visible ASCII and spaces, ids and names plainer still.
  #each(names, set, subject) {
    let start = 0;
    for (let index = 0; index < names.length; index += 1) {
      const end = this.#text.indexOf('\n', start);
      set(subject, names[index], this.#text.slice(start, end));
      start = end + 1;
    }
  }

  #lineAfterFields(index) {
    let start = 0;
    for (let line = this.#shape.names.length + index; line > 0; line -= 1) {
      start = this.#text.indexOf('\n', start) + 1;
    }
    return this.#text.slice(start, this.#text.indexOf('\n', start));
  }
}

function setProperty(headers, name, value) {
  headers[name] = value;
}

function callWithField(visit, name, value) {
  visit(name, value);
}

module.exports = { Outcome, Shape };
