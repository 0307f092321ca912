// A guard by itself: what it makes of requests, where JavaScript's ways of giving one differ from HTTP's,
// what it says of bad ones, and contract files.

import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';

import { Guard } from 'ratecell';

const limitBy = (by, options) =>
  new Guard({ rules: [{ name: 'one', limit: 'fixed 1/h', by }] }, { clock: () => 0, ...options });

// Whether a request with these fields passes, by a guard that lets each key pass once.
const passes = (guard, rawHeaders, peer) =>
  guard.admitRaw({ method: 'GET', path: '/', peer, rawHeaders }).passes;

test('however often a field comes, two different values share one bucket', () => {
  const bearer = limitBy('bearer');
  const authorization = (...values) => values.flatMap((value) => ['Authorization', value]);
  assert.equal(passes(bearer, authorization('Basic x', 'Bearer a', 'Bearer b')), true);
  assert.equal(passes(bearer, authorization('Bearer a', 'bearer a', 'Bearer c')), false);
  assert.equal(passes(bearer, authorization('Bearer a')), true);
  const key = limitBy('header:x-api-key');
  const fields = (...values) => values.flatMap((value) => ['X-Api-Key', value]);
  assert.equal(passes(key, fields('', 'a', 'b')), true);
  assert.equal(passes(key, fields('a', 'a', 'a', ' ', 'c')), false);
  assert.equal(passes(key, fields(' a', 'a')), true);
});

test('a field that comes more often than a call has arguments is read to its end', () => {
  const key = limitBy('header:x-api-key');
  const many = Array.from({ length: 1_000 }, () => ['X-Api-Key', 'a']).flat();
  assert.equal(passes(key, many), true);
  assert.equal(passes(key, [...many, 'x-api-key', 'b']), true);
  assert.equal(passes(key, ['x-api-key', 'c', 'x-api-key', 'd']), false);
});

test('a malformed line of a forwarding field spoils no other line', () => {
  const guard = limitBy('ip', { trustedProxies: ['10.0.0.0/8'] });
  const forwarded = (...values) => values.flatMap((value) => ['Forwarded', value]);
  assert.equal(passes(guard, forwarded('for="', 'for=192.0.2.1'), '10.0.0.1'), true);
  assert.equal(passes(guard, forwarded('for=192.0.2.1'), '10.0.0.1'), false);
  assert.equal(passes(guard, [], '10.0.0.1'), true);
});

test('the first good id of a request counts, wherever it stands', () => {
  const guard = new Guard({
    rules: [{ name: 'one', limit: '1/h', by: 'ip' }],
    response: { always: { 'Request-Id': '{request_id}' } },
    requestId: { header: 'x-request-id' },
  });
  const rawHeaders = ['bad id', 'worse id', 'good', 'late'].flatMap((id) => ['X-Request-Id', id]);
  assert.equal(guard.admitRaw({ method: 'GET', path: '/', rawHeaders }).requestId, 'good');
});

test('a text in digits is no number, as in every other language', () => {
  const guard = limitBy('ip');
  const ask = (one) => () => guard.admit({ method: 'GET', path: '/', limits: { one } });
  for (const text of ['5', '+5', '007', '']) {
    assert.throws(ask(text), /^RangeError: limits: for the rule `one`: at byte \d/, text);
  }
  assert.equal(ask(5)().passes, true);
  assert.equal(ask('fixed 5/h')().passes, true);
});

test('an object says of refusals all that a file says', () => {
  const refused = { headers: { 'X-Reason': '{rule.name} by {rule.message}' } };
  const guard = new Guard({
    rules: [
      { name: 'first', limit: 'fixed 1/h', by: 'ip', message: 'one', refused },
      { name: 'second', limit: 'fixed 1/h', by: 'value:user', message: 'two' },
    ],
    response: { refused: { body: '"\x7f{limit}"', headers: { 'X-Reason': 'none' } } },
  });
  const ask = (request) => guard.admit({ method: 'GET', path: '/', ...request });
  assert.equal(ask({ peer: '192.0.2.1', values: { user: 'a' } }).passes, true);
  const first = ask({ peer: '192.0.2.1' });
  assert.deepEqual([first.body, first.headers['X-Reason']], ['"\x7f1"', 'first by one']);
  assert.equal(ask({ peer: '192.0.2.2', values: { user: 'a' } }).headers['X-Reason'], 'none');
  const wrong = { rules: [], response: { refused: { headers: { 'X-Reason': 5 } } } };
  assert.throws(() => new Guard(wrong), /^SyntaxError: /);
  const list = { rules: [], response: { refused: { headers: ['X-Reason'] } } };
  assert.throws(() => new Guard(list), /^TypeError: contract.response.refused.headers: found an array/);
});

test('a contract with half of a character is none, and is not read as another', () => {
  const rule = '[[rule]]\nname = "one"\nlimit = "1/h"\nby = "ip"\n';
  assert.throws(() => new Guard(`name = "a\ud800"\n${rule}`), /^SyntaxError: contract: found a lone surr/);
  assert.equal(new Guard(`name = "a\u{1f600}"\n${rule}`).name, 'a\u{1f600}');
});

test('each request counts by its own address, also after one that made no sense', () => {
  const rules = [{ name: 'ip', limit: 'fixed 3/h', by: 'ip' }];
  const guard = new Guard({ rules }, { clock: () => 0 });
  const ask = (peer, others) => guard.admit({ method: 'GET', path: '/', peer, ...others });
  const passes = (...peers) => peers.map((peer) => ask(peer).passes);
  assert.deepEqual(passes('192.0.2.1', '192.0.2.1', '192.0.2.2'), [true, true, true]);
  assert.throws(() => ask('192.0.2.3', { limits: { ip: 'nonsense' } }), RangeError);
  assert.deepEqual(passes('192.0.2.2', '192.0.2.2', '192.0.2.2'), [true, true, false]);
  assert.throws(() => ask('nonsense'), /^RangeError: peer: found `nonsense`/);
  assert.throws(() => ask('nonsense'), /^RangeError: peer: found `nonsense`/);
  assert.deepEqual(passes('192.0.2.1', '192.0.2.1', '192.0.2.3'), [true, false, true]);
  // None at all is a client of its own.
  assert.deepEqual(passes('', '', '192.0.2.3', ''), [true, true, true, true]);
  assert.deepEqual(passes('', '192.0.2.3', '192.0.2.3'), [false, true, false]);
});

test('what is wrong with a request is said, whether or not the contract looks at it', () => {
  const contracts = [
    { rules: [{ name: 'user', limit: '5/h', by: 'value:user' }] },
    { rules: [{ name: 'ip', limit: '5/h', by: 'ip', paths: ['/v1/**'], methods: ['GET'] }] },
  ];
  for (const contract of contracts) {
    const guard = new Guard(contract);
    const ask = (request) => () => guard.admit({ method: 'GET', path: '/', ...request });
    assert.throws(ask({ peer: 'nonsense' }), /^RangeError: peer: found `nonsense`/);
    assert.throws(ask({ peer: 5 }), /^TypeError: peer: found 5, accepted is a string/);
    assert.throws(ask({ path: '/\ud800' }), /^TypeError: path has a lone surrogate/);
    assert.throws(ask({ method: '\ud800' }), /^TypeError: method has a lone surrogate/);
    assert.throws(ask({ stage: 'toString' }), /^RangeError: stage: found "toString", accepted are/);
  }
});

test('a request of another shape is told, and not let by without its keys', () => {
  const guard = new Guard({
    rules: [
      { name: 'key', limit: '5/h', by: 'header:x-api-key' },
      { name: 'user', limit: '5/h', by: 'value:user' },
    ],
  });
  const ask = (request) => () => guard.admit({ method: 'GET', path: '/', ...request });
  assert.throws(ask({ headers: ['x-api-key', 'a'] }), /^TypeError: headers: found an array, accepted/);
  assert.throws(ask({ headers: Promise.resolve({}) }), /^TypeError: headers: found an object \(Promise\)/);
  assert.throws(ask({ values: Promise.resolve({ user: 'a' }) }), /^TypeError: values: found an object \(P/);
  assert.throws(ask({ values: new Map([['user', 'a']]) }), /^TypeError: values: found an object \(Map\)/);
  assert.throws(ask({ limits: new Map([['user', 5]]) }), /^TypeError: limits: found an object \(Map\)/);
  assert.throws(ask({ cost: 1n }), /^TypeError: cost: found 1n, accepted are whole numbers/);
  const raw = (request) => () => guard.admitRaw({ method: 'GET', path: '/', ...request });
  assert.throws(raw({}), /^TypeError: rawHeaders: found undefined, accepted is an array/);
  assert.throws(raw({ rawHeaders: [], headers: {} }), /^TypeError: request: found the option "headers"/);
  const rules = [undefined];
  assert.throws(() => new Guard({ rules }), /^TypeError: contract.rules\[0\]: found undefined, accepted/);
  const always = new Map([['Via', 'ratecell']]);
  assert.throws(() => new Guard({ rules: [], response: { always } }), /^TypeError: contract.response.always/);
});

test('the four published contracts are served in Node', () => {
  const answers = [
    ['peeker', { authorization: 'Bearer pk_live_1' }, 600, { 'Peeker-Request-Id': /^\w/ }],
    [
      'productlane',
      { authorization: 'Bearer a' },
      20,
      { 'X-RateLimit-Limit': /^60$/, 'Retry-After': /^\d+$/ },
    ],
    ['prefetch', { 'x-api-key': 'a' }, 300, {}],
    [
      'prolifi',
      { authorization: 'Bearer a' },
      1_000,
      { 'X-RateLimit-Limit': /^1000$/, 'Retry-After': /^\d+$/ },
    ],
  ];
  for (const [name, headers, limit, fields] of answers) {
    const file = new URL(`../../contracts/${name}.toml`, import.meta.url);
    const guard = Guard.load(file, { clock: () => 1_790_000_000_000_000_000n });
    const ask = () => guard.admit({ method: 'POST', path: '/v1/items', peer: '192.0.2.1', headers });
    for (let call = 0; call < limit; call += 1) {
      const outcome = ask();
      assert.equal(outcome.passes, true, `${name}: ${call}`);
      outcome.release();
    }
    const refused = ask();
    assert.equal(refused.status, 429, name);
    JSON.parse(refused.body);
    for (const [field, value] of Object.entries(fields)) {
      assert.match(refused.headers[field], value, `${name}: ${field}`);
    }
  }
});

test('a contract file that is missing, wrong or too long is named', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ratecell-'));
  try {
    const file = join(folder, 'contract.toml');
    assert.throws(() => Guard.load(file), { code: 'ENOENT', path: file });
    const fails = (bytes, name, expected) => {
      writeFileSync(file, bytes);
      assert.throws(() => Guard.load(file), { name, message: `${file}${expected}` });
    };
    fails(Buffer.from([0xff]), 'SyntaxError', ':1:1: the contract: found the byte 0xff, expected UTF-8');
    const sizes = 'found 1048577 bytes, accepted are at most 1048576 (1 MiB)';
    fails('#'.repeat(2 ** 20 + 1), 'RangeError', `: ${sizes}`);
  } finally {
    rmSync(folder, { recursive: true });
  }
  assert.throws(() => new Guard(null), TypeError);
});
