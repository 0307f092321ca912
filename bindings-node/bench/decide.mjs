// One entrant in a process of its own: `decide.mjs ENTRANT KEYS`; prints JSON.
//
// Time is of the processor and not of the clock, as the machine may have others at work.

import { ENTRANTS } from './entrants.mjs';

const [name, count] = [process.argv[2], Number(process.argv[3])];
const HOUR = 3_600_000;
const CALLS = 200_000;
const ROUNDS = 5;
const texts = Array.from({ length: count }, (_, index) => `user:${1_000_000 + index}`);

function cpuNs(since) {
  const { user, system } = process.cpuUsage(since);
  return (user + system) * 1_000;
}

// The keys as an entrant wants them.
const keysOf = (take) => (take.keyOf === undefined ? texts : texts.map(take.keyOf));

async function time(take, expected) {
  const keys = keysOf(take);
  const rounds = [];
  const isAsync = take(keys[0]) instanceof Promise;
  for (let round = 0; round <= ROUNDS; round += 1) {
    let counted = 0;
    const start = process.cpuUsage();
    if (isAsync) {
      for (let call = 0; call < CALLS; call += 1) counted += (await take(keys[call % count])) ? 1 : 0;
    } else {
      for (let call = 0; call < CALLS; call += 1) counted += take(keys[call % count]) ? 1 : 0;
    }
    rounds.push(cpuNs(start) / CALLS);
    if (counted !== (expected ? CALLS : 0)) throw new Error(`${name}: ${counted} of ${CALLS} were allowed`);
  }
  // The first is to warm up.
  return rounds.slice(1).sort((a, b) => a - b)[Math.floor(ROUNDS / 2)];
}

const collect = () => {
  globalThis.gc();
  globalThis.gc();
};

async function memory() {
  collect();
  const before = process.memoryUsage();
  const take = await ENTRANTS[name](1_000_000, HOUR);
  const built = process.memoryUsage();
  for (const key of keysOf(take)) await take(key);
  collect();
  const after = process.memoryUsage();
  const start = performance.now();
  globalThis.gc();
  const gcMs = performance.now() - start;
  await take(texts[0]);
  return {
    heap: (after.heapUsed - before.heapUsed) / count,
    rss: (after.rss - built.rss) / count,
    gcMs,
  };
}

if (count === 1_000_000) {
  console.log(JSON.stringify(await memory()));
} else {
  const generous = await ENTRANTS[name](100_000_000, HOUR);
  const allowed = await time(generous, true);
  const strict = await ENTRANTS[name](1, HOUR);
  for (const key of keysOf(strict)) await strict(key);
  const denied = await time(strict, false);
  console.log(JSON.stringify({ allowed, denied }));
}
process.exit(0);
