// Compiled as a project would that says nothing of its own: without `skipLibCheck`, `types` or a newer
// `lib`.

import { type Decision, Limiter } from 'ratecell';
import { createFetch } from 'ratecell/fetch';
import { rateLimit } from 'ratecell/http';

const decision: Decision = new Limiter('600/min').acquire('alice');
const paced: typeof fetch = createFetch({ rules: '600/min', laneBy: (request) => request.url });
export const found = [decision.allowed, paced, rateLimit('name = "shop"')];
