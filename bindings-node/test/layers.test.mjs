// Several layers about one request, and responses of which a layer hears little.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect } from 'node:net';
import { test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';

import { Guard } from 'ratecell';
import { rateLimit as limitHttp } from 'ratecell/http';

const HOUR = 'fixed 3/h';

// A rule before and one after authentication.
const stages = () =>
  new Guard(
    {
      rules: [
        { name: 'ip', limit: HOUR, by: 'ip', stage: 'before-auth' },
        { name: 'user', limit: 'fixed 1/h', by: 'value:user' },
      ],
      response: { headers: ['x-ratelimit', 'ratelimit'], always: { 'Request-Id': '{request_id}' } },
    },
    { clock: () => 0 },
  );

// What users a, a, b and c of one address see of both: the inner stage has the word.
const STAGED = [
  [200, '1', '"ip";r=2;t=3600, "user";r=0;t=3600'],
  [429, '1', '"ip";r=1;t=3600, "user";r=0;t=3600'],
  [200, '1', '"ip";r=0;t=3600, "user";r=0;t=3600'],
  [429, '3', '"ip";r=0;t=3600'],
];

const inFlight = () =>
  new Guard({
    rules: [{ name: 'inflight', limit: 'concurrency 50', by: 'ip' }],
    response: { headers: ['x-concurrency'] },
  });

// How many requests hold a permit.
function running(guard, peer = '127.0.0.1') {
  const outcome = guard.admit({ method: 'GET', path: '/', peer });
  outcome.release();
  return Number(outcome.headers['X-Concurrency-Running']) - 1;
}

async function until(check) {
  for (let attempt = 0; !check(); attempt += 1) {
    assert.ok(attempt < 500, 'it never came true');
    await sleep(10);
  }
}

async function load(...names) {
  try {
    return await Promise.all(names.map((name) => import(name)));
  } catch {
    return null;
  }
}

function listening(context, server) {
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

async function listen(context, handler) {
  const server = createServer(handler).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return listening(context, server);
}

const before = { stage: 'before-auth' };
const after = (userOf) => ({ stage: 'after-auth', values: (request) => ({ user: userOf(request) }) });

// For each framework two layers with one guard, and what answers.
const LAYERED = {
  async http(guard) {
    const outer = limitHttp(guard, before);
    const inner = limitHttp(
      guard,
      after((request) => request.headers.user),
    );
    return (request, response) => {
      if (outer(request, response) && inner(request, response)) response.end('ok');
    };
  },

  express: (guard) => layeredExpress('express', guard),
  'express 4': (guard) => layeredExpress('express4', guard),

  async fastify(guard) {
    const packages = await load('fastify', 'ratecell/fastify');
    if (packages === null) return null;
    const [{ fastify }, { rateLimit }] = packages;
    const app = fastify();
    app.addHook('onRequest', rateLimit(guard, before));
    app.register(async (inner) => {
      inner.addHook(
        'preHandler',
        rateLimit(
          guard,
          after((request) => request.headers.user),
        ),
      );
      inner.get('/', async () => 'ok');
    });
    await app.ready();
    return (request, response) => app.routing(request, response);
  },

  async koa(guard) {
    const packages = await load('koa', 'ratecell/koa');
    if (packages === null) return null;
    const [{ default: Koa }, { rateLimit }] = packages;
    const app = new Koa();
    app.use(rateLimit(guard, before));
    app.use(
      rateLimit(
        guard,
        after((context) => context.get('user')),
      ),
    );
    app.use((context) => {
      context.body = 'ok';
    });
    return app.callback();
  },

  async hono(guard) {
    const packages = await load('hono', '@hono/node-server', 'ratecell/hono');
    if (packages === null) return null;
    const [{ Hono }, { getRequestListener }, { rateLimit }] = packages;
    const app = new Hono();
    app.use(rateLimit(guard, before));
    const options = after((context) => context.req.header('user'));
    app.get('/', rateLimit(guard, options), (context) => context.text('ok'));
    return getRequestListener(app.fetch);
  },
};

LAYERED['hono, mounted'] = async (guard) => {
  const packages = await load('hono', '@hono/node-server', 'ratecell/hono');
  if (packages === null) return null;
  const [{ Hono }, { getRequestListener }, { rateLimit }] = packages;
  const inner = new Hono();
  inner.use(
    rateLimit(
      guard,
      after((context) => context.req.header('user')),
    ),
  );
  inner.get('/', (context) => context.text('ok'));
  const app = new Hono();
  app.use(async (context, next) => {
    // As `cors` does, after which Hono copies what an application answers.
    context.res.headers.set('Access-Control-Allow-Origin', '*');
    await next();
  });
  app.use(rateLimit(guard, before)).mount('/', inner.fetch);
  return getRequestListener(app.fetch);
};

// One of the versions of Express, by the name that it is installed as.
async function layeredExpress(name, guard) {
  const packages = await load(name, 'ratecell/express');
  if (packages === null) return null;
  const [{ default: express }, { rateLimit }] = packages;
  const app = express();
  const router = express.Router();
  const options = after((request) => request.get('user'));
  router.use(rateLimit(guard, options));
  router.get('/', (_request, response) => response.send('ok'));
  return app.use(rateLimit(guard, before)).use('/', router);
}

for (const [name, make] of Object.entries(LAYERED)) {
  test(`${name}: several layers speak with one voice`, async (context) => {
    const handler = await make(stages());
    if (handler === null) return context.skip(`${name} is not installed or wants a newer Node`);
    const url = await listen(context, handler);
    const seen = [];
    for (const user of ['a', 'a', 'b', 'c']) {
      const { status, headers } = await fetch(url, { headers: { user } });
      seen.push([status, headers.get('x-ratelimit-limit'), headers.get('ratelimit')]);
      assert.match(headers.get('request-id'), /^\w+$/);
    }
    assert.deepEqual(seen, STAGED);
  });
}

test('koa: an error shows what all layers say', async (context) => {
  const packages = await load('koa', 'ratecell/koa');
  if (packages === null) return context.skip('koa is not installed');
  const [{ default: Koa }, { rateLimit }] = packages;
  const guard = stages();
  const app = new Koa({ silent: true });
  app.silent = true;
  app.use(rateLimit(guard, before));
  app.use(
    rateLimit(
      guard,
      after(() => 'a'),
    ),
  );
  app.use(() => {
    throw new Error('broken');
  });
  const { status, headers } = await fetch(await listen(context, app.callback()));
  assert.deepEqual([status, headers.get('ratelimit')], [500, STAGED[0][2]]);
});

test('http: a permit comes back though its response never had its turn on the connection', async (context) => {
  const guard = inFlight();
  const check = limitHttp(guard);
  let count = 0;
  const url = await listen(context, (request, response) => {
    count += check(request, response) ? 1 : 0;
  });
  const client = connect(new URL(url).port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(3));
  await until(() => count === 3);
  assert.equal(running(guard), 3);
  client.destroy();
  await until(() => running(guard) === 0);
});

test('http: requests of one connection put one listener on it at most', async (context) => {
  const guard = inFlight();
  const check = limitHttp(guard);
  const left = [];
  const url = await listen(context, (request, response) => {
    if (check(request, response)) response.end('ok');
    left.push(request.socket.listenerCount('close'));
  });
  const client = connect(new URL(url).port, '127.0.0.1');
  let answers = '';
  client.on('data', (part) => {
    answers += part;
  });
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n'.repeat(30));
  await until(() => answers.split('200 OK').length === 31 && running(guard) === 0);
  client.write('GET / HTTP/1.1\r\nHost: a\r\n\r\n');
  await until(() => left.length === 31);
  assert.ok(Math.max(...left) <= left[0] + 1, left.join());
  client.destroy();
});

for (const name of ['express', 'express4']) {
  test(`${name}: what was answered before its layer holds no permit`, async (context) => {
    const packages = await load(name, 'ratecell/express');
    if (packages === null) return context.skip(`${name} is not installed`);
    const [{ default: express }, { rateLimit }] = packages;
    const guard = inFlight();
    const app = express();
    app.use((_request, response, next) => {
      response.send('early');
      next();
    });
    app.use(rateLimit(guard));
    app.use((_error, _request, _response, _next) => {});
    const url = await listen(context, app);
    assert.equal(await (await fetch(url)).text(), 'early');
    await until(() => running(guard) === 0);
  });
}

test('hono: responses whose fields cannot be changed, and HEAD, of which nobody reads a body', async (context) => {
  const packages = await load('hono', 'ratecell/hono');
  if (packages === null) return context.skip('hono is not installed');
  const [{ Hono }, { rateLimit }] = packages;
  const guard = inFlight();
  const url = await listen(context, (_request, response) => response.end('far'));
  const app = new Hono();
  app.use(rateLimit(guard));
  app.get('/redirect', () => Response.redirect('http://localhost/'));
  app.get('/proxy', () => fetch(url));
  for (const [path, method, status, body] of [
    ['/redirect', 'GET', 302, ''],
    ['/proxy', 'GET', 200, 'far'],
    ['/proxy', 'HEAD', 200, ''],
  ]) {
    const response = await app.request(path, { method });
    assert.deepEqual([response.status, await response.text()], [status, body]);
    assert.equal(response.headers.get('x-concurrency-running'), '1');
    assert.equal(running(guard, ''), 0, `${method} ${path}`);
  }
  const rated = new Hono();
  rated.use(rateLimit(stages(), before));
  rated.get('/proxy', () => fetch(url));
  assert.equal((await rated.request('/proxy')).headers.get('x-ratelimit-remaining'), '2');
});

test('nestjs: a refusal on Fastify keeps what hooks have set', async (context) => {
  const packages = await load('fastify', '@nestjs/common', 'ratecell/nestjs');
  if (packages === null) return context.skip('fastify or @nestjs/common is not installed');
  const [{ fastify }, , { RateLimitGuard }] = packages;
  const guard = new RateLimitGuard(stages());
  const app = fastify();
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('Access-Control-Allow-Origin', '*');
  });
  app.get('/', async (request, reply) => {
    const http = { getRequest: () => request, getResponse: () => reply };
    const names = { getHandler: () => app.get, getClass: () => Guard };
    await guard.canActivate({ getType: () => 'http', switchToHttp: () => http, ...names });
    return 'ok';
  });
  await app.listen({ port: 0, host: '127.0.0.1' });
  const url = listening(context, app.server);
  const seen = [];
  for (let call = 0; call < 4; call += 1) {
    const response = await fetch(url);
    seen.push(response.status, response.headers.get('access-control-allow-origin'));
  }
  assert.deepEqual(seen, [200, '*', 200, '*', 200, '*', 429, '*']);
});
