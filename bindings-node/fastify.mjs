import all from './lib/fastify.js';

export const { rateLimit } = all;
