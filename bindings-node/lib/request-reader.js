// Reads requests of Node's own `http` and writes what becomes of them: what the frameworks share.

const { checkOptions, describe } = require('./argument.js');
const { Guard } = require('./guard.js');

const OPTIONS = ['stage', 'cost', 'values', 'limits'];

// A guard, made of a contract where there is none yet.
function guardOf(guard) {
  if (guard instanceof Guard) {
    return guard;
  }
  if (typeof guard === 'string' || (typeof guard === 'object' && guard !== null)) {
    return new Guard(guard);
  }
  throw new TypeError(
    `guard: found ${describe(guard)}, accepted are a Guard, a contract and the text of one`,
  );
}

// Decides about requests of one guard. Options that are functions are asked of each request.
class RequestReader {
  #guard;
  #options;

  constructor(guard, options) {
    this.#guard = guardOf(guard);
    this.#options = checkOptions('options', options, OPTIONS);
  }

  // `subject` is what the framework's users know as the request.
  read(subject, message, path) {
    const { stage, cost, values, limits } = this.#options;
    return this.#guard.admitRaw({
      stage,
      method: message.method,
      path,
      peer: message.socket?.remoteAddress ?? '',
      cost: typeof cost === 'function' ? cost(subject) : cost,
      rawHeaders: message.rawHeaders,
      values: typeof values === 'function' ? values(subject) : values,
      limits: typeof limits === 'function' ? limits(subject) : limits,
    });
  }
}

// Keeps what a pass holds until its response is sent or given up.
function releaseAfter(outcome, response) {
  if (!outcome.holdsPermits) {
    return;
  }
  // A client may have left before this; then its event has come already.
  if (response.closed || response.destroyed || response.socket?.destroyed) {
    outcome.release();
  } else {
    response.once('close', () => outcome.release());
  }
}

function setFields(outcome, response) {
  outcome.eachField((name, value) => response.setHeader(name, value));
}

// Answers a refused request.
function refuse(outcome, response) {
  const body = Buffer.from(outcome.body, 'utf8');
  response.statusCode = outcome.status;
  setFields(outcome, response);
  response.setHeader('Content-Type', outcome.contentType);
  response.setHeader('Content-Length', body.length);
  response.end(body);
}

module.exports = { RequestReader, refuse, releaseAfter, setFields };
