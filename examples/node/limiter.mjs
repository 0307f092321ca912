// Several limits as one decision: `node limiter.mjs`.

import { Limiter } from 'ratecell';

const limiter = new Limiter('ip: fixed 300/min by ip; key: sliding 600/min; inflight: concurrency 8');

// Permits come back when it is released; in Node 24 and later `using permit = ...` does that.
const permit = limiter.hold({ ip: '192.0.2.1', key: 'alice' });
if (permit.allowed) {
  console.log(String(permit)); // inflight: allowed: 7 of 8 left
} else {
  console.log(`429: ${permit.rule}, retry after ${permit.retryAfterMs} ms`, permit.headers());
}
permit.release();

// A customer's own cap for one call, on the state that the key already has.
const rules = 'fixed 300/min by ip; sliding 1200/min; concurrency 20';
console.log(limiter.acquire('alice', 1, { rules }).remaining);
