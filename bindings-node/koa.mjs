import all from './lib/koa.js';

export const { rateLimit } = all;
