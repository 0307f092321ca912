// Every framework serves a contract alike: real servers, real clients, an injected clock.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer, request } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Guard } from 'ratecell';
import { rateLimit } from 'ratecell/http';
import { FRAMEWORKS } from './support/frameworks.mjs';

const CONTRACT = new URL('./support/shop.toml', import.meta.url);
const OWN_FIELDS = /^(ratelimit|x-concurrency|x-ratelimit|retry-after|cache-control)/;

const shop = (options) => Guard.load(CONTRACT, { clock: () => 0, ...options });

function get(url, headers = {}, method = 'GET') {
  return fetch(url, { method, headers });
}

// The fields of a response that a contract writes.
function own(response) {
  return Object.fromEntries([...response.headers].filter(([name]) => OWN_FIELDS.test(name)));
}

function lower(headers) {
  return Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}

// Asks until the answer is right; how long that takes is the client's and the system's affair.
async function eventually(check) {
  for (let attempt = 0; ; attempt += 1) {
    if (await check()) return;
    assert.ok(attempt < 500, 'it never came true');
    await sleep(10);
  }
}

for (const [name, start] of Object.entries(FRAMEWORKS)) {
  test(`${name}: responses are those of the contract, refused or not`, async (context) => {
    const server = await start(shop(), Promise.resolve());
    if (server === null) return context.skip(`${name} is not installed or wants a newer Node`);
    context.after(server.close);
    const oracle = shop();
    const key = { 'x-api-key': 'alice' };
    for (let call = 1; call <= 5; call += 1) {
      const expected = oracle.admit({ method: 'GET', path: '/', peer: '127.0.0.1', headers: key });
      const response = await get(`${server.url}/?call=${call}`, key);
      assert.deepEqual(own(response), lower(expected.headers), `call ${call}`);
      assert.equal(response.status, expected.status ?? 200);
      const body = await response.text();
      assert.equal(body, expected.body ?? 'ok');
      if (!expected.passes) {
        assert.equal(response.headers.get('content-type'), 'application/json');
        assert.equal(Number(response.headers.get('content-length')), body.length);
      }
      expected.release();
    }
    assert.deepEqual(server.errors, [], 'no error is built for a refusal');
    assert.equal((await get(server.url, { 'x-api-key': 'bob' })).status, 200);
    const head = await get(server.url, key, 'HEAD');
    assert.deepEqual([head.status, await head.text()], [429, '']);
  });

  test(`${name}: a permit is held until the response is sent`, async (context) => {
    let answer;
    const slow = new Promise((resolve) => {
      answer = resolve;
    });
    const guard = shop();
    const server = await start(guard, slow);
    if (server === null) return context.skip(`${name} is not installed or wants a newer Node`);
    context.after(server.close);
    const key = { 'x-api-key': 'alice' };
    const held = [get(`${server.url}/slow`, key), get(`${server.url}/slow`, key)];
    // Both are in flight once the rule has counted them.
    await eventually(() => guard.stats()[2].allowed === 2);
    const refused = await get(`${server.url}/slow`, key);
    assert.equal(refused.status, 429);
    assert.equal(refused.headers.get('retry-after'), null);
    assert.equal(refused.headers.get('x-concurrency-running'), '2');
    answer();
    for (const response of await Promise.all(held)) {
      assert.deepEqual([response.status, await response.text()], [200, 'slow']);
    }
    await eventually(async () => {
      const response = await get(`${server.url}/slow`, key);
      return response.headers.get('x-concurrency-running') === '1';
    });
  });

  test(`${name}: a permit comes back when the client leaves`, async (context) => {
    const guard = shop();
    const server = await start(guard, new Promise(() => {}));
    if (server === null) return context.skip(`${name} is not installed or wants a newer Node`);
    context.after(server.close);
    const headers = { 'x-api-key': 'alice' };
    const clients = [1, 2].map(() => request(`${server.url}/slow`, { headers }).end());
    await eventually(() => guard.stats()[2].allowed === 2);
    for (const client of clients) {
      client.once('error', () => {});
      const closed = new Promise((resolve) => client.once('close', resolve));
      client.destroy();
      await closed;
    }
    const admit = () => guard.admit({ method: 'GET', path: '/slow', headers });
    await eventually(() => {
      const [first, second] = [admit(), admit()];
      first.release();
      second.release();
      return first.passes && second.passes;
    });
  });

  test(`${name}: what a handler throws keeps the fields and gives the permit back`, async (context) => {
    const guard = shop();
    const server = await start(guard, Promise.resolve());
    if (server === null) return context.skip(`${name} is not installed or wants a newer Node`);
    context.after(server.close);
    const key = { 'x-api-key': 'alice' };
    for (const running of ['1', '1', '1']) {
      const response = await get(`${server.url}/broken`, key);
      await response.text();
      assert.equal(response.status, 500);
      assert.equal(response.headers.get('x-concurrency-running'), running);
      assert.match(response.headers.get('ratelimit'), /"key";r=\d/);
      await eventually(() => {
        const outcome = guard.admit({ method: 'GET', path: '/slow', headers: { 'x-api-key': 'alice' } });
        outcome.release();
        return outcome.headers['X-Concurrency-Running'] === '1';
      });
    }
  });

  test(`${name}: a trusted proxy is believed, anybody else is not`, async (context) => {
    const contract = {
      rules: [{ name: 'ip', limit: 'fixed 1/h', by: 'ip' }],
      response: { headers: ['ratelimit'] },
    };
    const trusting = new Guard(contract, { clock: () => 0, trustedProxies: ['127.0.0.1'] });
    const server = await start(trusting, Promise.resolve());
    if (server === null) return context.skip(`${name} is not installed or wants a newer Node`);
    context.after(server.close);
    const from = async (url, address) => (await get(url, { 'x-forwarded-for': address })).status;
    assert.equal(await from(server.url, '198.51.100.1'), 200);
    assert.equal(await from(server.url, '198.51.100.1'), 429);
    assert.equal(await from(server.url, '198.51.100.2'), 200);
    assert.equal(await from(server.url, '2001:db8:1:2::1'), 200);
    assert.equal(await from(server.url, '2001:db8:1:2:ffff::2'), 429, 'one /64 is one client');
    assert.equal(await from(server.url, '2001:db8:1:3::1'), 200);
    const wary = await start(new Guard(contract, { clock: () => 0 }), Promise.resolve());
    context.after(wary.close);
    assert.equal(await from(wary.url, '198.51.100.1'), 200);
    assert.equal(await from(wary.url, '198.51.100.2'), 429);
  });

  test(`${name}: keys, costs and limits that the service works out`, async (context) => {
    const contract = {
      rules: [{ name: 'user', limit: 'fixed 4/h', by: 'value:user' }],
      response: { headers: ['x-ratelimit-remaining', 'x-ratelimit-limit'] },
    };
    const header = (subject, field) =>
      subject.req?.header?.(field) ?? (subject.headers ?? subject.raw?.headers)?.[field];
    const server = await start(new Guard(contract, { clock: () => 0 }), Promise.resolve(), {
      values: (subject) => ({ user: header(subject, 'x-user') }),
      limits: (subject) => (header(subject, 'x-user') === 'vip' ? { user: 10 } : {}),
      cost: () => 2,
    });
    if (server === null) return context.skip(`${name} is not installed or wants a newer Node`);
    context.after(server.close);
    const left = async (user) => {
      const response = await get(server.url, { 'x-user': user });
      return [response.status, response.headers.get('x-ratelimit-remaining')];
    };
    assert.deepEqual(await left('alice'), [200, '2']);
    assert.deepEqual(await left('alice'), [200, '0']);
    assert.deepEqual(await left('alice'), [429, '0']);
    assert.deepEqual(await left('bob'), [200, '2']);
    assert.deepEqual(await left('vip'), [200, '8']);
  });
}

test('a proxy on a Unix socket is believed if such sockets are trusted', async (context) => {
  const contract = { rules: [{ name: 'ip', limit: 'fixed 1/h', by: 'ip' }] };
  const folder = mkdtempSync(join(tmpdir(), 'ratecell-'));
  context.after(() => rmSync(folder, { recursive: true }));
  const answers = async (trustedProxies) => {
    const check = rateLimit(new Guard(contract, { clock: () => 0, trustedProxies }));
    const server = createServer((message, response) => check(message, response) && response.end());
    const socketPath = join(folder, `socket-${trustedProxies.length}`);
    await once(server.listen(socketPath), 'listening');
    const statuses = [];
    for (const address of ['192.0.2.1', '192.0.2.2', '192.0.2.1']) {
      const sent = request({ socketPath, headers: { 'x-forwarded-for': address } }).end();
      const [response] = await once(sent, 'response');
      statuses.push(response.resume().statusCode);
    }
    server.closeAllConnections();
    await once(server.close(), 'close');
    return statuses;
  };
  assert.deepEqual(await answers(['unix:']), [200, 200, 429]);
  assert.deepEqual(await answers([]), [200, 429, 429]);
});
