// Keys: what is the same key in every language, and what is none.

import assert from 'node:assert/strict';
import { test } from 'node:test';

import { Limiter } from 'ratecell';

const fresh = (rules = 'fixed 100/min') => new Limiter(rules, { clock: () => 0 });

// How often the key was taken before this.
const taken = (limiter, key) => 99 - limiter.acquire(key).remaining;

test('a string is its UTF-8, and bytes are themselves', () => {
  for (const text of ['', 'alice', 'größe', '鍵', '🔑', '\u0000', '\ufffd', 'x'.repeat(300)]) {
    const limiter = fresh();
    limiter.acquire(text);
    assert.equal(taken(limiter, Buffer.from(text, 'utf8')), 1, text);
    assert.equal(taken(limiter, new TextEncoder().encode(text)), 2, text);
    assert.equal(taken(limiter, limiter.key(text)), 3, text);
  }
});

test('an integer is eight bytes, the low one first', () => {
  for (const number of [0, -0, 1, 255, 256, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 53 - 1]) {
    const limiter = fresh();
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64LE(BigInt(number));
    limiter.acquire(number);
    assert.equal(taken(limiter, BigInt(number)), 1);
    assert.equal(taken(limiter, bytes), 2);
    assert.equal(taken(limiter, { key: number }), 3);
    assert.equal(taken(limiter, { key: BigInt(number) }), 4);
    assert.equal(taken(limiter, limiter.key(number)), 5);
    assert.equal(taken(limiter, String(number)), 0);
  }
  const limiter = fresh();
  const most = 2n ** 64n - 1n;
  limiter.acquire(most);
  assert.equal(taken(limiter, Buffer.alloc(8, 0xff)), 1);
});

test('strings of every length around the ends of short buffers are told apart', () => {
  const limiter = fresh();
  const seen = [];
  const lengths = [0, 60, 240].flatMap((first) => Array.from({ length: 24 }, (_, index) => first + index));
  for (const length of lengths) {
    for (const fill of ['x', 'ü', '鍵']) {
      seen.push(fill.repeat(length), `${fill.repeat(length)}y`, `y${fill.repeat(length)}`);
    }
  }
  const keys = new Set(seen);
  for (const key of keys) {
    assert.equal(taken(limiter, key), 0, `${key.length}`);
    assert.equal(taken(limiter, Buffer.from(key)), 1);
  }
});

test('a character is not taken for the one of its low byte', () => {
  // U+0141 and U+0161 end in the bytes of A and a; U+00E4 is one byte in Latin-1 and two in UTF-8.
  for (const [wide, narrow] of [
    ['\u0141', 'A'],
    ['\u0161', 'a'],
    ['\u00e4', Buffer.of(0xe4)],
  ]) {
    for (const rest of ['', 'x'.repeat(100)]) {
      const limiter = fresh();
      const key = typeof narrow === 'string' ? narrow + rest : Buffer.concat([narrow, Buffer.from(rest)]);
      limiter.acquire(wide + rest);
      assert.equal(taken(limiter, key), 0);
    }
  }
});

test('a string of a megabyte is a key, and its last character counts', () => {
  const limiter = fresh();
  const long = 'a'.repeat(1_000_000);
  assert.equal(taken(limiter, `${long}b`), 0);
  assert.equal(taken(limiter, `${long}c`), 0);
  assert.equal(taken(limiter, `${long}b`), 1);
});

test('a lone surrogate has no UTF-8 and is refused, wherever it stands', () => {
  const limiter = fresh();
  for (const key of ['\ud800', '\udc00', 'a\ud83d', '\udd11a', `${'x'.repeat(500)}\ud800`, '\udc00\ud800']) {
    assert.throws(() => limiter.acquire(key), /^TypeError: key has a lone surrogate.*accepted are/);
    assert.throws(() => limiter.acquire({ key }), /^TypeError: key.key has a lone surrogate/);
    assert.throws(() => limiter.key(key), TypeError);
  }
  assert.equal(limiter.acquire('\ufffd\ufffd').remaining, 99);
});

test('what is no key says what is accepted', () => {
  const limiter = fresh();
  const wrong = [-1, 0.5, 2 ** 53, Number.NaN, Infinity, -1n, 2n ** 64n];
  for (const key of wrong) {
    assert.throws(() => limiter.acquire(key), /^RangeError: key: found .*accepted are a string/);
    assert.throws(() => limiter.acquire({ key }), /^RangeError: key\.key: found .*accepted are/);
  }
  for (const key of [undefined, null, true, Symbol('x'), () => {}, ['a']]) {
    assert.throws(() => limiter.acquire(key), /^TypeError: key: found .*accepted are a string/);
  }
  for (const key of [null, true, {}, ['a'], new Float64Array(1), new DataView(new ArrayBuffer(1))]) {
    assert.throws(() => limiter.acquire({ key }), /^TypeError: key\.key: found .*accepted are/);
  }
  assert.throws(() => fresh('1/s by a; 1/s by b').acquire('alice'), /^TypeError: .*pairs of dimension/);
  assert.equal(limiter.stats()[0].keys, 0);
});

test('only an object’s own properties are keys', () => {
  const limiter = fresh('a: fixed 100/min by constructor; b: fixed 100/min by toString');
  assert.deepEqual(limiter.acquire({}).rules, []);
  assert.deepEqual(limiter.acquire(Object.create({ toString: 'x' })).rules, []);
  assert.equal(limiter.acquire({ constructor: 'x' }).rule, 'a');
  assert.equal(limiter.acquire(Object.assign(Object.create(null), { toString: 'x' })).rule, 'b');
  const parsed = JSON.parse('{"__proto__": {"constructor": "x"}, "key": "alice"}');
  assert.deepEqual(limiter.acquire(parsed).rules, []);
  assert.equal(fresh().acquire(parsed).remaining, 99);
  assert.equal(fresh().acquire('__proto__').remaining, 99);
});

test('a dimension is a name, so none is called __proto__', () => {
  assert.throws(() => fresh('5/min by __proto__'), SyntaxError);
});

test('frozen objects and options serve', () => {
  const limiter = fresh();
  assert.equal(limiter.acquire(Object.freeze({ key: 'alice' }), 1, Object.freeze({})).remaining, 99);
  const frozen = new Limiter('5/s', Object.freeze({ capacity: 10, clock: () => 0 }));
  assert.equal(frozen.acquire(Object.freeze(frozen.key('alice'))).remaining, 4);
});

test('bytes over shared memory are a key', () => {
  const limiter = fresh();
  const shared = new Uint8Array(new SharedArrayBuffer(5));
  shared.set(Buffer.from('alice'));
  limiter.acquire(shared);
  assert.equal(taken(limiter, 'alice'), 1);
  assert.equal(taken(limiter, { key: shared }), 2);
});

test('a view of bytes is the part it views', () => {
  const limiter = fresh();
  limiter.acquire(Buffer.from('xalicex').subarray(1, 6));
  assert.equal(taken(limiter, 'alice'), 1);
});

test('a handle is for its own limiter, alone or in a dimension', () => {
  const limiter = fresh('a: fixed 100/min by a; b: fixed 100/min by b');
  assert.throws(() => limiter.key({ a: 'x' }), TypeError);
  const single = fresh();
  const alice = single.key('alice');
  assert.equal(taken(single, { key: alice }), 0);
  assert.equal(taken(single, 'alice'), 1);
  assert.throws(() => fresh().acquire(alice), /^TypeError: key: found a handle of another limiter/);
  assert.throws(() => fresh().acquire({ key: alice }), TypeError);
});

test('an object that is no mapping is never taken for one without keys', () => {
  const others = [
    new String('alice'),
    new Map([['key', 'alice']]),
    Promise.resolve('alice'),
    new Uint16Array(2),
    new DataView(new ArrayBuffer(8)),
    new Date(0),
    ['alice'],
  ];
  for (const other of others) {
    assert.throws(() => fresh().acquire(other), /^TypeError: key: found an (object \(\w+\)|array), accepted/);
  }
  class Keys {
    key = 'alice';
  }
  const limiter = fresh('1/d');
  limiter.acquire(new Keys());
  assert.equal(limiter.acquire(Object.assign(Object.create(null), { key: 'alice' })).allowed, false);
});

test('bytes that were handed away are not the empty key', () => {
  const bytes = new TextEncoder().encode('alice');
  structuredClone(bytes.buffer, { transfer: [bytes.buffer] });
  assert.throws(() => fresh().acquire(bytes), /^TypeError: key: found bytes that were transferred/);
  assert.throws(
    () => fresh().acquire({ key: bytes }),
    /^TypeError: key.key: found bytes that were transferred/,
  );
  assert.equal(fresh().acquire(new Uint8Array(0)).allowed, true);
});

test('what is wrong with a cost is said of every type', () => {
  assert.throws(() => fresh().acquire('alice', 1n), /^TypeError: cost: found 1n, accepted are whole numbers/);
  assert.throws(() => fresh().acquire('alice', Symbol('1')), /^TypeError: cost: found a symbol/);
});
