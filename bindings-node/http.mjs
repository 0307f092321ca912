import all from './lib/http.js';

export const { rateLimit } = all;
