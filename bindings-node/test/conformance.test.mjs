// The conformance cases through the addon, counted.

import { test } from 'node:test';

import { runPlanCases, runSingleCases } from './support/conformance.mjs';

test('single cases', (context) => {
  const { cases, steps } = runSingleCases();
  context.diagnostic(`single.jsonl: ${cases} cases, ${steps} steps`);
});

test('plan cases', (context) => {
  const { cases, steps } = runPlanCases();
  context.diagnostic(`plan.jsonl: ${cases} cases, ${steps} steps`);
});
