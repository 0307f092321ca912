import type { LimiterOptions } from 'ratecell';

/** What express-rate-limit knows of a client. */
export interface ClientInfo {
  totalHits: number;
  resetTime: Date;
}

/**
 * A store for express-rate-limit: `rateLimit({ windowMs: 60_000, limit: 100, store: new RatecellStore() })`.
 *
 * Windows are aligned to the clock. A hit is not taken back, so `skipFailedRequests` and
 * `skipSuccessfulRequests` are refused.
 */
export class RatecellStore {
  constructor(options?: Pick<LimiterOptions, 'capacity' | 'clock'>);
  readonly localKeys: boolean;
  init(options: { readonly windowMs: number }): void;
  get(key: string): ClientInfo;
  increment(key: string): ClientInfo;
  decrement(key: string): void;
  resetKey(key: string): void;
}
