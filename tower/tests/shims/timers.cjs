// Node loads this before a script under test: its timers, and nobody else's, run on the test's clock.
const { TEST_CLOCK, TEST_NOW_MS } = process.env;
const script = process.argv[1];
const realSetTimeout = globalThis.setTimeout;
let nowMs = Number(TEST_NOW_MS);

// The second line of a stack that is made here is the caller's; fetch has timers of its own, which
// must stay real.
const isOfScript = () => new Error().stack.split('\n')[3]?.includes(script) ?? false;

globalThis.setTimeout = function setTimeout(callback, ms, ...rest) {
  if (!isOfScript()) return realSetTimeout(callback, ms, ...rest);
  fetch(`${TEST_CLOCK}/sleep/${ms / 1000}`)
    .then((response) => response.text())
    .then((text) => {
      nowMs = Number(text);
      callback(...rest);
    });
  return undefined;
};
Date.now = () => nowMs;
