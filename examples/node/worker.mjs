// One limiter in four threads: `node worker.mjs`.

import { isMainThread, parentPort, Worker, workerData } from 'node:worker_threads';
import { Limiter } from 'ratecell';

if (isMainThread) {
  const limiter = new Limiter('fixed 1000/366d');
  const token = limiter.share();
  const admitted = await Promise.all(
    [1, 2, 3, 4].map(
      () =>
        new Promise((resolve, reject) => {
          const worker = new Worker(new URL(import.meta.url), { workerData: token });
          worker.once('message', resolve).once('error', reject);
        }),
    ),
  );
  console.log(admitted.reduce((sum, part) => sum + part)); // 1000
  limiter.reset('alice');
} else {
  const limiter = Limiter.from(workerData);
  let admitted = 0;
  for (let call = 0; call < 1000; call += 1) {
    admitted += limiter.acquire('alice').allowed ? 1 : 0;
  }
  parentPort.postMessage(admitted);
}
