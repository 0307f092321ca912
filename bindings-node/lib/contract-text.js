// A contract written as an object, as the text of a contract file.
//
// The addon reads the text, so what is accepted is what a file may say, and nothing is known here
// of any value but its shape.

const { checkOptions, describe, hasProperties } = require('./argument.js');

// The file's word for each property.
const CONTRACT = ['name', 'rules', 'response', 'clients', 'requestId'];
const RULE = {
  name: 'name',
  limit: 'limit',
  by: 'by',
  methods: 'methods',
  paths: 'paths',
  except: 'except',
  stage: 'stage',
  absent: 'absent',
  message: 'message',
  show: 'show',
  enforce: 'enforce',
};
const RESPONSE = { headers: 'headers', reset: 'reset' };
const REFUSED = { status: 'status', contentType: 'content_type', body: 'body' };
const CLIENTS = { ipv6Prefix: 'ipv6_prefix' };
const REQUEST_ID = { header: 'header', prefix: 'prefix' };

function contractText(contract) {
  const {
    name = 'service',
    rules,
    response = {},
    clients,
    requestId,
  } = checkOptions('contract', contract, CONTRACT);
  if (!Array.isArray(rules)) {
    throw new TypeError(`contract.rules: found ${describe(rules)}, accepted is an array of rules`);
  }
  const lines = [`name = ${literal('contract.name', name)}`];
  // By number, which a list with holes has for each of them.
  for (let index = 0; index < rules.length; index += 1) {
    const rule = rules[index];
    const place = `contract.rules[${index}]`;
    checkObject(place, rule);
    lines.push('[[rule]]', ...entries(place, rule, RULE, ['refused']));
    lines.push(...refused('rule.refused', `${place}.refused`, rule.refused));
  }
  lines.push('[response]', ...entries('contract.response', response, RESPONSE, ['always', 'refused']));
  lines.push(...fields('response.always', 'contract.response.always', response.always));
  lines.push(...refused('response.refused', 'contract.response.refused', response.refused));
  if (clients !== undefined) {
    lines.push('[clients]', ...entries('contract.clients', clients, CLIENTS));
  }
  if (requestId !== undefined) {
    lines.push('[request_id]', ...entries('contract.requestId', requestId, REQUEST_ID));
  }
  return `${lines.join('\n')}\n`;
}

// The table of what refusals say, and that of their header fields.
function refused(table, place, object) {
  if (object === undefined) {
    return [];
  }
  const own = entries(place, object, REFUSED, ['headers']);
  return [`[${table}]`, ...own, ...fields(`${table}.headers`, `${place}.headers`, object.headers)];
}

// A table of header fields.
function fields(table, place, object) {
  if (object === undefined) {
    return [];
  }
  checkObject(place, object);
  const entry = ([name, value]) => `${JSON.stringify(name)} = ${literal(`${place}.${name}`, value)}`;
  return [`[${table}]`, ...Object.entries(object).map(entry)];
}

function checkObject(place, value) {
  if (!hasProperties(value)) {
    throw new TypeError(`${place}: found ${describe(value)}, accepted is an object`);
  }
}

function entries(place, object, words, others = []) {
  checkOptions(place, object, [...Object.keys(words), ...others]);
  const given = Object.entries(words).filter(([property]) => object[property] !== undefined);
  return given.map(([property, word]) => `${word} = ${literal(`${place}.${property}`, object[property])}`);
}

// JSON's strings, numbers, booleans and arrays are also those of a contract file, but for one
// character that only JSON lets stand as it is.
function literal(place, value) {
  const list = Array.isArray(value) ? value : [value];
  for (const one of list) {
    if (!['string', 'boolean'].includes(typeof one) && !Number.isSafeInteger(one)) {
      throw new TypeError(
        `${place}: found ${describe(one)}, accepted are a string, a boolean, a whole number and an array of those`,
      );
    }
  }
  return JSON.stringify(value).replaceAll('\x7f', '\\u007f');
}

module.exports = { contractText };
