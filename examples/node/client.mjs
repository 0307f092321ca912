// A client that paces itself, and is never refused: `node client.mjs`.

import { once } from 'node:events';
import { createServer } from 'node:http';
import { createFetch } from 'ratecell/fetch';
import { rateLimit } from 'ratecell/http';

// A service that takes 50 requests in any second.
const check = rateLimit({
  rules: [{ name: 'all', limit: 'sliding 50/s', by: 'ip' }],
  response: { headers: ['ratelimit', 'retry-after'] },
});
const server = createServer((request, response) => {
  if (check(request, response)) response.end('ok');
});
server.listen(0);
await once(server, 'listening');

const fetch = createFetch({ rules: 'sliding 50/s' });
const url = `http://127.0.0.1:${server.address().port}/`;
const responses = await Promise.all(Array.from({ length: 60 }, () => fetch(url)));
console.log(responses.filter(({ status }) => status === 200).length); // 60
server.close();
server.closeAllConnections();
