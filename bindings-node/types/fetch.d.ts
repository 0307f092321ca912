import type { Clock } from 'ratecell';

/** How a client paces itself and tries again. */
export interface PacingOptions {
  /** The rules that it lives under, if it is told them; else it learns from responses. */
  readonly rules?: string | undefined;
  /** How many clients share them. Default: 1. */
  readonly sharers?: number | undefined;
  /** How often to try again what was refused. Default: 3. */
  readonly retries?: number | undefined;
  /** The first wait without a Retry-After; each doubles the one before. Default: 1,000. */
  readonly baseMs?: number | undefined;
  /** The longest wait that is not a Retry-After. Default: 60,000. */
  readonly capMs?: number | undefined;
  /** How long after the first try the last may begin. Default: 600,000. */
  readonly budgetMs?: number | undefined;
  /**
   * How long a request may wait for its turn before it is sent first. One whose turn is further away
   * fails with a `TimeoutError`, as soon as that is known. Default: 600,000.
   */
  readonly maxWaitMs?: number | undefined;
  /** Unix time in nanoseconds. Default: the system's. */
  readonly clock?: Clock | undefined;
}

export interface FetchOptions extends PacingOptions {
  /** What sends. Default: `globalThis.fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
}

/**
 * A `fetch` that waits for its turn, in order of arrival, and tries again what was refused with 429,
 * or with 503 and a Retry-After for an idempotent method. A refusal with no tries left is returned. A
 * body that is a stream is sent once.
 *
 * All that it sends shares one pace, so make one for each API and key. A request counts as in flight
 * until its response has been read, cancelled or collected.
 */
export function createFetch(options?: FetchOptions): typeof globalThis.fetch;
