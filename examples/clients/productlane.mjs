// Reads and writes items of an API under Productlane's contract. It paces itself ahead of time: with
// fewer than 5 requests left it waits until the window resets. A 429 it obeys to the second, plus up
// to half a second of jitter, since other workers may share the key.
//
//   PRODUCTLANE_URL=https://api.example.com PRODUCTLANE_API_KEY=... node productlane.mjs READS WRITES
//
// Node 18 or later, no packages. Prints how many requests were answered, and how often it was refused.

const { PRODUCTLANE_URL, PRODUCTLANE_API_KEY } = process.env;
const [reads, writes] = process.argv.slice(2).map(Number);

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

let refused = 0;

async function call(method, path) {
  for (;;) {
    const response = await fetch(PRODUCTLANE_URL + path, {
      method,
      headers: { Authorization: `Bearer ${PRODUCTLANE_API_KEY}` },
    });
    const body = await response.text();
    if (response.status === 429) {
      refused += 1;
      const seconds = Number(response.headers.get('Retry-After'));
      await sleep(seconds * 1000 + Math.random() * 500);
      continue;
    }
    if (!response.ok) throw new Error(`status ${response.status}: ${body}`);
    if (Number(response.headers.get('X-RateLimit-Remaining')) < 5) {
      const resetMs = Number(response.headers.get('X-RateLimit-Reset')) * 1000;
      await sleep(Math.max(0, resetMs - Date.now()));
    }
    return body;
  }
}

for (let read = 0; read < reads; read += 1) await call('GET', '/v1/items');
for (let write = 0; write < writes; write += 1) await call('POST', '/v1/items');
console.log(`${reads} reads and ${writes} writes answered, ${refused} refused on the way`);
