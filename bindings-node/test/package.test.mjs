// The packed tarballs, installed into an empty folder on a machine that could not compile anything.

import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const HOME = fileURLToPath(new URL('..', import.meta.url));
const PROGRAM = `
  import { createRequire } from 'node:module';
  import { Guard, Limiter } from 'ratecell';
  import { rateLimit } from 'ratecell/express';
  import { RatecellStore } from 'ratecell/express-rate-limit';
  import { createFetch } from 'ratecell/fetch';
  import { rateLimit as hono } from 'ratecell/hono';
  import { RateLimitGuard } from 'ratecell/nestjs';
  import { pace } from 'ratecell/undici';
  const require = createRequire(import.meta.url);
  const same = require('ratecell').Limiter === Limiter && require('ratecell/koa').rateLimit !== undefined;
  console.log(same, new Limiter('5/s').acquire('alice').remaining);
`;

// A PATH with node and npm and what they need, and nothing that compiles.
function barePath(folder) {
  const bin = join(folder, 'bin');
  mkdirSync(bin);
  for (const name of ['sh', 'env', 'uname', 'sed', 'dirname', 'basename']) {
    const found = process.env.PATH.split(delimiter).map((part) => join(part, name));
    const file = found.find((candidate) => existsSync(candidate));
    if (file !== undefined) symlinkSync(file, join(bin, name));
  }
  symlinkSync(process.execPath, join(bin, 'node'));
  return bin;
}

function npm(options, folder) {
  const bin = barePath(mkdtempSync(join(folder, 'path-')));
  const script = execFileSync('npm', ['root', '--global'], { encoding: 'utf8' }).trim();
  const cli = join(script, 'npm', 'bin', 'npm-cli.js');
  const project = join(folder, 'project');
  mkdirSync(project);
  const words = ['install', '--no-audit', '--no-fund', '--loglevel=error', ...options];
  const env = { ...process.env, PATH: bin };
  execFileSync(process.execPath, [cli, ...words], { cwd: project, env, timeout: 120_000 });
  const run = ['--input-type=module', '-e', PROGRAM];
  return execFileSync(process.execPath, run, { cwd: project, env, encoding: 'utf8' });
}

function temporary(context) {
  const folder = mkdtempSync(join(tmpdir(), 'ratecell-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const pack = (...options) =>
  execFileSync(process.execPath, [join(HOME, 'pack.mjs'), ...options], { encoding: 'utf8' })
    .trim()
    .split('\n');

test('a plain npm install of the tarball works', (context) => {
  const [main] = pack();
  assert.equal(npm([main], temporary(context)), 'true 4\n');
});

test('without an addon of its own the package takes that of its platform’s package', (context) => {
  const tarballs = pack('--without-addons');
  assert.equal(npm(tarballs, temporary(context)), 'true 4\n');
});

test('all packages have one version, and every addon is told', () => {
  const { version } = JSON.parse(readFileSync(join(HOME, 'package.json'), 'utf8'));
  const workspace = readFileSync(join(HOME, '..', 'Cargo.toml'), 'utf8');
  assert.equal(workspace.match(/^version = "(.*)"$/m)[1], version);
  const require = createRequire(import.meta.url);
  assert.ok(require('../lib/platform.js').ALL.length >= 5);
  assert.equal(dirname(require.resolve('../package.json')), HOME.replace(/\/$/, ''));
});

test('the types name what the modules export', async () => {
  const { exports } = JSON.parse(readFileSync(join(HOME, 'package.json'), 'utf8'));
  for (const [path, entry] of Object.entries(exports)) {
    if (path === './package.json') continue;
    const module = await import(path.replace(/^\./, 'ratecell'));
    const types = readFileSync(join(HOME, entry.require.types), 'utf8');
    const named = [...types.matchAll(/^export (?:class|function) (\w+)/gm)].map((match) => match[1]);
    assert.deepEqual(Object.keys(module).sort(), named.sort(), path);
    assert.deepEqual(
      Object.keys(createRequire(import.meta.url)(path.replace(/^\./, 'ratecell'))).sort(),
      named,
    );
  }
});
