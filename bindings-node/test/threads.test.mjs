// One limiter in several threads.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';

import { Limiter } from 'ratecell';

const INDEX = fileURLToPath(new URL('../index.js', import.meta.url));

// Runs `body` in as many threads as it is told; it sees `limiter`, `Limiter` and `data`.
function threads(count, limiter, body, data) {
  const program = `
    const { parentPort, workerData } = require('node:worker_threads');
    const { Limiter } = require(${JSON.stringify(INDEX)});
    const { token, data, clock } = workerData;
    const limiter = Limiter.from(token, clock === undefined ? {} : { clock: () => clock });
    (async () => { ${body} })().then((result) => parentPort.postMessage(result));
  `;
  const run = () =>
    new Promise((resolve, reject) => {
      const worker = new Worker(program, {
        eval: true,
        workerData: { token: limiter.share(), data, clock: data?.clock },
      });
      worker.once('message', resolve);
      worker.once('error', reject);
    });
  return Promise.all(Array.from({ length: count }, run));
}

test('four threads on one limiter admit exactly its limit, together', async () => {
  for (const rules of [
    'fixed 20000/366d',
    'sliding 20000/d',
    '20000/366d',
    'a: fixed 20000/366d; b: sliding 25000/d',
  ]) {
    const limiter = new Limiter(rules, { clock: () => 0 });
    const admitted = await threads(
      4,
      limiter,
      `let admitted = 0;
       for (let call = 0; call < 20000; call += 1) admitted += limiter.acquire('alice').allowed ? 1 : 0;
       return admitted;`,
      { clock: 0 },
    );
    assert.equal(
      admitted.reduce((sum, part) => sum + part),
      20_000,
      `${rules}: ${admitted}`,
    );
    assert.equal(limiter.peek('alice').allowed, false);
  }
});

test('permits held by four threads never pass the cap, and all come back', async () => {
  const limiter = new Limiter('concurrency 3');
  const [...seen] = await threads(
    4,
    limiter,
    `let most = 0, held = 0;
     for (let call = 0; call < 20000; call += 1) {
       const permit = limiter.hold('alice');
       if (permit.allowed) { held += 1; most = Math.max(most, 3 - permit.remaining); }
       permit.release();
     }
     return { most, held };`,
  );
  for (const { most, held } of seen) {
    assert.ok(most <= 3);
    assert.ok(held > 0);
  }
  assert.equal(limiter.peek('alice').remaining, 3);
});

test('a permit whose thread ends comes back', async () => {
  const limiter = new Limiter('concurrency 1');
  const [allowed] = await threads(1, limiter, `return limiter.hold('alice').allowed;`);
  assert.equal(allowed, true);
  for (let attempt = 0; limiter.peek('alice').remaining === 0; attempt += 1) {
    assert.ok(attempt < 500, 'it never came back');
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
});

test('a wait for permits sees one that another thread releases', async () => {
  const limiter = new Limiter('concurrency 1');
  const held = limiter.hold('alice');
  const alive = setInterval(() => {}, 1_000);
  const other = threads(
    1,
    limiter,
    `const alive = setInterval(() => {}, 1000);
     const permit = await limiter.wait('alice');
     clearInterval(alive);
     return permit.allowed;`,
  );
  setTimeout(() => held.release(), 50);
  assert.deepEqual(await other, [true]);
  clearInterval(alive);
});

test('a token is good for its process and as long as anybody has the limiter', () => {
  const limiter = new Limiter('5/s');
  const other = Limiter.from(limiter.share());
  assert.equal(other.rules[0].text, limiter.rules[0].text);
  for (const token of ['', 'ratecell:1:1', `ratecell:${process.pid}:999999`, 'x']) {
    assert.throws(() => Limiter.from(token), /^RangeError: token: found .*accepted is what share\(\) gave/);
  }
  assert.throws(() => Limiter.from(5), TypeError);
});

test('a limiter with a clock of its own is handed over with a clock', () => {
  const timed = new Limiter('5/s', { clock: () => 0 });
  assert.throws(() => Limiter.from(timed.share()), /options\.clock: found none/);
  assert.equal(Limiter.from(timed.share(), { clock: () => 0 }).acquire('alice').remaining, 4);
  assert.throws(() => Limiter.from(new Limiter('5/s').share(), { clock: () => 0 }), TypeError);
});
