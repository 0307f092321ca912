// Limits of one route, and the two stages around authentication.

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect } from 'node:net';
import { test } from 'node:test';

import { Guard } from 'ratecell';

const limitOf = (name, limit) => ({
  rules: [{ name, limit, by: 'ip' }],
  response: { headers: ['ratelimit', 'retry-after'] },
});

// The versions of Express, by the names that they are installed as.
const EXPRESSES = ['express', 'express4'];

async function installed(context, ...names) {
  try {
    return await Promise.all(names.map((name) => import(name)));
  } catch {
    context.skip(`${names.join(', ')}: not installed, or for a newer Node`);
    return null;
  }
}

function closing(context, server) {
  context.after(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://127.0.0.1:${server.address().port}`;
}

async function statuses(url, count, headers) {
  const seen = [];
  for (let call = 0; call < count; call += 1) seen.push((await fetch(url, { headers })).status);
  return seen;
}

for (const name of EXPRESSES) {
  test(`${name}: a route has limits of its own, also below a router`, async (context) => {
    const packages = await installed(context, name);
    if (packages === null) return;
    const [{ default: express }] = packages;
    const { rateLimit } = await import('ratecell/express');
    const app = express();
    const router = express.Router();
    const contract = limitOf('import', 'fixed 1/366d');
    contract.rules[0].paths = ['/v1/import'];
    router.post('/import', (_request, response) => response.send('ok'));
    router.get('/import', rateLimit(contract), (_request, response) => response.send('ok'));
    router.get('/items', (_request, response) => response.send('ok'));
    app.use('/v1', router);
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = closing(context, server);
    assert.deepEqual(await statuses(`${url}/v1/import`, 2), [200, 429]);
    assert.deepEqual(await statuses(`${url}/v1/items`, 2), [200, 200]);
  });
}

for (const name of EXPRESSES) {
  test(`${name} and fastify: a path that the service rewrites counts as what is served`, async (context) => {
    const packages = await installed(context, name, 'fastify');
    if (packages === null) return;
    const [{ default: express }, { fastify }] = packages;
    const contract = limitOf('items', 'fixed 1/366d');
    contract.rules[0].paths = ['/v1/items'];
    const rewritten = (url) => url.replace('/old', '/v1/items');

    const app = express();
    app.use((request, _response, next) => {
      request.url = rewritten(request.url);
      next();
    });
    const router = express.Router();
    router.use((await import('ratecell/express')).rateLimit(contract));
    router.get('/items', (_request, response) => response.send('ok'));
    app.use('/v1', router);
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');

    const other = fastify({ rewriteUrl: (request) => rewritten(request.url) });
    other.addHook('onRequest', (await import('ratecell/fastify')).rateLimit(contract));
    other.get('/v1/items', async () => 'ok');
    await other.listen({ port: 0, host: '127.0.0.1' });

    for (const url of [closing(context, server), closing(context, other.server)]) {
      assert.deepEqual(await statuses(`${url}/v1/items?page=2`, 1), [200]);
      assert.deepEqual(await statuses(`${url}/old`, 1), [429]);
    }
  });
}

test('koa: a path counts as served, also where an application is mounted', async (context) => {
  const packages = await installed(context, 'koa', 'koa-mount');
  if (packages === null) return;
  const [{ default: Koa }, { default: mount }] = packages;
  const { rateLimit } = await import('ratecell/koa');
  const counted = async (paths, make) => {
    const guard = new Guard({ rules: [{ name: 'here', limit: '9/d', by: 'ip', paths }] });
    const app = new Koa();
    make(app, rateLimit(guard));
    app.use((ctx) => {
      ctx.body = 'ok';
    });
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = closing(context, server);
    return async (path) => {
      const before = guard.stats()[0].allowed;
      assert.equal((await fetch(url + path)).status, 200);
      return guard.stats()[0].allowed - before;
    };
  };
  const inner = (...middleware) => {
    const app = new Koa();
    for (const one of middleware) app.use(one);
    return app;
  };
  const rewrite = (from, to) => (ctx, next) => {
    ctx.url = ctx.url.replace(from, to);
    return next();
  };

  const mounted = await counted(['/v1/items', '/v1'], (app, limit) => app.use(mount('/v1', inner(limit))));
  assert.deepEqual(
    [await mounted('/v1/items?page=2'), await mounted('/v1'), await mounted('/v1?a=/')],
    [1, 1, 1],
  );
  assert.deepEqual([await mounted('/items'), await mounted('/v1/other')], [0, 0]);

  const nested = await counted(['/v1/items', '/v1/items/7'], (app, limit) =>
    app.use(mount('/v1', inner(mount('/items', inner(limit))))),
  );
  assert.deepEqual([await nested('/v1/items'), await nested('/v1/items/7')], [1, 1]);

  const handedOn = await counted(['/v1/items'], (app, limit) =>
    app
      .use(
        mount(
          '/v1',
          inner((_ctx, next) => next()),
        ),
      )
      .use(limit),
  );
  assert.deepEqual([await handedOn('/v1/items'), await handedOn('/items')], [1, 0]);

  const rewritten = await counted(['/v1/items'], (app, limit) =>
    app.use(rewrite('/old', '/v1/items')).use(limit),
  );
  assert.deepEqual([await rewritten('/old?page=2'), await rewritten('/v1/items')], [1, 1]);

  // What a service cuts off by itself is gone from what it serves.
  const cut = await counted(['/items'], (app, limit) => app.use(rewrite('/v1', '')).use(limit));
  assert.deepEqual([await cut('/v1/items?page=2'), await cut('/items')], [1, 1]);

  const both = await counted(['/v1/items'], (app, limit) =>
    app.use(rewrite('/old', '/v1/items')).use(mount('/v1', inner(limit))),
  );
  assert.deepEqual([await both('/old?page=2'), await both('/v1/items')], [1, 1]);
});

for (const name of EXPRESSES) {
  test(`${name}: a path is counted in each spelling that is served`, async (context) => {
    const packages = await installed(context, name);
    if (packages === null) return;
    const [{ default: express }] = packages;
    const { rateLimit } = await import('ratecell/express');
    const rules = [{ name: 'import', limit: '1000/d', by: 'ip', paths: ['/v1/import'] }];
    const guard = new Guard({ rules });
    const app = express().use(rateLimit(guard));
    app.get('/v1/import', (_request, response) => response.send('served'));
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    closing(context, server);
    const { port } = server.address();
    const spellings = ['/v1/import', '/V1/Import', '/v1/import/', '/v1/import#a', '/v1\\import#a'];
    for (const path of [...spellings, 'http://host/v1/import']) {
      const client = connect(port, '127.0.0.1');
      client.end(`GET ${path} HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`);
      assert.match((await client.setEncoding('latin1').toArray()).join(''), /served/, path);
      assert.equal(guard.stats()[0].allowed, spellings.indexOf(path) + 1 || 6, path);
    }
  });
}

for (const name of EXPRESSES) {
  test(`${name}: what is refused before authentication never reaches it, and stages add up`, async (context) => {
    const packages = await installed(context, name);
    if (packages === null) return;
    const [{ default: express }] = packages;
    const { rateLimit } = await import('ratecell/express');
    const guard = new Guard({
      rules: [
        { name: 'ip', limit: 'fixed 3/366d', by: 'ip', stage: 'before-auth' },
        { name: 'user', limit: 'fixed 1/366d', by: 'value:user' },
      ],
      response: { headers: ['ratelimit'] },
    });
    let authenticated = 0;
    const app = express();
    app.use(rateLimit(guard, { stage: 'before-auth' }));
    app.use((request, _response, next) => {
      authenticated += 1;
      request.user = request.get('authorization');
      next();
    });
    app.use(rateLimit(guard, { stage: 'after-auth', values: (request) => ({ user: request.user }) }));
    app.get('/', (_request, response) => response.send('ok'));
    const server = app.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const url = closing(context, server);
    assert.deepEqual(await statuses(url, 2, { authorization: 'alice' }), [200, 429]);
    assert.deepEqual(await statuses(url, 2, { authorization: 'bob' }), [200, 429]);
    assert.equal(authenticated, 3);
  });
}

test('fastify: a route has limits of its own', async (context) => {
  const packages = await installed(context, 'fastify');
  if (packages === null) return;
  const [{ fastify }] = packages;
  const { rateLimit } = await import('ratecell/fastify');
  const app = fastify();
  const onRequest = rateLimit(limitOf('import', 'fixed 1/366d'));
  app.get('/import', { onRequest }, async () => 'ok');
  app.get('/items', async () => 'ok');
  await app.listen({ port: 0, host: '127.0.0.1' });
  const url = closing(context, app.server);
  assert.deepEqual(await statuses(`${url}/import`, 2), [200, 429]);
  assert.deepEqual(await statuses(`${url}/items`, 2), [200, 200]);
});

test('fastify: a refusal keeps what other hooks set, and they run', async (context) => {
  const packages = await installed(context, 'fastify');
  if (packages === null) return;
  const [{ fastify }] = packages;
  const { rateLimit } = await import('ratecell/fastify');
  const contract = limitOf('ip', 'fixed 1/366d');
  contract.response.refused = { body: '{"sorry":"größer 鍵"}' };
  const [guard, oracle] = [0, 1].map(() => new Guard(contract, { clock: () => 0 }));
  const ask = () => oracle.admit({ method: 'GET', path: '/', peer: '127.0.0.1' });
  ask();
  const app = fastify();
  const seen = [];
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('Access-Control-Allow-Origin', '*');
    reply.raw.setHeader('X-Frame-Options', 'DENY');
  });
  app.addHook('onRequest', rateLimit(guard));
  app.addHook('onRequest', async () => seen.push('later onRequest'));
  app.addHook('onSend', async (_request, reply, payload) => {
    reply.header('X-Sent', 'yes');
    seen.push(['onSend', reply.statusCode, payload]);
  });
  app.addHook('onResponse', async (_request, reply) => {
    seen.push(['onResponse', reply.statusCode]);
    if (reply.statusCode === 429) finished();
  });
  app.addHook('onError', async () => seen.push('onError'));
  app.get('/', async () => 'ok');
  await app.listen({ port: 0, host: '127.0.0.1' });
  const url = closing(context, app.server);
  assert.equal((await fetch(url)).status, 200);
  seen.length = 0;
  let finished;
  const done = new Promise((resolve) => {
    finished = resolve;
  });
  const refused = await fetch(url);
  const body = await refused.text();
  await done;
  assert.equal(body, '{"sorry":"größer 鍵"}');
  assert.deepEqual(seen, [
    ['onSend', 429, body],
    ['onResponse', 429],
  ]);
  for (const [name, value] of Object.entries(ask().headers)) {
    assert.equal(refused.headers.get(name), value, name);
  }
  assert.equal(refused.headers.get('content-type'), 'application/json');
  assert.equal(refused.headers.get('content-length'), String(Buffer.byteLength(body)));
  assert.equal(refused.headers.get('access-control-allow-origin'), '*');
  assert.equal(refused.headers.get('x-frame-options'), 'DENY');
  assert.equal(refused.headers.get('x-sent'), 'yes');
});

/** The address of a Fastify service of one request, to which `prepare` adds; null without Fastify. */
async function limitedFastify(context, prepare) {
  const packages = await installed(context, 'fastify');
  if (packages === null) return null;
  const [{ fastify }] = packages;
  const { rateLimit } = await import('ratecell/fastify');
  const app = fastify();
  app.addHook('onRequest', rateLimit(limitOf('ip', 'fixed 1/366d')));
  prepare(app);
  app.get('/', async () => 'ok');
  await app.listen({ port: 0, host: '127.0.0.1' });
  return closing(context, app.server);
}

test('fastify: an onSend hook may send another body', async (context) => {
  const url = await limitedFastify(context, (app) => {
    app.addHook('onSend', async (_request, reply, payload) => {
      if (reply.statusCode === 429) return payload.toUpperCase();
    });
  });
  if (url === null) return;
  assert.deepEqual(await statuses(url, 1), [200]);
  assert.match(await (await fetch(url)).text(), /^\{"TYPE":"HTTPS:/);
});

test('fastify: if an onSend hook throws, the error handler answers as ever', async (context) => {
  const url = await limitedFastify(context, (app) => {
    app.addHook('onSend', (_request, reply, _payload, done) => {
      done(reply.statusCode === 429 ? new Error('broken') : null);
    });
    app.setErrorHandler(async (error, _request, reply) => {
      reply.code(500);
      return { found: error.message };
    });
  });
  if (url === null) return;
  assert.deepEqual(await statuses(url, 1), [200]);
  const response = await fetch(url);
  assert.equal(response.status, 500);
  assert.equal(response.headers.get('content-type'), 'application/json; charset=utf-8');
  assert.deepEqual(await response.json(), { found: 'broken' });
});

test('nestjs: a decorator limits a method, or all methods of a class but those', async (context) => {
  const packages = await installed(context, '@nestjs/core', '@nestjs/common', 'reflect-metadata');
  if (packages === null) return;
  const [{ NestFactory }, { Controller, Get, Module }] = packages;
  const { RateLimit, RateLimitGuard } = await import('ratecell/nestjs');
  class Shop {
    one() {
      return 'ok';
    }
    two() {
      return 'ok';
    }
  }
  const own = (name) => Object.getOwnPropertyDescriptor(Shop.prototype, name);
  Get('/one')(Shop.prototype, 'one', own('one'));
  Get('/two')(Shop.prototype, 'two', own('two'));
  Controller()(Shop);
  RateLimit(limitOf('class', 'fixed 2/366d'))(Shop);
  RateLimit(limitOf('method', 'fixed 1/366d'))(Shop.prototype, 'one', own('one'));
  class ShopModule {}
  Module({ controllers: [Shop] })(ShopModule);
  const app = await NestFactory.create(ShopModule, { logger: false });
  app.useGlobalGuards(new RateLimitGuard());
  await app.listen(0, '127.0.0.1');
  const url = closing(context, app.getHttpServer());
  assert.deepEqual(await statuses(`${url}/one`, 2), [200, 429]);
  assert.deepEqual(await statuses(`${url}/two`, 3), [200, 200, 429]);
});

test('a stage that there is none of is refused when the middleware is made', async () => {
  const { rateLimit } = await import('ratecell/http');
  assert.throws(
    () => rateLimit(limitOf('ip', '1/s'), { stage: 'later' }),
    /^RangeError: stage: found "later"/,
  );
});
