import type { Context, Middleware } from 'koa';
import type { Contract, Guard, RequestOptions } from 'ratecell';

/** Middleware for Koa; see `ratecell/http`. */
export function rateLimit(guard: Guard | Contract | string, options?: RequestOptions<Context>): Middleware;
