/// <reference types="node" />

import type { IncomingMessage } from 'node:http';
import type { CanActivate, ExecutionContext } from '@nestjs/common';
import type { Contract, Guard, RequestOptions } from 'ratecell';

/**
 * A guard for NestJS: `app.useGlobalGuards(new RateLimitGuard(guard))`. See `ratecell/http`.
 *
 * It answers a refused request itself, without an exception. Without a guard of its own it only
 * holds requests to what `RateLimit` says.
 */
export class RateLimitGuard implements CanActivate {
  constructor(guard?: Guard | Contract | string, options?: RequestOptions<IncomingMessage>);
  canActivate(context: ExecutionContext): boolean | Promise<boolean>;
}

/** Limits of a method or a class, beside those of the RateLimitGuard; a method's stand in for its class's. */
export function RateLimit(
  guard: Guard | Contract | string,
  options?: RequestOptions<IncomingMessage>,
): MethodDecorator & ClassDecorator;
