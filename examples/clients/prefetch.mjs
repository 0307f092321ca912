// Asks an API under Prefetch's contract with exponential backoff: after a 429 it waits 1, 2 and 4
// seconds, and then gives up.
//
//   PREFETCH_URL=https://api.example.com PREFETCH_API_KEY=... node prefetch.mjs COUNT
//
// Node 18 or later, no packages. Prints how many requests were answered, given up and refused.

const { PREFETCH_URL, PREFETCH_API_KEY } = process.env;
const count = Number(process.argv[2]);

let refused = 0;

async function fetchWithBackoff(path) {
  for (const seconds of [1, 2, 4, null]) {
    const response = await fetch(PREFETCH_URL + path, { headers: { 'X-Api-Key': PREFETCH_API_KEY } });
    const answer = await response.json();
    if (response.status !== 429) return answer;
    refused += 1;
    if (seconds === null) break;
    await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
  return null;
}

let answered = 0;
for (let sent = 0; sent < count; sent += 1) {
  const answer = await fetchWithBackoff('/v1/prefetch');
  if (answer?.success) answered += 1;
}
console.log(`${answered} answered, ${count - answered} given up, ${refused} refused on the way`);
