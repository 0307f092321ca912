// Waiting: in order of arrival, ended by signal or timeout, and leaving nothing behind.
//
// Time is virtual: a clock that the test moves, and timers that run when it does.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { test } from 'node:test';
import timers from 'node:timers';
import { fileURLToPath } from 'node:url';

import { Limiter } from 'ratecell';

// Timers that run when the time is moved; they stand in for those of `node:timers`.
class Time {
  ns = 0n;
  #pending = new Map();
  #next = 1;

  constructor(context) {
    const { setTimeout, clearTimeout } = timers;
    timers.setTimeout = (ring, ms) => {
      const handle = { number: this.#next++, unref: () => handle };
      assert.ok(ms < 2 ** 31, 'a timer of Node holds no more');
      this.#pending.set(handle, { ring, at: this.ns + BigInt(Math.ceil(ms)) * 1_000_000n });
      return handle;
    };
    timers.clearTimeout = (handle) => this.#pending.delete(handle);
    context.after(() => Object.assign(timers, { setTimeout, clearTimeout }));
  }

  get pending() {
    return this.#pending.size;
  }

  // Moves on, from timer to timer, and lets promises settle in between.
  async pass(ms) {
    const end = this.ns + BigInt(ms) * 1_000_000n;
    for (;;) {
      const due = [...this.#pending].filter(([, { at }]) => at <= end);
      due.sort(([a, first], [b, second]) => Number(first.at - second.at) || a.number - b.number);
      if (due.length === 0) break;
      const [handle, { ring, at }] = due[0];
      this.#pending.delete(handle);
      if (at > this.ns) this.ns = at;
      ring();
      await settle();
    }
    this.ns = end;
    await settle();
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve));

function start(context, rules) {
  const time = new Time(context);
  return { time, limiter: new Limiter(rules, { clock: () => time.ns }) };
}

test('waiting calls of one key are served in order of arrival, each exactly when it may', async (context) => {
  const { limiter, time } = start(context, '10/s burst 1');
  const served = [];
  const calls = [1, 2, 3, 4].map((number) =>
    limiter.wait('alice').then((permit) => {
      assert.ok(permit.allowed);
      served.push([number, time.ns / 1_000_000n]);
    }),
  );
  await settle();
  await time.pass(1_000);
  await Promise.all(calls);
  assert.deepEqual(served, [
    [1, 0n],
    [2, 100n],
    [3, 200n],
    [4, 300n],
  ]);
  assert.equal(time.pending, 0);
});

test('a small call does not overtake a large one of its key, and other keys do not wait', async (context) => {
  const { limiter, time } = start(context, '10/s burst 10');
  limiter.acquire('alice', 10);
  const served = [];
  const large = limiter.wait('alice', { cost: 5 }).then(() => served.push('large'));
  const small = limiter.wait('alice', { cost: 1 }).then(() => served.push('small'));
  assert.ok((await limiter.wait('bob', { cost: 10 })).allowed);
  await time.pass(499);
  assert.deepEqual(served, []);
  await time.pass(1);
  assert.deepEqual(served, ['large']);
  await time.pass(100);
  assert.deepEqual(served, ['large', 'small']);
  await Promise.all([large, small]);
});

test('a wait of 30 days is one of 30 days', async (context) => {
  const { limiter, time } = start(context, 'fixed 1/30d');
  limiter.acquire('alice');
  let answer = null;
  const call = limiter.wait('alice').then((permit) => {
    answer = permit;
  });
  const day = 86_400_000;
  await time.pass(30 * day - 1);
  assert.equal(answer, null);
  await time.pass(1);
  await call;
  assert.ok(answer.allowed);
  assert.equal(time.pending, 0);
});

test('a timeout ends a wait with a refusal, at once if it is known to end first', async (context) => {
  const { limiter, time } = start(context, '1/s burst 1');
  limiter.acquire('alice');
  const hopeless = await limiter.wait('alice', { timeoutMs: 900 });
  assert.deepEqual([hopeless.allowed, hopeless.retryAfterMs], [false, 1_000]);
  const first = limiter.wait('alice', { timeoutMs: 1_200 });
  const second = limiter.wait('alice', { timeoutMs: 1_500 });
  await time.pass(1_500);
  assert.ok((await first).allowed);
  assert.equal((await second).allowed, false);
  assert.equal(time.pending, 0);
});

test('an aborted wait rejects with the reason, and the next in line goes on', async (context) => {
  const { limiter, time } = start(context, '1/s burst 2');
  limiter.acquire('alice', 2);
  const controller = new AbortController();
  const aborted = limiter.wait('alice', { cost: 2, signal: controller.signal });
  const next = limiter.wait('alice');
  const reason = new Error('enough');
  controller.abort(reason);
  await assert.rejects(aborted, reason);
  await time.pass(1_000);
  assert.ok((await next).allowed);
  await assert.rejects(limiter.wait('alice', { signal: controller.signal }), reason);
  assert.equal(time.pending, 0);
});

test('no wait helps a cost above the capacity: it is answered at once', async (context) => {
  const { limiter } = start(context, '1/s burst 2');
  assert.equal((await limiter.wait('alice', { cost: 3 })).verdict, 'never');
});

test('a wait for permits ends when one is released', async (context) => {
  const { limiter, time } = start(context, 'concurrency 1');
  const held = limiter.hold('alice');
  const order = [];
  const waits = [1, 2].map((number) =>
    limiter.wait('alice').then((permit) => {
      order.push(number);
      return permit;
    }),
  );
  await settle();
  assert.deepEqual(order, []);
  held.release();
  (await waits[0]).release();
  (await waits[1]).release();
  assert.deepEqual(order, [1, 2]);
  limiter.acquire('alice');
  const late = limiter.wait('alice', { timeoutMs: 50 });
  await time.pass(50);
  assert.equal((await late).allowed, false);
  assert.equal(time.pending, 0);
});

test('keys by dimension wait as one, whatever the order of the properties', async (context) => {
  const { limiter, time } = start(context, 'a: 10/s burst 1 by a; b: 10/s burst 1 by b');
  limiter.acquire({ a: 'x', b: 'y' });
  const order = [];
  const keys = Buffer.from('x');
  const first = limiter.wait({ a: keys, b: 'y' }).then(() => order.push(1));
  keys.fill(0);
  const second = limiter.wait({ b: 'y', a: 'x' }).then(() => order.push(2));
  await time.pass(100);
  assert.deepEqual(order, [1]);
  await time.pass(100);
  await Promise.all([first, second]);
  assert.deepEqual(order, [1, 2]);
});

test('other rules hold for a wait', async (context) => {
  const { limiter } = start(context, 'sliding 1/min');
  limiter.acquire('alice');
  assert.ok((await limiter.wait('alice', { rules: 'sliding 2/min' })).allowed);
});

test('arguments that make no sense reject', async (context) => {
  const { limiter, time } = start(context, '1/s');
  for (const options of [{ timeoutMs: -1 }, { timeoutMs: Number.NaN }, { cost: 0.5 }]) {
    await assert.rejects(limiter.wait('alice', options), RangeError);
  }
  await assert.rejects(limiter.wait('alice', { signal: {} }), TypeError);
  await assert.rejects(limiter.wait(undefined), TypeError);
  await assert.rejects(limiter.wait({ key: null }), TypeError);
  await assert.rejects(limiter.wait('alice', { timeout: 5 }), /option "timeout"/);
  await assert.rejects(limiter.wait('\ud800'), TypeError);
  assert.equal(time.pending, 0);
});

test('a million waits aborted leave nothing behind', async (context) => {
  const { limiter, time } = start(context, 'fixed 1/h');
  limiter.acquire('alice');
  let aborted = 0;
  const round = async () => {
    const controller = new AbortController();
    const waits = [];
    for (let call = 0; call < 10_000; call += 1) {
      const wait = limiter.wait('alice', { signal: controller.signal, timeoutMs: 7_200_000 });
      waits.push(wait.catch(() => (aborted += 1)));
    }
    controller.abort();
    await Promise.all(waits);
    assert.equal(time.pending, 0);
  };
  const heap = async () => {
    await settle();
    globalThis.gc?.();
    return process.memoryUsage().heapUsed;
  };
  await round();
  await round();
  const before = await heap();
  for (let rounds = 2; rounds < 100; rounds += 1) await round();
  assert.equal(aborted, 1_000_000);
  if (globalThis.gc !== undefined) {
    const growth = (await heap()) - before;
    assert.ok(growth < 5_000_000, `the heap grew by ${growth} bytes`);
  }
});

test('a waiting call keeps no process alive', () => {
  const index = fileURLToPath(new URL('../index.js', import.meta.url));
  const program = `
    const { Limiter } = require(${JSON.stringify(index)});
    const limiter = new Limiter('fixed 1/366d');
    limiter.acquire('alice');
    limiter.wait('alice', { timeoutMs: 3e9 });
    process.stdout.write('waiting');
  `;
  assert.equal(execFileSync(process.execPath, ['-e', program], { timeout: 60_000 }).toString(), 'waiting');
});

test('whoever no wait helps hears it at once, also behind others', async () => {
  const limiter = new Limiter('fixed 1/366d');
  limiter.acquire('alice');
  const controller = new AbortController();
  const first = limiter.wait('alice', { signal: controller.signal });
  assert.equal((await limiter.wait('alice', { cost: 2 })).verdict, 'never');
  await assert.rejects(limiter.wait('alice', { cost: -1 }), /^RangeError: cost: found -1/);
  await assert.rejects(limiter.wait('alice', { rules: '5/fortnight' }), SyntaxError);
  controller.abort();
  await assert.rejects(first);
});

test('a key that is none is not waited for', async () => {
  const limiter = new Limiter('1/d');
  await assert.rejects(
    limiter.wait(Promise.resolve('alice')),
    /^TypeError: key: found an object \(Promise\)/,
  );
  await assert.rejects(limiter.wait(new Map([['key', 'alice']])), /found an object \(Map\)/);
});
