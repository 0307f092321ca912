import type { Context, MiddlewareHandler } from 'hono';
import type { Contract, Guard, RequestOptions } from 'ratecell';

export interface HonoOptions extends RequestOptions<Context> {
  /** The address of the connection, for runtimes that do not pass it along as Node, Bun and Deno do. */
  readonly peer?: ((context: Context) => string | undefined) | undefined;
}

/**
 * Middleware for Hono; see `ratecell/http`.
 *
 * An application under `mount` is one of its own: its layers see paths without what it is mounted at.
 * On Node they speak with one voice with those around it; on Bun and Deno the outermost has the word.
 * Use `route` for applications that are parts of one.
 */
export function rateLimit(guard: Guard | Contract | string, options?: HonoOptions): MiddlewareHandler;
