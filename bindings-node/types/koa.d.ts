import type { Context, Middleware } from 'koa';
import type { Contract, Guard, RequestOptions } from 'ratecell';

/**
 * Middleware for Koa; see `ratecell/http`. Paths count as they are served: rewritten if the service
 * rewrites them, and whole in an application that koa-mount has mounted.
 */
export function rateLimit(guard: Guard | Contract | string, options?: RequestOptions<Context>): Middleware;
