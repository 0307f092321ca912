// Other engines, where they are installed: older and newer Node, Bun, Deno.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const path = (file) => fileURLToPath(new URL(file, import.meta.url));
const EVERYWHERE = path('./support/everywhere.mjs');

const NODES = ['18', '22', '24', '26'];
const RUNTIMES = [
  ...NODES.map((version) => [`Node ${version}`, `../runtimes/node_modules/node-${version}/bin/node`, []]),
  ['Bun', '../runtimes/node_modules/bun/bin/bun.exe', ['run']],
  ['Deno', '../runtimes/node_modules/deno/deno', ['run', '--allow-all']],
];

test('this Node', () => {
  assert.match(execFileSync(process.execPath, [EVERYWHERE]).toString(), /^240 \+ 60 cases/);
});

for (const [name, binary, options] of RUNTIMES) {
  test(name, (context) => {
    if (!existsSync(path(binary))) {
      return context.skip(`${name} is not installed: see bindings-node/runtimes`);
    }
    const run = (...words) => execFileSync(path(binary), words, { timeout: 120_000 }).toString();
    context.diagnostic(run('--version').trim().split('\n')[0]);
    assert.match(run(...options, EVERYWHERE), /^240 \+ 60 cases/);
  });
}

test('`using` gives permits back where an engine has it', (context) => {
  const binary = path('../runtimes/node_modules/node-24/bin/node');
  if (!existsSync(binary)) {
    return context.skip('Node 24 is not installed: see bindings-node/runtimes');
  }
  const program = `
    const { Limiter } = require(${JSON.stringify(path('../index.js'))});
    const limiter = new Limiter('concurrency 1');
    { using permit = limiter.hold('alice'); console.log(permit.allowed); }
    console.log(limiter.peek('alice').allowed);
  `;
  assert.equal(execFileSync(binary, ['-e', program]).toString(), 'true\ntrue\n');
});
