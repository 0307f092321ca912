// What every JavaScript engine must do with the addon; it prints one line of what it did.
//
// Without a test runner, as each engine has its own.

import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import { Guard, Limiter } from '../../index.mjs';
import { runPlanCases, runSingleCases } from './conformance.mjs';

const single = runSingleCases();
const plan = runPlanCases();

const { Limiter: required } = createRequire(import.meta.url)('../../index.js');
assert.equal(required, Limiter);

const limiter = new Limiter('fixed 100/min', { clock: () => 0 });
const taken = (key) => 99 - limiter.acquire(key).remaining;
for (const text of ['', 'alice', 'größe', '🔑', '\ufffd', 'x'.repeat(300), 'ü'.repeat(126)]) {
  limiter.reset(text);
  assert.equal(taken(text), 0);
  assert.equal(taken(Buffer.from(text)), 1);
  assert.equal(taken({ key: new TextEncoder().encode(text) }), 2);
  assert.equal(taken(limiter.key(text)), 3);
}
for (const lone of ['\ud800', 'a\udc00', `${'x'.repeat(400)}\ud800`]) {
  assert.throws(() => limiter.acquire(lone), TypeError);
}
for (const wrong of [-1, 0.5, 2 ** 53]) {
  assert.throws(() => limiter.acquire(wrong), RangeError);
}
assert.throws(() => new Limiter('5/fortnight'), SyntaxError);
assert.match(String(limiter.acquire('bob')), /^fixed: allowed: 99 of 100 left$/);
assert.deepEqual(limiter.acquire('bob').headers('x-ratelimit-remaining'), { 'X-RateLimit-Remaining': '98' });

const permits = new Limiter('concurrency 1');
const held = permits.hold('alice');
const waiting = permits.wait('alice');
held[Symbol.dispose ?? Symbol.for('nodejs.dispose')]();
(await waiting).release();
assert.equal(permits.acquire('alice').allowed, true);

const guard = Guard.load(new URL('./shop.toml', import.meta.url));
const request = { method: 'GET', path: '/', peer: '192.0.2.1', headers: { 'X-API-Key': 'alice' } };
const outcomes = [1, 2, 3, 4].map(() => guard.admit(request));
assert.deepEqual(
  outcomes.map(({ status }) => status),
  [null, null, 429, 429],
);
for (const outcome of outcomes) outcome.release();

const shared = new Limiter('fixed 5000/366d');
const worker = new Worker(fileURLToPath(new URL('./worker.mjs', import.meta.url)), {
  workerData: { token: shared.share(), calls: 4_000 },
});
const inWorker = new Promise((resolve, reject) => {
  worker.once('message', resolve);
  worker.once('error', reject);
});
let here = 0;
for (let call = 0; call < 4_000; call += 1) {
  here += shared.acquire('alice').allowed ? 1 : 0;
}
assert.equal(here + (await inWorker), 5_000);
await worker.terminate();

console.log(`${single.cases} + ${plan.cases} cases, a guard, permits, a worker`);
process.exit(0);
