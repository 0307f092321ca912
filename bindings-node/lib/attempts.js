// One request and its attempts: what it has waited, and whether it is tried again.

const { sleep } = require('./sleep.js');

const NS_PER_MS = 1_000_000n;
// Methods that may be sent again although nobody knows whether the first was carried out.
const IDEMPOTENT = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'TRACE'];

class Attempts {
  #lane;
  #retries;
  #now;
  #maxWaitNs;
  // In line and between attempts; not what attempts take on the network.
  #waitedNs = 0n;

  // `retries` are the core's, or null for none.
  constructor(lane, retries, now, maxWaitNs) {
    this.#lane = lane;
    this.#retries = retries;
    this.#now = now;
    this.#maxWaitNs = maxWaitNs;
  }

  // Waits for the turn of the next attempt, and gives its number.
  send(signal) {
    const deadlineNs = this.#now() + this.#maxWaitNs - this.#waitedNs;
    return this.#counted(this.#lane.send(signal, deadlineNs, () => this.#tooFar()));
  }

  answered(number, status, headers, body) {
    return this.#lane.answered(number, status, headers, body);
  }

  ended(number) {
    this.#lane.ended(number);
  }

  // How long to wait before a refused request is sent again; null to give up. A 429 says that nothing
  // was done. A 503 may come from something behind the server that has done half of it.
  waitNs(status, method, retryAfterNs) {
    const isTold = retryAfterNs !== null && retryAfterNs !== undefined;
    const mayRepeat = status === 429 || (isTold && IDEMPOTENT.includes(method.toUpperCase()));
    if (!mayRepeat || this.#retries === null) {
      return null;
    }
    const waitNs = this.#retries.waitNs(this.#now(), retryAfterNs ?? undefined) ?? null;
    return waitNs === null || this.#waitedNs + waitNs > this.#maxWaitNs ? null : waitNs;
  }

  sleep(waitNs, signal) {
    return this.#counted(sleep(waitNs, signal));
  }

  async #counted(waiting) {
    const startedNs = this.#now();
    const result = await waiting;
    const endedNs = this.#now();
    this.#waitedNs += endedNs > startedNs ? endedNs - startedNs : 0n;
    return result;
  }

  // The error that a request meets whose turn is too far away: what `AbortSignal.timeout` gives.
  #tooFar() {
    const mostMs = this.#maxWaitNs / NS_PER_MS;
    return new DOMException(
      `not sent: its turn is further away than options.maxWaitMs, ${mostMs} ms`,
      'TimeoutError',
    );
  }
}

module.exports = { Attempts };
