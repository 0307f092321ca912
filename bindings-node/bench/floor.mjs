// What a raw Node-API call with a string costs: `floor.mjs ADDON`; prints JSON.

import { createRequire } from 'node:module';

const length = createRequire(import.meta.url)(process.argv[2]);
const CALLS = 200_000;
const rounds = [];
for (let round = 0; round < 6; round += 1) {
  const start = process.cpuUsage();
  let sum = 0;
  for (let call = 0; call < CALLS; call += 1) sum += length('user:1000000');
  const { user, system } = process.cpuUsage(start);
  if (sum !== 12 * CALLS) throw new Error('it does not read the string');
  rounds.push(((user + system) * 1_000) / CALLS);
}
console.log(JSON.stringify({ allowed: rounds.slice(1).sort((a, b) => a - b)[2] }));
