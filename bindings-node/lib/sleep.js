// Sleeps that a signal ends, and whatever may wake them.

const timers = require('node:timers');

const abortGroup = require('./abort-group.js');

const MOST_TIMER_MS = 2 ** 31 - 1;
const NS_PER_MS = 1_000_000n;

// At least that long, rounded up to milliseconds, unless `sleeper` is woken; rejects when the signal
// is aborted.
function sleep(waitNs, signal, sleeper = {}) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) {
      reject(signal.reason);
      return;
    }
    let timer;
    const end = () => {
      timers.clearTimeout(timer);
      sleeper.wake = null;
      if (signal !== undefined) {
        abortGroup.leave(signal, abort);
      }
    };
    const abort = () => {
      end();
      reject(signal.reason);
    };
    sleeper.wake = () => {
      end();
      resolve();
    };
    const set = (leftMs) => {
      const part = Math.min(leftMs, MOST_TIMER_MS);
      timer = timers.setTimeout(() => {
        if (leftMs > part) {
          set(leftMs - part);
        } else {
          sleeper.wake();
        }
      }, part);
    };
    if (signal !== undefined) {
      abortGroup.join(signal, abort);
    }
    set(Number((waitNs + NS_PER_MS - 1n) / NS_PER_MS));
  });
}

module.exports = { sleep };
