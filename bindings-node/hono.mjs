import all from './lib/hono.js';

export const { rateLimit } = all;
