/// <reference types="node" />

import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Contract, Guard, RequestOptions } from 'ratecell';

/**
 * For `http.createServer`: a function that says whether to go on. If not, the response is sent.
 *
 * A guard may be shared by several; of a contract a guard is made. Permits are held until the
 * response is sent or its client is gone.
 */
export function rateLimit(
  guard: Guard | Contract | string,
  options?: RequestOptions<IncomingMessage>,
): (request: IncomingMessage, response: ServerResponse) => boolean;
