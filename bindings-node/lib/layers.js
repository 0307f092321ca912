// What a response carries of several layers that have decided about its request: a guard before and
// one after authentication, or that of a service around that of a route.
//
// Each writes the fields of all so far, so that what they say together is the last word. How they are
// put together is the contract's affair; here is only who they were.

const native = require('./addon.js');
const { Outcome } = require('./outcome.js');

// Where a response, or what stands for it, has the outcomes of its layers, the outermost first.
const OUTCOMES = Symbol('ratecell outcomes');

// Adds an outcome to those of `holder`, and gives all of them.
function addOutcome(outcome, holder) {
  const outcomes = holder[OUTCOMES];
  if (outcomes === undefined) {
    holder[OUTCOMES] = [outcome];
    return holder[OUTCOMES];
  }
  outcomes.push(outcome);
  return outcomes;
}

// Adds an outcome to those of `holder`, and gives each field that they make together to `set`, having
// given what earlier layers have written to `remove`. Both get `subject`. The fields of an outcome
// alone come as `setAlone` gives them.
function writeFields(outcome, holder, set, remove, subject, setAlone = Outcome.setFields) {
  const outcomes = addOutcome(outcome, holder);
  if (outcomes.length === 1) {
    setAlone(outcome, set, subject);
    return;
  }
  for (const earlier of outcomes.slice(0, -1)) {
    earlier.eachField((name) => remove(subject, name));
  }
  for (const [name, value] of mergedFields(outcomes)) {
    set(subject, name, value);
  }
}

// The fields of outcomes together, each a name and a value.
function mergedFields(outcomes) {
  const lists = outcomes.map((outcome) => {
    const list = [];
    outcome.eachField((name, value) => list.push(name, value));
    return list;
  });
  const merged = outcomes.length === 1 ? lists[0] : native.NativeGuard.mergedFields(lists);
  const pairs = [];
  for (let index = 0; index < merged.length; index += 2) {
    pairs.push([merged[index], merged[index + 1]]);
  }
  return pairs;
}

// The fields of all outcomes of `holder` as an object.
function headersOf(holder) {
  return Object.fromEntries(mergedFields(holder[OUTCOMES]));
}

module.exports = { addOutcome, writeFields, mergedFields, headersOf };
