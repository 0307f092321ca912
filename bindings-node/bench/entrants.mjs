// What is measured: each takes a unit of a key, and gives whether it might.
//
// `make(limit, windowMs)` gives a function of a key; what answers by a promise is awaited, as its
// users must.

import { createRequire } from 'node:module';
import { Limiter } from '../index.mjs';

const require = createRequire(import.meta.url);

export const ENTRANTS = {
  'ratecell, string': (limit, windowMs) => {
    const limiter = new Limiter(`fixed ${limit}/${windowMs}ms`, { capacity: 1_300_000 });
    return (key) => limiter.acquire(key).allowed;
  },
  'ratecell, handle': (limit, windowMs) => {
    const limiter = new Limiter(`fixed ${limit}/${windowMs}ms`, { capacity: 1_300_000 });
    return Object.assign((handle) => limiter.acquire(handle).allowed, { keyOf: (key) => limiter.key(key) });
  },
  'ratecell, two rules': (limit, windowMs) => {
    const rules = `a: fixed ${limit}/${windowMs}ms; b: fixed ${limit}/${windowMs}ms`;
    const limiter = new Limiter(rules, { capacity: 1_300_000 });
    return (key) => limiter.acquire(key).allowed;
  },
  'rate-limiter-flexible': (limit, windowMs) => {
    const { RateLimiterMemory } = require('rate-limiter-flexible');
    const limiter = new RateLimiterMemory({ points: limit, duration: windowMs / 1_000 });
    return async (key) => {
      try {
        await limiter.consume(key);
        return true;
      } catch {
        return false;
      }
    };
  },
  'express-rate-limit store': (limit, windowMs) => {
    const { MemoryStore } = require('express-rate-limit');
    const store = new MemoryStore();
    store.init({ windowMs });
    return async (key) => (await store.increment(key)).totalHits <= limit;
  },
  '@fastify/rate-limit store': (limit, windowMs) => {
    const LocalStore = require('@fastify/rate-limit/store/LocalStore.js');
    const store = new LocalStore(false, false, 1_300_000);
    let allowed = false;
    const answer = (_error, { current }) => {
      allowed = current <= limit;
    };
    return (key) => {
      store.incr(key, answer, windowMs, limit);
      return allowed;
    };
  },
  limiter: (limit, windowMs) => {
    const { RateLimiter } = require('limiter');
    const limiters = new Map();
    return (key) => {
      let limiter = limiters.get(key);
      if (limiter === undefined) {
        limiter = new RateLimiter({ tokensPerInterval: limit, interval: windowMs });
        limiters.set(key, limiter);
      }
      return limiter.tryRemoveTokens(1);
    };
  },
  hitlimit: async (limit, windowMs) => {
    const { memoryStore } = await import('@joint-ops/hitlimit/stores/memory');
    const store = memoryStore();
    return store.isSync
      ? (key) => store.hit(key, windowMs, limit).count <= limit
      : async (key) => (await store.hit(key, windowMs, limit)).count <= limit;
  },
};
