// The frameworks, each as a server of the same three paths: `/`, `/slow`, which answers when the test
// says so, and `/broken`, whose handler throws.

import { createServer } from 'node:http';

// Loads packages of node_modules; none if one is missing or wants a newer Node.
async function load(...names) {
  try {
    return await Promise.all(names.map((name) => import(name)));
  } catch (error) {
    if (['ERR_MODULE_NOT_FOUND', 'MODULE_NOT_FOUND'].includes(error.code) || isTooOld(error)) {
      return null;
    }
    throw error;
  }
}

const isTooOld = () => Number(process.versions.node.split('.')[0]) < 20;

function listen(server) {
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}

// What each framework's errors are counted in: a refusal must build none.
function running(server, errors) {
  return {
    url: `http://127.0.0.1:${server.address().port}`,
    errors,
    close: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}

export const FRAMEWORKS = {
  async http(guard, slow, options) {
    const { rateLimit } = await import('ratecell/http');
    const check = rateLimit(guard, options);
    const server = createServer((request, response) => {
      if (!check(request, response)) {
        return;
      }
      if (request.url === '/slow') {
        slow.then(() => response.end('slow'));
      } else if (request.url === '/broken') {
        response.statusCode = 500;
        response.end('broken');
      } else {
        response.end('ok');
      }
    });
    return running(await listen(server), []);
  },

  express: (guard, slow, options) => express('express', guard, slow, options),
  'express 4': (guard, slow, options) => express('express4', guard, slow, options),

  async fastify(guard, slow, options) {
    const packages = await load('fastify');
    if (packages === null) return null;
    const { rateLimit } = await import('ratecell/fastify');
    const [{ fastify }] = packages;
    const app = fastify();
    const errors = [];
    app.addHook('onRequest', rateLimit(guard, options));
    app.setErrorHandler((error, _request, reply) => {
      errors.push(error);
      reply.code(500).send('broken');
    });
    app.get('/', async () => 'ok');
    app.get('/slow', async () => {
      await slow;
      return 'slow';
    });
    app.get('/broken', async () => {
      throw new Error('broken');
    });
    await app.listen({ port: 0, host: '127.0.0.1' });
    return running(app.server, errors);
  },

  async koa(guard, slow, options) {
    const packages = await load('koa');
    if (packages === null) return null;
    const { rateLimit } = await import('ratecell/koa');
    const [{ default: Koa }] = packages;
    const app = new Koa();
    const errors = [];
    app.on('error', (error) => errors.push(error));
    app.use(rateLimit(guard, options));
    app.use(async (context) => {
      if (context.path === '/slow') {
        await slow;
      } else if (context.path === '/broken') {
        throw new Error('broken');
      }
      context.body = context.path === '/slow' ? 'slow' : 'ok';
    });
    return running(await listen(createServer(app.callback())), errors);
  },

  async hono(guard, slow, options) {
    const packages = await load('hono', '@hono/node-server');
    if (packages === null) return null;
    const { rateLimit } = await import('ratecell/hono');
    const [{ Hono }, { serve }] = packages;
    const app = new Hono();
    const errors = [];
    app.use(rateLimit(guard, options));
    app.get('/', (context) => context.text('ok'));
    app.get('/slow', async (context) => {
      await slow;
      return context.text('slow');
    });
    app.get('/broken', () => {
      throw new Error('broken');
    });
    app.onError((error, context) => {
      errors.push(error);
      return context.text('broken', 500);
    });
    const server = await new Promise((resolve) => {
      const made = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, () => resolve(made));
    });
    return running(server, errors);
  },

  nestjs: (guard, slow, options) => nest(guard, slow, options),
};

// One of the versions of Express, by the name that it is installed as.
async function express(name, guard, slow, options) {
  const packages = await load(name);
  if (packages === null) return null;
  const { rateLimit } = await import('ratecell/express');
  const app = packages[0].default();
  const errors = [];
  app.use(rateLimit(guard, options));
  app.get('/', (_request, response) => response.send('ok'));
  app.get('/slow', (_request, response) => slow.then(() => response.send('slow')));
  app.get('/broken', () => {
    throw new Error('broken');
  });
  app.use((error, _request, response, _next) => {
    errors.push(error);
    response.status(500).send('broken');
  });
  return running(await listen(createServer(app)), errors);
}

// Nest on Express.
async function nest(guard, slow, options) {
  const packages = await load('@nestjs/core', '@nestjs/common', 'reflect-metadata');
  if (packages === null) return null;
  const { RateLimitGuard } = await import('ratecell/nestjs');
  const [{ NestFactory }, { Catch, Controller, Get, Module }] = packages;
  const errors = [];

  class ShopController {
    root() {
      return 'ok';
    }
    async slow() {
      await slow;
      return 'slow';
    }
    broken() {
      throw new Error('broken');
    }
  }
  const route = (name, path) =>
    Get(path)(
      ShopController.prototype,
      name,
      Object.getOwnPropertyDescriptor(ShopController.prototype, name),
    );
  Controller()(ShopController);
  route('root', '/');
  route('slow', '/slow');
  route('broken', '/broken');

  class ShopModule {}
  Module({ controllers: [ShopController] })(ShopModule);

  class Filter {
    catch(error, host) {
      errors.push(error);
      host.switchToHttp().getResponse().status(500).send('broken');
    }
  }
  Catch()(Filter);

  const app = await NestFactory.create(ShopModule, { logger: false });
  app.useGlobalGuards(new RateLimitGuard(guard, options));
  app.useGlobalFilters(new Filter());
  await app.listen(0, '127.0.0.1');
  return running(app.getHttpServer(), errors);
}
