// What a guard makes of a request, where JavaScript's ways of giving one differ from HTTP's.

import assert from 'node:assert/strict';
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
