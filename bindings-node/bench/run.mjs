// ratecell beside what users would pick instead, in one run: `bench/run.mjs [--quick]`.
//
// Every figure is the median of rounds in which all take turns, of processor time, so that others at
// work on the machine disturb the ratios little. Prints a page in Markdown.

import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { cpus } from 'node:os';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

import { ENTRANTS } from './entrants.mjs';

const quick = process.argv.includes('--quick');
const ROUNDS = quick ? 1 : 3;
const REQUESTS = quick ? 500 : 3_000;
const path = (file) => fileURLToPath(new URL(file, import.meta.url));

const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];

function child(file, ...words) {
  const options = { encoding: 'utf8', stdio: ['ignore', 'pipe', 'inherit'] };
  return JSON.parse(execFileSync(process.execPath, ['--expose-gc', path(file), ...words], options));
}

// Rounds in which all take turns: a median by name and field.
function turns(names, measure) {
  const seen = new Map(names.map((name) => [name, []]));
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const name of names) seen.get(name).push(measure(name));
  }
  return new Map(
    names.map((name) => {
      const rounds = seen.get(name);
      const fields = Object.keys(rounds[0]);
      return [
        name,
        Object.fromEntries(fields.map((field) => [field, median(rounds.map((one) => one[field]))])),
      ];
    }),
  );
}

function buildFloor() {
  mkdirSync(path('../dist'), { recursive: true });
  const addon = path('../dist/floor.node');
  try {
    const flags = process.platform === 'darwin' ? ['-undefined', 'dynamic_lookup'] : [];
    execFileSync('cc', ['-O2', '-shared', '-fPIC', ...flags, path('floor.c'), '-o', addon]);
    return addon;
  } catch {
    console.error('*** SKIPPED the raw call: there is no C compiler cc ***');
    return null;
  }
}

function decisions() {
  const floor = buildFloor();
  const names = [...(floor === null ? [] : ['a raw call']), ...Object.keys(ENTRANTS)];
  const at = (keys) =>
    turns(names, (name) =>
      name === 'a raw call' ? child('floor.mjs', floor) : child('decide.mjs', name, keys),
    );
  const [one, many] = [at('1'), at('100000')];
  const ours = one.get('ratecell, string');
  console.log('## Decisions, ns of processor time a call\n');
  console.log('| | 1 key, allowed | denied | 100 k keys, allowed | denied | allowed, beside ratecell |');
  console.log('|---|---:|---:|---:|---:|---:|');
  const cell = (number) => (number === undefined ? '' : number.toFixed(0));
  for (const name of names) {
    const [a, b] = [one.get(name), many.get(name)];
    const ratio = (a.allowed / ours.allowed).toFixed(2);
    const more = name === 'a raw call' ? ['', ''] : [cell(b.allowed), cell(b.denied)];
    console.log(`| ${name} | ${cell(a.allowed)} | ${cell(a.denied)} | ${more.join(' | ')} | ${ratio} |`);
  }
  return { one, many };
}

function memory() {
  const names = Object.keys(ENTRANTS).filter(
    (name) => !name.includes('two rules') && !name.includes('handle'),
  );
  const found = turns(names, (name) => child('decide.mjs', name, '1000000'));
  console.log('\n## Memory and garbage collection at 1 M keys\n');
  console.log(
    '| | heap bytes a key | RSS bytes a key, beyond what it took when it was made | a full collection, ms |',
  );
  console.log('|---|---:|---:|---:|');
  for (const [name, { heap, rss, gcMs }] of found) {
    console.log(`| ${name} | ${heap.toFixed(1)} | ${rss.toFixed(0)} | ${gcMs.toFixed(1)} |`);
  }
}

async function cpuPerRequest(framework, limiter, isRefused) {
  const limit = isRefused ? '1' : '4000000000';
  const server = spawn(process.execPath, [path('serve.mjs'), framework, limiter, limit], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: server.stdout })[Symbol.asyncIterator]();
  const next = async () => (await lines.next()).value;
  const port = Number(await next());
  const agent = new Agent({ keepAlive: true, maxSockets: 8 });
  const statuses = new Set();
  const ask = () =>
    new Promise((resolve, reject) => {
      const sent = request({ port, host: '127.0.0.1', agent }, (response) => {
        statuses.add(response.statusCode);
        response.resume().once('end', resolve);
      });
      sent.once('error', reject).end();
    });
  const load = async (count) => {
    let left = count;
    const worker = async () => {
      while (left-- > 0) await ask();
    };
    await Promise.all(Array.from({ length: 8 }, worker));
  };
  await load(REQUESTS / 2);
  statuses.clear();
  server.stdin.write('start\n');
  await next();
  await load(REQUESTS);
  server.stdin.write('end\n');
  const microseconds = Number(await next());
  agent.destroy();
  server.kill();
  await once(server, 'exit');
  const expected = isRefused && limiter !== 'bare' ? 429 : 200;
  if (statuses.size !== 1 || !statuses.has(expected)) {
    throw new Error(`${framework} with ${limiter} answered ${[...statuses]}`);
  }
  return microseconds / REQUESTS;
}

async function servers() {
  const kinds = [
    ['bare', 'bare', false],
    ['ratecell, 200', 'ratecell', false],
    ['ratecell, 429', 'ratecell', true],
    ['its usual plugin, 200', 'plugin', false],
    ['its usual plugin, 429', 'plugin', true],
  ];
  console.log('\n## Servers, microseconds of processor time a request\n');
  console.log('| | Express | beside bare | Fastify | beside bare |');
  console.log('|---|---:|---:|---:|---:|');
  const seen = new Map();
  for (let round = 0; round < ROUNDS; round += 1) {
    for (const framework of ['express', 'fastify']) {
      for (const [name, limiter, isRefused] of kinds) {
        const key = `${framework} ${name}`;
        seen.set(key, [...(seen.get(key) ?? []), await cpuPerRequest(framework, limiter, isRefused)]);
      }
    }
  }
  const cost = (framework, name) => median(seen.get(`${framework} ${name}`));
  for (const [name] of kinds) {
    const cells = ['express', 'fastify'].flatMap((framework) => {
      const own = cost(framework, name);
      return [own.toFixed(0), (own / cost(framework, 'bare')).toFixed(2)];
    });
    console.log(`| ${name} | ${cells.join(' | ')} |`);
  }
}

const day = new Date().toISOString().slice(0, 10);
console.log(
  `# ratecell in Node beside others\n\n${day}, Node ${process.versions.node}, ${cpus()[0].model}.\n`,
);
decisions();
if (!quick) memory();
await servers();
