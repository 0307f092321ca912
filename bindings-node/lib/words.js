// The words that JavaScript and the addon share: what a call asks, and what it is answered.
//
// The places are those of src/words.rs, which says what stands in each. One array serves every
// limiter of this thread: a call writes it, calls the addon and reads it, with nothing in between
// that could make another call. It must never leave this package: the addon keeps its address.

const native = require('./addon.js');

const LAYOUT = 2;

const OP = 0;
const COST = 1;
const NOW = 2;
const RULES = 4;
const PERMIT = 5;
const KEYS = 6;
const KINDS = 8;
const VALUES = 16;
const VALUE_LEN = 4;
const ALLOWED = 48;
const APPLIED = 49;
const ANSWER = 52;
const ANSWERS = 63;
const ANSWER_LEN = 11;

// A guard's call has its own meaning for some places.
const STAGE = OP;
const READ_ALL = RULES;
const SAME_PEER = KEYS + 1;
const GIVEN = KEYS;
const NAMES = 56;
const SHAPE = ALLOWED;
const HEAD_LEN = APPLIED;
const WAIT = 52;

const Op = { ACQUIRE: 0, PEEK: 1, HOLD: 2, RELEASE: 3, RESET: 4, HASH: 5, GIVE_BACK: 6 };
const KeyKind = { ABSENT: 0, ARGUMENT: 1, INTEGER: 2, HASH: 3 };

const [layout, length] = native.NativeLimiter.wordsLayout();
if (layout !== LAYOUT) {
  throw new Error(
    `the addon of ratecell has layout ${layout}, this package has ${LAYOUT}: ` +
      'they are of different versions, so install ratecell anew',
  );
}

const words = new Int32Array(length);

module.exports = {
  words,
  OP,
  COST,
  NOW,
  RULES,
  PERMIT,
  KEYS,
  KINDS,
  VALUES,
  VALUE_LEN,
  ALLOWED,
  APPLIED,
  ANSWER,
  ANSWERS,
  ANSWER_LEN,
  STAGE,
  READ_ALL,
  SAME_PEER,
  GIVEN,
  NAMES,
  SHAPE,
  HEAD_LEN,
  WAIT,
  Op,
  KeyKind,
};
