// The sequences of requests that every language answers alike: contract/tests/replay/README.md.

import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';

import { Guard } from 'ratecell';

const FILE = new URL('../../contract/tests/replay/sequences.jsonl', import.meta.url);
const sequences = readFileSync(FILE, 'utf8').trimEnd().split('\n').map(JSON.parse);

const keyOf = ({ text, integer }) => text ?? BigInt(integer);

function request({ method, path, peer, headers, values, limits, cost, stage }) {
  return {
    method,
    path,
    peer: peer ?? undefined,
    rawHeaders: headers.flat(),
    values: Object.fromEntries(values.map(([name, value]) => [name, keyOf(value)])),
    limits: Object.fromEntries(limits),
    cost,
    stage,
  };
}

function answer(outcome) {
  const fields = [];
  outcome.eachField((name, value) => fields.push([name, value]));
  const shown = { fields, request_id: outcome.requestId, would_refuse: outcome.wouldRefuse };
  if (outcome.passes) {
    return { ...shown, holds_permits: outcome.holdsPermits };
  }
  const { status, rule, contentType, body, retryAfterNs } = outcome;
  const wait = retryAfterNs === null ? null : String(retryAfterNs);
  return { ...shown, status, rule, content_type: contentType, body, retry_after_ns: wait };
}

function ask(guard, step) {
  try {
    return guard.admitRaw(request(step));
  } catch (error) {
    assert.ok(error instanceof RangeError, error);
    return null;
  }
}

for (const [index, sequence] of sequences.entries()) {
  test(`sequence ${index + 1} is answered as in Rust`, () => {
    let now = 0n;
    const guard = new Guard(sequence.contract, {
      capacity: 256,
      clock: () => now,
      trustedProxies: sequence.trusted_proxies,
      forwardedField: sequence.forwarded_field,
    });
    const held = new Map();
    for (const [number, step] of sequence.steps.entries()) {
      if (step.release !== undefined) {
        held.get(step.release)?.release();
        continue;
      }
      now = BigInt(step.now_ns);
      const outcome = ask(guard, step);
      assert.deepEqual(outcome === null ? 'error' : answer(outcome), step.expect, JSON.stringify(step));
      held.set(number, outcome);
    }
    const counted = guard.stats().map((one) => [one.rule, one.allowed, one.refused, one.wouldHaveRefused]);
    assert.deepEqual(counted, sequence.stats);
  });
}
