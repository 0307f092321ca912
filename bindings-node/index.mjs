// The package `ratecell` for ESM: the same objects as CommonJS has.

import ratecell from './index.js';

export const { Limiter, Decision, Permit, KeyHandle, Guard, Outcome } = ratecell;
