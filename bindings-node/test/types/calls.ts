// What the types must accept, and, with @ts-expect-error, what they must refuse.

import { createServer } from 'node:http';
import express from 'express';
import { rateLimit as limitRequests } from 'express-rate-limit';
import fastify from 'fastify';
import { Hono } from 'hono';
import Koa from 'koa';
import {
  type Decision,
  Guard,
  type Key,
  type KeyHandle,
  Limiter,
  type Outcome,
  Permit,
  type Verdict,
} from 'ratecell';
import { rateLimit as forExpress } from 'ratecell/express';
import { RatecellStore } from 'ratecell/express-rate-limit';
import { rateLimit as forFastify } from 'ratecell/fastify';
import { createFetch } from 'ratecell/fetch';
import { rateLimit as forHono } from 'ratecell/hono';
import { rateLimit as forHttp } from 'ratecell/http';
import { rateLimit as forKoa } from 'ratecell/koa';
import { RateLimit, RateLimitGuard } from 'ratecell/nestjs';
import { pace } from 'ratecell/undici';
import { Agent } from 'undici';

const limiter = new Limiter('ip: fixed 300/min by ip; key: sliding 600/min', {
  capacity: 1_000,
  whenFull: 'deny',
  clock: () => process.hrtime.bigint(),
});
const decision: Decision = limiter.acquire({ ip: '192.0.2.1', key: 7n }, 2, { rules: 'a' });
const verdict: Verdict = decision.verdict;
const wait: number | null = decision.retryAfterMs;
const exact: bigint | null = decision.retryAfterNs;
const fields: Record<string, string> = decision.headers(['x-ratelimit', 'retry-after'], { reset: 'unix' });
const handle: KeyHandle = limiter.key(Buffer.from('alice'));
const keys: Key[] = ['alice', 7, 7n, new Uint8Array(1), handle, { ip: handle, key: undefined }];
async function hold(): Promise<Permit> {
  using held = limiter.hold('alice');
  held.release();
  return limiter.wait('alice', { timeoutMs: 5, signal: AbortSignal.timeout(5), cost: 2 });
}
Limiter.from(limiter.share(), { clock: () => 0 })
  .stats()[0]
  ?.fullDenied.toFixed();

// @ts-expect-error: no key
limiter.acquire();
// @ts-expect-error: null is no key
limiter.acquire(null);
// @ts-expect-error: a cost is a number
limiter.acquire('alice', 1n);
// @ts-expect-error: no such option
new Limiter('5/s', { capcity: 5 });
// @ts-expect-error: no such way
new Limiter('5/s', { whenFull: 'drop' });
// @ts-expect-error: no such field
decision.headers('x-rate-limit');
// @ts-expect-error: only a limiter makes one
new Permit();

const guard = new Guard(
  {
    rules: [{ name: 'key', limit: '5/s', by: 'header:x-api-key', refused: { status: 429 } }],
    response: { headers: ['ratelimit', 'retry-after'], always: { 'Request-Id': '{request_id}' } },
  },
  { trustedProxies: ['10.0.0.0/8'] },
);
const outcome: Outcome = guard.admit({
  method: 'GET',
  path: '/',
  headers: new Headers(),
  limits: { key: 5 },
});
// @ts-expect-error: no such source
new Guard({ rules: [{ name: 'key', limit: '5/s', by: 'cookie' }] });

createServer((request, response) => {
  if (forHttp(guard)(request, response)) response.end();
});
express().use(forExpress<express.Request>(guard, { values: (request) => ({ user: request.get('x-user') }) }));
express().use(limitRequests({ windowMs: 60_000, limit: 5, store: new RatecellStore() }));
fastify().addHook('onRequest', forFastify(guard, { cost: (request) => Number(request.headers['x-cost']) }));
new Koa().use(forKoa(guard, { limits: (context) => ({ key: context.status }) }));
new Hono().use(forHono(guard, { peer: () => '192.0.2.1' }));
new Agent().compose(pace({ rules: '600/min', sharers: 3 }));
const paced: typeof fetch = createFetch({ retries: 3 });

class Controller {
  @RateLimit(guard)
  root(): string {
    return 'ok';
  }
}
export default [verdict, wait, exact, fields, keys, hold, outcome, paced, Controller, new RateLimitGuard()];
