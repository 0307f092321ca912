import all from './lib/nestjs.js';

export const { RateLimitGuard, RateLimit } = all;
