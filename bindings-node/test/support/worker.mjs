// Takes from a limiter that another thread has sent.

import { parentPort, workerData } from 'node:worker_threads';

import { Limiter } from '../../index.mjs';

const limiter = Limiter.from(workerData.token);
let admitted = 0;
for (let call = 0; call < workerData.calls; call += 1) {
  admitted += limiter.acquire('alice').allowed ? 1 : 0;
}
parentPort.postMessage(admitted);
