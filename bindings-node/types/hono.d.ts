import type { Context, MiddlewareHandler } from 'hono';
import type { Contract, Guard, RequestOptions } from 'ratecell';

export interface HonoOptions extends RequestOptions<Context> {
  /** The address of the connection, for runtimes that do not pass it along as Node, Bun and Deno do. */
  readonly peer?: ((context: Context) => string | undefined) | undefined;
}

/** Middleware for Hono; see `ratecell/http`. */
export function rateLimit(guard: Guard | Contract | string, options?: HonoOptions): MiddlewareHandler;
