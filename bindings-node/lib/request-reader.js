// Reads requests of Node's own `http` and writes what becomes of them: what the frameworks share.

const { checkOptions, describe } = require('./argument.js');
const { Guard, stageNumber } = require('./guard.js');
const { Outcome } = require('./outcome.js');

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
  #stage;
  #cost;
  #values;
  #limits;

  constructor(guard, options) {
    this.#guard = guardOf(guard);
    const { stage, cost, values, limits } = checkOptions('options', options, OPTIONS);
    this.#stage = stageNumber(stage);
    this.#cost = cost;
    this.#values = values;
    this.#limits = limits;
  }

  // `subject` is what the framework's users know as the request.
  read(subject, message, path) {
    return Guard.admitMessage(
      this.#guard,
      this.#stage,
      message,
      path,
      typeof this.#cost === 'function' ? this.#cost(subject) : this.#cost,
      typeof this.#values === 'function' ? this.#values(subject) : this.#values,
      typeof this.#limits === 'function' ? this.#limits(subject) : this.#limits,
    );
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
  Outcome.setFields(outcome, setHeader, response);
}

function setHeader(response, name, value) {
  response.setHeader(name, value);
}

// Answers a refused request. The body is a text, since Node sends that in one piece with the head.
function refuse(outcome, response) {
  const { body } = outcome;
  response.statusCode = outcome.status;
  setFields(outcome, response);
  response.setHeader('Content-Type', outcome.contentType);
  response.setHeader('Content-Length', Buffer.byteLength(body));
  response.end(body);
}

module.exports = { RequestReader, refuse, releaseAfter, setFields };
