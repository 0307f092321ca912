import type { Clock } from 'ratecell';

/** How a client paces itself and tries again. */
export interface PacingOptions {
  /** The rules that it lives under, if it is told them; else it learns from responses. */
  readonly rules?: string | undefined;
  /** How many clients share them. Default: 1. */
  readonly sharers?: number | undefined;
  /**
   * How many callers are told apart at once. Who has sent nothing for ten minutes makes room; where
   * nobody has, a request of one more fails with a `RangeError`. Default: 10,000.
   */
  readonly maxCallers?: number | undefined;
  /** How often to try again what was refused. Default: 3. */
  readonly retries?: number | undefined;
  /** The first wait without a Retry-After; each doubles the one before. Default: 1,000. */
  readonly baseMs?: number | undefined;
  /** The longest wait that is not a Retry-After. Default: 60,000. */
  readonly capMs?: number | undefined;
  /** How long after the first try the last may begin. Default: 600,000. */
  readonly budgetMs?: number | undefined;
  /**
   * How long a request may wait in all, for its turn and between tries; the time in which they are on
   * their way is not counted. One whose turn is further away fails with a `TimeoutError`, as soon as
   * that is known; a refused one that would wait longer is not tried again. Default: 600,000.
   */
  readonly maxWaitMs?: number | undefined;
  /** Unix time in nanoseconds. Default: the system's. */
  readonly clock?: Clock | undefined;
}

export interface FetchOptions extends PacingOptions {
  /** What sends. Default: `globalThis.fetch`. */
  readonly fetch?: typeof globalThis.fetch | undefined;
  /**
   * Which requests share a pace: those for which it gives the same text. Default: those of one origin
   * with the same `Authorization` and `X-Api-Key`.
   */
  readonly laneBy?: ((request: Request) => string) | undefined;
}

/**
 * A `fetch` that waits for its turn, in order of arrival, and tries again what was refused with 429,
 * or with 503 and a Retry-After for an idempotent method. A refusal with no tries left is returned. A
 * body that is a stream is sent once.
 *
 * Each caller at an origin has a pace of its own: see `laneBy`. The `rules` are those of each, so make
 * one for each API whose rules differ. A request counts as in flight until its response has been read,
 * cancelled or collected.
 */
export function createFetch(options?: FetchOptions): typeof globalThis.fetch;
