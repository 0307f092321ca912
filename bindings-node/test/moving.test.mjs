// The right side of MOVING.md, and express-rate-limit on our store.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { test } from 'node:test';

import { Guard, Limiter } from 'ratecell';
import { RatecellStore } from 'ratecell/express-rate-limit';

async function installed(context, ...names) {
  try {
    return await Promise.all(names.map((name) => import(name)));
  } catch {
    context.skip(`${names.join(', ')}: not installed, or for a newer Node`);
    return null;
  }
}

async function serve(context, app) {
  const server = app.listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

test('express-rate-limit counts in our store', async (context) => {
  const packages = await installed(context, 'express', 'express-rate-limit');
  if (packages === null) return;
  const [{ default: express }, { rateLimit }] = packages;
  const app = express();
  const store = new RatecellStore({ clock: () => 30_000_000_000 });
  app.use(rateLimit({ windowMs: 60_000, limit: 2, store, standardHeaders: 'draft-6' }));
  app.get('/', (_request, response) => response.send('ok'));
  const url = await serve(context, app);
  const seen = [];
  for (let call = 0; call < 4; call += 1) {
    const response = await fetch(url);
    const { headers } = response;
    seen.push([response.status, headers.get('ratelimit-remaining'), headers.get('ratelimit-reset')]);
  }
  assert.deepEqual(seen, [
    [200, '1', '30'],
    [200, '0', '30'],
    [429, '0', '30'],
    [429, '0', '30'],
  ]);
  const key = '127.0.0.1';
  assert.equal(store.get(key).totalHits, 4);
  store.resetKey(key);
  assert.equal(store.get(key).totalHits, 0);
});

test('the store takes windows from a millisecond to a month, and refuses what it cannot do', () => {
  for (const windowMs of [1, 10, 999, 1_000, 4_294, 4_295, 60_000, 2_592_000_000]) {
    const store = new RatecellStore();
    store.init({ windowMs });
    assert.equal(store.increment('a').totalHits, 1, `${windowMs}`);
  }
  assert.throws(() => new RatecellStore().init({ windowMs: 1_000, skipFailedRequests: true }), TypeError);
  assert.throws(() => new RatecellStore().init({ windowMs: 0 }), RangeError);
  assert.throws(() => new RatecellStore().increment('a'), /calls init/);
  assert.throws(() => new RatecellStore({ size: 5 }), TypeError);
});

test('from express-rate-limit: keys, limits, fields, bodies and exceptions of a contract', () => {
  const guard = new Guard(
    {
      rules: [
        { name: 'ip', limit: 'fixed 100/min', by: 'ip', except: ['/health'] },
        { name: 'user', limit: 'sliding 1/min', by: 'value:user' },
      ],
      response: {
        headers: ['draft-7', 'retry-after'],
        refused: { status: 429, contentType: 'application/json', body: '{"error":"slow down"}' },
      },
      clients: { ipv6Prefix: 56 },
    },
    { clock: () => 0, trustedProxies: ['10.0.0.0/8'] },
  );
  const ask = (values, limits) =>
    guard.admit({ method: 'GET', path: '/', peer: '2001:db8::1', values, limits });
  assert.equal(ask({ user: 7 }).headers.RateLimit, 'limit=1, remaining=0, reset=61');
  assert.deepEqual([ask({ user: 7 }).status, ask({ user: 7 }).body], [429, '{"error":"slow down"}']);
  assert.equal(ask({ user: 7 }, { user: 2 }).passes, true);
  assert.deepEqual(guard.admit({ method: 'GET', path: '/health' }).headers, {});
});

test('from rate-limiter-flexible', () => {
  const limiter = new Limiter('fixed 10/s', { clock: () => 0 });
  assert.equal(limiter.acquire('a', 2).remaining, 8);
  assert.equal(limiter.peek('a', 0).remaining, 8);
  assert.equal(limiter.acquire('a', 9).retryAfterMs, 1_000);
  limiter.reset('a');
  assert.equal(limiter.peek('a', 0).remaining, 10);
  assert.equal(new Limiter('a: fixed 10/s; b: fixed 100/min').acquire('a').rules.length, 2);
  assert.equal(new Limiter('10/s burst 50').acquire('a').limit, 50);
});

test('from bottleneck', async () => {
  for (const rules of ['10/s burst 1', 'concurrency 5', 'fixed 100/min']) {
    const limiter = new Limiter(rules);
    const permit = await limiter.wait('all', { timeoutMs: 5_000 });
    assert.equal(permit.allowed, true);
    permit.release();
  }
});
