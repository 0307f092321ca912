// A guard: holds requests to a contract.

const { accessSync, constants } = require('node:fs');
const { fileURLToPath } = require('node:url');

const native = require('./addon.js');
const { checkOptions, describe, hasProperties, rangeErrorOf, wholeNumber } = require('./argument.js');
const { contractText } = require('./contract-text.js');
const { Outcome, Shape } = require('./outcome.js');
const { clockOf, readClock } = require('./time.js');
const { words, COST, NOW, STAGE, READ_ALL, SAME_PEER, GIVEN, NAMES, SHAPE } = require('./words.js');

const DEFAULT_CAPACITY = 65_536;
const MAX_U32 = 2 ** 32 - 1;
const STAGES = { 'before-auth': 0, 'after-auth': 1, whole: 2 };
const GUARD_OPTIONS = ['capacity', 'whenFull', 'clock', 'trustedProxies', 'forwardedField'];
const REQUEST_FIELDS = ['method', 'path', 'peer', 'headers', 'values', 'limits', 'cost', 'stage'];
const RAW_REQUEST_FIELDS = REQUEST_FIELDS.map((field) => (field === 'headers' ? 'rawHeaders' : field));
// Stands between the lines of a field that came several times: NEXT_LINE of src/bound_guard.rs.
const NEXT_LINE = '\uffff';
// The arguments that the addon takes: MAX_ARGUMENTS of src/bound_guard.rs.
const MOST_ARGUMENTS = 48;

class Guard {
  #native;
  #call;
  #clock;
  // The addon's number for each header field, value and rule that a request may bring. A rule's is for
  // another number in its limit; with as many as there are rules added, for a text in its place.
  #headers;
  #values;
  #rules;
  // Whether a header field's name of this length may be one of them.
  #headerLengths = [];
  #looksAtPeer;
  // The address that the addon read last; null for none.
  #lastPeer = null;
  // What the addon's outcomes have in common, by its number for that.
  #shapes = [];

  // With `file`, which only `load` gives, the addon reads the contract from there.
  constructor(contract, options, file = null) {
    const text = file !== null || typeof contract === 'string' ? contract : contractText(contract);
    if (file === null && /\p{Surrogate}/u.test(text)) {
      throw new SyntaxError('contract: found a lone surrogate, which has no UTF-8, as all of TOML is');
    }
    const {
      capacity = DEFAULT_CAPACITY,
      whenFull = 'deny',
      clock,
      trustedProxies = [],
      forwardedField = 'either',
    } = checkOptions('options', options, GUARD_OPTIONS);
    wholeNumber('options.capacity', capacity, 1, Number.MAX_SAFE_INTEGER);
    if (whenFull !== 'deny' && whenFull !== 'allow') {
      throw new RangeError(`options.whenFull: found ${describe(whenFull)}, accepted are 'deny' and 'allow'`);
    }
    if (!Array.isArray(trustedProxies) || !trustedProxies.every((one) => typeof one === 'string')) {
      throw new TypeError(
        `options.trustedProxies: found ${describe(trustedProxies)}, accepted is an array of ` +
          "addresses and networks such as '10.0.0.0/8', and 'unix:'",
      );
    }
    this.#clock = clockOf(clock);
    const allow = whenFull === 'allow';
    const given = this.#clock !== null;
    const field = String(forwardedField);
    this.#native = rangeErrorOf(
      () => new native.NativeGuard(text, file, capacity, allow, trustedProxies, field, given),
    );
    this.#call = this.#native.bind(words);
    this.#looksAtPeer = this.#native.looksAtPeer();
    let number = 0;
    const numbered = (names) => new Map(names.map((name) => [name, number++]));
    this.#headers = numbered(this.#native.headerNames());
    for (const name of this.#headers.keys()) {
      this.#headerLengths[name.length] = true;
    }
    this.#values = numbered(this.#native.valueNames());
    this.#rules = numbered(this.#native.ruleNames());
  }

  static load(file, options) {
    const path = file instanceof URL ? fileURLToPath(file) : file;
    if (typeof path !== 'string') {
      throw new TypeError(`file: found ${describe(file)}, accepted are a path and a file URL`);
    }
    // Node's error of a file that is not there or cannot be read has the code that its users look at.
    accessSync(path, constants.R_OK);
    return new Guard(null, options, path);
  }

  get name() {
    return this.#native.contractName();
  }

  get headerNames() {
    return [...this.#headers.keys()];
  }

  admit(request) {
    const { stage, method, path, peer, cost, headers, values, limits } = checkOptions(
      'request',
      request,
      REQUEST_FIELDS,
    );
    const rawHeaders = headers === undefined ? [] : rawOf(headers);
    return this.#admit(stageNumber(stage), true, method, path, peer, cost, rawHeaders, values, limits);
  }

  // As `admit`, for frameworks: the header fields come as Node's `rawHeaders`, in which name and value
  // take turns.
  admitRaw(request) {
    const { stage, method, path, peer, cost, rawHeaders, values, limits } = checkOptions(
      'request',
      request,
      RAW_REQUEST_FIELDS,
    );
    if (!Array.isArray(rawHeaders)) {
      throw new TypeError(`rawHeaders: found ${describe(rawHeaders)}, accepted is an array of strings`);
    }
    return this.#admit(stageNumber(stage), true, method, path, peer, cost, rawHeaders, values, limits);
  }

  // For the frameworks, in this package only, whose requests an HTTP parser has read: as `admitRaw`
  // of a message of Node's, with a number of `stageNumber`. Of its method, path and address it reads
  // what the contract looks at.
  static admitMessage(guard, stage, message, path, cost, values, limits) {
    const peer = guard.#looksAtPeer ? (message.socket?.remoteAddress ?? '') : '';
    return guard.#admit(stage, false, message.method, path, peer, cost, message.rawHeaders, values, limits);
  }

  #admit(stage, readsAll, method, path, peer = '', cost = 1, rawHeaders, values, limits) {
    checkString('method', method);
    checkString('path', path);
    checkString('peer', peer);
    if (typeof cost !== 'number' || cost >>> 0 !== cost) {
      wholeNumber('cost', cost, 0, MAX_U32);
    }
    const numbers = [];
    const given = [method, path, peer];
    if (this.#headers.size > 0) {
      this.#giveHeaders(rawHeaders, numbers, given);
    }
    if (values !== undefined) {
      this.#giveValues(values, numbers, given);
    }
    if (limits !== undefined) {
      this.#giveLimits(limits, numbers, given);
    }
    if (given.length > MOST_ARGUMENTS) {
      throw new RangeError(
        `request: found ${given.length} header fields, values and limits that the contract asks for, ` +
          `accepted are ${MOST_ARGUMENTS}`,
      );
    }
    const now = this.#clock === null ? null : readClock(this.#clock);
    // From here to the outcome nothing of the caller's runs.
    words[STAGE] = stage;
    words[READ_ALL] = readsAll ? 1 : 0;
    words[SAME_PEER] = peer === this.#lastPeer ? 1 : 0;
    // Unknown if the call throws: the addon may have read this one or not.
    this.#lastPeer = null;
    words[COST] = cost;
    if (now !== null) {
      words[NOW] = Number(now & 0xffff_ffffn);
      words[NOW + 1] = Number(now >> 32n);
    }
    words[GIVEN] = numbers.length;
    for (let index = 0; index < numbers.length; index += 1) {
      words[NAMES + index] = numbers[index];
    }
    const text = Reflect.apply(this.#call, undefined, given);
    if (readsAll || this.#looksAtPeer) {
      this.#lastPeer = peer;
    }
    const number = words[SHAPE];
    if (number >= this.#shapes.length) {
      this.#shapes[number] = new Shape(this.#native.shape(number));
    }
    return new Outcome(this.#native, this.#shapes[number], text);
  }

  stats() {
    return this.#native.stats().map(({ table, ...counted }) => ({ ...table, ...counted }));
  }

  // All lines of a field are one argument, so that a client who repeats one cannot run out of them.
  #giveHeaders(rawHeaders, numbers, given) {
    for (let index = 0; index < rawHeaders.length; index += 2) {
      // Nearly all are of other lengths, and one comparison is less than a new string.
      if (this.#headerLengths[rawHeaders[index].length] !== true) {
        continue;
      }
      const name = rawHeaders[index].toLowerCase();
      const number = this.#headers.get(name);
      if (number === undefined) {
        continue;
      }
      const value = rawHeaders[index + 1];
      const earlier = numbers.indexOf(number);
      if (earlier === -1) {
        numbers.push(number);
        given.push(value);
      } else {
        given[earlier + 3] += NEXT_LINE + value;
      }
    }
  }

  #giveValues(values, numbers, given) {
    if (!hasProperties(values)) {
      throw new TypeError(`values: found ${describe(values)}, accepted is an object by name`);
    }
    for (const [name, number] of this.#values) {
      const value = Object.hasOwn(values, name) ? values[name] : undefined;
      if (value !== undefined && value !== null) {
        numbers.push(number);
        given.push(valueBytes(`values.${name}`, value));
      }
    }
  }

  #giveLimits(limits, numbers, given) {
    if (!hasProperties(limits)) {
      throw new TypeError(`limits: found ${describe(limits)}, accepted is an object by rule`);
    }
    for (const [rule, limit] of Object.entries(limits)) {
      if (limit === undefined || limit === null) {
        continue;
      }
      const number = this.#rules.get(rule);
      if (number === undefined) {
        throw new RangeError(
          `limits: found one for the rule ${describe(rule)}, accepted are ${[...this.#rules.keys()].join(', ')}`,
        );
      }
      const isText = typeof limit === 'string';
      if (!isText) {
        wholeNumber(`limits.${rule}`, limit, 1, MAX_U32);
      }
      numbers.push(isText ? number + this.#rules.size : number);
      given.push(String(limit));
    }
  }
}

// The addon's number for a stage.
function stageNumber(stage = 'whole') {
  if (!Object.hasOwn(STAGES, stage)) {
    throw new RangeError(`stage: found ${describe(stage)}, accepted are ${Object.keys(STAGES).join(', ')}`);
  }
  return STAGES[stage];
}

function checkString(name, value) {
  if (typeof value !== 'string') {
    throw new TypeError(`${name}: found ${describe(value)}, accepted is a string`);
  }
}

// Header fields as a list: of an object by name, each value a string or an array of them, or of a web
// `Headers`.
function rawOf(headers) {
  const isList = !Array.isArray(headers) && typeof headers?.entries === 'function';
  if (!isList && !hasProperties(headers)) {
    throw new TypeError(`headers: found ${describe(headers)}, accepted are an object by name and Headers`);
  }
  const pairs = isList ? headers.entries() : Object.entries(headers);
  const raw = [];
  for (const [name, value] of pairs) {
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one === 'string') {
        raw.push(name, one);
      } else if (one !== undefined) {
        throw new TypeError(`headers.${name}: found ${describe(one)}, accepted is a string`);
      }
    }
  }
  return raw;
}

// A key that the service works out, as bytes that are the same in every language: a string is its
// UTF-8, an integer eight bytes, the low one first.
function valueBytes(name, value) {
  if (typeof value === 'string') {
    return value;
  }
  if (value instanceof Uint8Array) {
    return Uint8Array.prototype.slice.call(value);
  }
  const isWhole = typeof value === 'bigint' || Number.isSafeInteger(value);
  if (!isWhole || value < 0 || value >= 2n ** 64n) {
    throw new RangeError(
      `${name}: found ${describe(value)}, accepted are a string, a Uint8Array, a whole number from 0 to ` +
        '2^53 - 1 and a bigint from 0 to 2^64 - 1',
    );
  }
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value), true);
  return bytes;
}

module.exports = { Guard, stageNumber };
