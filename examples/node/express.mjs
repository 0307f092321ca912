// An Express service that is held to a contract file: `node express.mjs`.

import { once } from 'node:events';
import express from 'express';
import { Guard } from 'ratecell';
import { rateLimit } from 'ratecell/express';

const guard = Guard.load(new URL('../../contracts/prolifi.toml', import.meta.url));
const app = express();
app.use(rateLimit(guard));
app.get('/v1/items', (_request, response) => response.json([]));

const server = app.listen(0);
await once(server, 'listening');
const response = await fetch(`http://127.0.0.1:${server.address().port}/v1/items`, {
  headers: { authorization: 'Bearer alice' },
});
console.log(response.status, response.headers.get('x-ratelimit-remaining')); // 200 999
server.close();
server.closeAllConnections();
