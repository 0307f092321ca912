// The requests of one caller: they wait for their turn in order of arrival, at one pace.
//
// How long the first in line is to wait is said by the core's pacer; here are the line and its timers.

const { sleep } = require('./sleep.js');

class Lane {
  #pacer;
  #now;
  // The requests that wait, in order of arrival: what wakes each of them, while it sleeps.
  #line = new Set();

  constructor(pacer, now) {
    this.#pacer = pacer;
    this.#now = now;
  }

  // Waits until a request may be sent, and gives its number. One whose turn comes after `deadlineNs`
  // fails with what `tooFar` makes, as soon as that is known.
  async send(signal, deadlineNs, tooFar) {
    const sleeper = { wake: null };
    this.#line.add(sleeper);
    try {
      for (;;) {
        signal?.throwIfAborted();
        const now = this.#now();
        const waitNs = this.#first() === sleeper ? this.#pacer.waitNs(now) : null;
        if (waitNs === 0n) {
          return this.#pacer.sent(now);
        }
        const leftNs = deadlineNs - now;
        if (leftNs <= 0n || (waitNs !== null && waitNs > leftNs)) {
          throw tooFar();
        }
        await sleep(waitNs ?? leftNs, signal, sleeper);
      }
    } finally {
      this.#line.delete(sleeper);
      this.#wakeFirst();
    }
  }

  // What a response says; `headers` are name, value, name, value and so on. The request is in flight
  // until it is `ended`.
  answered(number, status, headers, body = new Uint8Array(0)) {
    const reading = this.#pacer.answered(number, this.#now(), status, headers, body);
    this.#wakeFirst();
    return reading;
  }

  // Takes note that a request is no longer in flight, whether or not it was answered.
  ended(number) {
    this.#pacer.ended(number);
    this.#wakeFirst();
  }

  // Whether it may be forgotten.
  isAtRest() {
    return this.#line.size === 0 && this.#pacer.isAtRest(this.#now());
  }

  #first() {
    return this.#line.values().next().value;
  }

  // Lets the first in line look again.
  #wakeFirst() {
    this.#first()?.wake?.();
  }
}

module.exports = { Lane };
