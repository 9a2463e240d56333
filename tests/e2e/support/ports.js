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

const BLOCK = 200;
const BLOCKS = 4;

// Ranges of UDP ports for the media of one lab, side by side: "first-last".
export function mediaRanges() {
  const base = 40000 + BLOCK * BLOCKS * Math.floor(Math.random() * 25);
  return Array.from({ length: BLOCKS }, (_, i) => {
    const first = base + i * BLOCK;
    return `${first}-${first + BLOCK - 1}`;
  });
}
