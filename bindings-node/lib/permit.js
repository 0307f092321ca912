// A permit: a decision that may hold concurrency permits until it is released.

const { Decision } = require('./decision.js');
const { words, OP, PERMIT, KEYS, KINDS, Op, KeyKind } = require('./words.js');

// Node before 18.18 has no Symbol.dispose; compilers that need it there define it first.
const dispose = Symbol.dispose ?? Symbol.for('nodejs.dispose');

class Permit extends Decision {
  #limiter;
  // The addon's number for what is held; 0 once it is given back, or if nothing was taken.
  #number;

  constructor(limiter) {
    super(limiter);
    this.#limiter = limiter;
    this.#number = words[PERMIT];
  }

  release() {
    const number = this.#number;
    if (number === 0) {
      return;
    }
    this.#number = 0;
    words[OP] = Op.GIVE_BACK;
    words[PERMIT] = number;
    words[KEYS] = 0;
    words[KINDS] = KeyKind.ABSENT;
    this.#limiter.call();
    this.#limiter.onRelease?.();
  }

  [dispose]() {
    this.release();
  }
}

module.exports = { Permit };
