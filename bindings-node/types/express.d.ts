/// <reference types="node" />

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Contract, Guard, RequestOptions } from 'ratecell';

/** Middleware for Express 4 and 5, and for whatever takes (request, response, next); see `ratecell/http`. */
export function rateLimit<R extends IncomingMessage = IncomingMessage>(
  guard: Guard | Contract | string,
  options?: RequestOptions<R>,
): (request: R, response: ServerResponse, next: (error?: unknown) => void) => void;
