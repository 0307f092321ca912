import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Contract, Guard, RequestOptions } from 'ratecell';

/**
 * A hook: `app.addHook('onRequest', rateLimit(guard))`, or of one route. See `ratecell/http`.
 *
 * As `preHandler`, it runs after authentication.
 */
export function rateLimit(
  guard: Guard | Contract | string,
  options?: RequestOptions<FastifyRequest>,
): (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;
