// Calls that wait for their turn: for each key a queue, served in order of arrival.
//
// The first of a queue asks the limiter and sleeps as long as its refusal says; the others wait for
// it to leave. Where only permits are missing no wait is known: then the queue asks again whenever a
// permit of the limiter comes back on this thread, and, if other threads have the limiter too, every
// POLL_MS. INVARIANT: a queue is in the map if and only if it is not empty, and then it has an alarm,
// is among the blocked ones, or is served in a microtask to come.

const abortGroup = require('./abort-group.js');
const { Alarm } = require('./alarm.js');
const { describe, checkOptions } = require('./argument.js');
const { KeyHandle, isAlone, readKeys } = require('./key.js');

const POLL_MS = 10;

class WaitQueues {
  #limiter;
  #shape;
  #queues = new Map();
  #blocked = new Set();

  constructor(limiter, shape) {
    this.#limiter = limiter;
    this.#shape = shape;
    shape.onRelease = () => this.#askBlocked();
  }

  // The keys by which calls wait now.
  get size() {
    return this.#queues.size;
  }

  wait(key, options) {
    return new Promise((resolve, reject) => {
      const waiter = new Waiter(checkWait(options), resolve, reject);
      const { signal } = waiter.options;
      if (signal?.aborted) {
        reject(signal.reason);
        return;
      }
      const [keys, id] = this.#handles(key);
      waiter.keys = keys;
      let queue = this.#queues.get(id);
      if (queue === undefined) {
        if (this.#isAnswered(waiter, null)) {
          return;
        }
        queue = new Queue(id);
        this.#queues.set(id, queue);
      } else if (this.#isHopeless(waiter)) {
        this.#isAnswered(waiter, null);
        return;
      }
      queue.push(waiter);
      this.#limitWait(queue, waiter);
      if (queue.first === waiter) {
        this.#sleep(queue, waiter.refusal);
      }
    });
  }

  // The key as handles, which a caller cannot change while it waits, and what tells it from others.
  #handles(key) {
    if (key instanceof KeyHandle || isAlone(key)) {
      const handle = key instanceof KeyHandle ? key : this.#limiter.key(key);
      return [handle, handle.id];
    }
    const keys = Object.create(null);
    const ids = [];
    const { dimensions } = this.#shape;
    for (const [index, own] of readKeys(key, dimensions).entries()) {
      const dimension = dimensions[index];
      if (own !== undefined) {
        keys[dimension] = own instanceof KeyHandle ? own : this.#limiter.key(own);
        ids.push(`${dimension}=${keys[dimension].id}`);
      }
    }
    return [keys, ids.join(' ')];
  }

  // Ends a wait by its signal or its timeout.
  #limitWait(queue, waiter) {
    const { signal, timeoutMs } = waiter.options;
    if (signal !== undefined) {
      waiter.onAbort = () => {
        this.#leave(queue, waiter);
        waiter.reject(signal.reason);
      };
      abortGroup.join(signal, waiter.onAbort);
    }
    if (timeoutMs !== undefined) {
      waiter.deadline = new Alarm(timeoutMs, () => {
        this.#serveNext(queue);
        if (!waiter.hasLeft) {
          // What the first was refused with holds for all behind it.
          const { refusal } = queue.first;
          this.#leave(queue, waiter);
          waiter.resolve(refusal);
        }
      });
    }
  }

  #leave(queue, waiter) {
    const wasFirst = queue.first === waiter;
    waiter.stop();
    queue.remove(waiter);
    if (wasFirst) {
      queue.stop();
      this.#blocked.delete(queue);
      if (queue.first === null) {
        this.#queues.delete(queue.id);
      } else {
        // Once for all who leave now: a signal may end many waits of a queue.
        queueMicrotask(() => this.#serveNext(queue));
      }
    }
  }

  // Serves a queue whose first has left, unless that was done since.
  #serveNext(queue) {
    if (queue.alarm === null && queue.first !== null && !this.#blocked.has(queue)) {
      this.#serve(queue);
    }
  }

  // Asks for the first, and for those behind it, until one has to sleep.
  #serve(queue) {
    queue.stop();
    this.#blocked.delete(queue);
    while (queue.first !== null) {
      const waiter = queue.first;
      if (!this.#isAnswered(waiter, queue)) {
        this.#sleep(queue, waiter.refusal);
        return;
      }
    }
    this.#queues.delete(queue.id);
  }

  // Whether no wait helps a waiter, who need not stand behind others to hear it. Throws for one whose
  // cost or rules make no sense.
  #isHopeless({ keys, options }) {
    return this.#limiter.peek(keys, options.cost, options.callOptions).verdict === 'never';
  }

  // Asks the limiter for a waiter, who leaves the queue if that answers it.
  #isAnswered(waiter, queue) {
    let permit;
    try {
      permit = this.#limiter.hold(waiter.keys, waiter.options.cost, waiter.options.callOptions);
    } catch (error) {
      waiter.stop();
      queue?.remove(waiter);
      waiter.reject(error);
      return true;
    }
    const canPass = permit.retryAfterNs !== null || permit.verdict === 'deny';
    const isTooLate = permit.retryAfterNs !== null && permit.retryAfterMs > waiter.msLeft();
    if (permit.allowed || !canPass || isTooLate) {
      waiter.stop();
      queue?.remove(waiter);
      waiter.resolve(permit);
      return true;
    }
    waiter.refusal = permit;
    return false;
  }

  #sleep(queue, refusal) {
    const waitMs = refusal.retryAfterMs ?? (this.#shape.isShared ? POLL_MS : null);
    if (refusal.retryAfterMs === null) {
      this.#blocked.add(queue);
    }
    if (waitMs !== null) {
      queue.alarm = new Alarm(waitMs, () => this.#serve(queue));
    }
  }

  #askBlocked() {
    for (const queue of [...this.#blocked]) {
      this.#serve(queue);
    }
  }
}

// One waiting call, and its place in the queue.
class Waiter {
  keys = null;
  refusal = null;
  deadline = null;
  onAbort = null;
  hasLeft = false;
  previous = null;
  next = null;
  #endsAt;

  constructor(options, resolve, reject) {
    this.options = options;
    this.resolve = resolve;
    this.reject = reject;
    this.#endsAt = options.timeoutMs === undefined ? null : performance.now() + options.timeoutMs;
  }

  msLeft() {
    return this.#endsAt === null ? Infinity : this.#endsAt - performance.now();
  }

  // Leaves nothing behind that would call it.
  stop() {
    this.hasLeft = true;
    this.deadline?.stop();
    if (this.onAbort !== null) {
      abortGroup.leave(this.options.signal, this.onAbort);
      this.onAbort = null;
    }
  }
}

// A list of waiters that any of them can leave at once.
class Queue {
  first = null;
  last = null;
  alarm = null;

  constructor(id) {
    this.id = id;
  }

  stop() {
    this.alarm?.stop();
    this.alarm = null;
  }

  push(waiter) {
    waiter.previous = this.last;
    if (this.last === null) {
      this.first = waiter;
    } else {
      this.last.next = waiter;
    }
    this.last = waiter;
  }

  remove(waiter) {
    if (waiter.previous === null) {
      this.first = waiter.next;
    } else {
      waiter.previous.next = waiter.next;
    }
    if (waiter.next === null) {
      this.last = waiter.previous;
    } else {
      waiter.next.previous = waiter.previous;
    }
    waiter.previous = null;
    waiter.next = null;
  }
}

function checkWait(options) {
  const {
    cost = 1,
    rules,
    signal,
    timeoutMs,
  } = checkOptions('options', options, ['cost', 'rules', 'signal', 'timeoutMs']);
  if (signal !== undefined && !(signal instanceof AbortSignal)) {
    throw new TypeError(`options.signal: found ${describe(signal)}, accepted is an AbortSignal`);
  }
  if (timeoutMs !== undefined && !(typeof timeoutMs === 'number' && timeoutMs >= 0)) {
    throw new RangeError(`options.timeoutMs: found ${describe(timeoutMs)}, accepted are numbers from 0`);
  }
  return { cost, callOptions: rules === undefined ? undefined : { rules }, signal, timeoutMs };
}

module.exports = { WaitQueues };
