// A timer that holds any span and keeps no process alive.

const timers = require('node:timers');

// What a timer holds; it fires at once for more.
const MOST_MS = 2 ** 31 - 1;

class Alarm {
  #timer = null;

  constructor(waitMs, ring) {
    this.#set(waitMs, ring);
  }

  stop() {
    if (this.#timer !== null) {
      timers.clearTimeout(this.#timer);
      this.#timer = null;
    }
  }

  #set(waitMs, ring) {
    const part = Math.min(waitMs, MOST_MS);
    this.#timer = timers.setTimeout(() => {
      this.#timer = null;
      if (waitMs > part) {
        this.#set(waitMs - part, ring);
      } else {
        ring();
      }
    }, part);
    this.#timer.unref?.();
  }
}

module.exports = { Alarm };
