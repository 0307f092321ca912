// Runs the conformance cases, which every language answers alike, through the addon.
//
// Times are decimal strings in the files and bigints here: none ever becomes a number.

import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

import { Limiter } from '../../index.mjs';

const OWN_FOLDER = fileURLToPath(new URL('../../../conformance', import.meta.url));
const ANSWER_FIELDS = ['verdict', 'limit', 'remaining', 'retry_after_ns', 'reset_after_ns'];

function folder() {
  const given = process.env.RATECELL_CONFORMANCE;
  if (given !== undefined) {
    const found = statSync(given, { throwIfNoEntry: false });
    assert.ok(found?.isDirectory(), `RATECELL_CONFORMANCE=${given} is no folder`);
    return given;
  }
  return OWN_FOLDER;
}

function cases(file, fields) {
  const lines = readFileSync(join(folder(), file), 'utf8').split('\n');
  if (lines.at(-1) === '') lines.pop();
  assert.ok(lines.length > 0, `${file} has no case`);
  return lines.map((line, index) => {
    const place = `${file}:${index + 1}`;
    const parsed = parse(line, place);
    checkFields(parsed, fields, place);
    assert.ok(parsed.steps.length > 0, `${place}: a case without steps`);
    return { place, ...parsed };
  });
}

function parse(line, place) {
  try {
    return JSON.parse(line);
  } catch (error) {
    assert.fail(`${place}: ${error.message}`);
  }
}

// These fields and no others: what nobody looks at proves nothing.
function checkFields(object, fields, place) {
  assert.deepEqual(Object.keys(object).sort(), [...fields].sort(), place);
}

// A time: a decimal string, because it can pass 2^53, written in the one way the format has.
function bigintOf(text, place) {
  assert.match(String(text), /^(0|[1-9][0-9]*)$/, place);
  assert.equal(typeof text, 'string', `${place}: ${text} is no string`);
  return BigInt(text);
}

function textOf({ burst, segments, ...rule }, own, place) {
  const rate = `${rule.limit}/${rule.period_ns}ns`;
  const only = (kind, field, value) => {
    const message = `${place}: ${rule.kind} has no ${field}`;
    assert.ok(rule.kind === kind || value === undefined, message);
  };
  only('gcra', 'burst', burst);
  only('sliding', 'segments', segments);
  const period = rule.kind === 'concurrency' ? [] : ['period_ns'];
  if (period.length > 0) bigintOf(rule.period_ns, place);
  checkFields(rule, ['kind', 'limit', ...period, ...own], place);
  switch (rule.kind) {
    case 'gcra':
      return `gcra ${rate} burst ${burst ?? rule.limit}`;
    case 'fixed':
      return `fixed ${rate}`;
    case 'sliding':
      return `sliding ${rate} segments ${segments ?? 14}`;
    case 'concurrency':
      return `concurrency ${rule.limit}`;
    default:
      assert.fail(`${place}: unknown kind ${rule.kind}`);
  }
}

function namedTextOf(rule, place) {
  return `${rule.name}: ${textOf(rule, ['name', 'by'], place)} by ${rule.by}`;
}

// The fields of a step by its op: those of all calls, and those that only this kind of case has.
function checkStep(step, also, place) {
  if (step.op === 'release') {
    checkFields(step, ['op', 'cost', ...also.release], place);
    return;
  }
  assert.ok(['acquire', 'peek'].includes(step.op), `${place}: unknown op ${step.op}`);
  checkFields(step, ['op', 'now_ns', 'cost', 'expect', ...also.call], place);
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
  const all = cases('single.jsonl', ['name', 'rule', 'steps']);
  let steps = 0;
  for (const { place, name, rule, steps: list } of all) {
    const { limiter, time } = subject(textOf(rule, [], place));
    list.forEach((step, index) => {
      const where = `${place}: ${name}, step ${index}`;
      checkStep(step, { call: [], release: ['ok'] }, where);
      steps += 1;
      if (step.op === 'release') {
        const release = () => limiter.release('alice', step.cost);
        step.ok ? release() : assert.throws(release, RangeError, where);
        return;
      }
      checkFields(step.expect, ANSWER_FIELDS, where);
      time.ns = bigintOf(step.now_ns, where);
      assert.deepEqual(answerOf(limiter[step.op]('alice', step.cost)), step.expect, where);
    });
  }
  return { cases: all.length, steps };
}

export function runPlanCases() {
  const all = cases('plan.jsonl', ['name', 'rules', 'steps']);
  let steps = 0;
  for (const { place, name, rules, steps: list } of all) {
    const { limiter, time } = subject(rules.map((rule) => namedTextOf(rule, place)).join('; '));
    list.forEach((step, index) => {
      const where = `${place}: ${name}, step ${index}`;
      checkStep(step, { call: ['keys'], release: ['keys'] }, where);
      steps += 1;
      if (step.op === 'release') {
        limiter.release(step.keys, step.cost);
        return;
      }
      checkFields(step.expect, ['governing', 'rules'], where);
      time.ns = bigintOf(step.now_ns, where);
      const decision = limiter[step.op](step.keys, step.cost);
      const own = decision.rules.map((rule) => [rule.rule, answerOf(rule)]);
      const found = { governing: decision.rule, rules: Object.fromEntries(own) };
      assert.deepEqual(found, step.expect, where);
    });
  }
  return { cases: all.length, steps };
}
