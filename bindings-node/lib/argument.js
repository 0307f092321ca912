// What is wrong with an argument, in one form: its name, what was found, what is accepted.

// A value in a few words, for a message.
function describe(value) {
  switch (typeof value) {
    case 'string':
      return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
    case 'bigint':
      return `${value}n`;
    case 'function':
      return 'a function';
    case 'symbol':
      return 'a symbol';
    case 'object':
      if (value === null) {
        return 'null';
      }
      return Array.isArray(value) ? 'an array' : `an object${kindOf(value)}`;
    default:
      return Object.is(value, -0) ? '-0' : String(value);
  }
}

// What an object is beside one with properties, such as ` (Promise)`.
function kindOf(object) {
  const kind = Object.prototype.toString.call(object).slice(8, -1);
  return kind === 'Object' ? '' : ` (${kind})`;
}

// Whether a value is an object that is meant for its own properties. Arrays, maps and promises that
// nobody has awaited have none to look for, so that reading them as such would find nothing.
function hasProperties(value) {
  if (typeof value !== 'object' || value === null) {
    return false;
  }
  const prototype = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null || kindOf(value) === '';
}

// Refuses options that do not exist, so that a misspelt one is not passed over.
function checkOptions(name, options, accepted) {
  if (options === undefined) {
    return {};
  }
  if (!hasProperties(options)) {
    throw new TypeError(`${name}: found ${describe(options)}, accepted is an object`);
  }
  for (const option of Object.keys(options)) {
    if (!accepted.includes(option)) {
      throw new TypeError(
        `${name}: found the option ${describe(option)}, accepted are ${accepted.join(', ')}`,
      );
    }
  }
  return options;
}

function wholeNumber(name, value, least, most) {
  if (typeof value !== 'number') {
    throw new TypeError(
      `${name}: found ${describe(value)}, accepted are whole numbers from ${least} to ${most}`,
    );
  }
  if (!Number.isInteger(value) || value < least || value > most) {
    throw new RangeError(
      `${name}: found ${describe(value)}, accepted are whole numbers from ${least} to ${most}`,
    );
  }
  return value;
}

// Runs a call of the addon whose errors say what is out of range, or, where a text cannot be read,
// that.
function rangeErrorOf(call) {
  try {
    return call();
  } catch (error) {
    switch (error?.code) {
      case 'InvalidArg':
        throw new SyntaxError(error.message);
      case 'GenericFailure':
        throw new RangeError(error.message);
      default:
        throw error;
    }
  }
}

module.exports = { describe, hasProperties, checkOptions, wholeNumber, rangeErrorOf };
