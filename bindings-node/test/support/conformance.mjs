// Runs the conformance cases, which every language answers alike, through the addon.
//
// Times are decimal strings in the files and bigints here: none ever becomes a number.

import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Limiter } from '../../index.mjs';

const OWN_FOLDER = fileURLToPath(new URL('../../../conformance', import.meta.url));
const RULE_FIELDS = ['kind', 'limit', 'period_ns', 'burst', 'segments', 'by', 'name'];
const STEP_FIELDS = ['op', 'now_ns', 'cost', 'keys', 'expect', 'ok'];
const ANSWER_FIELDS = ['verdict', 'limit', 'remaining', 'retry_after_ns', 'reset_after_ns'];

function folder() {
  const given = process.env.RATECELL_CONFORMANCE;
  if (given !== undefined) {
    assert.ok(statSync(given).isDirectory(), `RATECELL_CONFORMANCE names ${given}, no folder`);
    return given;
  }
  return OWN_FOLDER;
}

function cases(file) {
  const lines = readFileSync(join(folder(), file), 'utf8').split('\n');
  assert.equal(lines.pop(), '', `${file} ends in a line break`);
  assert.ok(lines.length > 0, `${file} has cases`);
  return lines.map((line, index) => ({ place: `${file}:${index + 1}`, ...JSON.parse(line) }));
}

function checkFields(object, accepted, place) {
  for (const field of Object.keys(object)) {
    assert.ok(accepted.includes(field), `${place}: unknown field ${field}`);
  }
}

function textOf(rule, place) {
  checkFields(rule, RULE_FIELDS, place);
  const name = rule.name === undefined ? '' : `${rule.name}: `;
  const by = rule.by === undefined ? '' : ` by ${rule.by}`;
  const rate = `${rule.limit}/${rule.period_ns}ns`;
  switch (rule.kind) {
    case 'gcra':
      return `${name}gcra ${rate} burst ${rule.burst}${by}`;
    case 'fixed':
      return `${name}fixed ${rate}${by}`;
    case 'sliding':
      return `${name}sliding ${rate} segments ${rule.segments}${by}`;
    case 'concurrency':
      return `${name}concurrency ${rule.limit}${by}`;
    default:
      assert.fail(`${place}: unknown kind ${rule.kind}`);
  }
}

function written(ns) {
  return ns === null ? null : ns.toString();
}

function answerOf(decision) {
  return {
    verdict: decision.verdict,
    limit: decision.limit,
    remaining: decision.remaining,
    retry_after_ns: written(decision.retryAfterNs),
    reset_after_ns: written(decision.resetAfterNs),
  };
}

// A limiter whose clock each step sets, with room for every key of a case.
function subject(text) {
  const time = { ns: 0n };
  const limiter = new Limiter(text, { capacity: 4_096, clock: () => time.ns });
  return { limiter, time };
}

// Gives how many cases and steps there were.
export function runSingleCases() {
  const all = cases('single.jsonl');
  let steps = 0;
  for (const { place, name, rule, steps: list, ...others } of all) {
    checkFields(others, [], place);
    const { limiter, time } = subject(textOf(rule, place));
    list.forEach((step, index) => {
      const where = `${place}: ${name}, step ${index}`;
      checkFields(step, STEP_FIELDS, where);
      steps += 1;
      if (step.op === 'release') {
        const release = () => limiter.release('alice', step.cost);
        step.ok ? release() : assert.throws(release, RangeError, where);
        return;
      }
      assert.ok(['acquire', 'peek'].includes(step.op), `${where}: unknown op ${step.op}`);
      checkFields(step.expect, ANSWER_FIELDS, where);
      time.ns = BigInt(step.now_ns);
      assert.deepEqual(answerOf(limiter[step.op]('alice', step.cost)), step.expect, where);
    });
  }
  return { cases: all.length, steps };
}

export function runPlanCases() {
  const all = cases('plan.jsonl');
  let steps = 0;
  for (const { place, name, rules, steps: list, ...others } of all) {
    checkFields(others, [], place);
    const { limiter, time } = subject(rules.map((rule) => textOf(rule, place)).join('; '));
    list.forEach((step, index) => {
      const where = `${place}: ${name}, step ${index}`;
      checkFields(step, STEP_FIELDS, where);
      steps += 1;
      if (step.op === 'release') {
        limiter.release(step.keys, step.cost);
        return;
      }
      assert.ok(['acquire', 'peek'].includes(step.op), `${where}: unknown op ${step.op}`);
      checkFields(step.expect, ['governing', 'rules'], where);
      time.ns = BigInt(step.now_ns);
      const decision = limiter[step.op](step.keys, step.cost);
      const own = decision.rules.map((rule) => [rule.rule, answerOf(rule)]);
      const found = { governing: decision.rule, rules: Object.fromEntries(own) };
      assert.deepEqual(found, step.expect, where);
    });
  }
  return { cases: all.length, steps };
}
