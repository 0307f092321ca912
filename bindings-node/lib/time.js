// A clock of the caller's: what it is, and what it may say.

const { describe } = require('./argument.js');

const MAX_NOW_NS = 2n ** 63n - 1n;

// The clock of options; null for the system's.
function clockOf(clock) {
  if (clock !== undefined && typeof clock !== 'function') {
    throw new TypeError(
      `options.clock: found ${describe(clock)}, accepted is a function that gives nanoseconds`,
    );
  }
  return clock ?? null;
}

// What a clock says, in nanoseconds.
function readClock(clock) {
  const now = clock();
  const isTime =
    typeof now === 'bigint' ? now >= 0n && now <= MAX_NOW_NS : Number.isSafeInteger(now) && now >= 0;
  if (!isTime) {
    throw new RangeError(
      `clock: found ${describe(now)}, accepted are nanoseconds as a bigint from 0 to 2^63 - 1 ` +
        'or a whole number from 0 to 2^53 - 1',
    );
  }
  return BigInt(now);
}

module.exports = { clockOf, readClock };
