// Sets of header fields by name, each looked up in the addon once.

const native = require('./addon.js');
const { describe, rangeErrorOf } = require('./argument.js');

const known = new Map();
// Sets come from the source of a service, so there are few; a program that makes them up at run
// time is slower beyond this many, never larger.
const MOST_KNOWN = 64;

function headerStyle(style, options) {
  const names = typeof style === 'string' ? [style] : style;
  if (!Array.isArray(names) || !names.every((name) => typeof name === 'string')) {
    throw new TypeError(`style: found ${describe(style)}, accepted are a string and an array of strings`);
  }
  const reset = options?.reset ?? 'unix';
  if (reset !== 'unix' && reset !== 'seconds') {
    throw new RangeError(`reset: found ${describe(reset)}, accepted are 'unix' and 'seconds'`);
  }
  const text = `${reset} ${names.join(' ')}`;
  let bits = known.get(text);
  if (bits === undefined) {
    bits = rangeErrorOf(() => native.NativeLimiter.headerStyle(names, reset === 'seconds'));
    if (known.size >= MOST_KNOWN) {
      known.clear();
    }
    known.set(text, bits);
  }
  return bits;
}

module.exports = { headerStyle };
