// Every example runs, ends and says what its comments say.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const FOLDER = new URL('../../examples/node/', import.meta.url);
const path = (file) => fileURLToPath(new URL(file, FOLDER));

for (const file of readdirSync(FOLDER).filter((name) => name.endsWith('.mjs'))) {
  test(`examples/node/${file}`, (context) => {
    const source = readFileSync(path(file), 'utf8');
    if (!existsSync(path('node_modules/ratecell'))) {
      return context.skip('node_modules is not linked: run bindings-node/check');
    }
    if (source.includes("'express'") && !existsSync(path('node_modules/express'))) {
      return context.skip('express is not installed');
    }
    const output = execFileSync(process.execPath, [path(file)], { timeout: 60_000 }).toString();
    const expected = [...source.matchAll(/^ *console\.log\(.*; \/\/ (.+)$/gm)].map((match) => match[1]);
    assert.ok(expected.length > 0);
    const lines = output.trim().split('\n');
    assert.deepEqual(lines.slice(0, expected.length), expected);
  });
}

test('the examples of README.md are files that run', () => {
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
  const blocks = [...readme.matchAll(/```js\n(.*?)```/gs)].map((match) => match[1]);
  assert.ok(blocks.length > 0);
  const files = readdirSync(FOLDER).filter((name) => name.endsWith('.mjs'));
  const sources = files.map((file) => readFileSync(path(file), 'utf8'));
  for (const block of blocks) {
    assert.ok(
      sources.some((source) => source.includes(block)),
      block,
    );
  }
});
