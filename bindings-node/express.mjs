import all from './lib/express.js';

export const { rateLimit } = all;
