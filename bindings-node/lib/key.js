// Keys: what a limit is counted by, put where the addon finds it.

const { describe, hasProperties } = require('./argument.js');
const { words, KEYS, KINDS, VALUES, VALUE_LEN, KeyKind } = require('./words.js');

const ACCEPTED =
  'accepted are a string, a Uint8Array, a whole number from 0 to 2^53 - 1, a bigint from 0 to ' +
  '2^64 - 1, a handle that key() of the same limiter gave';

// A key that was hashed once, for calls that come often. Made by `Limiter.key`.
class KeyHandle {
  #limiter;
  #places;

  constructor(limiter, places) {
    this.#limiter = limiter;
    this.#places = places;
  }

  // Tells the key from others of its limiter.
  get id() {
    return this.#places.join();
  }

  // One key without its dimension, on the hottest path of all.
  static putAlone(handle, limiter) {
    if (handle.#limiter !== limiter) {
      throw new TypeError('key: found a handle of another limiter; a handle is for the one that made it');
    }
    const places = handle.#places;
    words[KEYS] = 0;
    words[KINDS] = KeyKind.HASH;
    words[VALUES] = places[0];
    words[VALUES + 1] = places[1];
    words[VALUES + 2] = places[2];
    words[VALUES + 3] = places[3];
  }

  static put(handle, limiter, index) {
    if (handle.#limiter !== limiter) {
      throw new TypeError('key: found a handle of another limiter; a handle is for the one that made it');
    }
    words[KINDS + index] = KeyKind.HASH;
    words.set(handle.#places, VALUES + index * VALUE_LEN);
  }
}

// Checks a key that is no string, and makes of it what `put` takes: nothing of the caller's runs
// after this, so the words stay as `put` leaves them.
function readKey(name, value) {
  switch (typeof value) {
    case 'string':
      return value;
    case 'number':
      if (!Number.isSafeInteger(value) || value < 0) {
        throw new RangeError(`${name}: found ${describe(value)}, ${ACCEPTED}`);
      }
      return value;
    case 'bigint':
      if (value < 0n || value >= 1n << 64n) {
        throw new RangeError(`${name}: found ${describe(value)}, ${ACCEPTED}`);
      }
      return value;
    case 'object':
      if (value instanceof KeyHandle) {
        return value;
      }
      if (value instanceof Uint8Array) {
        if (value.length === 0 && isDetached(value)) {
          throw new TypeError(`${name}: found bytes that were transferred, ${ACCEPTED}`);
        }
        // Another thread could write shared bytes while they are read; a slice is not shared.
        const isShared =
          typeof SharedArrayBuffer !== 'undefined' && value.buffer instanceof SharedArrayBuffer;
        return isShared ? Uint8Array.prototype.slice.call(value) : value;
      }
  }
  throw new TypeError(`${name}: found ${describe(value)}, ${ACCEPTED}`);
}

// Whether the memory of bytes was transferred: they have no length then, as those of an empty key.
function isDetached(bytes) {
  try {
    bytes.values();
    return false;
  } catch {
    return true;
  }
}

// Puts a key in its place; what it gives is the argument for the addon, if it is one.
function putKey(value, limiter, index) {
  switch (typeof value) {
    case 'undefined':
      words[KINDS + index] = KeyKind.ABSENT;
      return undefined;
    case 'number': {
      const place = VALUES + index * VALUE_LEN;
      words[KINDS + index] = KeyKind.INTEGER;
      words[place] = value % 2 ** 32;
      words[place + 1] = value / 2 ** 32;
      return undefined;
    }
    case 'bigint': {
      const place = VALUES + index * VALUE_LEN;
      words[KINDS + index] = KeyKind.INTEGER;
      words[place] = Number(value & 0xffff_ffffn);
      words[place + 1] = Number(value >> 32n);
      return undefined;
    }
    case 'object':
      if (value instanceof KeyHandle) {
        KeyHandle.put(value, limiter, index);
        return undefined;
      }
  }
  words[KINDS + index] = KeyKind.ARGUMENT;
  return value;
}

// The keys of an object by dimension, in the order of the plan's dimensions; undefined where the
// object has none of its own.
function readKeys(value, dimensions) {
  if (!hasProperties(value)) {
    throw new TypeError(`key: found ${describe(value)}, ${ACCEPTED}, or an object of those by dimension`);
  }
  const keys = new Array(dimensions.length);
  for (let index = 0; index < dimensions.length; index += 1) {
    const dimension = dimensions[index];
    // Own properties only: an object without a key `constructor` still has one to read.
    const key = Object.hasOwn(value, dimension) ? value[dimension] : undefined;
    keys[index] = key === undefined ? undefined : readKey(`key.${dimension}`, key);
  }
  return keys;
}

// Whether a value is a key by itself and not an object of keys by dimension.
function isAlone(value) {
  return typeof value !== 'object' || value instanceof Uint8Array || value instanceof KeyHandle;
}

module.exports = { KeyHandle, isAlone, readKey, readKeys, putKey };
