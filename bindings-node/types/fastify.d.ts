import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Contract, Guard, RequestOptions } from 'ratecell';

/**
 * A hook: `app.addHook('onRequest', rateLimit(guard))`, or of one route. See `ratecell/http`.
 *
 * As `preHandler`, it runs after authentication. A refusal goes out by `reply.send`, its body a string:
 * it keeps the fields that earlier hooks have set, and `onSend` and `onResponse` hooks run.
 */
export function rateLimit(
  guard: Guard | Contract | string,
  options?: RequestOptions<FastifyRequest>,
): (request: FastifyRequest, reply: FastifyReply, done: () => void) => void;
