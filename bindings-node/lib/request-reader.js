// Reads requests of Node's own `http` and writes what becomes of them: what the frameworks share.

const { checkOptions, describe } = require('./argument.js');
const { Guard, stageNumber } = require('./guard.js');
const { writeFields } = require('./layers.js');

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

// The path that Express has found a handler by: a router below another strips its own part from
// `url` and leaves it in `baseUrl`. What a service rewrites in `url` counts as rewritten, since
// it is what is served; `originalUrl` knows nothing of that.
function pathOf(request) {
  const { baseUrl } = request;
  return baseUrl === undefined ? (request.originalUrl ?? request.url) : baseUrl + request.url;
}

// Keeps what a pass holds until its response is sent or given up.
function releaseAfter(outcome, request, response) {
  if (!outcome.holdsPermits) {
    return;
  }
  const { socket } = request;
  // A client may have left before this; then its event has come already.
  if (response.closed || response.destroyed || socket?.destroyed) {
    outcome.release();
    return;
  }
  if (response.socket === socket || socket?.once === undefined) {
    response.once('close', () => outcome.release());
    return;
  }
  // It stands behind the response to a request that was sent before it over the same connection: if
  // that closes now, this one hears nothing of it.
  const behind = outcomesBehind(socket);
  behind.add(outcome);
  response.once('close', () => {
    behind.delete(outcome);
    outcome.release();
  });
}

const BEHIND = Symbol('ratecell outcomes behind others');

// What requests hold whose responses have not had their turn on a connection. One listener for all, as
// a client may send as many as it likes.
function outcomesBehind(socket) {
  if (socket[BEHIND] === undefined) {
    const behind = new Set();
    socket[BEHIND] = behind;
    socket.once('close', () => {
      for (const outcome of behind) {
        outcome.release();
      }
    });
  }
  return socket[BEHIND];
}

// Writes the fields of an outcome, together with those of layers further out.
function setFields(outcome, response) {
  writeFields(outcome, response, setHeader, removeHeader, response);
}

function removeHeader(response, name) {
  response.removeHeader(name);
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

module.exports = { RequestReader, pathOf, refuse, releaseAfter, setFields };
