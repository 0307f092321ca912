// Every call of a limiter, and every argument that makes no sense. Clocks are injected.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { test } from 'node:test';
import { inspect } from 'node:util';

import { Decision, Guard, Limiter, Permit } from 'ratecell';

const PLAN = 'ip: fixed 300/min by ip; key: sliding 600/min by key; inflight: concurrency 8 by key';

function atZero(rules, options) {
  const time = { ns: 0n };
  return { time, limiter: new Limiter(rules, { clock: () => time.ns, ...options }) };
}

test('several limits are one decision, and the tightest speaks', () => {
  const { limiter } = atZero(PLAN);
  const decision = limiter.acquire({ ip: 'a', key: 'alice' }, 2);
  assert.ok(decision instanceof Decision);
  assert.equal(decision.allowed, true);
  assert.deepEqual(
    [decision.verdict, decision.rule, decision.limit, decision.remaining],
    ['allow', 'inflight', 8, 6],
  );
  assert.deepEqual([decision.retryAfterNs, decision.retryAfterMs], [0n, 0]);
  assert.deepEqual([decision.resetAfterNs, decision.resetAfterMs], [null, null]);
  assert.deepEqual(
    decision.rules.map((rule) => [rule.rule, rule.remaining]),
    [
      ['ip', 298],
      ['key', 598],
      ['inflight', 6],
    ],
  );
  assert.equal(String(decision), 'inflight: allowed: 6 of 8 left');
});

test('a refusal is a value, and a refused plan charges nothing', () => {
  const { limiter } = atZero(PLAN);
  const keys = { ip: 'a', key: 'alice' };
  const before = limiter.peek(keys).rules.map((rule) => rule.remaining);
  const refused = limiter.acquire(keys, 9);
  assert.deepEqual([refused.allowed, refused.verdict, refused.retryAfterMs], [false, 'never', null]);
  assert.deepEqual(
    limiter.peek(keys).rules.map((rule) => rule.remaining),
    before,
  );
});

test('a wait in milliseconds is rounded up, and obeying it works', () => {
  const { limiter, time } = atZero('3/s burst 1');
  limiter.acquire('alice');
  const refused = limiter.acquire('alice');
  assert.equal(refused.retryAfterNs, 333_333_334n);
  assert.equal(refused.retryAfterMs, 334);
  time.ns = 333_333_333n;
  assert.equal(limiter.peek('alice').allowed, false);
  time.ns = 333_333_334n;
  assert.equal(limiter.peek('alice').allowed, true);
});

test('periods of 366 days are exact to the nanosecond', () => {
  const { limiter, time } = atZero('fixed 1/366d');
  time.ns = 1n;
  limiter.acquire('alice');
  const refused = limiter.acquire('alice');
  assert.equal(refused.retryAfterNs, 31_622_400_000_000_000n - 1n);
  assert.equal(refused.retryAfterMs, 31_622_400_000);
  time.ns = 31_622_400_000_000_000n - 1n;
  assert.deepEqual([limiter.peek('alice').allowed, limiter.peek('alice').retryAfterMs], [false, 1]);
});

test('a kept decision does not change with later calls', () => {
  const { limiter } = atZero(PLAN);
  const kept = limiter.acquire({ ip: 'a', key: 'alice' });
  const fields = kept.headers(['x-ratelimit', 'x-concurrency']);
  for (let call = 0; call < 20; call += 1) {
    limiter.acquire({ ip: 'b', key: 'bob' });
    new Limiter('5/s').acquire('c');
  }
  assert.equal(kept.remaining, 7);
  assert.deepEqual(
    kept.rules.map((rule) => rule.remaining),
    [299, 599, 7],
  );
  assert.deepEqual(kept.headers(['x-ratelimit', 'x-concurrency']), fields);
});

test('permits come back by release, by Symbol.dispose, and never twice', () => {
  const { limiter } = atZero(PLAN);
  const permit = limiter.hold('alice', 8);
  assert.ok(permit instanceof Permit && permit.allowed);
  assert.equal(limiter.hold('alice').allowed, false);
  permit.release();
  permit.release();
  const again = limiter.hold('alice', 8);
  assert.equal(again.allowed, true);
  again[Symbol.dispose ?? Symbol.for('nodejs.dispose')]();
  assert.equal(limiter.acquire('alice', 8).allowed, true);
  limiter.release('alice', 8);
  assert.throws(() => limiter.release('alice', 1), RangeError);
});

test('a permit given back twice gives back nobody else’s', () => {
  const { limiter } = atZero(PLAN);
  const permit = limiter.hold('alice', 8);
  permit.release();
  // The addon gives the number of the first to the second.
  const other = limiter.hold('alice', 8);
  permit.release();
  assert.equal(limiter.hold('alice').allowed, false);
  other.release();
  assert.equal(limiter.acquire('alice', 8).allowed, true);

  const guard = new Guard({ rules: [{ name: 'inflight', limit: 'concurrency 1', by: 'ip' }] });
  const request = { method: 'GET', path: '/', peer: '192.0.2.1' };
  const pass = guard.admit(request);
  pass.release();
  assert.equal(pass.holdsPermits, false);
  const next = guard.admit(request);
  pass.release();
  assert.equal(guard.admit(request).passes, false);
  next.release();
  assert.equal(guard.admit(request).passes, true);
});

test('a customer’s own cap stands in for one call', () => {
  const { limiter } = atZero('sliding 10/min');
  assert.equal(limiter.acquire('alice', 10).allowed, true);
  assert.equal(limiter.acquire('alice').allowed, false);
  const raised = { rules: 'sliding 15/min' };
  assert.equal(limiter.acquire('alice', 1, raised).remaining, 4);
  assert.equal(limiter.peek('alice', 0, raised).remaining, 4);
  assert.equal(limiter.hold('alice', 1, raised).remaining, 3);
  assert.throws(() => limiter.acquire('alice', 1, { rules: 'fixed 15/min' }), RangeError);
  assert.throws(() => limiter.acquire('alice', 1, { rules: '15/fortnight' }), SyntaxError);
  assert.throws(() => limiter.acquire('alice', 1, { rule: 'sliding 15/min' }), /option "rule"/);
  for (let limit = 11; limit < 3_000; limit += 1) {
    limiter.peek('alice', 1, { rules: `sliding ${limit}/min` });
  }
  assert.equal(limiter.peek('alice', 0, raised).remaining, 3);
});

test('a reset forgets what a key has used', () => {
  const { limiter } = atZero('fixed 5/min');
  limiter.acquire('alice', 5);
  limiter.reset('alice');
  assert.equal(limiter.acquire('alice', 5).allowed, true);
});

test('stats count what is rare, for each rule', () => {
  const { limiter } = atZero('a: 1/d by a; b: 1/d by b', { capacity: 1 });
  for (let key = 0; key < 1_000; key += 1) {
    limiter.acquire({ a: key });
  }
  const [a, b] = limiter.stats();
  assert.equal(a.rule, 'a');
  assert.equal(a.keys, a.slots);
  assert.equal(a.fullDenied, 1_000 - a.slots);
  assert.deepEqual([b.keys, b.fullDenied], [0, 0]);
  const full = limiter.acquire({ a: 'one more' });
  assert.deepEqual([full.verdict, full.allowed], ['full', false]);
  const open = atZero('1/d', { capacity: 1, whenFull: 'allow' }).limiter;
  for (let key = 0; key < 1_000; key += 1) {
    assert.equal(open.acquire(key).allowed, true);
  }
  assert.ok(open.stats()[0].fullAllowed > 0);
});

test('a rule whose dimension is absent is skipped, and with none left the call is allowed', () => {
  const { limiter } = atZero(PLAN);
  assert.deepEqual(
    limiter.acquire({ ip: 'a' }).rules.map((rule) => rule.rule),
    ['ip'],
  );
  const none = limiter.acquire({ tenant: 'x', key: undefined });
  assert.deepEqual(
    [none.allowed, none.verdict, none.rule, none.limit, none.remaining, none.rules],
    [true, 'allow', null, null, null, []],
  );
  assert.deepEqual(none.headers(), {});
  assert.equal(String(none), 'allowed: no rule applies to the keys given');
});

test('a decision shows itself in logs and JSON', () => {
  const { limiter } = atZero('fixed 5/min');
  const decision = limiter.acquire('alice');
  assert.deepEqual(JSON.parse(JSON.stringify(decision)), {
    allowed: true,
    verdict: 'allow',
    rule: 'fixed',
    limit: 5,
    remaining: 4,
    retryAfterMs: 0,
    resetAfterMs: 60_000,
  });
  assert.match(inspect(decision), /^Decision \{.*remaining: 4/s);
});

test('header fields of each style, as of the decision', () => {
  const { limiter, time } = atZero('fixed 5/min');
  time.ns = 90_000_000_001n;
  const decision = limiter.acquire('alice', 5);
  const refused = limiter.acquire('alice');
  time.ns += 1_000_000_000_000n;
  assert.deepEqual(decision.headers(), {
    'RateLimit-Policy': '"fixed";q=5;w=60',
    RateLimit: '"fixed";r=0;t=30',
  });
  assert.deepEqual(decision.headers(['x-ratelimit', 'retry-after']), {
    'X-RateLimit-Limit': '5',
    'X-RateLimit-Remaining': '0',
    'X-RateLimit-Reset': '120',
  });
  assert.deepEqual(refused.headers('retry-after'), { 'Retry-After': '30' });
  assert.deepEqual(decision.headers('x-ratelimit-reset', { reset: 'seconds' }), {
    'X-RateLimit-Reset': '30',
  });
  assert.deepEqual(decision.headers('draft-7'), { RateLimit: 'limit=5, remaining=0, reset=30' });
  assert.equal(JSON.parse(refused.problem())['violated-policies'][0], 'fixed');
  assert.throws(() => decision.headers('x-rate-limit'), /accepted are x-ratelimit/);
  assert.throws(() => decision.headers(['ratelimit', 'draft-7']), RangeError);
  assert.throws(() => decision.headers(7), TypeError);
  assert.throws(() => decision.headers('ratelimit', { reset: 'never' }), RangeError);
});

test('an option or a rule that makes no sense is told', () => {
  assert.throws(() => new Limiter('600/fortnight'), {
    name: 'SyntaxError',
    message: 'rules: at byte 4: found `fortnight`, expected a unit: ns, us, ms, s, min, h or d',
  });
  assert.throws(() => new Limiter(600), TypeError);
  assert.throws(() => new Limiter('5/s', { capacity: 0 }), RangeError);
  assert.throws(() => new Limiter('5/s', { capacity: 1.5 }), RangeError);
  assert.throws(() => new Limiter('5/s', { capacity: 2 ** 53 }), RangeError);
  assert.throws(() => new Limiter('5/s', { capacity: Number.MAX_SAFE_INTEGER }), RangeError);
  assert.throws(() => new Limiter('5/s', { capacity: '5' }), TypeError);
  assert.throws(() => new Limiter('5/s', { whenFull: 'drop' }), RangeError);
  assert.throws(() => new Limiter('5/s', { clock: 0 }), TypeError);
  assert.throws(() => new Limiter('5/s', { capcity: 5 }), /option "capcity", accepted are capacity/);
  assert.throws(() => new Limiter('5/s', 'options'), TypeError);
});

test('a cost is a whole number from 0 to 2^32 - 1', () => {
  const { limiter } = atZero('5/s');
  for (const cost of [-1, 0.5, 1.5, 2 ** 32, Infinity, Number.NaN]) {
    assert.throws(() => limiter.acquire('alice', cost), {
      name: 'RangeError',
      message: `cost: found ${cost}, accepted are whole numbers from 0 to 4294967295`,
    });
  }
  for (const cost of ['1', 1n, null, {}]) {
    assert.throws(() => limiter.acquire('alice', cost), TypeError);
  }
  assert.equal(limiter.peek('alice').remaining, 5);
  assert.equal(limiter.acquire('alice', 2 ** 32 - 1).verdict, 'never');
  assert.equal(limiter.acquire('alice', -0).remaining, 5);
});

test('a clock gives nanoseconds or is told what it gave', () => {
  for (const wrong of [-1, 0.5, 2 ** 53, -1n, 2n ** 63n, '0', undefined, Number.NaN]) {
    const limiter = new Limiter('5/s', { clock: () => wrong });
    assert.throws(() => limiter.acquire('alice'), /^RangeError: clock: found .*, accepted are/);
  }
  const limiter = new Limiter('1/s', { clock: () => 2 ** 53 - 1 });
  assert.equal(limiter.acquire('alice').allowed, true);
  const far = new Limiter('1/s', { clock: () => 2n ** 63n - 1n });
  assert.equal(far.acquire('alice').allowed, true);
});

test('a clock or a getter that calls limiters does not disturb the call it is in', () => {
  const other = new Limiter('fixed 7/min');
  const limiter = new Limiter('fixed 5/min', {
    clock: () => {
      other.acquire({ key: 'x' }, 3);
      return 0;
    },
  });
  const keys = {
    get key() {
      other.acquire('y', 2);
      return 'alice';
    },
  };
  assert.equal(limiter.acquire(keys, 2).remaining, 3);
  assert.equal(limiter.acquire('alice', 1).remaining, 2);
});

test('CommonJS and ESM have the same objects', () => {
  const required = createRequire(import.meta.url)('ratecell');
  assert.equal(required.Limiter, Limiter);
  assert.equal(required.Decision, Decision);
});
