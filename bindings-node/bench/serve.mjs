// One server in a process of its own: `serve.mjs FRAMEWORK LIMITER LIMIT`.
//
// Prints its port; a line on its input starts and ends the measurement, of which it prints the
// processor's microseconds.

import { createServer } from 'node:http';
import { createInterface } from 'node:readline';

const [framework, limiter, limit] = [process.argv[2], process.argv[3], Number(process.argv[4])];
const contract = {
  rules: [{ name: 'ip', limit: `fixed ${limit}/h`, by: 'ip' }],
  response: { headers: ['x-ratelimit', 'retry-after'] },
};

async function expressApp() {
  const { default: express } = await import('express');
  const app = express();
  if (limiter === 'ratecell') {
    const { rateLimit } = await import('../express.mjs');
    app.use(rateLimit(contract));
  } else if (limiter === 'plugin') {
    const { rateLimit } = await import('express-rate-limit');
    app.use(rateLimit({ windowMs: 3_600_000, limit, legacyHeaders: true, standardHeaders: false }));
  }
  app.get('/', (_request, response) => response.json({ hello: 'world' }));
  return new Promise((resolve) => {
    const server = createServer(app).listen(0, '127.0.0.1', () => resolve(server.address().port));
  });
}

async function fastifyApp() {
  const { fastify } = await import('fastify');
  const app = fastify();
  if (limiter === 'ratecell') {
    const { rateLimit } = await import('../fastify.mjs');
    app.addHook('onRequest', rateLimit(contract));
  } else if (limiter === 'plugin') {
    await app.register(import('@fastify/rate-limit'), { max: limit, timeWindow: 3_600_000 });
  }
  app.get('/', async () => ({ hello: 'world' }));
  await app.listen({ port: 0, host: '127.0.0.1' });
  return app.server.address().port;
}

console.log(await (framework === 'express' ? expressApp() : fastifyApp()));
let start = null;
for await (const _line of createInterface({ input: process.stdin })) {
  if (start === null) {
    start = process.cpuUsage();
    console.log('measuring');
  } else {
    const { user, system } = process.cpuUsage(start);
    console.log(user + system);
    start = null;
  }
}
