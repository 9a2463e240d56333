import { createServer } from 'node:net';

// Below the range the kernel hands out by itself, so that no outgoing connection takes them.
const FIRST = 12000;
const LAST = 31000;

function isFree(port) {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
  });
}

// `count` different TCP ports nobody listens on.
export async function freePorts(count) {
  const ports = new Set();
  while (ports.size < count) {
    const port = FIRST + Math.floor(Math.random() * (LAST - FIRST));
    if (await isFree(port)) {
      ports.add(port);
    }
  }
  return [...ports];
}

// A block of UDP ports for media, far enough from the other blocks to meet them rarely.
export function mediaPorts(size) {
  const first = 40000 + 2 * Math.floor(Math.random() * 10000);
  return { first, last: first + size - 1 };
}
