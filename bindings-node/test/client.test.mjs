// The client's side against a real server that refuses.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Guard } from 'ratecell';
import { createFetch } from 'ratecell/fetch';
import { rateLimit } from 'ratecell/http';
import { pace } from 'ratecell/undici';

async function serve(context, handler) {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

// A server that counts, and that holds its clients to a contract.
async function strict(context, limit) {
  const guard = new Guard({
    rules: [{ name: 'all', limit, by: 'ip' }],
    response: { headers: ['ratelimit', 'retry-after'] },
  });
  const check = rateLimit(guard);
  const url = await serve(context, (request, response) => {
    if (check(request, response)) response.end('ok');
  });
  return { url, stats: () => guard.stats()[0] };
}

// Refuses as often as it is told, and remembers when and what was sent.
async function refusing(context, refusals, { status = 429, headers = {}, body = 'no' } = {}) {
  const calls = [];
  const url = await serve(context, async (request, response) => {
    const parts = [];
    for await (const part of request) parts.push(part);
    calls.push({ method: request.method, body: Buffer.concat(parts).toString(), at: performance.now() });
    if (calls.length <= refusals) {
      response.writeHead(status, headers).end(body);
    } else {
      response.end('ok');
    }
  });
  return { url, calls };
}

// Begins to answer, and goes on when it is told.
async function holding(context) {
  const open = [];
  const url = await serve(context, (_request, response) => {
    response.write('be');
    open.push(response);
  });
  const end = () => {
    for (const response of open) response.end('gun');
  };
  return { url, open, end };
}

const fast = { rules: '1000/s', baseMs: 20, retries: 3 };

async function undiciFetch(options) {
  let undici;
  try {
    undici = await import('undici');
  } catch {
    return null;
  }
  const agent = new undici.Agent().compose(pace(options));
  return async (url, { method = 'GET', headers, body, signal } = {}) => {
    const response = await undici.request(url, { dispatcher: agent, method, headers, body, signal });
    return { status: response.statusCode, text: () => response.body.text() };
  };
}

const CLIENTS = {
  fetch: async (options) => createFetch(options),
  undici: undiciFetch,
};

for (const [name, make] of Object.entries(CLIENTS)) {
  test(`${name}: a client that paces itself is never refused`, async (context) => {
    // Less than the server allows by what a busy machine may delay a request: five of them, which
    // are 250 ms. All at once, 30 would be too many.
    const { url, stats } = await strict(context, 'sliding 25/s');
    const client = await make({ rules: 'gcra 20/s burst 1' });
    if (client === null) return context.skip('undici is not installed');
    const responses = await Promise.all(Array.from({ length: 30 }, () => client(url)));
    for (const response of responses) {
      assert.equal(response.status, 200);
      await response.text();
    }
    assert.deepEqual([stats().allowed, stats().refused], [30, 0]);
  });

  test(`${name}: a refusal is tried again, with its body, after no less than the wait`, async (context) => {
    const { url, calls } = await refusing(context, 2);
    const client = await make(fast);
    if (client === null) return context.skip('undici is not installed');
    const response = await client(url, { method: 'POST', body: 'order' });
    assert.deepEqual([response.status, await response.text()], [200, 'ok']);
    assert.deepEqual(
      calls.map(({ body }) => body),
      ['order', 'order', 'order'],
    );
    assert.ok(calls[1].at - calls[0].at >= 19, `${calls[1].at - calls[0].at}`);
    assert.ok(calls[2].at - calls[1].at >= 39);
  });

  test(`${name}: Retry-After is obeyed`, async (context) => {
    const { url, calls } = await refusing(context, 1, { headers: { 'retry-after': '1' } });
    const client = await make(fast);
    if (client === null) return context.skip('undici is not installed');
    assert.equal((await client(url)).status, 200);
    assert.ok(calls[1].at - calls[0].at >= 999, `${calls[1].at - calls[0].at}`);
  });

  test(`${name}: with no tries left the refusal is given, whole`, async (context) => {
    const { url, calls } = await refusing(context, 100, { body: '{"error":"no"}' });
    const client = await make({ ...fast, retries: 0 });
    if (client === null) return context.skip('undici is not installed');
    const response = await client(url);
    assert.deepEqual([response.status, await response.text()], [429, '{"error":"no"}']);
    assert.equal(calls.length, 1);
    const once = await make({ ...fast, retries: 1 });
    assert.equal((await once(url)).status, 429);
    assert.equal(calls.length, 3);
  });

  test(`${name}: a 503 is tried again for an idempotent method, if it says when`, async (context) => {
    for (const [method, headers, status, sent] of [
      ['GET', { 'retry-after': '1' }, 200, 2],
      ['GET', {}, 503, 1],
      ['POST', { 'retry-after': '1' }, 503, 1],
    ]) {
      const { url, calls } = await refusing(context, 1, { status: 503, headers });
      const client = await make(fast);
      if (client === null) return context.skip('undici is not installed');
      const body = method === 'POST' ? 'order' : undefined;
      assert.equal((await client(url, { method, body })).status, status);
      assert.equal(calls.length, sent);
    }
  });

  test(`${name}: a request is in flight until its response is read`, async (context) => {
    const { url, open } = await holding(context);
    const client = await make({ rules: 'concurrency 1' });
    if (client === null) return context.skip('undici is not installed');
    const first = await client(url);
    const second = client(url);
    // Longer than the pacer waits before it asks again.
    await sleep(100);
    assert.equal(open.length, 1, 'the second is not sent while the first has no end');
    open[0].end('gun');
    assert.equal(await first.text(), 'begun');
    const response = await second;
    open[1].end();
    await response.text();
  });

  test(`${name}: an abort ends the wait of whoever is behind others`, async (context) => {
    const { url, calls } = await refusing(context, 0);
    const client = await make({ rules: '1/d burst 1', maxWaitMs: 86_400_000 });
    if (client === null) return context.skip('undici is not installed');
    const [first, second] = [new AbortController(), new AbortController()];
    const before = assert.rejects(client(url, { signal: first.signal }));
    const waiting = client(url, { signal: second.signal });
    setImmediate(() => second.abort(new Error('enough')));
    await assert.rejects(waiting);
    first.abort();
    await before;
    assert.equal(calls.length, 0);
  });

  test(`${name}: a turn that is too far away is a timeout at once`, async (context) => {
    const { url, calls } = await refusing(context, 1, { headers: { 'retry-after': '3600' } });
    const client = await make({ budgetMs: 1_000, maxWaitMs: 60_000 });
    if (client === null) return context.skip('undici is not installed');
    assert.equal((await client(url)).status, 429);
    const tooFar = { name: 'TimeoutError', message: /further away than options.maxWaitMs, 60000 ms$/ };
    await Promise.all([assert.rejects(client(url), tooFar), assert.rejects(client(url), tooFar)]);
    assert.equal(calls.length, 1);
  });

  test(`${name}: each origin, and each key there, has a pace of its own`, async (context) => {
    const [one, other] = [await holding(context), await holding(context)];
    const client = await make({ rules: 'concurrency 1', maxWaitMs: 0 });
    if (client === null) return context.skip('undici is not installed');
    const requests = [
      [one.url],
      [other.url],
      [one.url, { headers: { authorization: 'Bearer a' } }],
      [one.url, { headers: { Authorization: 'Bearer b' } }],
      [one.url, { headers: { 'x-api-key': 'b' } }],
      [one.url, { headers: new Headers({ 'X-Api-Key': 'c' }) }],
    ];
    // None of them has ended, so each keeps the permit of its caller.
    const held = await Promise.all(requests.map((request) => client(...request)));
    assert.deepEqual([one.open.length, other.open.length], [5, 1]);
    for (const [url, options] of requests) {
      await assert.rejects(client(`${url}/other?page=2`, options), { name: 'TimeoutError' });
    }
    for (const { end } of [one, other]) end();
    for (const response of held) assert.equal(await response.text(), 'begun');
  });

  test(`${name}: laneBy says which requests share a pace`, async (context) => {
    const [one, other] = [await holding(context), await holding(context)];
    const client = await make({ rules: 'concurrency 1', maxWaitMs: 0, laneBy: () => 'all' });
    if (client === null) return context.skip('undici is not installed');
    const first = await client(one.url);
    await assert.rejects(client(other.url, { headers: { 'x-api-key': 'a' } }), { name: 'TimeoutError' });
    one.end();
    await first.text();
    const wrong = await make({ laneBy: () => undefined });
    await assert.rejects(wrong(one.url), /^TypeError: options.laneBy: it gave undefined, accepted is a st/);
  });

  test(`${name}: a caller too many is an error until another has come to rest`, async (context) => {
    const { url } = await refusing(context, 0);
    let now = 1_790_000_000_000_000_000n;
    const client = await make({ maxCallers: 2, clock: () => now });
    if (client === null) return context.skip('undici is not installed');
    const ask = (key) => client(url, { headers: { 'x-api-key': key } });
    for (const key of ['a', 'b']) await (await ask(key)).text();
    await assert.rejects(ask('c'), /^RangeError: not sent: it would be of one caller more than options.max/);
    now += 600_000_000_000n;
    assert.equal((await ask('c')).status, 200);
  });

  test(`${name}: the wait is counted in line and between tries, not on the way`, async (context) => {
    const statuses = [429, 200, 429, 200];
    let aheadMs = 0;
    const url = await serve(context, (_request, response) => {
      // Each try takes a minute of the client's time.
      aheadMs += 60_000;
      response.writeHead(statuses.shift(), { 'retry-after': '1' }).end();
    });
    const clock = () => BigInt(Date.now() + aheadMs) * 1_000_000n;
    for (const [maxWaitMs, status] of [
      [30_000, 200],
      [500, 429],
    ]) {
      const client = await make({ rules: '1000/s', maxWaitMs, clock });
      if (client === null) return context.skip('undici is not installed');
      assert.equal((await client(url)).status, status);
    }
  });

  test(`${name}: an abort ends a wait for a turn`, async (context) => {
    const { url, calls } = await refusing(context, 0);
    const client = await make({ rules: '1/d burst 1' });
    if (client === null) return context.skip('undici is not installed');
    const controller = new AbortController();
    const waiting = client(url, { signal: controller.signal });
    const reason = new Error('enough');
    setImmediate(() => controller.abort(reason));
    await assert.rejects(waiting, (error) => error === reason || error.name === 'AbortError');
    assert.equal(calls.length, 0);
  });

  test(`${name}: a server that is not there fails as always, and the next call goes on`, async (context) => {
    const { url } = await refusing(context, 0);
    const client = await make(fast);
    if (client === null) return context.skip('undici is not installed');
    await assert.rejects(client('http://127.0.0.1:1/'));
    assert.equal((await client(url)).status, 200);
  });
}

test('options that make no sense are told', () => {
  assert.throws(() => createFetch({ rules: '5/fortnight' }), SyntaxError);
  assert.throws(() => createFetch({ sharers: 0 }), RangeError);
  assert.throws(() => createFetch({ retries: -1 }), RangeError);
  assert.throws(() => createFetch({ baseMs: 0 }), RangeError);
  assert.throws(() => createFetch({ baseMs: 100, capMs: 50 }), RangeError);
  assert.throws(() => createFetch({ fetch: 5 }), TypeError);
  assert.throws(() => createFetch({ maxWaitMs: -1 }), RangeError);
  assert.throws(() => createFetch({ retry: 5 }), /option "retry"/);
  assert.throws(() => createFetch({ laneBy: 'all' }), TypeError);
  assert.throws(() => createFetch({ maxCallers: 0 }), RangeError);
});

test('a request that cannot be sent is not in flight', async (context) => {
  const { url } = await refusing(context, 0);
  const client = await undiciFetch({ rules: 'concurrency 1' });
  if (client === null) return context.skip('undici is not installed');
  await assert.rejects(client(url, { method: 'no method' }));
  assert.equal((await client(url)).status, 200);
});

test('a response that nobody reads is in flight until it is collected', async (context) => {
  const { url } = await refusing(context, 0);
  const client = createFetch({ rules: 'concurrency 1' });
  await client(url);
  const next = client(url);
  let isSent = false;
  next.then(() => {
    isSent = true;
  });
  for (let attempt = 0; !isSent && attempt < 100; attempt += 1) {
    global.gc();
    await sleep(20);
  }
  assert.ok(isSent);
});

test('a stream is sent once', async (context) => {
  const { url, calls } = await refusing(context, 1);
  const body = new ReadableStream({
    start(controller) {
      controller.enqueue(new TextEncoder().encode('order'));
      controller.close();
    },
  });
  const response = await createFetch(fast)(url, { method: 'POST', body, duplex: 'half' });
  assert.equal(response.status, 429);
  assert.equal(calls.length, 1);
});
