import all from './lib/express-rate-limit.js';

export const { RatecellStore } = all;
